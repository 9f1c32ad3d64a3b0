"""Who is merged into whom, and why."""

from __future__ import annotations

from django import forms

from station.forms.layout import laid

OFF = {"autocomplete": "off"}


class MergeForm(forms.Form):
    """The other's number first, then the reason."""

    helper = laid("other", "reason")
    other = forms.CharField(label="并入的会员号", max_length=20, widget=forms.TextInput(attrs=OFF))
    reason = forms.CharField(
        label="原因", max_length=200, required=False, widget=forms.TextInput(attrs=OFF)
    )
