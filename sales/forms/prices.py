"""A price change and published ceilings, as they are typed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from sales.queries.pricing import grades_sold
from station.forms.controls import YuanInput
from station.forms.layout import laid
from station.models import Grade, Station


class SecondField(forms.DateTimeField):
    """A local date and time to the second: prices change to the second."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(
            format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local", "step": "1"}
        )
        options.setdefault("widget", widget)
        super().__init__(**options)


class _PerGrade(forms.Form):
    """One figure per grade that the station sells."""

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid()
        self.grades = list(grades_sold(station))
        figures = {
            _name(grade): YuanInput(label=f"{grade.code}（元/升）", required=False)
            for grade in self.grades
        }
        self.fields = {**figures, **self.fields}

    def prices(self) -> dict[Grade, Decimal]:
        """What was typed, by grade; a field left empty stays as it is."""
        return {
            grade: self.cleaned_data[_name(grade)]
            for grade in self.grades
            if self.cleaned_data.get(_name(grade)) is not None
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not self.prices():
            raise forms.ValidationError("请至少填一个油品的价格")
        return cleaned


class PlanForm(_PerGrade):
    """New prices, the second they hold from, and why."""

    effective_at = SecondField(
        label="执行时间", help_text="精确到秒。审批晚于这个时间时，从审批那一刻起执行。"
    )
    note = forms.CharField(
        label="说明", max_length=200, required=False, help_text="例如：国家发改委 4 月 22 日调价"
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="原因", max_length=200, error_messages={"required": "请写明原因"}
    )


class CeilingForm(_PerGrade):
    """最高零售价 of a zone with the notice that published it."""

    zone = forms.CharField(label="价区", max_length=30)
    effective_at = SecondField(label="执行时间")
    notice = forms.CharField(
        label="文件或公告", max_length=120, help_text="例如：云发改价格〔2026〕12 号"
    )


class CeilingFileForm(forms.Form):
    """A table of ceilings."""

    LARGEST = 2 * 1024 * 1024

    helper = laid()
    file = forms.FileField(
        label="表格（xlsx 或 CSV）",
        help_text="第一行写列名：价区、油品、最高零售价、执行时间、公告",
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv"}),
    )
    notice = forms.CharField(
        label="文件或公告", max_length=120, required=False, help_text="表里没有公告的行用它"
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > self.LARGEST:
            raise forms.ValidationError("文件太大：最多 2 MB")
        return file


def _name(grade: Grade) -> str:
    return f"price_{grade.pk}"
