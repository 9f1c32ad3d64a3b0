"""Forms of a fleet: the two stages, its drivers, and the cards that identify them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from devices.queries.fleet import LONGEST, SHORTEST
from members.queries.fleet import Row
from station.forms.layout import laid

OFF = {"autocomplete": "off"}


class PairForm(forms.Form):
    """Within how many seconds both must be identified."""

    helper = laid("seconds")
    seconds = forms.IntegerField(
        label="双重识别时限（秒）",
        min_value=0,
        max_value=LONGEST,
        widget=forms.TextInput(attrs={**OFF, "inputmode": "numeric"}),
        help_text=(
            f"{SHORTEST} 到 {LONGEST} 秒：车辆（标签、卡或车牌识别）和司机卡都在这段时间内读到，"
            "才能按单位放行。填 0 是不用。"
        ),
    )


class DriverForm(forms.Form):
    """A driver, and the one vehicle that he may drive."""

    helper = laid("name", "vehicle")
    name = forms.CharField(label="司机姓名", max_length=40, widget=forms.TextInput(attrs=OFF))
    vehicle = forms.ChoiceField(label="只开这辆车", required=False)

    def __init__(self, *args: Any, cars: Sequence[Row], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["vehicle"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", "（单位的任何车）"), *((one.key, one.label) for one in cars)]


class FleetCardForm(forms.Form):
    """A tag or a card, and whose it is; a reader types the number into the field."""

    helper = laid("owner", "number")
    owner = forms.ChoiceField(label="发给")
    number = forms.CharField(
        label="标签号或卡号",
        max_length=40,
        widget=forms.TextInput(attrs=OFF),
        help_text="在读卡器上刷一下，下面会出现卡号；也可照卡面输入。",
    )

    def __init__(
        self, *args: Any, cars: Sequence[Row], drivers: Sequence[Row], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["owner"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [
            ("", "（请选择）"),
            ("车辆", [(one.key, one.label) for one in cars]),
            ("司机", [(one.key, one.label) for one in drivers]),
        ]
