"""下发: a price in force on its way to each pump, until the pump has read it back to us."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Min

from devices.models import Command, Fill, TotalizerReading
from devices.queries.totalizers import Reading, reading_at
from devices.services import commands, readings
from sales.models import PriceDownload
from sales.queries.pricing import live_downloads
from station.models import Alert, Nozzle, PriceChange
from station.money import Yuan
from station.queries.calendar import open_shift
from station.services import alerts

Status = PriceDownload.Status
# A pump that fuels takes the price when it is idle, so an order waits as long as a long fill.
ORDER_SECONDS = 60
RETRY_SECONDS = 5
RETRY_SECONDS_AT_MOST = 60
TROUBLE_AFTER = 3


@transaction.atomic
def start(
    *, change: PriceChange, prices: Mapping[int, Yuan], before: Mapping[int, Yuan], at: datetime
) -> None:
    """Send the prices (by grade id) of a change to every pump of these grades. Never refuses."""
    nozzles = Nozzle.objects.filter(
        station=change.station, active=True, tank__grade__in=prices
    ).select_related("tank")
    shift = open_shift(change.station)
    downloads = PriceDownload.objects.bulk_create(
        PriceDownload(
            change=change,
            nozzle=nozzle,
            shift=shift,
            old_price=before.get(nozzle.tank.grade_id),
            price=prices[nozzle.tank.grade_id],
        )
        for nozzle in nozzles.order_by("number")
    )
    for download in downloads:
        send(download=download, at=at)


def send(*, download: PriceDownload, at: datetime) -> None:
    """Order the price for one nozzle. Never refuses."""
    command = commands.queue(
        kind=Command.Kind.PRICE,
        station=download.change.station,
        nozzle=download.nozzle,
        arguments={"price": str(download.price)},
        document=download.change.number,
        actor=None,
        at=at,
        seconds=ORDER_SECONDS,
    )
    PriceDownload.objects.filter(pk=download.pk).update(command=command, attempts=F("attempts") + 1)


@transaction.atomic
def follow_up(*, at: datetime) -> int:
    """Take down what became of the orders, and send again what failed; the number looked at.

    A price counts as done when the pump read it back. A superseded download is left alone.
    Several workers may run this at once: each takes rows nobody else holds.
    """
    under_way = (
        live_downloads()
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("change__station", "nozzle", "command")
        .order_by("pk")
    )
    count = 0
    for download in under_way:
        command = download.command
        if command is None:
            send(download=download, at=at)
        elif command.status == Command.Status.DONE:
            _done(download, command.finished_at or at)
        elif command.status in (Command.Status.FAILED, Command.Status.VOID):
            _failed(download, command, at)
        elif command.status == Command.Status.WAITING and command.valid_until < at:
            commands.void_late(at=at)
            command.refresh_from_db()
            _failed(download, command, at)
        count += 1
    return count


def edge(*, download: PriceDownload, at: datetime) -> Reading | None:
    """The totalizer where the old price ended at a nozzle.

    What the line kept when the head took the price; else what stood before the first fill at it.
    """
    kept = (
        TotalizerReading.objects.filter(
            nozzle=download.nozzle,
            kind=TotalizerReading.Kind.PRICE,
            document="",
            occurred_at__gte=download.change.effective_at,
            occurred_at__lte=at,
        )
        .order_by("occurred_at", "pk")
        .first()
    )
    if kept is not None:
        return Reading(kept.nozzle_id, kept.meter_epoch, kept.litres, kept.occurred_at)
    first_new = Fill.objects.filter(
        nozzle=download.nozzle,
        occurred_at__gt=download.change.effective_at,
        occurred_at__lte=at,
        unit_price=download.price,
    ).exclude(unit_price=download.old_price if download.old_price is not None else -1)
    start = first_new.values("meter_epoch").annotate(litres=Min(F("totalizer_after") - F("litres")))
    found = start.order_by("meter_epoch").first()
    if found is not None:
        return Reading(download.nozzle_id, found["meter_epoch"], found["litres"], at)
    reading = reading_at(nozzle=download.nozzle, at=at)
    return reading and Reading(reading.nozzle_id, reading.epoch, reading.litres, at)


def _done(download: PriceDownload, done_at: datetime) -> None:
    reading = edge(download=download, at=done_at)
    if reading is not None:
        readings.keep([reading], kind=TotalizerReading.Kind.PRICE, document=download.change.number)
    PriceDownload.objects.filter(pk=download.pk).update(
        status=Status.DONE,
        done_at=done_at,
        totalizer=reading.litres if reading else None,
        last_error="",
    )
    alerts.clear_alert(station=download.change.station, key=_key(download), at=done_at)


def _failed(download: PriceDownload, command: Command, at: datetime) -> None:
    wait = timedelta(seconds=min(RETRY_SECONDS_AT_MOST, RETRY_SECONDS * max(download.attempts, 1)))
    PriceDownload.objects.filter(pk=download.pk).update(
        status=Status.FAILED, last_error=command.answer[:200] or "没有执行"
    )
    if (command.finished_at or command.valid_until) + wait <= at:
        if download.attempts >= TROUBLE_AFTER:
            _trouble(download, command, at)
        send(download=download, at=at)


def _trouble(download: PriceDownload, command: Command, at: datetime) -> None:
    alerts.raise_alert(
        station=download.change.station,
        key=_key(download),
        kind="sales.price",
        level=Alert.Level.CRITICAL,
        text=f"{download.nozzle} 还没有收到新价 {download.price} 元/升：{command.answer}",
        at=at,
    )


def _key(download: PriceDownload) -> str:
    return f"price:{download.nozzle_id}"
