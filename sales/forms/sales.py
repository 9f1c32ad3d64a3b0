"""Filters of the sale list, and what is typed to give money back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from sales.forms.shifts import PIN, named
from sales.models import Discrepancy, Sale, Tender
from sales.queries.refundable import LineLeft
from sales.services.refunds import RefundLine
from station.forms.controls import DayField
from station.models import Grade, TillSession, User
from station.money import FEN, MILLILITRE

ALL = ("", "全部")


class SalesFilter(forms.Form):
    """What sales to show."""

    since = DayField(label="营业日自", required=False)
    until = DayField(label="至", required=False)
    kind = forms.ChoiceField(label="类别", required=False, choices=[ALL, *Sale.Kind.choices])
    source = forms.ChoiceField(label="来源", required=False, choices=[ALL, *Sale.Source.choices])
    tender = forms.ChoiceField(label="付款方式", required=False)
    grade = forms.ChoiceField(label="油品", required=False)
    text = forms.CharField(label="单号", required=False, max_length=40)
    shift = forms.IntegerField(required=False, widget=forms.HiddenInput)
    session = forms.IntegerField(required=False, widget=forms.HiddenInput)
    cashier = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tenders = Tender.objects.order_by("position").values_list("code", "name")
        grades = Grade.objects.filter(active=True).order_by("position", "code")
        self.fields["tender"].choices = [ALL, *tenders]  # type: ignore[attr-defined]
        self.fields["grade"].choices = [  # type: ignore[attr-defined]
            ALL,
            *((one.code, one.code) for one in grades),
        ]


class DiscrepancyFilter(forms.Form):
    """What of 待处理 to show."""

    status = forms.ChoiceField(
        label="状态", required=False, choices=[ALL, *Discrepancy.Status.choices], initial="OPEN"
    )
    kind = forms.ChoiceField(label="类别", required=False, choices=[ALL, *Discrepancy.Kind.choices])


class WorkOffForm(forms.Form):
    """How a discrepancy was worked off."""

    resolution = forms.CharField(
        label="处理结果", max_length=200, help_text="写明怎么处理的、钱在哪里、谁负责。"
    )
    accepted = forms.BooleanField(label="认可为既成事实（不再更正）", required=False)


class MoneyBackForm(forms.Form):
    """Whose drawer pays, why, and the slip numbers of tenders that need one."""

    session = forms.ModelChoiceField(
        label="由哪个收银班退款", queryset=TillSession.objects.none(), empty_label=None
    )
    reason = forms.CharField(label="原因", max_length=200)

    def __init__(
        self,
        *args: Any,
        sessions: Iterable[TillSession],
        tenders: Sequence[Tender],
        lines: Sequence[LineLeft] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.lines = lines
        self.slips = [one for one in tenders if one.needs_reference]
        known = TillSession.objects.filter(pk__in=[one.pk for one in sessions])
        self.fields["session"].queryset = known.select_related(  # type: ignore[attr-defined]
            "till", "cashier"
        )
        for one in self.slips:
            self.fields[f"slip_{one.code}"] = forms.CharField(
                label=f"{one.name} 退款凭证号", max_length=60, required=False
            )

    def references(self) -> dict[str, str]:
        """The slip numbers by tender."""
        return {one.code: self.cleaned_data[f"slip_{one.code}"] for one in self.slips}

    def refund_lines(self) -> list[RefundLine]:
        """What was typed beside each line: a quantity of goods, or an amount."""
        return [
            RefundLine(
                one.line.position,
                quantity=self._figure(f"quantity_{one.line.position}", MILLILITRE),
                amount=self._figure(f"amount_{one.line.position}", FEN),
            )
            for one in self.lines
        ]

    def _figure(self, name: str, places: Decimal) -> Decimal:
        text = str(self.data.get(name, "")).strip()
        if not text:
            return Decimal(0)
        try:
            figure = Decimal(text)
            if figure != figure.quantize(places):
                raise InvalidOperation
        except InvalidOperation:
            raise forms.ValidationError(f"“{text}”不是数量或金额，请改正。") from None
        return figure


class AskedBackForm(MoneyBackForm):
    """The same typed by a cashier who may only ask: a second person signs it on her screen."""

    approver = forms.ChoiceField(label="审批人")
    approver_secret = forms.CharField(
        label="审批人口令", max_length=128, strip=False, widget=forms.PasswordInput(attrs=PIN)
    )

    def __init__(self, *args: Any, approvers: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["approver"].choices = named(approvers)  # type: ignore[attr-defined]
        # Who signs comes last, after all that is signed.
        last = ("approver", "approver_secret")
        self.order_fields([*(name for name in self.fields if name not in last), *last])
