"""What the till sends when a member redeems."""

from __future__ import annotations

from django import forms

LARGEST = 2**63 - 1


class RedeemForm(forms.Form):
    """Which reward for whom, and what shows that he is there: a card needs no typing."""

    key = forms.CharField(label="请求键", max_length=60)
    member = forms.IntegerField(label="会员", min_value=1, max_value=LARGEST)
    reward = forms.IntegerField(label="礼品", min_value=1, max_value=LARGEST)
    hand_out = forms.CharField(label="当场领走", max_length=5, required=False)
    tail = forms.CharField(label="手机尾号", max_length=8, required=False)
    code = forms.CharField(label="验证码", max_length=12, required=False)


class CodeForm(forms.Form):
    """A service's code."""

    code = forms.CharField(label="核销码", max_length=20)


class ShelfForm(forms.Form):
    """Which rewards the till shows."""

    member = forms.IntegerField(label="会员", min_value=1, max_value=LARGEST)
    q = forms.CharField(label="名称或拼音", max_length=40, required=False)
    affordable = forms.CharField(label="只看够分的", max_length=1, required=False)
