"""Presets and reasons, typed at the wall."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms


class PresetForm(forms.Form):
    """A figure in yuan or litres; none means to the full."""

    FULL, YUAN, LITRES = "full", "yuan", "litres"

    kind = forms.ChoiceField(
        label="预置方式",
        choices=[(FULL, "加满"), (YUAN, "按金额"), (LITRES, "按升数")],
        initial=FULL,
        widget=forms.RadioSelect,
    )
    figure = forms.DecimalField(
        label="数值",
        required=False,
        max_digits=8,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={
            "invalid": "请填数字，例如 200 或 30.5",
            "max_decimal_places": "最多两位小数",
        },
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind, figure = cleaned.get("kind"), cleaned.get("figure")
        if kind and kind != self.FULL and figure is None and "figure" not in self.errors:
            self.add_error("figure", "请填预置的金额或升数")
        return cleaned

    @property
    def amount(self) -> Decimal | None:
        return self._figure(self.YUAN)

    @property
    def litres(self) -> Decimal | None:
        return self._figure(self.LITRES)

    def _figure(self, kind: str) -> Decimal | None:
        return self.cleaned_data["figure"] if self.cleaned_data["kind"] == kind else None


class ReasonForm(forms.Form):
    """Why the forecourt is let loose again."""

    reason = forms.CharField(
        label="解除原因",
        max_length=200,
        help_text="例如：现场已检查，误按。会写入审计日志。",
        error_messages={"required": "请写明为什么可以解除急停"},
    )


class LiftForm(forms.Form):
    """Why a tank is sold of in spite of the water in it."""

    reason = forms.CharField(
        label="解除原因",
        max_length=200,
        help_text="例如：人工量水 8 mm，探棒浮子卡住。会写入审计日志。",
        error_messages={"required": "请写明为什么可以解除停售"},
    )


class WordForm(forms.Form):
    """What was done about an alarm."""

    word = forms.CharField(
        label="处理说明",
        max_length=200,
        error_messages={"required": "请写明怎么处理的，例如「已更换通讯线」"},
    )
