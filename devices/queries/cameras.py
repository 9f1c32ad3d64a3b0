"""Cameras and what they read: how they stand, how often they are wrong, what stands where now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, Max, Q, QuerySet

from devices.models import Camera, PlateRead
from station.models import Station
from station.queries import settings
from station.queries.masking import mask_plate
from station.services import sealing

BEAT = timedelta(seconds=10)  # a camera that gives signs of life is missed after so long
LOOK_BACK = timedelta(days=30)
STAYS = timedelta(minutes=5)  # how long a car is taken to stand where it was read
NEAR = timedelta(minutes=30)  # how long its plate is shown in full to who stands beside it


@dataclass(frozen=True)
class CameraStatus:
    """A camera in a word, with what it did in thirty days."""

    camera: Camera
    tone: str
    word: str
    reads: int
    corrected: int
    confidence: int | None
    last_at: datetime | None

    @property
    def share(self) -> int | None:
        """Corrected reads in whole per cent."""
        return self.corrected * 100 // self.reads if self.reads else None


@dataclass(frozen=True)
class Here:
    """The last plate that was read at a place, as it is believed now."""

    pk: int
    plate: str
    index: str
    island: str
    nozzle_id: int | None
    at: datetime
    corrected: bool

    @property
    def masked(self) -> str:
        return mask_plate(self.plate)


def is_silent(camera: Camera, at: datetime) -> bool:
    """Longer without a word than it may be: ten seconds where it beats, else as the station set."""
    if camera.beat_at is not None:
        return max(camera.beat_at, camera.heard_at or camera.beat_at) < at - BEAT
    minutes = settings.whole("devices.camera_silent_minutes", camera.station)
    return camera.heard_at is not None and camera.heard_at < at - timedelta(minutes=minutes)


def cameras(*, station: Station, at: datetime) -> list[CameraStatus]:
    """The cameras in use by name, with their last thirty days. Two statements and the figure."""
    rows = Camera.objects.filter(station=station, active=True).select_related("station", "island")
    recent = PlateRead.objects.filter(station=station, occurred_at__gt=at - LOOK_BACK)
    told: dict[int, Mapping[str, Any]] = {
        one["camera"]: one
        for one in recent.values("camera").annotate(
            reads=Count("pk"),
            corrected=Count("pk", filter=Q(corrected_at__isnull=False)),
            sure=Avg("confidence"),
            last=Max("occurred_at"),
        )
    }
    return [_status(one, told.get(one.pk, {}), at) for one in rows.order_by("name")]


def _status(camera: Camera, told: Mapping[str, Any], at: datetime) -> CameraStatus:
    if camera.heard_at is None:
        tone, word = "wait", "还没有消息"
    elif is_silent(camera, at):
        tone, word = "bad", "没有消息"
    else:
        tone, word = "good", "正常"
    sure = told.get("sure")
    return CameraStatus(
        camera,
        tone,
        word,
        told.get("reads", 0),
        told.get("corrected", 0),
        None if sure is None else round(sure),
        told.get("last") or camera.heard_at,
    )


def confusions(*, station: Station, at: datetime) -> list[tuple[str, str, int]]:
    """What was taken for what in thirty days, the most frequent first: seen, meant, times."""
    rows = PlateRead.objects.filter(station=station, occurred_at__gt=at - LOOK_BACK)
    pairs: Counter[str] = Counter()
    for text in rows.exclude(confused="").values_list("confused", flat=True):
        pairs.update(text.split(","))
    return [
        (pair[0], pair[1], times)
        if len(pair) == 2 and pair != "长度"
        else ("漏字或多字", "", times)
        for pair, times in pairs.most_common(20)
    ]


def reads_of(*, station: Station) -> QuerySet[PlateRead]:
    """The reads of a station, with what showing them needs."""
    rows = PlateRead.objects.filter(station=station)
    return rows.select_related("camera__island", "key", "nozzle", "corrected_by")


def plate_of(read: PlateRead) -> str:
    """The plate as it is believed now, in full; "" where it was forgotten."""
    return "" if read.forgotten_at else sealing.unseal(read.key, read.best_sealed)


def original_of(read: PlateRead) -> str:
    """What the camera took it for."""
    return "" if read.forgotten_at else sealing.unseal(read.key, read.plate_sealed)


def here(*, station: Station, at: datetime) -> list[Here]:
    """The last plate at each island and nozzle within five minutes. One statement."""
    rows = (
        reads_of(station=station)
        .filter(occurred_at__gt=at - STAYS, occurred_at__lte=at + BEAT, forgotten_at=None)
        .order_by("camera__island_id", "nozzle_id", "-occurred_at", "-pk")
        .distinct("camera__island_id", "nozzle_id")
    )
    return [
        Here(
            pk=one.pk,
            plate=plate_of(one),
            index=one.corrected_index or one.plate_index,
            island=str(one.camera.island),
            nozzle_id=one.nozzle_id,
            at=one.occurred_at,
            corrected=one.corrected_at is not None,
        )
        for one in rows
    ]


def near(read: PlateRead, at: datetime) -> bool:
    """Whether the car may still stand there: who is beside it may see its plate in full."""
    return read.occurred_at > at - NEAR
