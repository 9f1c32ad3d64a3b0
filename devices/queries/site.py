"""The wiring of a site as the poller needs it: lines, points, prices, modes, meters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from devices.line.wiring import LineWiring, NozzleWiring, PointWiring, Price
from devices.models import DispenserWiring, Line, MeterChange, Reader
from devices.protocols import table
from devices.protocols.base import Decimals
from devices.queries import totalizers
from devices.queries.totalizers import Reading
from station.models import Nozzle, PriceChange, PriceLine, Station


def wiring(*, at: datetime) -> tuple[LineWiring, ...]:
    """Every active line of the active stations, with planned prices that were approved."""
    stations = {station.pk: station for station in Station.objects.filter(active=True)}
    lines = Line.objects.filter(active=True, station__in=stations).order_by("pk")
    readers = dict(Reader.objects.filter(line__in=lines).values_list("line_id", "pk"))
    prices = {pk: _prices(station, at) for pk, station in stations.items()}
    known = {pk: totalizers.latest(station=station) for pk, station in stations.items()}
    points = _points(prices, known)
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
            options=dict(line.options),
            points=points.get(line.pk, ()),
            reader=readers.get(line.pk),
            go_on_alone=stations[line.station_id].offline_policy == Station.OfflinePolicy.CONTINUE,
        )
        for line in lines
    )


def _points(
    prices: Mapping[int, Mapping[int, tuple[Price, ...]]],
    known: Mapping[int, Mapping[int, Reading]],
) -> dict[int, tuple[PointWiring, ...]]:
    nozzles: dict[int, list[NozzleWiring]] = defaultdict(list)
    rows = DispenserWiring.objects.filter(
        line__active=True,
        line__protocol__in=table.PUMPS,
        dispenser__active=True,
        line__station__active=True,
    ).select_related("dispenser", "line")
    digits = {row.dispenser_id: _digits(row) for row in rows}
    epochs = _epochs()
    held = Nozzle.objects.filter(active=True, dispenser__in=digits).select_related("tank")
    for nozzle in held.order_by("position"):
        reading = known[nozzle.station_id].get(nozzle.pk)
        epoch = max(epochs.get(nozzle.pk, 0), reading.epoch if reading else 0)
        nozzles[nozzle.dispenser_id].append(
            NozzleWiring(
                id=nozzle.pk,
                number=nozzle.number,
                position=nozzle.position,
                mode=nozzle.mode,
                prices=prices[nozzle.station_id].get(nozzle.tank.grade_id, ()),
                epoch=epoch,
                totalizer=reading.litres if reading and reading.epoch == epoch else None,
                digits=min(nozzle.totalizer_digits, digits[nozzle.dispenser_id]),
            )
        )
    out: dict[int, list[PointWiring]] = defaultdict(list)
    for row in rows.order_by("address"):
        if nozzles[row.dispenser_id]:
            out[row.line_id].append(_point(row, nozzles[row.dispenser_id]))
    return {line: tuple(points) for line, points in out.items()}


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
    """
    rows = PriceLine.objects.filter(
        change__station=station,
        change__status__in=[PriceChange.Status.IN_FORCE, PriceChange.Status.APPROVED],
    )
    current = (
        rows.filter(change__effective_at__lte=at)
        .order_by("grade_id", "-change__effective_at", "-change_id")
        .distinct("grade_id")
    )
    planned = rows.filter(change__effective_at__gt=at).order_by("change__effective_at", "change_id")
    out: dict[int, tuple[Price, ...]] = {}
    for line in (*current.select_related("change"), *planned.select_related("change")):
        price = Price(line.change.effective_at, line.price)
        out[line.grade_id] = (*out.get(line.grade_id, ()), price)
    return out
