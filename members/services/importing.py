"""Members out of a file: tried first, taken in by a worker, and taken out again.

The file lies in the database under a key of its own, and that key is destroyed when the import is
done: what was wrong is kept with masked values only.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse

from members.models import ImportBatch, ImportTrouble, Member
from members.queries.import_files import Row, Unreadable, read_rows
from members.services import import_rows
from members.services.closing import EMPTY
from members.services.import_rows import Judge, Judged
from station.errors import Refusal
from station.models import Job, Station, User
from station.services import audit, jobs, sealing

LARGEST = 20 * 1024 * 1024
AT_ONCE = 1000
Status = ImportBatch.Status


class ImportRefused(Refusal):
    """The file or the batch is not in a state for this."""


@transaction.atomic
def upload(
    *, station: Station, name: str, content: bytes, at: datetime, actor: User
) -> tuple[ImportBatch, Job]:
    """Keep a file sealed and have it tried: nothing of it is taken in. Refuses empty and too large."""
    if not content:
        raise ImportRefused("没有上传：文件是空的，请重新选择。")
    if len(content) > LARGEST:
        raise ImportRefused("没有上传：文件超过 20 MB，请分成几个文件。")
    key = sealing.new_key(at=at)
    batch = ImportBatch.objects.create(
        station=station,
        name=name.replace("\x00", "").replace("\\", "/").rsplit("/", 1)[-1][:120] or "会员",
        sha256=hashlib.sha256(content).hexdigest(),
        key=key,
        content_sealed=sealing.seal(key, base64.b64encode(content).decode()),
        status=Status.UPLOADED,
        uploaded_by=actor,
        uploaded_at=at,
    )
    _note(batch, "members.import.uploaded", at, actor, {"文件": batch.name})
    return batch, _start("members.import_check", batch, at, actor)


@transaction.atomic
def confirm(*, batch: ImportBatch, at: datetime, actor: User) -> Job:
    """Take in what was found good. Refuses a batch that is not checked, or has nothing good."""
    rows = ImportBatch.objects.filter(pk=batch.pk, status=Status.CHECKED, good__gt=0)
    if not rows.update(status=Status.IMPORTING):
        raise ImportRefused("没有导入：这个文件还没检查完、没有可导入的行，或已经导入过。请刷新。")
    return _start("members.import", batch, at, actor)


@transaction.atomic
def undo(*, batch: ImportBatch, at: datetime, actor: User) -> Job:
    """Take out again whom the batch brought and who has bought nothing since. Refuses twice."""
    rows = ImportBatch.objects.filter(pk=batch.pk, status=Status.DONE)
    if not rows.update(status=Status.UNDONE):
        raise ImportRefused("没有撤销：这一批还没有导入完，或已经撤销过。请刷新。")
    return _start("members.import_undo", batch, at, actor)


# ----------------------------------------------------------------------------- the worker


def run_check(*, job: Job, at: datetime) -> Mapping[str, Any]:
    """Read and judge every row; writes troubles and counts, takes in nothing."""
    batch = _batch(job)
    if batch.status != Status.UPLOADED:
        return _result(batch)
    try:
        rows = _rows(batch)
    except Unreadable as error:
        ImportBatch.objects.filter(pk=batch.pk).update(
            status=Status.REFUSED, words=str(error)[:200], content_sealed=""
        )
        sealing.destroy_key(key=batch.key, at=at)
        return _result(batch)
    batch.troubles.all().delete()
    judge = Judge(batch=batch, at=at)
    counted = _Count()
    for part in _parts(rows, job, "检查"):
        counted.add(batch, judge.judged(part))
    ImportBatch.objects.filter(pk=batch.pk).update(
        status=Status.CHECKED, rows=len(rows), **counted.columns
    )
    return _result(batch)


def run_import(*, job: Job, at: datetime) -> Mapping[str, Any]:
    """Take in the good rows, a thousand in a transaction; after a crash it goes on where it was."""
    batch = _batch(job)
    if batch.status != Status.IMPORTING or job.asked_by is None:
        return _result(batch)
    actor, rows = job.asked_by, _rows(batch)
    batch.troubles.all().delete()
    judge = Judge(batch=batch, at=at)
    counted = _Count()
    for part in _parts(rows, job, "导入"):
        try:
            counted.add(batch, _take(part, judge, at, actor))
        except IntegrityError:  # somebody joined at a till meanwhile: he is known now
            judge.forget(part)
            counted.add(batch, _take(part, judge, at, actor))
    taken = batch.members.count()
    with transaction.atomic():
        ImportBatch.objects.filter(pk=batch.pk).update(
            status=Status.DONE,
            rows=len(rows),
            taken=taken,
            content_sealed="",
            finished_at=at,
            **counted.columns,
        )
        sealing.destroy_key(key=batch.key, at=at)
        told = {"行数": str(len(rows)), "导入": str(taken)}
        _note(batch, "members.import.done", at, actor, told)
    return _result(batch)


def run_undo(*, job: Job, at: datetime) -> Mapping[str, Any]:
    """Forget whom the batch brought, a thousand at a time; who bought something since stays."""
    batch = _batch(job)
    total = batch.members.count()
    done = 0
    while True:
        rows = batch.members.exclude(status=Member.Status.CLOSED).filter(
            purchases=None, merged_ones=None, merged_into=None
        )
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        if not ids:
            break
        import_rows.forget(ids=ids, at=at, actor=job.asked_by, empty=EMPTY)
        done += len(ids)
        jobs.report(job, done=done, total=total, step="撤销")
    undone = batch.members.filter(status=Member.Status.CLOSED).count()
    with transaction.atomic():
        ImportBatch.objects.filter(pk=batch.pk).update(undone=undone)
        told = {"导入": str(total), "撤销": str(undone)}
        _note(batch, "members.import.undone", at, job.asked_by, told)
    return _result(batch)


# --------------------------------------------------------------------------------- inside


class _Count:
    """How many rows are good, known or bad."""

    def __init__(self) -> None:
        self.columns = {"good": 0, "known": 0, "bad": 0}

    def add(self, batch: ImportBatch, part: Sequence[Judged]) -> None:
        for one in part:
            kind = "good" if not one.words else "known" if one.known else "bad"
            self.columns[kind] += 1
        ImportTrouble.objects.bulk_create(
            ImportTrouble(
                batch=batch,
                line=one.row.line,
                known=one.known,
                masked=one.masked[:80],
                words=one.words[:200],
            )
            for one in part
            if one.words
        )


@transaction.atomic
def _take(part: Sequence[Row], judge: Judge, at: datetime, actor: User) -> list[Judged]:
    judged = judge.judged(part)
    good = [one for one in judged if not one.words and not one.taken]
    import_rows.take(good, batch=judge.batch, at=at, actor=actor, index=judge.index)
    return judged


def _parts(rows: Sequence[Row], job: Job, step: str) -> Iterator[Sequence[Row]]:
    for first in range(0, len(rows), AT_ONCE):
        yield rows[first : first + AT_ONCE]
        jobs.report(job, done=min(first + AT_ONCE, len(rows)), total=len(rows), step=step)


def _rows(batch: ImportBatch) -> list[Row]:
    content = base64.b64decode(sealing.unseal(batch.key, batch.content_sealed))
    return read_rows(batch.name, content, extra=import_rows.extra_columns())


def _batch(job: Job) -> ImportBatch:
    rows = ImportBatch.objects.select_related("station", "key", "uploaded_by")
    return rows.get(pk=job.arguments["batch"])


def _start(kind: str, batch: ImportBatch, at: datetime, actor: User) -> Job:
    arguments = {"batch": batch.pk}
    return jobs.start(kind=kind, station=batch.station, asked_by=actor, at=at, arguments=arguments)


def _result(batch: ImportBatch) -> Mapping[str, Any]:
    return {"href": reverse("members:import", args=[batch.pk]), "label": "看结果"}


def _note(
    batch: ImportBatch, action: str, at: datetime, actor: User | None, told: Mapping[str, str]
) -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=batch.station,
        document=f"导入 {batch.pk}",
        after=told,
    )
