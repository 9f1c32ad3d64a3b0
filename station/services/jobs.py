"""Long work that a person may watch and leave: asked for as a row, run by a worker.

A job runs under an advisory lock of its own: one that says RUNNING while nobody holds the lock was
left by a worker that died, and is taken up again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils.module_loading import import_string

from station.models import Job, Station, User
from station.queries import wording
from station.services import messages
from station.services.waking import wake

ATTEMPTS = 3
LOCK_SPACE = 7101  # of pg_advisory_lock; never reuse or renumber

Runner = Callable[..., Mapping[str, Any] | None]


class NoSuchJob(LookupError):
    """The kind is not in settings.JOBS: a mistake in the code, not of a person."""


@transaction.atomic
def start(
    *,
    kind: str,
    station: Station | None,
    asked_by: User | None,
    at: datetime,
    arguments: Mapping[str, Any] | None = None,
) -> Job:
    """Ask for long work; a worker takes it within 30 seconds. `kind` is a name in settings.JOBS."""
    if kind not in settings.JOBS:
        raise NoSuchJob(kind)
    job = Job.objects.create(
        kind=kind, station=station, asked_by=asked_by, asked_at=at, arguments=dict(arguments or {})
    )
    wake("station.tasks.run_jobs")
    return job


def report(job: Job, *, done: int, total: int, step: str = "") -> None:
    """Tell how far it is; call it outside a transaction, or nobody sees it before the end."""
    Job.objects.filter(pk=job.pk).update(done=done, total=total, step=step[:100])


def run_next(*, at: datetime) -> Job | None:
    """Run the oldest job that waits (or was left by a dead worker); None when there is none.

    A runner that fails leaves its error on the row and raises; after three tries the row is FAILED.
    """
    for job in Job.objects.filter(status__in=[Job.Status.WAITING, Job.Status.RUNNING]).order_by(
        "pk"
    ):
        with _held(job) as mine:
            if mine and _take(job, at):
                _run(job, at)
                return job
    return None


def _take(job: Job, at: datetime) -> bool:
    """Under the lock: still unfinished, and not tried too often."""
    job.refresh_from_db()
    if job.status not in (Job.Status.WAITING, Job.Status.RUNNING):
        return False
    if job.attempts >= ATTEMPTS:  # its worker died each time
        Job.objects.filter(pk=job.pk).update(
            status=Job.Status.FAILED, last_error=job.last_error or "执行进程意外退出"
        )
        _tell(job, "没有做成", at)
        return False
    job.status = Job.Status.RUNNING
    job.attempts += 1
    job.save(update_fields=["status", "attempts"])
    return True


def _run(job: Job, at: datetime) -> None:
    _, dotted = settings.JOBS[job.kind]
    runner: Runner = import_string(dotted)
    try:
        result = runner(job=job, at=at)
    except BaseException as error:
        tired = job.attempts >= ATTEMPTS
        Job.objects.filter(pk=job.pk).update(
            status=Job.Status.FAILED if tired else Job.Status.WAITING,
            last_error=f"{type(error).__name__}: {error}"[:2000],
            finished_at=at if tired else None,
        )
        if tired:
            _tell(job, "没有做成", at)
        raise
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(
            status=Job.Status.DONE,
            result=dict(result) if result is not None else None,
            last_error="",
            finished_at=at,
        )
        _tell(job, "做完了", at)
    job.refresh_from_db()


def _tell(job: Job, end: str, at: datetime) -> None:
    """Whoever asked for the work hears how it ended, wherever he is by then."""
    if job.asked_by is None:
        return
    title, _ = settings.JOBS[job.kind]
    messages.tell(
        recipient=job.asked_by,
        key=f"job:{job.pk}",
        subject=f"{title}{end}",
        text=f"{wording.local(job.asked_at)} 交办的“{title}”{end}。",
        url=reverse("station:job", args=[job.pk]),
        station=job.station,
        at=at,
    )


@contextmanager
def _held(job: Job) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_SPACE, job.pk])
        (mine,) = cursor.fetchone()
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_SPACE, job.pk])
