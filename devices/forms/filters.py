"""What lists of the forecourt are narrowed by."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.utils.timezone import localtime

from devices.models import Alarm, Fill, Line, Probe, Swipe
from station.forms.controls import DayField, MomentField
from station.models import Nozzle, Station

ANY = [("", "全部")]


class AlarmFilter(forms.Form):
    status = forms.ChoiceField(
        label="状态",
        required=False,
        choices=[("LIVE", "未处理和已看到"), *ANY, *Alarm.Status.choices],
        initial="LIVE",
    )
    kind = forms.ChoiceField(label="类别", required=False, choices=[*ANY, *Alarm.Kind.choices])


class FillFilter(forms.Form):
    """Days, nozzle, grade, source, oddities."""

    since = DayField(label="营业日起", required=False)
    until = DayField(label="营业日止", required=False)
    nozzle = forms.ChoiceField(label="油枪", required=False)
    grade = forms.ChoiceField(label="油品", required=False)
    source = forms.ChoiceField(label="来源", required=False, choices=[*ANY, *Fill.Source.choices])
    odd = forms.BooleanField(label="只看异常", required=False)

    def __init__(self, *args: Any, station: Station, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["since"].initial = today - timedelta(days=7)
        nozzles = list(
            Nozzle.objects.filter(station=station).select_related("tank__grade").order_by("number")
        )
        self._choices("nozzle", [(str(one.pk), f"{one.number} 号枪") for one in nozzles])
        grades = {one.tank.grade for one in nozzles}
        ordered = sorted(grades, key=lambda grade: (grade.position, grade.code))
        self._choices("grade", [(str(one.pk), one.code) for one in ordered])

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*ANY, *choices]


class SwipeFilter(forms.Form):
    outcome = forms.ChoiceField(
        label="结果", required=False, choices=[*ANY, *Swipe.Outcome.choices]
    )
    since = DayField(label="日期起", required=False)


class FrameFilter(forms.Form):
    """A line and a stretch of time, local; the last ten minutes if unsaid."""

    line = forms.ModelChoiceField(label="线路", queryset=Line.objects.none(), empty_label=None)
    since = MomentField(label="起")
    until = MomentField(label="止")
    polls = forms.BooleanField(label="连同例行轮询", required=False)

    def __init__(self, *args: Any, station: Station, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["line"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Line.objects.filter(station=station).order_by("-active", "name")
        self.lines = list(field.queryset)
        field.initial = self.lines[0].pk if self.lines else None
        local = localtime(at).replace(second=0, microsecond=0, tzinfo=None)
        self.fields["since"].initial = local - timedelta(minutes=10)
        self.fields["until"].initial = local + timedelta(minutes=1)

    def wanted(self) -> tuple[Line | None, datetime | None, datetime | None, bool]:
        """What is to be shown; None where it was not said rightly."""
        said = getattr(self, "cleaned_data", {})
        return said.get("line"), said.get("since"), said.get("until"), bool(said.get("polls"))


class ProbeFilter(forms.Form):
    status = forms.ChoiceField(label="状态", required=False, choices=[*ANY, *Probe.Status.choices])
