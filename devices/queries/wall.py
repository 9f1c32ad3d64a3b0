"""The pump wall below the till: every nozzle with its state, price and live authorisation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery

from devices.models import Authorisation, Command, LineState, NozzleState, TankHold
from devices.queries.commands import STOPS
from devices.queries.fleet import fleet_swipes
from devices.queries.standing import standing_of, with_standing
from station.models import Nozzle, Station
from station.money import Litres, Yuan
from station.queries.prices import holding

State = NozzleState.State
LIVE = ("WAITING", "SENT", "FUELLING")
# The poller writes its lines every few seconds; half a minute of silence means it is not there.
STALE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class NozzleNow:
    """One nozzle as the wire says it now. `posted` is the price of the board, `held` the pump's."""

    pk: int
    number: int
    dispenser: int
    island: str
    grade: str
    mode: str
    state: str
    since: datetime | None
    litres: Litres
    amount: Yuan
    held: Yuan | None
    posted: Yuan | None
    version: int
    lifted_at: datetime | None
    authorisation: int | None
    authorised_as: str
    limit_amount: Yuan | None
    limit_litres: Litres | None
    document: str
    hold: int | None = None  # the hold of its tank, where nothing of it is sold
    water: Decimal | None = None  # mm, when the hold began
    unverified: str = ""  # why its verification does not hold, "" where it does

    @property
    def word(self) -> str:
        """The state in one word."""
        return "停用" if self.state == State.CLOSED else str(State(self.state).label)

    @property
    def held_back(self) -> str:
        """Why nothing is sold of its tank, "" where it is."""
        return "" if self.hold is None else f"停售：罐内水高 {self.water:.1f} mm"

    @property
    def free(self) -> bool:
        """Whether it may be let loose, so far as this says."""
        is_waiting = self.state in {State.IDLE, State.CALLING}
        return is_waiting and self.authorisation is None and self.hold is None

    @property
    def limit(self) -> str:
        """The preset in words, "" when it is to the full."""
        if self.limit_amount is not None:
            return f"预置 {self.limit_amount} 元"
        return f"预置 {self.limit_litres:.2f} 升" if self.limit_litres is not None else ""

    @property
    def price_differs(self) -> bool:
        """The pump holds another price than the board: it is not authorised until it took it."""
        return None not in (self.held, self.posted) and self.held != self.posted


@dataclass(frozen=True, slots=True)
class Forecourt:
    """All nozzles, who stopped them if somebody did, and when the poller last wrote."""

    nozzles: tuple[NozzleNow, ...]
    stopped_by: str
    stopped_at: datetime | None
    heard_at: datetime | None
    identified: bool = False  # a vehicle or a driver of a fleet, at an island, lately


def forecourt(*, station: Station, at: datetime) -> Forecourt:
    """Every nozzle of a station by dispenser and place, with the price posted at `at`. One statement."""
    rows = list(_rows(station, at))
    first = rows[0] if rows else None
    stopped = first is not None and first.__dict__["last_stop"] == Command.Kind.STOP_ALL
    return Forecourt(
        nozzles=tuple(_now(row, at) for row in rows),
        stopped_by=(first.__dict__["stopped_by"] or "系统") if first and stopped else "",
        stopped_at=first.__dict__["stopped_at"] if first and stopped else None,
        heard_at=first.__dict__["heard_at"] if first else None,
        identified=first is not None and first.__dict__["identified"],
    )


def nozzle_now(*, nozzle: Nozzle, at: datetime) -> NozzleNow:
    """One nozzle as the wall shows it. One statement."""
    return _now(_rows(nozzle.station, at).get(pk=nozzle.pk), at)


def _rows(station: Station, at: datetime) -> QuerySet[Nozzle]:
    stops = (
        Command.objects.filter(station=station, kind__in=STOPS)
        .exclude(status=Command.Status.VOID)
        .order_by("-id")
    )
    posted = holding(at).filter(change__station=station, grade=OuterRef("tank__grade"))
    heard = LineState.objects.filter(line__station=station).order_by("-written_at")
    holds = TankHold.objects.filter(tank=OuterRef("tank"), ended_at=None, lifted_at=None)
    return (
        with_standing(Nozzle.objects.filter(station=station))
        .select_related("tank__grade", "dispenser__island", "state")
        .annotate(
            live=FilteredRelation("authorisations", condition=Q(authorisations__status__in=LIVE))
        )
        .annotate(
            posted=Subquery(posted.values("price")[:1]),
            hold_id=Subquery(holds.values("pk")[:1]),
            hold_water=Subquery(holds.values("water_height")[:1]),
            auth_id=F("live__id"),
            auth_status=F("live__status"),
            auth_amount=F("live__limit_amount"),
            auth_litres=F("live__limit_litres"),
            auth_document=F("live__document"),
            last_stop=Subquery(stops.values("kind")[:1]),
            stopped_by=Subquery(stops.values("actor__name")[:1]),
            stopped_at=Subquery(stops.values("asked_at")[:1]),
            heard_at=Subquery(heard.values("written_at")[:1]),
            identified=Exists(fleet_swipes(station=station, at=at)),
        )
        .order_by("dispenser__number", "position")
    )


def _now(row: Nozzle, at: datetime) -> NozzleNow:
    state: NozzleState | None = getattr(row, "state", None)
    more = row.__dict__  # what the query annotated
    status = more["auth_status"]
    standing = standing_of(row, at=at)
    return NozzleNow(
        pk=row.pk,
        number=row.number,
        dispenser=row.dispenser.number,
        island=str(row.dispenser.island),
        grade=row.tank.grade.code,
        mode=row.mode,
        state=State.CLOSED if not row.active else (state.state if state else State.OFFLINE),
        since=state.since if state else None,
        litres=state.litres if state else Decimal(0),
        amount=state.amount if state else Decimal(0),
        held=state.unit_price if state else None,
        posted=more["posted"],
        version=state.version if state else 0,
        lifted_at=state.lifted_at if state else None,
        authorisation=more["auth_id"],
        authorised_as=Authorisation.Status(status).label if status else "",
        limit_amount=more["auth_amount"],
        limit_litres=more["auth_litres"],
        document=more["auth_document"] or "",
        hold=more["hold_id"],
        water=more["hold_water"],
        unverified=standing.text if standing.warns else "",
    )
