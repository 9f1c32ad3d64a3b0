"""Rewards, points and swipes for tests of the mall."""

from __future__ import annotations

import itertools
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from devices.models import Card, Line, Reader, Swipe
from members.models import Member, PointsAccount, PointsProgram, Redemption, Reward, RewardCategory
from members.queries.earn_rules import active_program
from members.services import points, redemptions
from members.services.points import Cause
from members.services.presence import Presence
from members.services.redemptions import Wish
from station.models import Station, Till, User
from tests import make

_serial = itertools.count(1)
BEFORE = make.at(9)


def category(name: str = "汽车用品") -> RewardCategory:
    return RewardCategory.objects.get_or_create(name=name)[0]


def reward(
    name: str = "10 元加油券", cost: int = 1000, kind: str = "COUPON", **fields: object
) -> Reward:
    """A coupon of ten yuan, unless told otherwise; on show."""
    told = {"value": Decimal("10.00")} if kind in {"COUPON", "TOP_UP"} else {}
    return Reward.objects.create(
        **{
            "code": f"R{next(_serial):05d}",
            "name": name,
            "kind": kind,
            "category": category(),
            "cost_points": cost,
            "added_at": BEFORE,
            **told,
            **fields,
        }
    )


@transaction.atomic
def give(member: Member, count: int, *, at: datetime = BEFORE) -> PointsAccount:
    """So many points to a member, as a sale of the morning would."""
    program = active_program() or PointsProgram.objects.create(  # a race began on an empty database
        code="MAIN", name="会员积分", expiry="YEAR_END", expiry_n=1, yuan_per_100=Decimal(1)
    )
    cause = Cause(key=f"gift-{next(_serial)}", at=at, date=at.date(), document="TEST")
    points.issue(
        account=points.locked_account(member_id=member.pk),
        points=count,
        program=program,
        cause=cause,
    )
    return PointsAccount.objects.get(member=member)


def balance(member: Member) -> int:
    return PointsAccount.objects.get(member=member).balance


def seen() -> Presence:
    """A presence of its own: a card read just now."""
    return Presence("CARD", f"swipe:{1_000_000 + next(_serial)}")


def wish(member: Member, what: Reward, at: Station, key: str = "", **fields: object) -> Wish:
    return Wish(
        key=key or f"wish-{next(_serial)}", member=member, reward=what, station=at, **fields
    )


def order(
    member: Member,
    what: Reward,
    station: Station,
    *,
    key: str = "",
    at: datetime = make.NOW,
    actor: User | None = None,
    hand_out: bool = False,
    presence: Presence | None = None,
) -> Redemption:
    """One reward redeemed for a member who swiped his card."""
    return redemptions.redeem(
        wish=wish(member, what, station, key),
        presence=presence or seen(),
        at=at,
        actor=actor,
        hand_out=hand_out,
    )


def card_of(member: Member, station: Station) -> Card:
    return Card.objects.create(
        station=station,
        number=f"62{next(_serial):08d}",
        meaning="MEMBER_CARD",
        document=member.number,
        issued_at=BEFORE,
    )


def swipe(card: Card, till: Till, *, at: datetime = make.NOW, outcome: str = "KNOWN") -> Swipe:
    """The card read at a till's reader."""
    reader = Reader.objects.filter(till=till).first() or Reader.objects.create(
        line=Line.objects.create(
            station=till.station,
            name=f"读卡器 {till.pk}",
            protocol="RDM6300",
            url=f"socket://127.0.0.1:{20000 + next(_serial)}",
        ),
        till=till,
    )
    return Swipe.objects.create(
        station=till.station,
        reader=reader,
        key=f"swipe-{next(_serial)}",
        medium="CARD",
        text=card.number,
        meaning="MEMBER_CARD",
        outcome=outcome,
        card=card,
        occurred_at=at,
    )
