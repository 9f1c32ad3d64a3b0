"""A small day at a station, and the end of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from inventory.models import TankMovement
from inventory.services.books import freeze_shift_books
from sales.models import SessionCount, SessionTender
from station.models import BusinessDay, Shift, Station, TillSession, User
from station.services.days import cut_day
from tests import make


@dataclass
class Site:
    """A station with one tank, two nozzles of 92#, a session, and its people."""

    station: Station
    owner: User
    manager: User
    session: TillSession

    @property
    def day(self) -> BusinessDay:
        return self.session.shift.day


def site() -> Site:
    station = make.station()
    tank = make.tank(station)
    make.nozzle(station, tank=tank)
    make.nozzle(station, tank=tank)
    make.price(station, make.grade("92#"))
    make.fuel_cost(station)
    make.tenders()
    session = make.session(station)
    TankMovement.objects.create(
        station=station,
        tank=tank,
        day=session.shift.day,
        kind=TankMovement.Kind.OPENING,
        litres=Decimal(20000),
        document="OPEN-1",
        occurred_at=make.at(8),
    )
    return Site(station, make.owner(station), make.manager(station), session)


def end_day(site: Site, *, counted: str | None = None, at: datetime | None = None) -> BusinessDay:
    """Count the session (in full, or `counted` in cash), close the shift and cut the day."""
    moment = at or make.at(22)
    day = site.day
    session = site.session
    TillSession.objects.filter(pk=session.pk).update(
        status=TillSession.Status.CLOSED, ended_at=moment, counted_at=moment, closed_at=moment
    )
    expected = session.float_amount + sum(
        (row.amount for row in session.payments.filter(tender__kind="CASH")), Decimal(0)
    )
    real = expected if counted is None else Decimal(counted)
    SessionTender.objects.create(
        session=session,
        tender=make.tenders()["CASH"],
        day=day,
        expected=expected,
        counted=real,
        difference=real - expected,
        reason="" if real == expected else "找零错误",
    )
    SessionCount.objects.create(
        session=session,
        cash_counted=real,
        counted_by=session.cashier,
        counted_at=moment,
        accepted_by=site.manager,
        accepted_at=moment,
    )
    following = cut_day(day=day, at=moment, actor=site.manager)
    shift = session.shift
    Shift.objects.filter(pk=shift.pk).update(status=Shift.Status.HANDED_OVER, handed_over_at=moment)
    shift.refresh_from_db()
    freeze_shift_books(shift=shift, at=moment, runs={}, own_use={}, reasons={})
    Shift.objects.filter(pk=shift.pk).update(status=Shift.Status.CLOSED, closed_at=moment)
    day.refresh_from_db()
    following.refresh_from_db()
    return day


def next_session(site: Site, *, opened_at: datetime | None = None) -> Site:
    """The site on the day after, with a new session on duty."""
    session = make.session(site.station)
    if opened_at is None:
        opened_at = site.day.opened_at + timedelta(days=1)
    return Site(site.station, site.owner, site.manager, session)
