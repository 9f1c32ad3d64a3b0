"""导出我的资料: everything kept of one person, as a zip that only his own key opens."""

from __future__ import annotations

import base64
import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings as project
from django.db import transaction
from django.urls import reverse
from django.utils.module_loading import import_string

from members.models import Member, MemberExport
from members.queries.cards import members_anywhere
from members.queries.dossier import Sheet, sheets_of
from members.services.noting import about
from members.services.refusals import refuse_gone
from station.errors import Refusal
from station.models import Job, User
from station.services import jobs, sealing
from station.services.exporting import harmless

KEPT = timedelta(days=7)
KIND = "members.export"


class ExportRefused(Refusal):
    """No reason, or no file any more."""


@transaction.atomic
def ask(*, member: Member, reason: str, at: datetime, actor: User) -> tuple[MemberExport, Job]:
    """Have the zip of a member made by a worker. Refuses without a reason, and who is gone."""
    refuse_gone(member)
    if len(reason.strip()) < 2:
        raise ExportRefused("没有导出：请写明原因，例如「本人要求查阅」。")
    row = MemberExport.objects.create(
        member=member,
        reason=reason.strip()[:200],
        asked_by=actor,
        asked_at=at,
        expires_at=at + KEPT,
    )
    about(member).note("members.export.asked", at, actor, reason=reason.strip())
    job = jobs.start(
        kind=KIND,
        station=member.home_station,
        asked_by=actor,
        at=at,
        arguments={"export": row.pk},
    )
    return row, job


def run(*, job: Job, at: datetime) -> Mapping[str, Any]:
    """The worker's part. A member closed meanwhile leaves nothing to export."""
    row = MemberExport.objects.get(pk=job.arguments["export"])
    member = members_anywhere().get(pk=row.member_id)
    if member.key.destroyed_at:
        return {}
    jobs.report(job, done=0, total=2, step="收集资料")
    content = zipped([*sheets_of(member), *_more(member)])
    jobs.report(job, done=1, total=2, step="打包加密")
    sealed = sealing.seal(member.key, base64.b64encode(content).decode())
    MemberExport.objects.filter(pk=row.pk).update(
        content_sealed=sealed, size=len(content), made_at=at
    )
    href = reverse("members:export", args=[member.number, row.pk])
    return {"href": href, "label": "下载资料"}


@transaction.atomic
def opened(*, export: MemberExport, at: datetime, actor: User) -> bytes:
    """The zip, for this download; audited. Refuses (ExportRefused) after its days."""
    if not export.content_sealed or at > export.expires_at or export.member.key.destroyed_at:
        raise ExportRefused("没有可下载的资料：还没做好，或已过 7 天。请重新导出。")
    about(export.member).note("members.export.fetched", at, actor, reason=export.reason)
    return base64.b64decode(sealing.unseal(export.member.key, export.content_sealed))


def drop_old(*, at: datetime) -> int:
    """Empty the files whose days are over; returns how many."""
    rows = MemberExport.objects.filter(expires_at__lt=at).exclude(content_sealed="")
    return rows.update(content_sealed="")


def _cell(value: object) -> str:
    return "" if value is None else harmless(str(value))


def zipped(sheets: Iterable[Sheet]) -> bytes:
    """One CSV per sheet, with the mark by which Excel reads it as UTF-8."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for sheet in sheets:
            text = io.StringIO()
            writer = csv.writer(text)
            writer.writerow(sheet.head)
            writer.writerows([_cell(one) for one in row] for row in sheet.rows)
            archive.writestr(f"{sheet.name}.csv", "\ufeff" + text.getvalue())
    return out.getvalue()


def _more(member: Member) -> Sequence[Sheet]:
    """What other floors keep of him, by the names in settings."""
    return [sheet for path in project.DOSSIERS for sheet in import_string(path)(member=member)]
