"""Stored value of the history: what the old system brought, top-ups at the till, and what was paid.

The rows of accounts are kept until the days are copied: the database asks of an account that it
holds what its rows make, so both are written together.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from finance.services.demonstration import plan
from finance.services.demonstration.people import id_number
from finance.services.demonstration.regulars import Regular
from finance.services.demonstration.site import Site
from members.models import Member, TopUpPlan, ValueTxn
from members.queries.value import rule_of, taken_apart
from members.services import profiles, value_accounts, value_moving
from members.services.value_topping import limits_of
from station.models import BusinessDay
from station.money import ZERO, Yuan
from station.queries import settings

Kind = ValueTxn.Kind
LOW = 300  # yuan: below it he is asked to top up; no plan brings him over the limit of a card


@dataclass
class Purse:
    """A member's account in the making."""

    id: int
    number: str
    member: int
    principal: Yuan
    bonus: Yuan

    @property
    def balance(self) -> Yuan:
        return self.principal + self.bonus


@dataclass(frozen=True)
class TopUpTold:
    """A top-up that somebody makes: its plan, and the words of its refund rule."""

    plan: TopUpPlan
    rule: str


class Purses:
    """Who has stored value, what he does with it, and the rows that this leaves."""

    def __init__(
        self, site: Site, people: Sequence[Regular], *, at: datetime, chance: random.Random
    ) -> None:
        self.site = site
        self.refund_days = limits_of(site.station).refund_days
        self.order = settings.text("members.value_bonus_order", site.station)
        self.most = settings.number("members.value_pin_above", site.station)
        self.plans = list(TopUpPlan.objects.order_by("amount"))
        self.brought: list[tuple[Purse, Yuan, Yuan]] = []
        self.by_member = {
            one.id: self._opened(one, at, chance)
            for one in people
            if one.person.joined < at < one.person.stops
            and one.person.gap < 16
            and chance.random() < plan.VALUE_SHARE / 0.7  # so many of them come as often
            and Member.objects.filter(pk=one.id, status=Member.Status.ACTIVE).exists()
        }
        self._rows: list[ValueTxn] = []

    def _opened(self, one: Regular, at: datetime, chance: random.Random) -> Purse:
        """Papers on file, as the law wants of a named card, and an account for what he brings."""
        member = Member.objects.select_related("key", "home_station").get(pk=one.id)
        papers = id_number(one.person.number, one.person.birthday)
        profiles.change(member=member, id_number=papers, at=at, actor=self.site.manager)
        account = value_accounts.open_named(
            member=member, station=self.site.station, at=at, actor=self.site.manager
        )
        told = chance.choice(self.plans)
        left = Decimal(chance.randrange(5, 95)) / 100
        principal, bonus = (told.amount * left).quantize(ZERO), (told.bonus * left).quantize(ZERO)
        purse = Purse(account.pk, account.number, one.id, principal, bonus)
        self.brought.append((purse, principal, bonus))
        return purse

    def wants(self, member: int | None, chance: random.Random) -> TopUpTold | None:
        """The top-up that a member makes before he pays, where little is left; mostly none."""
        purse = self.by_member.get(member or 0)
        if purse is None or purse.balance >= LOW or chance.random() >= plan.TOPS_UP:
            return None
        told = chance.choices(self.plans, weights=range(len(self.plans), 0, -1))[0]
        rule = rule_of(amount=told.amount, bonus=told.bonus, days=self.refund_days)
        return TopUpTold(told, rule)

    def can_pay(self, member: int | None, due: Yuan) -> Purse | None:
        """The account that pays a sale whole; above the amount that wants a PIN none does."""
        purse = self.by_member.get(member or 0)
        return purse if purse is not None and ZERO < due <= min(purse.balance, self.most) else None

    def top_up(self, purse: Purse, told: TopUpTold, document: str, day: BusinessDay, at: datetime, actor: int) -> None:  # fmt: skip
        """Principal and bonus, each a row of its own."""
        place = (document, day, at, actor)
        self._post(purse, Kind.TOPUP, told.plan.amount, ZERO, f"topup:{document}", place)
        self._post(purse, Kind.BONUS, ZERO, told.plan.bonus, f"bonus:{document}", place)

    def spend(self, purse: Purse, due: Yuan, document: str, day: BusinessDay, at: datetime, actor: int) -> None:  # fmt: skip
        """What a sale took, principal and bonus as the station's rule says."""
        principal, bonus = taken_apart(
            amount=due, principal=purse.principal, bonus=purse.bonus, order=self.order
        )
        place = (document, day, at, actor)
        self._post(purse, Kind.SPEND, -principal, -bonus, f"spend:{document}:{purse.id}", place)

    def _post(
        self,
        purse: Purse,
        kind: str,
        principal: Yuan,
        bonus: Yuan,
        idem: str,
        place: tuple[str, BusinessDay, datetime, int],
    ) -> None:
        document, day, at, actor = place
        purse.principal += principal
        purse.bonus += bonus
        self._rows.append(
            ValueTxn(
                account_id=purse.id,
                kind=kind,
                principal=principal,
                bonus=bonus,
                principal_after=purse.principal,
                bonus_after=purse.bonus,
                idem=idem,
                document=document,
                station=self.site.station,
                day_id=day.pk,
                actor_id=actor,
                occurred_at=at,
            )
        )

    def settle(self, *, first: BusinessDay, at: datetime) -> None:
        """Write the ledger: what was brought on the first day, then every movement in its order."""
        for purse, principal, bonus in self.brought:
            value_moving.bring_in(
                member=Member.objects.select_related("home_station").get(pk=purse.member),
                principal=principal,
                bonus=bonus,
                source=f"旧系统:{purse.number}",
                day=first,
                at=at,
                actor=self.site.manager,
            )
        ValueTxn.objects.bulk_create(self._rows, batch_size=1_000)
        held = list(self.by_member.values())
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE members_valueaccount own SET principal = told.principal, bonus = told.bonus"
                " FROM UNNEST(%s::bigint[], %s::numeric[], %s::numeric[]) AS told (id, principal, bonus)"
                " WHERE own.id = told.id",
                [[one.id for one in held], [one.principal for one in held], [one.bonus for one in held]],
            )  # fmt: skip
