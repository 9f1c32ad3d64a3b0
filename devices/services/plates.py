"""Plates that cameras read: taken in once, corrected by who sees the car, forgotten in time."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from devices.models import Camera, PlateImage, PlateRead
from devices.queries.cameras import near
from devices.queries.ports import DONE, drop_folder
from station.errors import Refusal
from station.models import DataKey, Nozzle, Station, User
from station.queries import settings
from station.queries.masking import mask_plate
from station.queries.plates import PLATE
from station.services import audit, sealing

log = structlog.get_logger(__name__)

LARGEST_IMAGE = 500_000
AHEAD = timedelta(minutes=5)  # a camera's clock
MOST_A_MINUTE = 60  # a lane takes six cars a minute, and a shaking camera reads each ten times
PORTION = 500
FILES = (".json", ".jpg")  # what a camera drops


class BadEvent(Refusal):
    """The event says something that makes no sense."""


class TooMany(Refusal):
    """A camera reads faster than cars can come."""


class BadPlate(Refusal):
    """Not a plate, or a read that was forgotten."""


@dataclass(frozen=True)
class Event:
    """What a camera says of one car. `nozzle` is the number of the 枪 where it stands, if it knows."""

    id: str
    plate: str
    at: datetime
    confidence: int | None = None
    nozzle: int | None = None
    image: bytes = b""


@transaction.atomic
def record_plate(*, camera: Camera, event: Event, at: datetime) -> tuple[PlateRead, bool]:
    """Store one read, sealed; the row, and whether it is new. The same event again is the same row.

    What the camera takes for a plate is a fact, whatever it looks like; a picture that cannot be kept
    is left out. A clock that is fast by less than five minutes makes no read later than now. Refuses
    with BadEvent what is no text, another plate under a known event, and a time that lies further
    ahead; with TooMany a flood.
    """
    plate = sealing.normal(event.plate)
    if not 1 <= len(plate) <= 12:
        raise BadEvent("没有收下：plate 应为 1 至 12 个字的车牌。")
    if event.at > at + AHEAD:
        raise BadEvent("没有收下：at 比本系统的时间晚五分钟以上，请校准摄像头的时钟。")
    heard(camera=camera, at=at)
    index = sealing.blind_index("plate", plate)
    known = PlateRead.objects.filter(camera=camera, event=event.id).first()
    if known is None:
        recent = PlateRead.objects.filter(camera=camera, recorded_at__gt=at - timedelta(minutes=1))
        if recent.count() >= MOST_A_MINUTE:
            raise TooMany(f"没有收下：这台摄像头一分钟已送来 {MOST_A_MINUTE} 次，请稍后再送。")
        known = _store(camera, event, plate, index, at)
        if known is not None:
            return known, True
        known = PlateRead.objects.get(camera=camera, event=event.id)
    if known.plate_index not in {index, ""}:
        raise BadEvent("没有收下：这个事件号已用于另一个车牌，请换一个事件号。")
    return known, False


def _store(camera: Camera, event: Event, plate: str, index: str, at: datetime) -> PlateRead | None:
    try:
        with transaction.atomic():
            key = sealing.new_key(at=at)
            read = PlateRead.objects.create(
                station=camera.station,
                camera=camera,
                event=event.id,
                key=key,
                plate_sealed=sealing.seal(key, plate),
                plate_index=index,
                confidence=event.confidence,
                nozzle=_nozzle(camera, event.nozzle),
                occurred_at=min(event.at, at),
            )
            if event.image and settings.whole("devices.plate_image_days", camera.station):
                _keep_image(read, event.image)
    except IntegrityError as error:  # the same event at the same moment
        if "one_plate_read_per_event" not in str(error):
            raise
        return None
    return read


def _nozzle(camera: Camera, number: int | None) -> Nozzle | None:
    """The nozzle that the event names, where the camera's island has it; else the camera's own."""
    if number is None:
        return camera.nozzle
    named = Nozzle.objects.filter(
        station=camera.station, number=number, dispenser__island=camera.island
    )
    return named.first() or camera.nozzle


def _keep_image(read: PlateRead, image: bytes) -> None:
    if not image.startswith(b"\xff\xd8\xff") or len(image) > LARGEST_IMAGE:
        log.warning("plate_picture_left_out", camera=read.camera_id, size=len(image))
        return
    text = base64.b64encode(image).decode()
    PlateImage.objects.create(read=read, sealed=sealing.seal(read.key, text))


def heard(*, camera: Camera, at: datetime, beat: bool = False) -> None:
    """The camera gave a sign of life; `beat` is one that it gives without a car."""
    known = {"heard_at": at, "beat_at": at} if beat else {"heard_at": at}
    Camera.objects.filter(pk=camera.pk).update(**known)


@transaction.atomic
def correct(*, read: PlateRead, plate: str, actor: User, at: datetime) -> None:
    """Put right what the camera read; counted, with the characters that it confused.

    What the camera read stays beside it. Correcting back to that takes the correction away. Refuses
    with BadPlate what is no plate, a read that was forgotten, and one whose car is long gone.
    """
    kept = sealing.normal(plate)
    if not PLATE.fullmatch(kept):
        raise BadPlate("没有更正：应为省份简称、字母和 5 至 6 位号码，例如 云A12345。")
    read = PlateRead.objects.select_for_update(of=("self",)).select_related("key").get(pk=read.pk)
    if read.forgotten_at is not None:
        raise BadPlate("没有更正：这次识别的资料已到期销毁。")
    if not near(read, at):
        raise BadPlate("没有更正：过了半小时，车已经不在，没有办法核对。")
    original = sealing.unseal(read.key, read.plate_sealed)
    before = sealing.unseal(read.key, read.best_sealed)
    if kept == before:
        return
    if kept == original:
        read.corrected_sealed = read.corrected_index = read.confused = ""
        read.corrected_at = read.corrected_by = None
    else:
        read.corrected_sealed = sealing.seal(read.key, kept)
        read.corrected_index = sealing.blind_index("plate", kept)
        read.corrected_at, read.corrected_by = at, actor
        read.confused = confused(original, kept)
    read.save()
    audit.record(
        at=at,
        actor=actor,
        action="devices.plate.corrected",
        station=read.station,
        document=str(read),
        before={"车牌": mask_plate(before)},
        after={"车牌": mask_plate(kept)},
    )


def confused(seen: str, meant: str) -> str:
    """The characters that were taken for others, as 0D,8B; 长度 where one was lost or added."""
    if len(seen) != len(meant):
        return "长度"
    return ",".join(f"{a}{b}" for a, b in zip(seen, meant, strict=True) if a != b)[:60]


@transaction.atomic
def forget(*, reads: Iterable[PlateRead], at: datetime) -> int:
    """Destroy the keys of reads and what they sealed; how many. The counts of a camera stay.

    What a camera of files dropped goes with them, as soon as the rows are gone for good.
    """
    found = list(reads)
    ids = [one.pk for one in found]
    keys = [one.key_id for one in found]
    PlateImage.objects.filter(read__in=ids).delete()
    gone = PlateRead.objects.filter(pk__in=ids, forgotten_at=None).update(
        plate_sealed="",
        plate_index="",
        corrected_sealed="",
        corrected_index="",
        forgotten_at=at,
    )
    DataKey.objects.filter(pk__in=keys, destroyed_at=None).update(wrapped="", destroyed_at=at)
    files = PlateRead.objects.filter(pk__in=ids).exclude(camera__folder="")
    for folder, event in files.values_list("camera__folder", "event"):
        transaction.on_commit(partial(_unlink, folder, event))
    return gone


def _unlink(folder: str, event: str) -> None:
    for suffix in FILES:
        Path(drop_folder(folder), DONE, f"{event}{suffix}").unlink(missing_ok=True)


def forget_plates(*, indexes: Collection[str], at: datetime) -> int:
    """A person or his car is forgotten: every read of these plates is, at every station."""
    known = [one for one in indexes if one]
    rows = PlateRead.objects.filter(Q(plate_index__in=known) | Q(corrected_index__in=known))
    return forget(reads=rows.filter(forgotten_at=None), at=at)


def forget_old(*, at: datetime) -> int:
    """What every station keeps no longer: pictures first, then the reads; how many reads."""
    gone = 0
    for station in Station.objects.filter(cameras__isnull=False).distinct():
        days = settings.whole("devices.plate_image_days", station)
        since = at - timedelta(days=days)
        PlateImage.objects.filter(read__station=station, read__occurred_at__lt=since).delete()
        gone += _forget_before(
            PlateRead.objects.filter(station=station, forgotten_at=None),
            at - timedelta(days=settings.whole("devices.plate_days", station)),
            at,
        )
    return gone


def _forget_before(rows: QuerySet[PlateRead], since: datetime, at: datetime) -> int:
    gone = 0
    while portion := list(rows.filter(occurred_at__lt=since).order_by("pk")[:PORTION]):
        gone += forget(reads=portion, at=at)
    return gone
