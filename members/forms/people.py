"""Forms of members and companies. What is empty in a change leaves what is there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from members.models import Member
from station.forms.controls import DayField
from station.forms.layout import laid
from station.models import Grade

OFF = {"autocomplete": "off"}


def grades_in_use() -> QuerySet[Grade]:
    """Grades in the order in which people know them."""
    return Grade.objects.filter(active=True).order_by("position", "code")


class TillJoinForm(forms.Form):
    """What the till sends of a new member: a phone and a tick are enough."""

    phone = forms.CharField(label="手机号", max_length=20)
    plate = forms.CharField(label="车牌", max_length=12, required=False)
    name = forms.CharField(label="姓名", max_length=40, required=False)
    policy = forms.BooleanField(label="隐私政策", required=False)
    consent = forms.BooleanField(label="优惠短信", required=False)
    birthday = forms.DateField(label="生日", required=False)
    guardian_name = forms.CharField(label="监护人姓名", max_length=40, required=False)
    guardian_phone = forms.CharField(label="监护人手机号", max_length=20, required=False)


class JoinForm(forms.Form):
    """A new member in half a minute: phone, plate, consent; the rest where it is told."""

    helper = laid(
        "phone",
        "plate",
        "policy",
        "consent",
        "personal",
        "name",
        "model",
        "grade",
        "birthday",
        "guardian_name",
        "guardian_phone",
        "preferences",
    )
    phone = forms.CharField(
        label="手机号",
        max_length=20,
        widget=forms.TextInput(attrs={**OFF, "inputmode": "tel", "autofocus": True}),
    )
    name = forms.CharField(
        label="姓名", max_length=40, required=False, widget=forms.TextInput(attrs=OFF)
    )
    plate = forms.CharField(
        label="车牌",
        max_length=12,
        required=False,
        widget=forms.TextInput(attrs=OFF),
        help_text="可以以后再加；一个车牌只属于一个会员或单位。",
    )
    policy = forms.BooleanField(label="顾客看过并同意隐私政策（必须）", required=False)
    consent = forms.BooleanField(label="顾客同意接收优惠短信（当面问过）", required=False)
    personal = forms.BooleanField(label="顾客同意按他的消费推荐优惠", required=False)
    model = forms.CharField(
        label="车型", max_length=40, required=False, widget=forms.TextInput(attrs=OFF)
    )
    grade = forms.ModelChoiceField(
        label="油品", queryset=Grade.objects.none(), required=False, empty_label="（不指定）"
    )
    birthday = DayField(label="生日", required=False, help_text="未满 14 周岁须填监护人。")
    guardian_name = forms.CharField(
        label="监护人姓名", max_length=40, required=False, widget=forms.TextInput(attrs=OFF)
    )
    guardian_phone = forms.CharField(
        label="监护人手机号",
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={**OFF, "inputmode": "tel"}),
    )
    preferences = forms.CharField(
        label="偏好",
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs=OFF),
        help_text="例如：常加 95#，喜欢洗车券。",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["grade"].queryset = grades_in_use()  # type: ignore[attr-defined]


class ChangeForm(forms.Form):
    """Corrections; the fields start empty because the page knows only masked values."""

    helper = laid("name", "phone", "birthday", "preferences", "id_number")
    name = forms.CharField(
        label="姓名", max_length=40, required=False, widget=forms.TextInput(attrs=OFF)
    )
    phone = forms.CharField(
        label="手机号",
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={**OFF, "inputmode": "tel"}),
    )
    id_number = forms.CharField(
        label="身份证号",
        max_length=18,
        required=False,
        widget=forms.TextInput(attrs=OFF),
        help_text="只在办理需要实名的业务时登记。留空的项不改。",
    )
    birthday = DayField(label="生日", required=False)
    preferences = forms.CharField(
        label="偏好", max_length=100, required=False, widget=forms.TextInput(attrs=OFF)
    )


class VehicleForm(forms.Form):
    """A plate with what it drinks."""

    helper = laid("plate", "model", "grade", "tank_litres")
    plate = forms.CharField(label="车牌", max_length=12, widget=forms.TextInput(attrs=OFF))
    model = forms.CharField(
        label="车型", max_length=40, required=False, widget=forms.TextInput(attrs=OFF)
    )
    grade = forms.ModelChoiceField(
        label="油品", queryset=Grade.objects.none(), required=False, empty_label="（不指定）"
    )
    tank_litres = forms.IntegerField(
        label="油箱(升)",
        min_value=1,
        max_value=5000,
        required=False,
        widget=forms.TextInput(attrs={**OFF, "inputmode": "numeric"}),
        help_text="不填按「限额与参数」里的默认油箱。货车请填，否则加油量会被当成异常。",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["grade"].queryset = grades_in_use()  # type: ignore[attr-defined]


class ReasonForm(forms.Form):
    """Why: it goes into the audit."""

    helper = laid("reason")
    reason = forms.CharField(
        label="原因", max_length=200, required=False, widget=forms.TextInput(attrs=OFF)
    )


class CompanyForm(forms.Form):
    """A company with its contact and bank account."""

    helper = laid("name", "tax_no", "contact", "phone", "bank_account")
    name = forms.CharField(label="单位名称", max_length=80)
    tax_no = forms.CharField(
        label="税号", max_length=20, required=False, widget=forms.TextInput(attrs=OFF)
    )
    contact = forms.CharField(
        label="联系人", max_length=40, required=False, widget=forms.TextInput(attrs=OFF)
    )
    phone = forms.CharField(
        label="电话",
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={**OFF, "inputmode": "tel"}),
    )
    bank_account = forms.CharField(
        label="银行账号",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={**OFF, "inputmode": "numeric"}),
        help_text="加密保存，平时只显示首尾。修改时留空的项不改。",
    )


class MemberFilter(forms.Form):
    """What the list of members is narrowed by: whole phone, plate, number, or the last four."""

    text = forms.CharField(label="手机号、车牌、会员号或尾号", required=False, max_length=20)
    status = forms.ChoiceField(
        label="状态", required=False, choices=[("", "全部"), *Member.Status.choices]
    )


class CompanyFilter(forms.Form):
    """What the list of companies is narrowed by."""

    text = forms.CharField(label="名称或编号", required=False, max_length=40)
