"""Forms of limits against abuse and of what went over them."""

from __future__ import annotations

from typing import Any

from django import forms

from members.models import Action, Metric, RiskCase
from members.queries.risk import ACTIONS, SHARES, TIMELESS, UNITS
from station.forms.controls import DayField
from station.forms.layout import laid

OFF = {"autocomplete": "off"}
NUMERIC = {**OFF, "inputmode": "numeric"}
DAY = "DAY"
SPANS = {"60": "分钟", "3600": "小时", "86400": "天", "1": "秒"}
MOST = 1_000_000


def _whole(label: str, help_text: str = "", least: int = 0, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=MOST,
        widget=forms.TextInput(attrs=NUMERIC),
        help_text=help_text,
        **more,
    )


class LimitForm(forms.Form):
    """One limit: how much in which time, and what is done with more."""

    helper = laid("active", "span", "unit", "limit", "least", "action")
    active = forms.BooleanField(label="启用（去掉就是不管）", required=False, initial=True)
    span = _whole("时间窗", "按自然日算时不用填。", 1, required=False)
    unit = forms.ChoiceField(label="时间单位", choices=[(DAY, "自然日"), *SPANS.items()])
    limit = _whole("限额", "超过这个数才算异常，等于不算。")
    least = _whole("至少几笔才算", "笔数太少时占比没有意义。", required=False)
    action = forms.ChoiceField(label="超过时", choices=Action.choices)

    def __init__(self, *args: Any, metric: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = ACTIONS.get(metric, tuple(Action.values))
        self.fields["action"].choices = [  # type: ignore[attr-defined]
            one for one in Action.choices if one[0] in allowed
        ]
        if metric in TIMELESS:
            del self.fields["span"], self.fields["unit"]
        if metric in (Metric.STAFF, Metric.PHONE_CHANGED):
            del self.fields["limit"]
        else:
            self.fields["limit"].label = f"限额({UNITS[metric]})"
        if metric not in SHARES:
            del self.fields["least"]
        self.helper = laid(*self.fields)

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        if "unit" in self.fields and typed.get("unit") != DAY and not typed.get("span"):
            self.add_error("span", "请填时间窗，或选「自然日」。")
        return typed

    def values(self) -> dict[str, Any]:
        """What was typed, as the service takes it."""
        typed = self.cleaned_data
        unit = typed.get("unit", DAY)
        return {
            "active": typed["active"],
            "window": None if unit == DAY else min(typed["span"] * int(unit), 366 * 86400),
            "limit": typed.get("limit") or 0,
            "least": typed.get("least") or 0,
            "action": typed["action"],
        }


def limit_initial(window: int | None, **more: Any) -> dict[str, Any]:
    """A limit in force as the form starts with it."""
    if window is None:
        return {"unit": DAY, **more}
    unit = next(one for one in (86400, 3600, 60, 1) if window % one == 0)
    return {"unit": str(unit), "span": window // unit, **more}


class CaseFilter(forms.Form):
    """Which exceptions."""

    state = forms.ChoiceField(
        label="状态",
        required=False,
        choices=[("", "全部"), ("OPEN", "待处理"), *RiskCase.State.choices],
    )
    metric = forms.ChoiceField(
        label="项目", required=False, choices=[("", "全部"), *Metric.choices]
    )
    text = forms.CharField(label="会员号或单号", required=False, max_length=60)
    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)


class DecideForm(forms.Form):
    """Why a case is cleared or confirmed."""

    reason = forms.CharField(label="理由", max_length=200, min_length=2)
