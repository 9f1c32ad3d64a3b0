"""Background work of the forecourt."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from devices.services import (
    authorising,
    cameras,
    certificates,
    commands,
    gauges,
    plate_files,
    plates,
    probing,
    self_tests,
)
from station.models import Station


@shared_task(ignore_result=True)
def end_what_is_late(**kwargs: object) -> None:
    """Void commands nobody took, end authorisations nobody used and probes nobody does."""
    at = now()
    commands.void_late(at=at)
    authorising.expire(at=at)
    probing.end_what_is_late(at=at)


@shared_task(ignore_result=True)
def watch_gauges(**kwargs: object) -> None:
    """Look for litres that go while nobody takes them."""
    for station in Station.objects.filter(active=True):
        gauges.watch_idle(station=station, at=now())


@shared_task(ignore_result=True)
def thin_gauge_readings(**kwargs: object) -> None:
    """Keep of old readings as many as the station wants."""
    for station in Station.objects.filter(active=True):
        gauges.thin(station=station, at=now())


@shared_task(ignore_result=True)
def check_certificates(**kwargs: object) -> None:
    """Tell of certificates 90, 30 and 7 days before they end, and when they are over."""
    certificates.remind_all(at=now())


@shared_task(ignore_result=True)
def take_plate_files(**kwargs: object) -> None:
    """Take up what plate cameras dropped into their folders."""
    plate_files.take_all(at=now())


@shared_task(ignore_result=True)
def watch_cameras(**kwargs: object) -> None:
    """Raise an alarm for plate cameras that are silent."""
    cameras.watch(at=now())


@shared_task(ignore_result=True)
def forget_plates(**kwargs: object) -> None:
    """Destroy plates and pictures that are kept no longer."""
    at = now()
    plates.forget_old(at=at)
    plate_files.drop_old(at=at)


@shared_task(ignore_result=True)
def check_self_tests(**kwargs: object) -> None:
    """Tell of nozzles whose own test is due."""
    self_tests.remind_all(at=now())
