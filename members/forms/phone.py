"""Forms of the member's phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from members.models import NoticeChoice
from members.queries.notices import Chosen
from station.forms.controls import DayField
from station.forms.layout import laid
from station.models import Grade

OFF = {"autocomplete": "off"}


class PhoneForm(forms.Form):
    """Which phone the code goes to."""

    helper = laid("phone")
    phone = forms.CharField(
        label="手机号",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )


class CodeForm(forms.Form):
    """The six digits of the text message; the ticket says which."""

    helper = laid("code")
    ticket = forms.CharField(max_length=400, widget=forms.HiddenInput)
    code = forms.CharField(
        label="验证码",
        max_length=12,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
        help_text="六位数字，五分钟内有效。",
    )


class JoinForm(forms.Form):
    """Joining by one's own hand."""

    helper = laid("name", "born", "plate", "policy", "consent")
    ticket = forms.CharField(max_length=400, widget=forms.HiddenInput)
    name = forms.CharField(
        label="姓名", max_length=40, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    born = DayField(label="出生日期", help_text="核对年龄和送生日优惠，加密保存。")
    plate = forms.CharField(
        label="车牌",
        max_length=12,
        required=False,
        widget=forms.TextInput(attrs=OFF),
        help_text="可以以后再加。",
    )
    policy = forms.BooleanField(label="我已阅读并同意隐私政策", required=False)
    consent = forms.BooleanField(label="愿意接收优惠短信（随时可以取消）", required=False)


class ProfileForm(forms.Form):
    """One's own data, typed anew where it is wrong."""

    helper = laid("name", "birthday", "preferences")
    name = forms.CharField(
        label="姓名", max_length=40, required=False, widget=forms.TextInput(attrs=OFF)
    )
    birthday = DayField(label="生日", required=False)
    preferences = forms.CharField(
        label="偏好",
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs=OFF),
        help_text="例如：常加 95#，喜欢洗车券。留空的项不改。",
    )


class OwnVehicleForm(forms.Form):
    """One's own car."""

    helper = laid("plate", "model", "grade")
    plate = forms.CharField(label="车牌", max_length=12, widget=forms.TextInput(attrs=OFF))
    model = forms.CharField(
        label="车型", max_length=40, required=False, widget=forms.TextInput(attrs=OFF)
    )
    grade = forms.ModelChoiceField(
        label="常加的油", queryset=Grade.objects.none(), required=False, empty_label="（不指定）"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        grades = Grade.objects.filter(active=True).order_by("position", "code")
        self.fields["grade"].queryset = grades  # type: ignore[attr-defined]


class ChoicesForm(forms.Form):
    """How each kind of message is wanted."""

    def __init__(self, *args: Any, rows: Sequence[Chosen], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid(*(one.kind for one in rows))
        for one in rows:
            self.fields[one.kind] = forms.ChoiceField(
                label=one.title, choices=NoticeChoice.Way.choices, initial=one.way
            )
