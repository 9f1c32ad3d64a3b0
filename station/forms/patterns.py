"""班次制度 as a form: a name and up to four slots that follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Any

from django import forms

from station.forms.layout import laid
from station.models import ShiftSlot
from station.services.patterns import Slot

SLOTS = 4


def _time(label: str) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        required=False,
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
    )


class PatternForm(forms.Form):
    """Each slot has a name, a start and an end; empty slots are left out."""

    name = forms.CharField(label="制度名称", max_length=30, help_text="例如：三班倒、四班两运转")

    def __init__(self, *args: Any, slots: Sequence[ShiftSlot] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        for ordinal in range(1, SLOTS + 1):
            slot = slots[ordinal - 1] if ordinal <= len(slots) else None
            self.fields[f"name_{ordinal}"] = forms.CharField(
                label=f"第 {ordinal} 班班名",
                max_length=12,
                required=False,
                initial=slot.name if slot else "",
            )
            for key, label in (("from", "开始"), ("to", "结束")):
                field = _time(f"第 {ordinal} 班{label}")
                if slot:
                    field.initial = slot.starts_at if key == "from" else slot.ends_at
                self.fields[f"{key}_{ordinal}"] = field
        self.helper = laid(*self.fields)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        for ordinal in range(1, SLOTS + 1):
            parts = [said.get(f"{key}_{ordinal}") for key in ("name", "from", "to")]
            given = [part is not None and part != "" for part in parts]
            if any(given) and not all(given):
                raise forms.ValidationError(f"第 {ordinal} 班的班名、开始、结束须填写完整。")
        return said

    @property
    def slots(self) -> list[Slot]:
        found = []
        for ordinal in range(1, SLOTS + 1):
            name = str(self.cleaned_data.get(f"name_{ordinal}") or "")
            begins: time | None = self.cleaned_data.get(f"from_{ordinal}")
            ends: time | None = self.cleaned_data.get(f"to_{ordinal}")
            if name and begins is not None and ends is not None:
                found.append(Slot(name, begins, ends))
        return found
