"""What a button of the simulated devices sends."""

from __future__ import annotations

from typing import Any

from django import forms

from devices.queries.simulated import ACTS

# Acts that take a text, with its field.
TEXTS = {"swipe": "card", "scan": "code"}


class WishForm(forms.Form):
    """A key of `ACTS`, or a card to swipe, or a code to scan."""

    act = forms.ChoiceField(choices=[(act, act) for act in (*ACTS, *TEXTS)])
    card = forms.RegexField(r"^\d{1,10}$", required=False)
    code = forms.RegexField(r"^[\x21-\x7e]{1,120}$", required=False)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        needed = TEXTS.get(values.get("act", ""))
        if needed and not values.get(needed):
            self.add_error(needed, "请填写")
        return values

    def wish(self) -> dict[str, Any] | None:
        """A text with its act; None where a button alone was pressed."""
        act = self.cleaned_data["act"]
        name = TEXTS.get(act)
        return {"do": act, name: self.cleaned_data[name]} if name else None
