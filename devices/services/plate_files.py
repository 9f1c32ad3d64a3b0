"""Cameras that drop files: `plates/<folder>/` in the data folder, then done/ or bad/; each file once.

A file is claimed by being moved into taking/, which only one of several workers can do. What a
crash leaves there is taken up again a minute later, and its event makes it the same read. In done/
a file is named by its event, so that it is found when its read is to be forgotten.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.utils.timezone import make_aware

from devices.models import Camera
from devices.queries.ports import BAD, DONE, TAKING, drop_folder
from devices.services.cameras import read_event
from devices.services.plates import BadEvent, Event, TooMany, record_plate
from station.errors import Refusal
from station.queries import settings

log = structlog.get_logger(__name__)

LARGEST_FILE = 5_000_000  # a full frame; a picture that is too large is left out, its plate is not
SETTLED = timedelta(seconds=2)  # a file that still grows is not touched
LEFT = timedelta(minutes=1)
MOST = 100  # of one folder at a time
_NAME = re.compile(r"(\d{8})[T_-]?(\d{6})(?:\d{3})?_([^_.]{1,12})(?:_.*)?\.jpe?g", re.IGNORECASE)


def take_all(*, at: datetime) -> int:
    """Take up what lies in the folders of all cameras; how many reads are new.

    A folder that cannot be read keeps no other camera waiting.
    """
    rows = Camera.objects.filter(active=True, kind=Camera.Kind.FOLDER)
    new = 0
    for camera in rows.select_related("key", "station", "island", "nozzle"):
        try:
            new += _take(camera, at)
        except OSError as error:
            log.warning("plate_folder_unreadable", camera=camera.pk, error=type(error).__name__)
    return new


def _take(camera: Camera, at: datetime) -> int:
    folder = drop_folder(camera.folder)
    for name in (TAKING, DONE, BAD):
        (folder / name).mkdir(parents=True, exist_ok=True)
    new = 0
    for path, dropped in _claimed(folder, at):
        try:
            event = _read(path, dropped)
            new += record_plate(camera=camera, event=event, at=at)[1]
            path.rename(folder / DONE / f"{event.id}{_suffix(path)}")
        except TooMany:
            path.rename(folder / path.name)  # it is looked at again later
            break
        except Refusal as refusal:
            _put_away(path, folder / BAD, str(refusal))
        except FileNotFoundError:
            continue  # another worker took it for one that a crash had left
        except (OSError, ValueError) as error:
            log.warning("plate_file_unreadable", camera=camera.pk, error=type(error).__name__)
            _put_away(path, folder / BAD, "没有收下：文件读不出来，请检查它的权限。")
    return new


def _put_away(path: Path, bad: Path, why: str) -> None:
    """Under a name that tells no plate, with the reason beside it."""
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:20]
    path.rename(bad / f"{name}{path.suffix if path.suffix.isascii() else ''}")
    (bad / f"{name}.txt").write_text(why, encoding="utf-8")


def _suffix(path: Path) -> str:
    return ".json" if path.suffix.lower() == ".json" else ".jpg"


def _claimed(folder: Path, at: datetime) -> Iterator[tuple[Path, datetime]]:
    """The files that this worker has alone, oldest name first, and when each was dropped."""
    for path in sorted((folder / TAKING).iterdir()):
        if _age(path, at) > LEFT:
            yield path, at - _age(path, at)
    waiting = sorted(path for path in folder.iterdir() if _is_dropped(path))
    for path in waiting[:MOST]:
        age = _age(path, at)
        if age < SETTLED:
            continue
        mine = folder / TAKING / path.name
        try:
            path.rename(mine)
            mine.touch()
        except FileNotFoundError:
            continue  # another worker was first
        except OSError as error:  # whose it is will be told when it is read
            log.warning("plate_file_untouchable", error=type(error).__name__)
        yield mine, at - age


def _is_dropped(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and not path.name.startswith(".")


def _age(path: Path, at: datetime) -> timedelta:
    try:
        return timedelta(seconds=at.timestamp() - path.stat().st_mtime)
    except FileNotFoundError:
        return timedelta(0)


def _read(path: Path, dropped: datetime) -> Event:
    """What a file says: JSON as a pushed event has it, or a picture named <time>_<plate>.jpg.

    JSON without a time is of the moment in which it was dropped, not of that in which it is read.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise BadEvent("没有收下：文件太大。")
    content = path.read_bytes()
    name = hashlib.sha256(os.fsencode(path.name) + content).hexdigest()
    if path.suffix.lower() == ".json":
        event = read_event(content, at=dropped, name=name)
        if event is None:
            raise BadEvent("没有收下：文件里没有车牌。")
        return event
    told = _NAME.fullmatch(_name(path))
    if told is None:
        raise BadEvent("没有收下：文件名应为 时间_车牌.jpg，例如 20260422103000_云A12345.jpg。")
    try:
        taken = datetime.strptime(told[1] + told[2], "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError as error:
        raise BadEvent("没有收下：文件名里的时间不对。") from error
    return Event(id=name, plate=told[3], at=make_aware(taken), image=content)


def _name(path: Path) -> str:
    """As its camera meant it: many write GBK where the system writes UTF-8."""
    raw = os.fsencode(path.name)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")


def drop_old(*, at: datetime) -> int:
    """Delete the files that were dealt with and are older than pictures are kept; how many."""
    gone = 0
    for camera in Camera.objects.filter(kind=Camera.Kind.FOLDER).select_related("station"):
        days = settings.whole("devices.plate_image_days", camera.station)
        for name in (DONE, BAD):
            folder = drop_folder(camera.folder) / name
            for path in folder.iterdir() if folder.is_dir() else ():
                if _age(path, at) > timedelta(days=days):
                    path.unlink(missing_ok=True)
                    gone += 1
    return gone
