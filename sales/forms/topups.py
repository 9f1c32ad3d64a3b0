"""充值 and 储值退款 as they are typed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from members.models import TopUpPlan
from sales.forms.till import YuanInput
from sales.models import Tender, TopUp
from station.forms.controls import DayField
from station.forms.layout import laid
from station.models import TillSession


class TopUpForm(forms.Form):
    """Who tops up how much, and how it is paid."""

    key = forms.CharField(label="键", max_length=60)
    member = forms.IntegerField(label="会员", required=False, min_value=1, max_value=2**63 - 1)
    card = forms.CharField(label="卡号", required=False, max_length=40)
    plan = forms.ModelChoiceField(
        label="档位", queryset=TopUpPlan.objects.filter(active=True), required=False
    )
    amount = YuanInput("充值金额")
    tender = forms.ModelChoiceField(
        label="付款方式",
        queryset=Tender.objects.filter(active=True).exclude(kind=Tender.Kind.VALUE),
        to_field_name="code",
    )
    reference = forms.CharField(label="凭证号", max_length=60, required=False)
    buyer = forms.CharField(label="购卡人会员号", max_length=20, required=False)


class TopUpRefundForm(forms.Form):
    """How much principal is given up, from whose drawer, and the slip of the money that goes back."""

    helper = laid("amount", "session", "reference", "reason")
    amount = YuanInput("退本金(元)")
    session = forms.ModelChoiceField(
        label="从哪个收银班退", queryset=TillSession.objects.none(), empty_label=None
    )
    reference = forms.CharField(
        label="退款凭证号",
        max_length=60,
        required=False,
        help_text="原来刷卡的填退款小票的流水号。",
    )
    reason = forms.CharField(label="原因", max_length=200)

    def __init__(self, *args: Any, sessions: QuerySet[TillSession], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["session"].queryset = sessions  # type: ignore[attr-defined]


class TopUpFilter(forms.Form):
    """What of the top-ups to show."""

    since = DayField(label="营业日自", required=False)
    until = DayField(label="至", required=False)
    kind = forms.ChoiceField(
        label="类别", required=False, choices=[("", "全部"), *TopUp.Kind.choices]
    )
    text = forms.CharField(label="单号或账号", required=False, max_length=40)
