"""Swipes and scans: what a read means, and what was read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import QuerySet

from devices.models import Card, ReadRule, Swipe
from station.models import Station
from station.queries.listing import within

LONGEST: Final = 120
MESSAGES: Final = {
    Swipe.Outcome.UNKNOWN: "这张卡没有登记，请到「刷卡与扫码 → 卡」发卡，或换一张卡",
    Swipe.Outcome.LOST: "这张卡已挂失，请收回并联系站长",
}


@dataclass(frozen=True)
class Meant:
    """What the rules make of a text: the meaning and the rule that decided, None if none did."""

    meaning: str
    rule: ReadRule | None

    @property
    def word(self) -> str:
        return str(ReadRule.Meaning(self.meaning).label)


def rules_of(*, station: Station) -> QuerySet[ReadRule]:
    """The read rules of a station in their order."""
    return ReadRule.objects.filter(station=station).order_by("position")


def meant(*, station: int, medium: str, text: str) -> Meant:
    """The first rule in use, by its order, whose pattern matches the whole text. One statement."""
    rules = ReadRule.objects.filter(station=station, active=True, medium=medium)
    for rule in rules.order_by("position"):
        try:
            found = re.fullmatch(rule.pattern, text[:LONGEST])
        except re.error:
            continue  # a pattern that cannot be read matches nothing
        if found:
            return Meant(rule.meaning, rule)
    return Meant(ReadRule.Meaning.UNKNOWN, None)


def meaning_of(*, station: int, medium: str, text: str) -> str:
    """The meaning of a read by the rules of a station id."""
    return meant(station=station, medium=medium, text=text).meaning


def swipes(*, station: Station, outcome: str = "", since: date | None = None) -> QuerySet[Swipe]:
    """What was read at a station."""
    rows = Swipe.objects.filter(station=station).select_related(
        "reader__line", "reader__till", "reader__island", "card__holder"
    )
    if outcome:
        rows = rows.filter(outcome=outcome)
    return within(rows, "occurred_at", since=since)


def said(swipe: Swipe) -> str:
    """What the person at the reader is told, in one sentence."""
    if swipe.outcome != Swipe.Outcome.KNOWN:
        known = MESSAGES[Swipe.Outcome(swipe.outcome)]
        return known if swipe.medium == "CARD" else "没有规则认识这个码，请在「读取规则」里加一条"
    if swipe.card is not None and swipe.card.holder is not None:
        return f"{swipe.get_meaning_display()}：{swipe.card.holder.name}"
    return str(swipe.get_meaning_display())


def cards(*, station: Station) -> QuerySet[Card]:
    """The cards of a station, those in use first."""
    return Card.objects.filter(station=station).select_related("holder")
