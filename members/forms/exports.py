"""A second person lets a list of members leave."""

from __future__ import annotations

from django import forms

from station.forms.layout import laid

OFF = {"autocomplete": "off"}


class ApprovalForm(forms.Form):
    """Why, and who approves with account and PIN."""

    helper = laid("reason", "approver", "approver_secret")
    reason = forms.CharField(
        label="用途", min_length=2, max_length=200, widget=forms.TextInput(attrs=OFF)
    )
    approver = forms.CharField(label="审批人账号", max_length=40, widget=forms.TextInput(attrs=OFF))
    approver_secret = forms.CharField(
        label="审批人口令",
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
