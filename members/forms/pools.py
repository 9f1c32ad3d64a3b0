"""Forms of pools of points, for the head's phone and for the office."""

from __future__ import annotations

from typing import Any

from django import forms

from members.models import Company, Pool, Vehicle
from members.services.pools import MOST_CAP, Terms
from station.forms.controls import DayField
from station.forms.layout import laid
from station.queries.masking import mask_plate
from station.services.sealing import unseal

OFF = {"autocomplete": "off"}
NUMERIC = {"inputmode": "numeric"}


class ShareForm(forms.Form):
    """How much of what one earns goes to the pool."""

    helper = laid("share_pct")
    share_pct = forms.IntegerField(
        label="我的积分入池比例(%)",
        min_value=0,
        max_value=100,
        initial=100,
        help_text="以后得的积分按这个比例进家庭积分，零头归自己；已有的积分不动。",
    )


class TermsForm(forms.Form):
    """A member's terms in a pool."""

    helper = laid("share_pct", "can_spend", "cap_month")
    share_pct = forms.IntegerField(label="入池比例(%)", min_value=0, max_value=100, initial=100)
    can_spend = forms.BooleanField(label="可以用池里的积分", required=False, initial=True)
    cap_month = forms.IntegerField(
        label="每月最多用(分)",
        min_value=0,
        max_value=MOST_CAP,
        required=False,
        help_text="留空不限。",
    )

    def terms(self) -> Terms:
        """What was typed."""
        typed = self.cleaned_data
        return Terms(typed["share_pct"], typed["can_spend"], typed["cap_month"])


class InviteForm(TermsForm):
    """Whom to ask in, on which terms."""

    helper = laid("whom", "share_pct", "can_spend", "cap_month")
    whom = forms.CharField(
        label="家人的手机号或会员号", max_length=20, widget=forms.TextInput(attrs=OFF)
    )
    field_order = ["whom", "share_pct", "can_spend", "cap_month"]


class DriverForm(TermsForm):
    """A driver with the company's plate that he drives."""

    helper = laid("whom", "vehicle", "share_pct", "can_spend", "cap_month")
    whom = forms.CharField(
        label="司机的手机号或会员号", max_length=20, widget=forms.TextInput(attrs=OFF)
    )
    vehicle = forms.ModelChoiceField(
        label="车牌", queryset=Vehicle.objects.none(), empty_label="请选车牌"
    )
    field_order = ["whom", "vehicle", "share_pct", "can_spend", "cap_month"]

    def __init__(self, *args: Any, company: Company | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if company is None:
            return
        rows = Vehicle.objects.filter(company=company, active=True).order_by("pk")
        field = self.fields["vehicle"]
        field.queryset = rows  # type: ignore[attr-defined]
        key = company.key
        field.label_from_instance = lambda row: mask_plate(  # type: ignore[attr-defined]
            unseal(key, row.plate_sealed)
        )


class FoundForm(forms.Form):
    """The head who stands at the counter."""

    helper = laid("whom", "share_pct")
    whom = forms.CharField(
        label="户主的手机号或会员号", max_length=20, widget=forms.TextInput(attrs=OFF)
    )
    share_pct = forms.IntegerField(
        label="户主的积分入池比例(%)", min_value=0, max_value=100, initial=100
    )


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label="原因", max_length=200, required=False)


class PoolFilter(forms.Form):
    """Which pools."""

    text = forms.CharField(label="编号、会员号或单位", required=False, max_length=40)
    kind = forms.ChoiceField(
        label="类别", required=False, choices=[("", "全部"), *Pool.Kind.choices]
    )
    state = forms.ChoiceField(
        label="状态", required=False, choices=[("", "全部"), ("open", "在用"), ("closed", "已解散")]
    )


class SpanForm(forms.Form):
    """Which days of a pool."""

    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)
