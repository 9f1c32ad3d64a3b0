"""储值: what the lists are narrowed by, and what is typed on an account's page."""

from __future__ import annotations

from django import forms

from members.models import TopUpPlan, ValueAccount
from station.forms.controls import DayField

OFF = {"autocomplete": "off"}


class ValueFilter(forms.Form):
    """What of the accounts to show."""

    text = forms.CharField(label="账号、卡号或会员号", required=False, max_length=30)
    kind = forms.ChoiceField(
        label="类别", required=False, choices=[("", "全部"), *ValueAccount.Kind.choices]
    )
    status = forms.ChoiceField(
        label="状态", required=False, choices=[("", "全部"), *ValueAccount.Status.choices]
    )
    life = forms.ChoiceField(
        label="有效期",
        required=False,
        choices=[("", "全部"), ("soon", "快到期或已过期，有余额"), ("over", "已过期，有余额")],
    )


class WhyForm(forms.Form):
    """Why an account is stopped or let go again."""

    reason = forms.CharField(label="原因", max_length=200, widget=forms.TextInput(attrs=OFF))


class ReissueForm(forms.Form):
    """The number on the new card; a named account gets one where nothing is typed."""

    card = forms.CharField(
        label="新卡号", max_length=30, required=False, widget=forms.TextInput(attrs=OFF)
    )


class PinForm(forms.Form):
    """The customer's own PIN, typed twice."""

    pin = forms.CharField(
        label="新支付密码", max_length=6, widget=forms.PasswordInput(attrs={"inputmode": "numeric"})
    )
    again = forms.CharField(
        label="再输一次", max_length=6, widget=forms.PasswordInput(attrs={"inputmode": "numeric"})
    )

    def clean(self) -> dict[str, str]:
        """Both must be the same."""
        data = self.cleaned_data
        if data.get("pin") != data.get("again"):
            raise forms.ValidationError("两次输入的密码不一样，请重输。")
        return data


class PlanForm(forms.Form):
    """One plan: pay this, get that on top."""

    name = forms.CharField(
        label="名称", max_length=40, help_text="如 充1000送50，顾客和收银员都看得到"
    )
    amount = forms.DecimalField(label="充值金额(元)", min_value=1, max_digits=9, decimal_places=2)
    bonus = forms.DecimalField(
        label="赠送金额(元)", min_value=0, max_digits=9, decimal_places=2, initial=0
    )
    audience = forms.ChoiceField(label="适用", choices=TopUpPlan.Audience.choices)
    since = DayField(label="开始")
    until = DayField(label="结束", required=False, help_text="不填一直有效；改动只管以后的充值")
    position = forms.IntegerField(label="排序", min_value=0, max_value=99, initial=0)
    active = forms.BooleanField(label="在用", required=False, initial=True)
