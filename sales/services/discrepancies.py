"""待处理: what happened and does not fit is put here with its money, until someone works it off."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from sales.models import Discrepancy
from station.errors import Refusal
from station.models import BusinessDay, Station, User
from station.money import Yuan
from station.services import audit

Status = Discrepancy.Status


class NotOpen(Refusal):
    """It was worked off already, or the words are missing."""


def raise_one(
    *,
    station: Station,
    kind: str,
    document: str,
    subject: str,
    amount: Yuan,
    text: str,
    day: BusinessDay,
    at: datetime,
) -> None:
    """Put something on 待处理; the same cause twice is once. The caller holds the transaction."""
    Discrepancy.objects.bulk_create(
        [
            Discrepancy(
                station=station,
                kind=kind,
                document=document,
                subject=subject[:60],
                amount=amount,
                text=text[:300],
                day=day,
                raised_at=at,
            )
        ],
        ignore_conflicts=True,
    )


@transaction.atomic
def work_off(
    *, discrepancy: Discrepancy, resolution: str, accepted: bool, actor: User, at: datetime
) -> None:
    """Say what became of it: resolved (put right) or accepted (stays as it is). Audited.

    Refuses without words, and what was worked off before.
    """
    if not resolution.strip():
        raise NotOpen("没有处理：请写明怎么处理的。")
    moved = Discrepancy.objects.filter(pk=discrepancy.pk, status=Status.OPEN).update(
        status=Status.ACCEPTED if accepted else Status.RESOLVED,
        resolution=resolution.strip()[:200],
        resolved_by=actor,
        resolved_at=at,
    )
    if not moved:
        raise NotOpen("没有处理：这一条已经处理过了。请刷新列表。")
    audit.record(
        at=at,
        actor=actor,
        station=discrepancy.station,
        action="sales.discrepancy.worked_off",
        document=discrepancy.document,
        reason=resolution,
        before={"text": discrepancy.text, "amount": str(discrepancy.amount)},
        after={"accepted": accepted},
    )
