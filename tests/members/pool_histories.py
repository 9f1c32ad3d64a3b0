"""A family's points in any order: earn, spend, give back, refund, wait, join, leave, new terms.

Sales and refunds go the way of the till; after every step the ledger's invariants are asked of the
database, and what holds of a pool besides.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum

from members.models import Member, PointsAccount, PointsLot, PointsTxn, Pool, PoolMember
from members.queries.earning import BasketLine
from members.queries.pools import brought_of, place_of, used_in_month
from members.services import points_of_sales, points_sweeping, pool_endings, pools
from members.services.points import NotEnoughPoints
from members.services.points_of_sales import Part, Sold
from members.services.pools import PoolRefused, Terms
from station.models import Station
from tests import make
from tests.members.points import violations
from tests.members.points_histories import default_rules

Kind, Why = PointsTxn.Kind, PoolMember.Why
_serial = itertools.count(1)
WHOLE = Decimal(100)


@dataclass
class Deal:
    """One sale, and how many hundredths of it are back."""

    document: str
    member: Member
    at: datetime
    back: Decimal = Decimal(0)


@dataclass
class Family:
    """A pool with its members, and what they bought. The head is the first."""

    station: Station
    people: list[Member]
    pool: Pool
    at: datetime = make.NOW
    deals: list[Deal] = field(default_factory=list)

    def settle(self, member: Member, *, earn: int = 0, spend: int = 0, kind: str = "FUEL") -> Deal:
        """A sale that earns so many points (10 per ¥100) and is paid with so many."""
        deal = Deal(f"PS{next(_serial):06d}", member, self.at)
        with transaction.atomic():
            points_of_sales.settle(sold=self._sold(deal, earn, spend, kind))
        self.deals.append(deal)
        return deal

    def _sold(self, deal: Deal, earn: int, spend: int, kind: str = "FUEL") -> Sold:
        net = Decimal(earn * 10)
        line = BasketLine(1, kind, "92#" if kind == "FUEL" else "6901", "", Decimal(1), net, net)
        return Sold(
            document=deal.document,
            member_id=deal.member.pk,
            station=self.station,
            at=self.at,
            date=self.at.date(),
            lines=(line,),
            actor=None,
            spent={1: spend} if spend else {},
        )

    def give_back(self, deal: Deal, upto: int) -> None:
        """Refund a sale until so many hundredths of it are back; again the same changes nothing."""
        back = max(min(Decimal(upto), WHOLE), deal.back)
        refund = Deal(f"PR{next(_serial):06d}", deal.member, self.at)
        parts = [Part(1, WHOLE, deal.back, back)]
        for _ in range(2):
            with transaction.atomic():
                points_of_sales.give_back(
                    original=deal.document, refund=self._sold(refund, 0, 0), parts=parts
                )
            state = self.state()
        assert self.state() == state
        deal.back = back

    def state(self) -> tuple[Any, ...]:
        return (
            list(PointsAccount.objects.order_by("pk").values_list("balance", "pending", "debt")),
            PointsTxn.objects.count(),
        )

    # ------------------------------------------------------------------------------ acts
    def earn(self, which: int, amount: int) -> None:
        member = self.who(which)
        before = {one.pk: self.worth(one.pk) for one in PointsAccount.objects.all()}
        deal = self.settle(member, earn=amount)
        gained = PointsTxn.objects.get(document=deal.document, kind=Kind.EARN)
        after = {one.pk: self.worth(one.pk) for one in PointsAccount.objects.all()}
        assert sum(after.values()) - sum(before.values()) == gained.amount, "the shares are it all"

    def worth(self, pk: int) -> int:
        points_sweeping.sweep_one(account_id=pk, at=self.at)
        account = PointsAccount.objects.get(pk=pk)
        return account.balance + account.pending - account.debt

    def spend(self, which: int, amount: int) -> bool:
        try:
            self.settle(self.who(which), spend=amount)
        except NotEnoughPoints:
            return False
        return True

    def refund(self, which: int, upto: int) -> None:
        if self.deals:
            self.give_back(self.deals[which % len(self.deals)], upto)

    def wait(self, days: int) -> None:
        self.at += timedelta(days=days)

    def nightly(self) -> None:
        points_sweeping.expire_all(at=self.at)
        points_sweeping.mature_all(at=self.at)

    def join(self, which: int, share: int = 100, cap: int | None = None) -> bool:
        member, terms = self.who(which), Terms(share, True, cap)
        try:
            with transaction.atomic():
                place = pools.invite(
                    pool=self.pool, member=member, terms=terms, at=self.at, actor=None
                )
                pools.accept(place=place, seen=terms, at=self.at, actor=None)
        except PoolRefused:
            return False
        return True

    def leave(self, which: int) -> None:
        place = place_of(member_id=self.who(which).pk)
        if place is None or place.member_id == self.pool.head_id:
            return
        mine = PointsAccount.objects.get(member=place.member)
        points_sweeping.sweep_one(account_id=place.pool.account_id, at=self.at)
        brought = brought_of(place.pool).get(mine.pk, 0)
        dues = self.dues(mine.pk) | {None: 0}
        gone = pool_endings.leave(place=place, why=Why.HIMSELF, at=self.at, actor=None)
        assert gone == brought, "he takes along what is left of his"
        assert sum(dues.values()) == brought
        assert brought_of(place.pool).get(mine.pk, 0) == 0

    def dues(self, account: int) -> dict[Any, int]:
        """What is left of somebody's in the pool, by when it expires."""
        rows = PointsLot.objects.filter(
            account=self.pool.account, remaining__gt=0, root__account=account
        )
        return dict(rows.values_list("expires_at").annotate(Sum("remaining")))

    def terms(self, which: int, share: int, cap: int | None) -> None:
        place = place_of(member_id=self.who(which).pk)
        if place is not None:
            pools.set_terms(place=place, terms=Terms(share, True, cap), at=self.at, actor=None)

    def who(self, which: int) -> Member:
        return self.people[which % len(self.people)]

    # ---------------------------------------------------------------------------- checks
    def check(self) -> None:
        assert not violations()
        pool = PointsAccount.objects.get(pk=self.pool.account_id)
        assert pool.debt == 0, "a pool never owes"
        inside = PoolMember.objects.filter(pool=self.pool, state="ACTIVE")
        owners = set(brought_of(self.pool))
        assert owners <= set(inside.values_list("member__points", flat=True)), "nobody's who left"
        assert sum(brought_of(self.pool).values()) == pool.balance + pool.pending

    def check_cap(self, which: int) -> None:
        place = place_of(member_id=self.who(which).pk)
        if place is not None and place.cap_month is not None:
            used_in_month(place=place, day=self.at.date())

    def unwind(self) -> None:
        """Everything refunded leaves nothing but what expired uncredited; then the pool is empty."""
        self.nightly()
        for deal in reversed(self.deals):
            self.give_back(deal, 100)
        self.check()
        pool_endings.dissolve(pool=self.pool, reason="不用了", at=self.at, actor=None)
        self.check()
        assert PointsAccount.objects.get(pk=self.pool.account_id).balance == 0
        rows = PointsAccount.objects.all()
        left = sum(one.balance + one.pending - one.debt for one in rows)
        expired = PointsLot.objects.aggregate(n=Sum("expired"))["n"] or 0
        claws = PointsTxn.objects.filter(kind=Kind.CLAWBACK)
        forgiven = claws.aggregate(n=Sum("forgiven"))["n"] or 0
        assert left == forgiven - expired, "P10 what is left over is what expired"


def family(people: int = 3, share: int = 100, **terms: object) -> Family:
    """A family of so many, all in the pool with this share, on the default rules."""
    program = default_rules()
    for name, value in {"expiry": "DAYS", "expiry_n": 10, "grace_days": 3, **terms}.items():
        setattr(program, name, value)
    program.save()
    station = make.station()
    members = [make.member(station) for _ in range(people)]
    pool = pools.open_family(head=members[0], share_pct=share, at=make.NOW, actor=None)
    made = Family(station, members, pool)
    for which in range(1, people):
        assert made.join(which, share)
    return made
