"""Forms of a till session: opening, the blind count, acceptance, cash movements, deposits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from sales.forms.shifts import PIN, named
from sales.models import CashMovement, Tender
from sales.queries.cash import Holding
from sales.queries.sessions import FACES, TenderDue
from sales.services.sessions import SlipCount
from station.forms.controls import YuanInput
from station.forms.layout import laid
from station.models import Till, User
from station.money import ZERO


class OpenSessionForm(forms.Form):
    """Open a till: which, whose, with what float; the cashier signs with his PIN."""

    till = forms.ChoiceField(label="收银台")
    cashier = forms.ChoiceField(label="收银员")
    float_amount = YuanInput(label="备用金(元)", min_value=0)
    secret = forms.CharField(
        label="收银员口令", max_length=128, strip=False, widget=forms.PasswordInput(attrs=PIN)
    )

    def __init__(
        self, *args: Any, tills: Sequence[Till], cashiers: Sequence[User], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.fields["till"].choices = [(str(one.pk), str(one)) for one in tills]  # type: ignore[attr-defined]
        self.fields["cashier"].choices = named(cashiers)  # type: ignore[attr-defined]
        self.helper = laid("till", "cashier", "float_amount", "secret")


class CountForm(forms.Form):
    """盲点: notes and coins by face value, and what the slips of other tenders add up to."""

    def __init__(self, *args: Any, tenders: Sequence[Tender], **options: Any) -> None:
        super().__init__(*args, **options)
        # Cash is counted by its faces; stored value is in no drawer.
        uncounted = (Tender.Kind.CASH, Tender.Kind.VALUE)
        self.tenders = [one for one in tenders if one.kind not in uncounted]
        for face, label in FACES:
            self.fields[_face(face)] = forms.IntegerField(
                label=label,
                min_value=0,
                max_value=99999,
                required=False,
                widget=forms.TextInput(
                    attrs={
                        "inputmode": "numeric",
                        "autocomplete": "off",
                        "data-face": face,
                        "placeholder": "0",
                    }
                ),
            )
        for tender in self.tenders:
            self.fields[f"amount_{tender.code}"] = YuanInput(
                label=f"{tender.name}合计(元)", min_value=0, required=False
            )
            self.fields[f"slips_{tender.code}"] = forms.IntegerField(
                label=f"{tender.name}张数",
                min_value=0,
                max_value=99999,
                required=False,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
            )

    @property
    def faces(self) -> list[forms.BoundField]:
        return [self[_face(face)] for face, _ in FACES]

    @property
    def others(self) -> list[tuple[Tender, forms.BoundField, forms.BoundField]]:
        return [
            (one, self[f"amount_{one.code}"], self[f"slips_{one.code}"]) for one in self.tenders
        ]

    @property
    def denominations(self) -> dict[str, int]:
        return {face: self.cleaned_data.get(_face(face)) or 0 for face, _ in FACES}

    @property
    def slips(self) -> dict[str, SlipCount]:
        """What was typed; a tender left empty was not counted and counts as nothing."""
        found = {}
        for one in self.tenders:
            amount: Decimal | None = self.cleaned_data.get(f"amount_{one.code}")
            number: int | None = self.cleaned_data.get(f"slips_{one.code}")
            if amount is not None or number is not None:
                found[one.code] = SlipCount(amount or ZERO, number or 0)
        return found


def _face(face: str) -> str:
    return f"n_{face.replace('.', '_')}"


class RecountForm(CountForm):
    """Counting again: somebody else stands by it."""

    approver = forms.ChoiceField(label="批准重新点款的人")
    approver_secret = forms.CharField(
        label="批准人口令", max_length=128, strip=False, widget=forms.PasswordInput(attrs=PIN)
    )

    def __init__(self, *args: Any, approvers: Sequence[User], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["approver"].choices = named(approvers)  # type: ignore[attr-defined]


class AcceptForm(forms.Form):
    """Acceptance: reasons over the limit, the approver, the receiver's PIN."""

    deposit_slip = forms.CharField(
        label="缴款单号", max_length=40, required=False, help_text="已直接存行时填写"
    )
    receiver = forms.ChoiceField(label="接收人")
    receiver_secret = forms.CharField(
        label="接收人口令", max_length=128, strip=False, widget=forms.PasswordInput(attrs=PIN)
    )
    approver = forms.ChoiceField(label="审批人（长短款超限）")
    approver_secret = forms.CharField(
        label="审批人口令", max_length=128, strip=False, widget=forms.PasswordInput(attrs=PIN)
    )

    def __init__(
        self,
        *args: Any,
        dues: Sequence[TenderDue],
        over_limit: Sequence[TenderDue],
        receivers: Sequence[User],
        approvers: Sequence[User],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.dues = dues
        must = {due.tender.code for due in over_limit}
        self.fields["receiver"].choices = named(receivers)  # type: ignore[attr-defined]
        self.fields["approver"].choices = named(approvers)  # type: ignore[attr-defined]
        if not must:
            del self.fields["approver"], self.fields["approver_secret"]
        for due in dues:
            if due.difference:
                code = due.tender.code
                self.fields[f"reason_{code}"] = forms.CharField(
                    label=f"{due.tender}差异原因", max_length=200, required=code in must
                )
        self.order_fields(sorted(self.fields, key=lambda name: not name.startswith("reason_")))
        self.helper = laid(*self.fields)

    @property
    def reasons(self) -> dict[str, str]:
        return {
            due.tender.code: str(self.cleaned_data.get(f"reason_{due.tender.code}") or "")
            for due in self.dues
        }


class CashForm(forms.Form):
    """中途缴款 and 零星收支."""

    kind = forms.ChoiceField(label="类别", choices=CashMovement.Kind.choices)
    amount = YuanInput(label="金额(元)", min_value=Decimal("0.01"))
    reason = forms.CharField(label="原因", max_length=200, required=False, help_text="零星收支必填")
    witness = forms.ChoiceField(label="见证人", required=False, help_text="零星收支必选")
    witness_secret = forms.CharField(
        label="见证人口令",
        max_length=128,
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs=PIN),
    )

    def __init__(self, *args: Any, witnesses: Sequence[User], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["witness"].choices = [("", "无"), *named(witnesses)]  # type: ignore[attr-defined]
        self.helper = laid("kind", "amount", "reason", "witness", "witness_secret")


class DepositForm(forms.Form):
    """存行: which takings and drops, to which bank, under which slip."""

    chosen = forms.MultipleChoiceField(
        label="存行款项",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "请勾选要存行的款项。"},
    )
    amount = YuanInput(label="回单金额(元)", min_value=Decimal("0.01"))
    bank = forms.CharField(label="银行", max_length=40)
    slip_no = forms.CharField(label="缴款单号", max_length=40)

    def __init__(self, *args: Any, holdings: Sequence[Holding], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["chosen"].choices = [  # type: ignore[attr-defined]
            (key_of(one), f"{one.holder}：{one.what} {one.amount} 元") for one in holdings
        ]
        self.helper = laid("chosen", "amount", "bank", "slip_no")


def key_of(holding: Holding) -> str:
    """A heap of cash as a form names it: s12 a session's takings, d7 a safe drop."""
    if holding.session is not None:
        return f"s{holding.session.pk}"
    return f"d{holding.drop.pk if holding.drop else 0}"
