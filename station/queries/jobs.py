"""Long work, read: how far it is, and what came out."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse

from station.models import Assignment, Job, User


@dataclass(frozen=True, slots=True)
class Progress:
    """What the progress part shows of a job."""

    pk: int
    label: str
    href: str
    step: str
    done: int
    total: int
    finished: bool
    failed: str
    result_href: str
    result_label: str
    where: str = "任务"


def title_of(kind: str) -> str:
    """The job's kind in words."""
    title, _ = settings.JOBS.get(kind, (kind, ""))
    return str(title)


def jobs_seen_by(user: User) -> QuerySet[Job]:
    """One's own jobs, and those of the stations one may see."""
    mine = Assignment.objects.filter(user=user)
    jobs = Job.objects.select_related("asked_by", "station")
    if mine.filter(station=None).exists():
        return jobs
    return jobs.filter(Q(asked_by=user) | Q(station__in=mine.values("station")))


def progress_of(job: Job) -> Progress:
    """A job as the progress part wants it. A runner puts `href` and `label` into its result."""
    result = job.result or {}
    step = f"{title_of(job.kind)}：{job.step}" if job.step else title_of(job.kind)
    return Progress(
        pk=job.pk,
        label=step,
        href=reverse("station:job_progress", args=[job.pk]),
        step=job.step,
        done=job.done,
        total=job.total,
        finished=job.status in (Job.Status.DONE, Job.Status.FAILED),
        failed=job.last_error.splitlines()[0] if job.status == Job.Status.FAILED else "",
        result_href=str(result.get("href", "")),
        result_label=str(result.get("label", "")),
    )
