"""A file of members."""

from __future__ import annotations

from django import forms

from station.forms.layout import laid


class UploadForm(forms.Form):
    """One xlsx or CSV."""

    helper = laid("file")
    file = forms.FileField(
        label="会员文件（xlsx 或 CSV）",
        max_length=200,
        help_text="第一行是表头，至少有「手机号」。先检查，不会马上导入。",
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv"}),
    )
