"""A member's cards: issued, lost, found again, replaced; each acts on the very next swipe."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from devices.models import Card
from devices.services import cards as plastic
from members.models import Member
from members.services.noting import about
from members.services.refusals import refuse_gone
from station.errors import Refusal
from station.models import Station, User


class NoSuchCard(Refusal):
    """The member has no such card."""


@transaction.atomic
def issue(
    *,
    member: Member,
    station: Station,
    number: str,
    medium: str,
    at: datetime,
    actor: User | None,
    replaces: Card | None = None,
) -> Card:
    """Give a member a card, or a new one for an old, which is void from now on: 补卡.

    Balances hang on the member and not on the card, so nothing has to be moved. Refuses with
    CardRefused a number that is in use, NoSuchCard, MemberClosed or MemberMerged.
    """
    refuse_gone(member)
    card = plastic.issue_by_document(
        station=station,
        number=number,
        document=member.number,
        medium=medium,
        replaces=replaces,
        at=at,
        actor=actor,
    )
    before = {"卡号": replaces.number} if replaces else None
    action = "members.card.replaced" if replaces else "members.card.issued"
    about(member).note(action, at, actor, before=before, after={"卡号": card.number})
    return card


@transaction.atomic
def move(*, member: Member, card: Card, to: Card.Status, at: datetime, actor: User | None) -> None:
    """挂失, 解除挂失 or 注销 a member's card. Refuses with CardRefused one not in a state for it."""
    plastic.move(card=card, to=to, at=at, actor=actor)
    about(member).note(
        "members.card.moved",
        at,
        actor,
        before={"卡号": card.number},
        after={"卡号": card.number, "状态": to.label},
    )
