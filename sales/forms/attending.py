"""What an attendant types on his phone."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from sales.forms.shifts import PIN
from sales.forms.till import YuanInput
from sales.models import Tender
from station.forms.controls import YuanInput as YuanBox
from station.forms.layout import laid
from station.models import Till


class BillForm(forms.Form):
    """What is on a fill: member, coupons, points; `find` and `code` are what was typed just now."""

    member = forms.CharField(required=False, max_length=300)  # sealed: sales.queries.attending
    find = forms.CharField(label="会员", required=False, max_length=60)
    code = forms.CharField(label="券码", required=False, max_length=40)
    with_points = forms.BooleanField(required=False)
    codes = forms.CharField(required=False, max_length=400)
    without = forms.CharField(required=False, max_length=400)

    @property
    def read_codes(self) -> tuple[str, ...]:
        """Codes of bearer coupons that were read before."""
        return tuple(one for one in self.cleaned_data["codes"].split(",") if one)[:10]

    @property
    def left_out(self) -> tuple[int, ...]:
        """Coupons that the attendant took off."""
        told = self.cleaned_data["without"].split(",")
        return tuple(int(one) for one in told if one.isascii() and one.isdigit() and len(one) < 18)


class PayForm(forms.Form):
    """How it is paid, and what the phone showed as due."""

    due = YuanInput("应收", min_value=Decimal(0))
    tender = forms.ModelChoiceField(
        label="付款方式", queryset=Tender.objects.filter(active=True), to_field_name="code"
    )
    given = YuanInput("实收现金", required=False)
    reference = forms.CharField(label="凭证号", required=False, max_length=60)
    pay_code = forms.CharField(label="储值付款码", required=False, max_length=60)
    pin = forms.CharField(label="支付密码", required=False, max_length=20, strip=False)


class OpenForm(forms.Form):
    """His own session: which till's drawer is his bag, with what float; signed with his PIN."""

    till = forms.ChoiceField(label="收银台", help_text="手机各用一个收银台号，例如“手机 1”。")
    float_amount = YuanBox(label="备用金(元)", min_value=0)
    secret = forms.CharField(
        label="自己的口令", max_length=128, strip=False, widget=forms.PasswordInput(attrs=PIN)
    )

    def __init__(self, *args: Any, tills: Sequence[Till], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["till"].choices = [(str(one.pk), str(one)) for one in tills]  # type: ignore[attr-defined]
        self.helper = laid("till", "float_amount", "secret")


class CodeForm(forms.Form):
    """A code to be verified."""

    code = forms.CharField(label="核销码或券码", max_length=40)
