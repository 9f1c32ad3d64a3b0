"""Points and tiers of the history, as the till gives them: by the same rules, copied in bulk.

What a sale earns is asked of the engine itself, with the tier that the member held then; lots are
spent first to expire first and end at their midnight. Accounts and lots are kept in memory and
written as they stand at the end.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import connection
from django.utils.timezone import localdate

from finance.services.demonstration import plan
from finance.services.demonstration.bulk import Copier
from finance.services.demonstration.standings import Standings
from members.models import Member, PointsAccount, PointsAlloc, PointsLot, PointsTxn
from members.queries.earn_rules import active_program, rules_at
from members.queries.earning import Basket, BasketLine, earned
from members.queries.points_expiry import expires_at
from sales.queries.points_payment import most_points
from station.models import Station

Kind = PointsTxn.Kind
ROUND = 100  # points are spent by the hundred, some of them at a time
SPENT = (100, 200, 200, 300, 500)


@dataclass
class Lot:
    """Points that came at once, with what is left of them."""

    id: int
    issued: int
    remaining: int
    expires: datetime | None
    expired: int = 0


@dataclass
class Account:
    """A member's points in the making."""

    id: int
    balance: int = 0
    moved: int = 0
    lots: list[Lot] = field(default_factory=list)


@dataclass(frozen=True)
class Act:
    """What moves points: a sale, with its day and who was at the till."""

    document: str
    at: datetime
    day: date
    cashier: int


class Loyalty:
    """Gives, spends and ends the points of the members that the demo knows."""

    def __init__(
        self, station: Station, copier: Copier, standings: Standings, *, at: datetime
    ) -> None:
        program = active_program()
        assert program is not None  # comes with a migration
        self.station, self.copier, self.standings = station, copier, standings
        self.program, self.rules = program, rules_at(at)
        self._ends: dict[date, datetime | None] = {}
        self._ending: list[tuple[datetime, int, Account, Lot]] = []
        self._touched: dict[int, Lot] = {}
        self.accounts = self._opened()
        self.idle = set(
            Member.objects.exclude(status=Member.Status.ACTIVE).values_list("pk", flat=True)
        )

    def _opened(self) -> dict[int, Account]:
        """Every member's account: those that the import opened with their lots, and empty ones."""
        known = PointsAccount.objects.values("member").filter(member__isnull=False)
        PointsAccount.objects.bulk_create(
            PointsAccount(member_id=pk)
            for pk in Member.objects.exclude(pk__in=known)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        rows = PointsAccount.objects.filter(member__isnull=False)
        by_id = {pk: Account(pk, held) for pk, held in rows.values_list("pk", "balance")}
        for lot in PointsLot.objects.order_by("pk"):
            kept = Lot(lot.pk, lot.issued, lot.remaining, lot.expires_at)
            self._keep(by_id[lot.account_id], kept)
        return {member: by_id[pk] for pk, member in rows.values_list("pk", "member_id")}

    def _keep(self, account: Account, lot: Lot) -> None:
        account.lots.append(lot)
        if lot.expires is not None:
            heapq.heappush(self._ending, (lot.expires, lot.id, account, lot))

    # -- at the till ----------------------------------------------------------------------------

    def wishes(self, member: int, due: object, chance: random.Random, at: datetime) -> int:
        """How many points a member pays with, now and then, where he has enough of them; else 0."""
        account = self.accounts.get(member)
        if account is None or member in self.idle or chance.random() >= plan.PAYS_WITH_POINTS:
            return 0
        self.expire(at)
        most = most_points(net=due, balance=account.balance, program=self.program)  # type: ignore[arg-type]
        return min(most // ROUND * ROUND, chance.choice(SPENT))

    def spend(self, member: int, by_line: Mapping[int, int], act: Act) -> None:
        """Points that pay a part of a sale, first to expire first."""
        account, points = self.accounts[member], sum(by_line.values())
        told = {"lines": {str(line): part for line, part in by_line.items() if part}}
        pk = self._note(account, Kind.REDEEM, -points, f"redeem:{act.document}", act, told)
        lots = [one for one in account.lots if one.remaining]
        lots.sort(key=lambda one: (one.expires is None, one.expires, one.id))
        for lot in lots:
            part = min(lot.remaining, points)
            if not part:
                break
            lot.remaining -= part
            points -= part
            self._take(pk, lot, part)
        account.lots = [one for one in account.lots if one.remaining]

    def earn(self, member: int, lines: Sequence[BasketLine], act: Act) -> dict[int, int]:
        """What a sale earns, by its lines. Who may not earn gets nothing."""
        account = self.accounts.get(member)
        if account is None or member in self.idle:
            return {}
        held = self.standings.held(member, act.at)
        basket = Basket(
            lines=tuple(lines),
            at=act.at,
            station=self.station.code,
            tier=held.code,
            tier_name=held.name,
            factor=held.factor,
        )
        told = earned(basket, program=self.program, rules=self.rules)
        if not told.points:
            return {}
        pk = self._note(account, Kind.EARN, told.points, f"earn:{act.document}", act, told.breakdown(basket))  # fmt: skip
        ends = self._end(act.at)
        lot = Lot(self.copier.ids[PointsLot].next(), told.points, told.points, ends)
        self.copier.add(
            PointsLot, lot.id, account.id, pk, pk, None, self.station.pk, told.points, told.points, 0, False,
            act.at, ends,
        )  # fmt: skip
        self._keep(account, lot)
        return {one.position: one.points for one in told.lines}

    def _end(self, at: datetime) -> datetime | None:
        day = localdate(at)
        if day not in self._ends:
            self._ends[day] = expires_at(program=self.program, at=at)
        return self._ends[day]

    # -- at midnight ----------------------------------------------------------------------------

    def expire(self, at: datetime) -> None:
        """End the lots whose last day is over by an instant, each at its own midnight."""
        while self._ending and self._ending[0][0] <= at:
            ends = self._ending[0][0]
            due: dict[int, tuple[Account, list[Lot]]] = {}
            while self._ending and self._ending[0][0] == ends:
                _, _, account, lot = heapq.heappop(self._ending)
                if lot.remaining:
                    due.setdefault(account.id, (account, []))[1].append(lot)
            for account, lots in due.values():
                self._expire(account, lots, ends)

    def _expire(self, account: Account, lots: Sequence[Lot], at: datetime) -> None:
        points = sum(one.remaining for one in lots)
        key = f"expire:{account.id}:{min(one.id for one in lots)}"
        pk = self._note(account, Kind.EXPIRE, -points, key, None, None, at)
        for lot in lots:
            part, lot.remaining = lot.remaining, 0
            lot.expired += part
            self._take(pk, lot, part)
        account.lots = [one for one in account.lots if one.remaining]

    # -- rows -----------------------------------------------------------------------------------

    def _note(
        self,
        account: Account,
        kind: str,
        delta: int,
        key: str,
        act: Act | None,
        told: Mapping[str, object] | None,
        at: datetime | None = None,
    ) -> int:
        """A row of the ledger; what nobody does has neither document nor station nor actor."""
        pk = self.copier.ids[PointsTxn].next()
        when = act.at if act else at
        assert when is not None
        account.balance += delta
        account.moved += 1
        self.copier.add(
            PointsTxn, pk, account.id, str(kind), delta, abs(delta), 0, 0, account.balance, key,
            act.document if act else "", None, self.station.pk if act else None, act.cashier if act else None,
            None, None, "", json.dumps(told, ensure_ascii=False) if told else None,
            act.day if act else localdate(when), when, when,
        )  # fmt: skip
        return pk

    def _take(self, txn: int, lot: Lot, part: int) -> None:
        self.copier.add(PointsAlloc, self.copier.ids[PointsAlloc].next(), txn, lot.id, -part)
        self._touched[lot.id] = lot

    def settle(self) -> None:
        """Write where accounts and lots stand; their rows are there by now. Two statements."""
        moved = [one for one in self.accounts.values() if one.moved]
        lots = list(self._touched.values())
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE members_pointsaccount own SET balance = told.balance,"
                " version = version + told.moved"
                " FROM UNNEST(%s::bigint[], %s::bigint[], %s::bigint[]) AS told (id, balance, moved)"
                " WHERE own.id = told.id",
                [[one.id for one in moved], [one.balance for one in moved], [one.moved for one in moved]],
            )  # fmt: skip
            cursor.execute(
                "UPDATE members_pointslot own SET remaining = told.remaining, expired = told.expired"
                " FROM UNNEST(%s::bigint[], %s::bigint[], %s::bigint[]) AS told (id, remaining, expired)"
                " WHERE own.id = told.id",
                [[one.id for one in lots], [one.remaining for one in lots], [one.expired for one in lots]],
            )  # fmt: skip
