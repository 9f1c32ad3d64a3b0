"""What is typed on the kiosk's number pad."""

from __future__ import annotations

from datetime import date

from django import forms
from django.core.exceptions import ValidationError

from sales.models import Tender

DIGITS = {"required": "请先输入。"}


class PhoneForm(forms.Form):
    """The number of a phone."""

    phone = forms.CharField(label="手机号", max_length=20, error_messages=DIGITS)


class CodeForm(forms.Form):
    """The code that was sent, and the page it was sent for."""

    ticket = forms.CharField(label="票据", max_length=400, error_messages=DIGITS)
    code = forms.CharField(label="验证码", max_length=12, error_messages=DIGITS)


class PinForm(forms.Form):
    """The PIN of a stored value account."""

    pin = forms.CharField(label="支付密码", max_length=20, strip=False, error_messages=DIGITS)


class JoinForm(forms.Form):
    """Joining with what a number pad can type."""

    ticket = forms.CharField(label="票据", max_length=400, error_messages=DIGITS)
    born = forms.CharField(label="出生日期", max_length=8, error_messages=DIGITS)
    policy = forms.BooleanField(label="隐私政策", required=False)
    consent = forms.BooleanField(label="优惠短信", required=False)

    def clean_born(self) -> object:
        """Eight digits are a day."""
        typed = self.cleaned_data["born"]
        try:
            if not (typed.isascii() and typed.isdigit() and len(typed) == 8):
                raise ValueError(typed)
            return date(int(typed[:4]), int(typed[4:6]), int(typed[6:]))
        except ValueError:
            raise ValidationError("出生日期是八位数字，例如 19900501。") from None


class KeyForm(forms.Form):
    """What is to be done once: the page's key, and what it is about."""

    key = forms.CharField(label="键", max_length=60, required=False)
    number = forms.CharField(label="单号", max_length=40, required=False)


class TakeOrderForm(forms.Form):
    """How an order is paid at the till."""

    number = forms.CharField(label="单号", max_length=40)
    tender = forms.ModelChoiceField(
        label="付款方式",
        queryset=Tender.objects.filter(active=True).exclude(kind=Tender.Kind.VALUE),
        to_field_name="code",
    )
    reference = forms.CharField(label="凭证号", max_length=60, required=False)
