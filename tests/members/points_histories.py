"""A station's points in any order: earn, spend, give back, refund, wait, adjust, move, replay.

One machine for random and directed histories. It keeps a model of its own in plain Python: what was
earned and spent by document, what lots may die when, and asks the database after every step.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from members.models import EarnRule, PointsAccount, PointsAlloc, PointsLot, PointsProgram, PointsTxn
from members.services import (
    points,
    points_clawing,
    points_moving,
    points_returning,
    points_sweeping,
)
from members.services.points import Cause, NotEnoughPoints
from tests import make
from tests.members.points import violations

Kind = PointsTxn.Kind
_serial = itertools.count(1)


def program(**fields: object) -> PointsProgram:
    """The active programme; points live for ten days unless told otherwise."""
    terms = {"expiry": "DAYS", "expiry_n": 10, "grace_days": 3, "hold_days": 0, **fields}
    found, _ = PointsProgram.objects.update_or_create(
        code="MAIN", defaults={"name": "会员积分", "yuan_per_100": 1, "active": True, **terms}
    )
    return found


@dataclass
class Spent:
    """One redemption and what of it is back."""

    txn: PointsTxn
    back: int = 0


@dataclass
class Gained:
    """One sale's points and what of it was taken back."""

    txn: PointsTxn
    taken: int = 0


@dataclass
class History:
    """The acts, each tried twice with the same key: the second time must change nothing."""

    terms: PointsProgram
    accounts: list[PointsAccount]
    at: datetime = make.NOW
    gained: list[Gained] = field(default_factory=list)
    spent: list[Spent] = field(default_factory=list)

    def cause(self, key: str, act: str) -> Cause:
        return Cause(key=f"{act}:{key}", at=self.at, date=self.at.date(), document=key)

    def _held(self, which: int) -> PointsAccount:
        return points.locked(account_id=self.accounts[which % len(self.accounts)].pk)

    def twice(self, act: Any) -> Any:
        """Do it, see that all holds, do it again, see that nothing moved."""
        first = act()
        self.check()
        before = self.state()
        again = act()
        assert (again and again.pk) == (first and first.pk), "a replay is the same row"
        assert self.state() == before, "P9 a replay changes nothing"
        return first

    def state(self) -> tuple[Any, ...]:
        return (
            list(PointsAccount.objects.order_by("pk").values_list("balance", "pending", "debt")),
            list(PointsLot.objects.order_by("pk").values_list("remaining", "expired", "pending")),
            PointsTxn.objects.count(),
            PointsAlloc.objects.count(),
        )

    def check(self) -> None:
        assert not violations()

    # ------------------------------------------------------------------------------ acts
    def earn(self, which: int, amount: int) -> None:
        key = f"S{next(_serial)}"
        txn = self.twice(
            lambda: points.issue(
                account=self._held(which),
                points=amount,
                program=self.terms,
                cause=self.cause(key, "earn"),
            )
        )
        self.gained.append(Gained(txn))

    def redeem(self, which: int, amount: int) -> bool:
        key = f"S{next(_serial)}"
        asked = self._held(which)
        usable = self._usable(asked)
        if not 0 < amount <= usable:
            try:
                with transaction.atomic():
                    points.redeem(account=asked, points=amount, cause=self.cause(key, "redeem"))
            except NotEnoughPoints:
                self.check()
                return False
            raise AssertionError("P7 spent what was expired, pending or not there")
        dead = {one.pk for one in self._dead_or_waiting(asked)}
        txn = self.twice(
            lambda: points.redeem(
                account=self._held(which), points=amount, cause=self.cause(key, "redeem")
            )
        )
        touched = set(txn.allocs.values_list("lot", flat=True))
        assert not touched & dead, "P7 a dead or waiting lot was spent"
        self.spent.append(Spent(txn))
        return True

    def _usable(self, account: PointsAccount) -> int:
        lots = PointsLot.objects.filter(account=account, remaining__gt=0)
        return sum(
            one.remaining
            for one in lots
            if one.active_from <= self.at and (one.expires_at is None or one.expires_at > self.at)
        )

    def _dead_or_waiting(self, account: PointsAccount) -> list[PointsLot]:
        return [
            one
            for one in PointsLot.objects.filter(account=account)
            if one.active_from > self.at or (one.expires_at and one.expires_at <= self.at)
        ]

    def cancel(self, which: int, amount: int) -> None:
        if not self.spent:
            return
        one = self.spent[which % len(self.spent)]
        upto = min(one.back + amount, one.txn.amount)
        before = self._worth(one.txn.account_id)
        key = f"R{next(_serial)}"
        self.twice(
            lambda: points_returning.cancel_redeem(
                account=points.locked(account_id=one.txn.account_id),
                redeemed=one.txn,
                upto=upto,
                program=self.terms,
                cause=self.cause(key, "cancel"),
            )
        )
        gone = self._worth(one.txn.account_id) - before - (upto - one.back)
        assert gone == 0, "what was spent came back, also of a lot that died"
        one.back = upto

    def _worth(self, account_id: int) -> int:
        """Balance + pending − debt with what is due swept, so that expiry does not blur it."""
        account = points.locked(account_id=account_id)
        points.sweep(account, self.cause("-", "sweep"))
        return account.balance + account.pending - account.debt

    def refund(self, which: int, amount: int) -> None:
        if not self.gained:
            return
        one = self.gained[which % len(self.gained)]
        upto = min(one.taken + amount, one.txn.amount)
        key = f"R{next(_serial)}"
        self._worth(one.txn.account_id)  # what is due has expired before it is asked for
        let_go = min(upto - one.taken, self._uncredited(one))
        txn = self.twice(
            lambda: points_clawing.claw_back(
                account=points.locked(account_id=one.txn.account_id),
                earned=one.txn,
                upto=upto,
                program=self.terms,
                cause=self.cause(key, "clawback"),
            )
        )
        if upto > one.taken:
            assert txn.amount == upto - one.taken, "P8 cumulative"
            assert -txn.delta + txn.forgiven == txn.amount
            assert txn.forgiven == let_go, "what expired unspent is not clawed back again"
        one.taken = upto

    def _uncredited(self, one: Gained) -> int:
        """What of a sale's points expired unspent and was not let go by a refund yet."""
        gone = sum(PointsLot.objects.filter(root=one.txn).values_list("expired", flat=True))
        return gone - sum(one.txn.reversals.values_list("forgiven", flat=True))

    def wait(self, days: int) -> None:
        self.at += timedelta(days=days)

    def nightly(self) -> None:
        points_sweeping.expire_all(at=self.at, step=1)
        points_sweeping.mature_all(at=self.at, step=1)
        self.check()
        before = self.state()
        assert points_sweeping.expire_all(at=self.at) == 0
        assert points_sweeping.mature_all(at=self.at) == 0
        assert self.state() == before, "P9 a job run again changes nothing"

    def move(self, which: int, amount: int | None) -> None:
        source, target = self._held(which), self._held(which + 1)
        if amount is not None and not 0 < amount <= self._usable(source):
            return
        key = f"M{next(_serial)}"
        self.twice(
            lambda: points_moving.move(
                source=source, target=target, points=amount, cause=self.cause(key, "move")
            )
        )

    def unwind(self) -> None:
        """P10: everything given back and refunded leaves nothing but what expired uncredited."""
        self.nightly()
        for one in self.spent:
            self._cancel_all(one)
        for gained in self.gained:
            self._refund_all(gained)
        self.check()
        rows = PointsAccount.objects.all()
        left = sum(one.balance + one.pending for one in rows)
        owed = sum(one.debt for one in rows)
        expired = sum(PointsLot.objects.values_list("expired", flat=True))
        forgiven = sum(
            PointsTxn.objects.filter(kind=Kind.CLAWBACK).values_list("forgiven", flat=True)
        )
        assert left == owed - (expired - forgiven), "P10 what is left over is what expired"
        if not expired and len(rows) == 1:
            assert (left, owed) == (0, 0), "P10 nothing expired, nothing is left"
        assert owed - left <= expired - forgiven, "P10 no more is owed than expired uncredited"

    def _cancel_all(self, one: Spent) -> None:
        points_returning.cancel_redeem(
            account=points.locked(account_id=one.txn.account_id),
            redeemed=one.txn,
            upto=one.txn.amount,
            program=self.terms,
            cause=self.cause(f"U{next(_serial)}", "cancel"),
        )

    def _refund_all(self, one: Gained) -> None:
        points_clawing.claw_back(
            account=points.locked(account_id=one.txn.account_id),
            earned=one.txn,
            upto=one.txn.amount,
            program=self.terms,
            cause=self.cause(f"U{next(_serial)}", "clawback"),
        )


def history(accounts: int = 1, **terms: object) -> History:
    """A fresh history on accounts of its own."""
    made = [PointsAccount.objects.create(holder=f"test:{next(_serial)}") for _ in range(accounts)]
    return History(terms=program(**terms), accounts=made)


def default_rules() -> PointsProgram:
    """What a new station has, where a test that commits has lost it: 10 per 100 yuan."""
    found = program(expiry="YEAR_END", expiry_n=1, min_redeem=100, max_redeem_pct=50, grace_days=30)
    since = make.NOW.replace(year=2020)
    fields = {"name": "每 100 元 10 分", "kind": "BASE", "points": 10, "per": 100}
    EarnRule.objects.get_or_create(
        code="base", version=1, defaults={"program": found, "valid_from": since, **fields}
    )
    return found
