"""A practice station with one trainee at a till, a nozzle of his own, and an attempt under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from devices.models import DispenserWiring, Fill, Line
from finance.queries.practice.scene import Finding, Scene
from finance.queries.practice.table import BY_SLUG
from station.models import Nozzle, PracticeAttempt, Station, TillSession, User
from tests import make

D = Decimal
BEGAN = make.NOW - timedelta(minutes=2)


@dataclass
class Practice:
    """Who practises where."""

    station: Station
    session: TillSession
    nozzle: Nozzle
    manager: User

    @property
    def trainee(self) -> User:
        return self.session.cashier

    def attempt(self, slug: str, **facts: Any) -> PracticeAttempt:
        """An attempt that began two minutes ago, as `start` marks it."""
        at_pump = BY_SLUG[slug].at_pump
        last = Fill.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        marks = {"nozzle": self.nozzle.pk, "last_fill": last} if at_pump else {}
        return PracticeAttempt.objects.create(
            station=self.station,
            user=self.trainee,
            scenario=slug,
            dispenser=self.nozzle.dispenser.number if at_pump else None,
            started_at=BEGAN,
            facts={"session": self.session.pk, **marks, **facts},
        )

    def fill(self, litres: str = "20.00") -> Fill:
        """The car of the scene has filled: 160.00 yuan unless told otherwise."""
        return make.fill(self.nozzle, litres, "8.00")


def practice() -> Practice:
    session = make.session()
    nozzle = make.nozzle(session.station)
    make.price(session.station, nozzle.tank.grade, "8.00")
    make.nozzle_state(nozzle, unit_price=D("8.00"))
    make.tenders()
    line = Line.objects.create(station=session.station, name="一号线", url="/x", protocol="DART")
    DispenserWiring.objects.create(dispenser=nozzle.dispenser, line=line, address=0x50)
    return Practice(session.station, session, nozzle, make.manager(session.station))


def checked(attempt: PracticeAttempt) -> list[Finding]:
    """What the checker of its scenario says now."""
    fresh = PracticeAttempt.objects.select_related("user", "station").get(pk=attempt.pk)
    return BY_SLUG[attempt.scenario].check(Scene(fresh))


def right(attempt: PracticeAttempt) -> bool:
    return all(one.ok for one in checked(attempt))


def wrong(attempt: PracticeAttempt) -> str:
    """The words of what is wrong."""
    return "；".join(one.text for one in checked(attempt) if not one.ok)
