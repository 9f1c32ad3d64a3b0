"""Cameras as they are registered, how their events are signed, and who is silent."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware, make_aware

from devices.models import Alarm, Camera, PlateRead
from devices.queries.cameras import is_silent
from devices.queries.ports import BAD, DONE, TAKING, drop_folder
from devices.services import alarms, plates
from devices.services.plates import BadEvent, Event
from station.errors import Refusal
from station.models import Station, User
from station.services import audit, sealing

SKEW = timedelta(minutes=5)
LONGEST = 800_000  # bytes of a body, a picture in base64 included
_STAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,80}", re.ASCII)
_FOLDER = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
TAKEN = {
    "one_camera_per_name": "未保存：已有一台同名的摄像头，请换一个名称",
    "one_camera_per_folder": "未保存：这个文件夹已是另一台摄像头的，请换一个",
}


class CameraRefused(Refusal):
    """Two cameras of one name or folder, or a folder that is none."""


class NotSigned(Refusal):
    """The event is not the camera's: wrong signature, or too old."""


def signature(*, secret: str, stamp: str, body: bytes) -> str:
    """What a camera writes into X-Camera-Sign: HMAC-SHA256 over the time, a line feed and the body."""
    return hmac.new(secret.encode(), f"{stamp}\n".encode() + body, hashlib.sha256).hexdigest()


def let_in(*, pk: int, headers: Mapping[str, str], body: bytes, at: datetime) -> Camera:
    """The camera whose event it is. Refuses NotSigned, and never tells whether there is such a camera."""
    stamp, told = headers.get("X-Camera-Time", ""), headers.get("X-Camera-Sign", "")
    rows = Camera.objects.select_related("key", "station", "island", "nozzle")
    camera = rows.filter(pk=pk, kind=Camera.Kind.PUSH, active=True).first()
    if camera is None or not _STAMP.fullmatch(stamp):
        raise NotSigned("签名不对，或摄像头没有启用。")
    secret = sealing.unseal(camera.key, camera.secret_sealed)
    wanted = signature(secret=secret, stamp=stamp, body=body)
    if not hmac.compare_digest(wanted.encode(), told.lower().encode("utf-8", "replace")):
        raise NotSigned("签名不对，或摄像头没有启用。")
    if abs(int(stamp) - int(at.timestamp())) > SKEW.total_seconds():
        raise NotSigned("请求的时间与本系统相差超过五分钟，请校准摄像头的时钟后重发。")
    return camera


def receive(
    *, pk: int, headers: Mapping[str, str], body: bytes, at: datetime
) -> tuple[PlateRead | None, bool]:
    """Take in what a camera pushes: its read and whether it is new, or None for a sign of life.

    Refuses NotSigned, BadEvent and TooMany.
    """
    camera = let_in(pk=pk, headers=headers, body=body, at=at)
    event = read_event(body, at=at)
    if event is None:
        plates.heard(camera=camera, at=at, beat=True)
        return None, False
    return plates.record_plate(camera=camera, event=event, at=at)


def read_event(body: bytes, *, at: datetime, name: str = "") -> Event | None:
    """What a body says; None for a mere sign of life. `name` stands for an event without an id.

    Refuses BadEvent.
    """
    try:
        told = json.loads(body, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise BadEvent("没有收下：内容不是 JSON。") from error
    if not isinstance(told, dict):
        raise BadEvent("没有收下：内容应为一个 JSON 对象。")
    if told.get("beat") is True:
        return None
    event = _text(told, "id", 80) or name
    if not _ID.fullmatch(event):
        raise BadEvent("没有收下：id 应为 1 至 80 位字母、数字或 _ . : -。")
    return Event(
        id=event,
        plate=_text(told, "plate", 20),
        at=_time(_text(told, "at", 40), at),
        confidence=_confidence(told.get("confidence")),
        nozzle=_whole(told.get("nozzle"), "nozzle"),
        image=_image(told.get("image")),
    )


def _text(told: Mapping[str, Any], name: str, longest: int) -> str:
    value = told.get(name, "")
    if not isinstance(value, str) or len(value) > longest or not _storable(value):
        raise BadEvent(f"没有收下：{name} 应为不超过 {longest} 个字的文字。")
    return value.strip()


def _storable(value: str) -> bool:
    return "\x00" not in value and value.encode("utf-8", "replace").decode() == value


def _time(text: str, at: datetime) -> datetime:
    if not text:
        return at
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year < 2100:
        raise BadEvent("没有收下：at 应为时间，例如 2026-04-22T10:30:00+08:00。")
    return found if is_aware(found) else make_aware(found)


def _whole(value: object, name: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1000:
        raise BadEvent(f"没有收下：{name} 应为整数。")
    return value


def _confidence(value: object) -> int | None:
    """Whole per cent; makers write 97, 97.5 or 0.97."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadEvent("没有收下：confidence 应为 0 到 100。")
    told = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,6}))?", str(value), re.ASCII)
    if told is None:
        raise BadEvent("没有收下：confidence 应为 0 到 100。")
    number = int(told[1])
    if isinstance(value, str) and number <= 1 and told[2] is not None:
        number = number * 100 + int(told[2].ljust(2, "0")[:2])
    if number > 100:
        raise BadEvent("没有收下：confidence 应为 0 到 100。")
    return number


def _image(value: object) -> bytes:
    if value is None or value == "":
        return b""
    if not isinstance(value, str):
        raise BadEvent("没有收下：image 应为 base64 的 JPEG。")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadEvent("没有收下：image 应为 base64 的 JPEG。") from error


# --------------------------------------------------------------------------- registering


@transaction.atomic
def save_camera(
    *, row: Camera | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Camera:
    """Add or change a camera; a new one gets its key. Refuses with CameraRefused."""
    told = dict(values)
    if told["kind"] == Camera.Kind.PUSH:
        told["folder"] = ""
    elif not _FOLDER.fullmatch(told["folder"]):
        raise CameraRefused("未保存：文件夹名应为小写字母、数字、- 或 _，例如 cam-1")
    if told["nozzle"] is not None and told["nozzle"].dispenser.island_id != told["island"].pk:
        raise CameraRefused("未保存：这把枪不在所选的加油岛上，请核对")
    before = {name: str(getattr(row, name)) for name in told} if row else None
    try:
        with transaction.atomic():
            if row is None:
                key = sealing.new_key(at=at)
                sealed = sealing.seal(key, secrets.token_urlsafe(32))
                row = Camera.objects.create(station=station, key=key, secret_sealed=sealed, **told)
            else:
                _leave(row, told["folder"])
                _over(row, at)
                Camera.objects.filter(pk=row.pk).update(**told)
    except IntegrityError as error:
        for name, words in TAKEN.items():
            if name in str(error):
                raise CameraRefused(words) from error
        raise
    audit.record(
        at=at,
        actor=actor,
        action="devices.camera.saved",
        station=station,
        document=f"camera:{row.pk}",
        before=before,
        after={name: str(value) for name, value in told.items()},
    )
    return Camera.objects.get(pk=row.pk)


def _leave(camera: Camera, folder: str) -> None:
    """Another folder: what was dealt with in the old one is destroyed, since nobody looks there.

    Refuses while something waits in it.
    """
    if not camera.folder or camera.folder == folder:
        return
    old = drop_folder(camera.folder)
    if any(path.is_file() for place in (old, old / TAKING) for path in _within(place)):
        raise CameraRefused("未保存：原来的文件夹里还有没收的文件，请等它收完（约一分钟）再改")
    dealt_with = [path for name in (DONE, BAD) for path in _within(old / name)]
    transaction.on_commit(partial(_destroy, dealt_with))


def _destroy(files: Iterable[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)


def _within(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _over(camera: Camera, at: datetime) -> None:
    """An alarm of a camera that is changed would be nobody's: the next look raises it anew."""
    alarms.clear_alarm(station=camera.station, kind=Alarm.Kind.CAMERA, subject=camera.name, at=at)


@transaction.atomic
def new_secret(*, camera: Camera, actor: User, at: datetime) -> str:
    """A new key of a camera, told this once; the old one signs nothing any more."""
    secret = secrets.token_urlsafe(32)
    sealed = sealing.seal(camera.key, secret)
    Camera.objects.filter(pk=camera.pk).update(secret_sealed=sealed)
    audit.record(
        at=at,
        actor=actor,
        action="devices.camera.key",
        station=camera.station,
        document=f"camera:{camera.pk}",
    )
    return secret


def watch(*, at: datetime) -> int:
    """Raise an alarm for each camera that is silent for too long, clear it for who speaks; how many."""
    silent = 0
    for camera in Camera.objects.filter(active=True).select_related("station"):
        station, kind, subject = camera.station, Alarm.Kind.CAMERA, camera.name
        if not is_silent(camera, at):
            alarms.clear_alarm(station=station, kind=kind, subject=subject, at=at)
            continue
        silent += 1
        live = Alarm.objects.filter(station=station, kind=kind, subject=subject)
        if not live.filter(status__in=alarms.LIVE).exists():
            text = f"车牌识别摄像头“{camera.name}”没有消息，请检查它的电源、网络和密钥"
            alarms.raise_alarm(station=station, kind=kind, subject=subject, text=text, at=at)
    return silent
