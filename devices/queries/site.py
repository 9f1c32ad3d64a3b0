"""The wiring of a site as the poller needs it: lines, points, prices, modes, meters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from devices.line.wiring import (
    MANUAL,
    GaugedTank,
    LineWiring,
    NozzleWiring,
    PointWiring,
    Price,
    SignWiring,
)
from devices.models import (
    DispenserWiring,
    GaugeTank,
    Line,
    MeterChange,
    PoleDisplay,
    Reader,
    SignRow,
    TankHold,
)
from devices.protocols import table
from devices.protocols.base import Decimals
from devices.queries import totalizers
from devices.queries.signs import on_signs
from devices.queries.standing import blocked_nozzles
from devices.queries.totalizers import Reading
from station.models import Nozzle, PriceChange, PriceLine, Station
from station.queries.prices import newest
from station.queries.settings import text, whole

UNITS = (1, 2, 3)  # of a console that does not say itself what it counts in
SECURITY = 6  # characters of a security code


def wiring(*, at: datetime) -> tuple[LineWiring, ...]:
    """Every active line of the active stations, with planned prices that were approved."""
    stations = {station.pk: station for station in Station.objects.filter(active=True)}
    lines = (
        Line.objects.filter(active=True, station__in=stations)
        .select_related("station")
        .order_by("pk")
    )
    readers = dict(Reader.objects.filter(line__in=lines).values_list("line_id", "pk"))
    idle = dict(PoleDisplay.objects.filter(line__in=lines).values_list("line_id", "idle_text"))
    signs = _signs()
    prices = {pk: _prices(station, at) for pk, station in stations.items()}
    known = {pk: totalizers.latest(station=station) for pk, station in stations.items()}
    blocked = frozenset[int]().union(
        *(blocked_nozzles(station=station, at=at) for station in stations.values())
    )
    points = _points(prices, known, blocked)
    tanks = _tanks()
    return tuple(
        LineWiring(
            id=line.pk,
            station=line.station_id,
            name=line.name,
            url=line.url,
            protocol=line.protocol,
            baud=line.baud,
            parity=line.parity,
            bits=line.bits,
            stop=line.stop,
            echo=line.echo,
            options={**_options(line), **line.options},
            points=points.get(line.pk, ()),
            reader=readers.get(line.pk),
            tanks=tanks.get(line.pk, ()),
            idle_text=idle.get(line.pk),
            sign=signs.get(line.pk),
            go_on_alone=stations[line.station_id].offline_policy == Station.OfflinePolicy.CONTINUE,
        )
        for line in lines
    )


def _signs() -> dict[int, SignWiring]:
    """Price signs in use by line."""
    rows: dict[int, list[int]] = defaultdict(list)
    numbers: dict[int, int] = {}
    wired = SignRow.objects.filter(sign__active=True, sign__line__active=True, grade__isnull=False)
    for row in wired.select_related("sign").order_by("row"):
        assert row.sign.line_id is not None
        rows[row.sign.line_id].append(row.row)
        numbers[row.sign.line_id] = row.sign.number
    return {line: SignWiring(numbers[line], tuple(held)) for line, held in rows.items()}


def _points(
    prices: Mapping[int, Mapping[int, tuple[Price, ...]]],
    known: Mapping[int, Mapping[int, Reading]],
    blocked: frozenset[int],
) -> dict[int, tuple[PointWiring, ...]]:
    nozzles: dict[int, list[NozzleWiring]] = defaultdict(list)
    rows = DispenserWiring.objects.filter(
        line__active=True,
        line__protocol__in=table.PUMPS,
        dispenser__active=True,
        line__station__active=True,
    ).select_related("dispenser", "line")
    digits = {row.dispenser_id: _digits(row) for row in rows}
    most = {row.dispenser_id: table.PUMPS[row.line.protocol].nozzles for row in rows}
    epochs = _epochs()
    held = Nozzle.objects.filter(active=True, dispenser__in=digits).select_related("tank")
    for nozzle in held.order_by("position"):
        if len(nozzles[nozzle.dispenser_id]) == most[nozzle.dispenser_id]:
            continue  # added after the wiring: its protocol cannot name it, and the others go on
        reading = known[nozzle.station_id].get(nozzle.pk)
        epoch = max(epochs.get(nozzle.pk, 0), reading.epoch if reading else 0)
        nozzles[nozzle.dispenser_id].append(
            NozzleWiring(
                id=nozzle.pk,
                number=nozzle.number,
                position=nozzle.position,
                # The line lets no blocked one loose by itself; by hand it is refused before.
                mode=MANUAL if nozzle.pk in blocked else nozzle.mode,
                prices=prices[nozzle.station_id].get(nozzle.tank.grade_id, ()),
                epoch=epoch,
                totalizer=reading.litres if reading and reading.epoch == epoch else None,
                digits=min(nozzle.totalizer_digits, digits[nozzle.dispenser_id]),
                tank=nozzle.tank_id,
            )
        )
    out: dict[int, list[PointWiring]] = defaultdict(list)
    for row in rows.order_by("address"):
        if nozzles[row.dispenser_id]:
            out[row.line_id].append(_point(row, nozzles[row.dispenser_id]))
    return {line: tuple(points) for line, points in out.items()}


def _options(line: Line) -> dict[str, str | int]:
    """What the station knows of the console that hangs on a gauge's line."""
    if line.protocol not in table.GAUGES:
        return {}
    units = whole("devices.gauge_units", line.station)
    return {
        "poll_seconds": whole("devices.gauge_poll_seconds", line.station),
        "units": str(units) if units in UNITS else "",
        "security": security_code(line.station),
    }


def security_code(station: Station) -> str:
    """What the station's console wants before each question; "" where it wants none."""
    code = text("devices.gauge_security", station)
    return code if len(code) == SECURITY and code.isascii() else ""


def _tanks() -> dict[int, tuple[GaugedTank, ...]]:
    """By line the tanks of its gauge, with the holds that a person has lifted."""
    waived = TankHold.objects.filter(ended_at=None, lifted_at__isnull=False)
    since = dict(waived.values_list("tank_id", "since"))
    out: dict[int, tuple[GaugedTank, ...]] = {}
    rows = GaugeTank.objects.filter(active=True, line__active=True).select_related("tank")
    for row in rows.order_by("number"):
        one = GaugedTank(
            number=row.number,
            tank=row.tank_id,
            name=str(row.tank),
            capacity=row.tank.capacity_l,
            water_limit=Decimal(row.tank.water_limit_mm),
            waived=since[row.tank_id].isoformat() if row.tank_id in since else "",
        )
        out[row.line_id] = (*out.get(row.line_id, ()), one)
    return out


def _point(row: DispenserWiring, nozzles: list[NozzleWiring]) -> PointWiring:
    return PointWiring(
        address=row.address,
        dispenser=row.dispenser.number,
        nozzles=tuple(nozzles),
        decimals=Decimals(
            volume=row.volume_decimals,
            amount=row.amount_decimals,
            price=row.price_decimals,
            totals=row.totals_decimals,
            totals_amount=row.amount_decimals,
        ),
    )


def _digits(row: DispenserWiring) -> int:
    """Digits of the totalizer before the point, as the head's protocol counts them."""
    return table.PUMPS[row.line.protocol].totalizer_digits - row.totals_decimals


def _epochs() -> dict[int, int]:
    rows = MeterChange.objects.order_by("nozzle_id", "-epoch").distinct("nozzle_id")
    return dict(rows.values_list("nozzle_id", "epoch"))


def _prices(station: Station, at: datetime) -> dict[int, tuple[Price, ...]]:
    """By grade: the price in force and those approved for later, oldest first.

    The line knows them before their second comes, so that it changes on time without the database.
    It is not told of a rise that the price sign must show first: that one has no second yet.
    """
    current = newest(station=station, at=at).select_related("change")
    out: dict[int, tuple[Price, ...]] = {
        line.grade_id: (Price(line.holds_from, line.price),) for line in current
    }
    approved = PriceLine.objects.filter(
        Q(change__status=PriceChange.Status.APPROVED)
        | Q(change__status=PriceChange.Status.IN_FORCE, change__effective_at__gt=at),
        change__station=station,
        held=False,
    ).select_related("change")
    signed = on_signs(station)
    last = {grade: prices[-1].price for grade, prices in out.items()}
    for line in approved.order_by("change__effective_at", "change_id"):
        before = last.get(line.grade_id)
        last[line.grade_id] = line.price
        if line.grade_id in signed and before is not None and line.price > before:
            continue
        price = Price(line.change.effective_at, line.price)
        out[line.grade_id] = (*out.get(line.grade_id, ()), price)
    return out
