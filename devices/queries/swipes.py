"""Swipes and scans: what a read means, and what was read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import Case, Q, QuerySet, When

from devices.models import Card, ReadRule, Swipe
from devices.protocols.scanner import holds_payment_code, mask
from station.models import Station
from station.queries.listing import within

LONGEST: Final = 120
Medium, Meaning = ReadRule.Medium, ReadRule.Meaning
FLEET: Final = (Meaning.VEHICLE_TAG, Meaning.DRIVER_CARD)
KNOWN_EVERYWHERE: Final = (Meaning.MEMBER_CARD, *FLEET)
MESSAGES: Final = {
    Swipe.Outcome.UNKNOWN: "这张卡没有登记，请到「刷卡与扫码 → 卡」发卡，或换一张卡",
    Swipe.Outcome.LOST: "这张卡已挂失，请收回并联系站长",
}
CANCELLED: Final = "这张卡已注销，请收回"
OUTCOMES: Final = {
    Card.Status.ACTIVE: Swipe.Outcome.KNOWN,
    Card.Status.LOST: Swipe.Outcome.LOST,
    Card.Status.CANCELLED: Swipe.Outcome.UNKNOWN,
}


@dataclass(frozen=True)
class Decision:
    """What one read is: `text` masked where it is secret, and the rule that decided, if one did."""

    medium: str
    text: str
    meaning: str
    outcome: str
    card: Card | None = None
    rule: ReadRule | None = None
    secret: bool = False

    @property
    def word(self) -> str:
        return str(ReadRule.Meaning(self.meaning).label)


def rules_of(*, station: Station) -> QuerySet[ReadRule]:
    """The read rules of a station in their order."""
    return ReadRule.objects.filter(station=station).order_by("position")


def decide(*, station: Station, text: str, medium: str = "", secret: bool = False) -> Decision:
    """What a read means: for every reader, whether it hangs on a line or types, and for a trial.

    In this order: a payment code is one whatever the rules say, and only its mask is given on; a
    card that was issued means what was written down at its issue; then the first rule in use whose
    pattern matches the whole text. `medium` "" is a reader that types, which does not say whether it
    read a card or a code: codes' rules are asked first. Two statements at most.
    """
    if secret or (medium != Medium.CARD and holds_payment_code(text.strip())):
        hidden = mask(text.strip())[:LONGEST]
        return Decision(Medium.CODE, hidden, Meaning.PAYMENT_CODE, Swipe.Outcome.KNOWN, secret=True)
    told = text.strip()[:LONGEST]
    card = _card(station, told, medium) if medium != Medium.CODE else None
    if card is not None:
        outcome = OUTCOMES[Card.Status(card.status)]
        return Decision(Medium.CARD, told, card.meaning, outcome, card=card)
    rule = _rule(station, told, medium)
    found = str(rule.medium) if rule is not None else medium or str(Medium.CODE)
    known = rule is not None and rule.meaning != Meaning.UNKNOWN and found == Medium.CODE
    return Decision(
        found,
        told,
        rule.meaning if rule is not None else Meaning.UNKNOWN,
        Swipe.Outcome.KNOWN if known else Swipe.Outcome.UNKNOWN,
        rule=rule,
    )


def _card(station: Station, number: str, medium: str) -> Card | None:
    """A card of this station, or of a member or a fleet, whom every station knows.

    Of a fleet also a void one that was issued to nobody since: who taps it at a pump is not to be
    taken for whoever tapped before him.
    """
    told = Q(status__in=[Card.Status.ACTIVE, Card.Status.LOST])
    if medium == Medium.CARD:
        told |= Q(status=Card.Status.CANCELLED, meaning__in=FLEET)
    rows = Card.objects.filter(
        Q(station=station) | Q(meaning__in=KNOWN_EVERYWHERE), told, number=number
    )
    return rows.order_by(Case(When(status=Card.Status.CANCELLED, then=1), default=0), "-pk").first()


def _rule(station: Station, text: str, medium: str) -> ReadRule | None:
    """The first rule in use, by its order, whose pattern matches; "CODE" stands after "CARD"."""
    rules = ReadRule.objects.filter(station=station, active=True)
    if medium:
        rules = rules.filter(medium=medium)
    for rule in rules.order_by("-medium", "position"):
        try:
            found = re.fullmatch(rule.pattern, text)
        except re.error:
            continue  # a pattern that cannot be read matches nothing
        if found:
            return rule
    return None


def swipes(*, station: Station, outcome: str = "", since: date | None = None) -> QuerySet[Swipe]:
    """What was read at a station."""
    rows = Swipe.objects.filter(station=station).select_related(
        "reader__line", "reader__till", "reader__island", "till", "typed_by", "card__holder"
    )
    if outcome:
        rows = rows.filter(outcome=outcome)
    return within(rows, "occurred_at", since=since)


def said(swipe: Swipe) -> str:
    """What the person at the reader is told, in one sentence."""
    if swipe.outcome == Swipe.Outcome.UNKNOWN and swipe.card is not None:
        return CANCELLED
    if swipe.outcome != Swipe.Outcome.KNOWN:
        known = MESSAGES[Swipe.Outcome(swipe.outcome)]
        return (
            known if swipe.medium == Medium.CARD else "没有规则认识这个码，请在「读取规则」里加一条"
        )
    if swipe.card is not None and swipe.card.holder is not None:
        return f"{swipe.get_meaning_display()}：{swipe.card.holder.name}"
    return str(swipe.get_meaning_display())


def place_of(swipe: Swipe) -> str:
    """Where it was read: the till or the island, "" where a typing reader stands at neither."""
    reader = swipe.reader
    return str(swipe.till or (reader and (reader.till or reader.island)) or "")


def unknown_cards(*, station: Station) -> list[Swipe]:
    """Cards read lately that nobody was given: one of them is to be issued."""
    rows = swipes(station=station, outcome=Swipe.Outcome.UNKNOWN).filter(medium=Medium.CARD)
    return list(rows.order_by("-id")[:5])


def cards(*, station: Station) -> QuerySet[Card]:
    """The cards of a station, those in use first."""
    return Card.objects.filter(station=station).select_related("holder")
