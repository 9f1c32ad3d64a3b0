"""The table of tenders, and how a drive-off is paid after all."""

from __future__ import annotations

from django import forms

from sales.models import Tender


class TenderForm(forms.Form):
    """One tender."""

    code = forms.RegexField(
        r"^[A-Z0-9]{2,12}$", label="代码", help_text="大写字母和数字，如 CASH、WECHAT"
    )
    name = forms.CharField(label="名称", max_length=20)
    kind = forms.ChoiceField(label="类别", choices=Tender.Kind.choices)
    opens_drawer = forms.BooleanField(label="收款时开钱箱", required=False)
    needs_reference = forms.BooleanField(label="须填凭证号", required=False)
    position = forms.IntegerField(label="排序", min_value=0, max_value=99, initial=0)
    active = forms.BooleanField(label="在用", required=False, initial=True)


class RecoverForm(forms.Form):
    """How the driver who came back pays."""

    tender = forms.ModelChoiceField(
        label="付款方式",
        queryset=Tender.objects.filter(active=True).exclude(kind=Tender.Kind.VALUE),
        to_field_name="code",
        empty_label=None,
    )
    reference = forms.CharField(label="凭证号", max_length=60, required=False)
