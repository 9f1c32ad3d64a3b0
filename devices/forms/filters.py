"""What lists of the forecourt are narrowed by."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms

from devices.models import Alarm, Fill, Swipe
from station.forms.controls import DayField
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
