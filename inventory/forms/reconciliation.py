"""Forms of 盘点损溢: which books, and how they are cut."""

from __future__ import annotations

from typing import Any

from django import forms

from inventory.queries.reconciliation import Grain
from station.forms.controls import DayField
from station.models import Station, Tank


def tanks_of(field: forms.Field, station: Station) -> None:
    """Let a field choose among the tanks of a station."""
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = Tank.objects.filter(station=station).select_related("grade").order_by("number")
    field.label_from_instance = lambda tank: f"{tank} · {tank.grade}"  # type: ignore[method-assign, assignment]


class ReconciliationForm(forms.Form):
    """A range, a grain, by tank or by grade, and one tank of them."""

    since = DayField(label="从")
    until = DayField(label="到")
    grain = forms.ChoiceField(label="按", choices=[(one.value, one.label) for one in Grain])
    by = forms.ChoiceField(label="合计到", choices=[("tank", "油罐"), ("grade", "油品")])
    tank = forms.ModelChoiceField(
        label="油罐", queryset=Tank.objects.none(), required=False, empty_label="全部"
    )

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tanks_of(self.fields["tank"], station)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if not since or not until:
            return cleaned
        if since > until:
            self.add_error("until", "截止日期不能早于开始日期")
        elif "grain" in cleaned and (until - since).days >= Grain(cleaned["grain"]).most_days:
            grain = Grain(cleaned["grain"])
            self.add_error("until", f"按{grain.label}最多看 {grain.most_days} 天，请缩短期间")
        return cleaned
