"""The day both stories tell: a wired station, a till, and the evening's two closes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from devices.models import Fill
from finance.models import DayFigures
from finance.queries.closing import readiness
from finance.queries.figures import figures_of_facts
from finance.services.closing import accept_difference, close_day
from inventory.models import Dip, Item
from inventory.queries.books import live_books
from inventory.services.dips import record_dip
from inventory.services.movements import open_tank
from sales.models import FillClaim, Sale, SessionTender
from sales.services import closing, sessions, shifts
from station.models import BusinessDay, Shift, Station, TillSession, User
from tests import make
from tests.devices.poller.kit import Wired

D = Decimal
FLOAT = D("500.00")
WATER = D("2.00")
JIAO = D("0.10")
FACES = ("100", "50", "20", "10", "5", "1", "0.5", "0.1")


@dataclass
class Story:
    """A station on the day of the story: who is there, and what has been sold."""

    wired: Wired
    manager: User = field(init=False)
    owner: User = field(init=False)
    li: User = field(init=False)
    zhou: User = field(init=False)
    session: TillSession = field(init=False)
    water: Item = field(init=False)

    def __post_init__(self) -> None:
        station = self.station
        # Nobody pays in fen: to the jiao.
        Station.objects.filter(pk=station.pk).update(rounding_step=JIAO)
        self.manager, self.owner = make.manager(station), make.owner()
        self.li, self.zhou = make.cashier(station), make.cashier(station)
        Shift.objects.filter(pk=self.shift.pk).update(leader=self.li)
        make.tenders()
        self.water = make.item("农夫山泉 550ml", WATER, on_hand=24, at=station)
        for nozzle in self.wired.nozzles:
            open_tank(
                tank=nozzle.tank,
                litres=D(20000),
                unit_cost=D("5.90"),
                day=self.day,
                at=now(),
                actor=self.manager,
            )
        self.session = sessions.open_session(
            till=make.till(station), cashier=self.li, float_amount=FLOAT, at=now(), actor=self.li
        )

    @property
    def station(self) -> Station:
        return self.wired.station

    @property
    def day(self) -> BusinessDay:
        return BusinessDay.objects.get(station=self.station, cut_at=None)

    @property
    def shift(self) -> Shift:
        return Shift.objects.select_related("day").get(
            station=self.station, status=Shift.Status.OPEN
        )

    def unpaid(self) -> list[Fill]:
        """Fills that nobody has claimed."""
        claimed = FillClaim.objects.filter(released_at=None).values("fill")
        return list(Fill.objects.exclude(pk__in=claimed).order_by("pk"))

    def pay(self, fill: Fill, *, with_water: bool, tries: int = 1) -> Sale:
        """Li takes cash for a fill at the till, over HTTP; `tries` times with the same key."""
        client = make.signed_in(self.li)
        items = [(self.water, 1)] if with_water else []
        body = make.basket([fill], items, tenders=[("CASH", "100.00")], key=f"story-{fill.pk}")
        for _ in range(tries):
            answer = self._post(client, reverse("sales:settle"), body)
        return Sale.objects.get(number=answer["number"])

    def _post(self, client: Client, href: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = client.post(href, json.dumps(body), content_type="application/json")
        assert answer.status_code == 200, answer.content.decode()
        return dict(answer.json())

    def hand_over(self) -> Shift:
        """Dips, then Zhou takes over and the day is cut."""
        shift = self.shift
        for book in live_books(self.station)[shift.pk]:
            record_dip(
                tank=book.tank, source=Dip.Source.DIP, purpose=Dip.Purpose.HANDOVER, net_l=book.book, shift=shift,
                day=shift.day, at=now(), actor=self.li,
            )  # fmt: skip
        shifts.hand_over(
            shift=shift, receiver=self.zhou, crew=[], at=now(), actor=self.li, ends_day=True
        )
        return Shift.objects.select_related("day", "station").get(pk=shift.pk)

    def close_short(self, shift: Shift, missing: Decimal) -> SessionTender:
        """Li counts `missing` less than there should be; both sign; the shift is frozen."""
        self.session.refresh_from_db()
        drawer = FLOAT + sum(
            Sale.objects.filter(session=self.session).values_list("due", flat=True), D(0)
        )
        sessions.count_session(
            session=self.session,
            denominations=notes(drawer - missing),
            slips={},
            at=now(),
            actor=self.li,
        )
        sessions.accept_count(
            session=self.session, receiver=self.zhou, reasons={"CASH": "找错零钱，已调监控"}, at=now(),
            actor=self.zhou, approver=self.manager,
        )  # fmt: skip
        closing.close_shift(
            shift=shift,
            giver=self.li,
            receiver=self.zhou,
            at=now(),
            actor=self.zhou,
            approver=self.manager,
        )
        return SessionTender.objects.get(session=self.session, tender__code="CASH")

    def close_day(self, day: BusinessDay) -> DayFigures:
        """The owner accepts what is left open with a reason; the manager closes the day."""
        day.refresh_from_db()
        for row in readiness(day=day, figures=figures_of_facts(day=day)).undecided:
            accept_difference(
                day=day,
                kind=row.kind,
                subject=row.subject,
                reason="已核实",
                at=now(),
                actor=self.owner,
            )
        close_day(day=day, at=now(), actor=self.manager)
        return DayFigures.objects.get(day=day)


def notes(amount: Decimal) -> dict[str, int]:
    """The fewest notes and coins of an amount in whole jiao."""
    counted = {}
    for face in FACES:
        number, amount = divmod(amount, D(face))
        if number:
            counted[face] = int(number)
    assert amount == 0
    return counted
