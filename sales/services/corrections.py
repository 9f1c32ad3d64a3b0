"""订正: a frozen figure was wrong. The frozen row stays; the correction stands beside it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from sales.models import ShiftCorrection
from sales.queries.corrections import subjects
from sales.services.shifts import document_of
from station.errors import Refusal
from station.models import Shift, User
from station.money import round_litres, round_yuan
from station.queries.calendar import open_day
from station.services import audit
from station.services.numbering import next_number


class BadCorrection(Refusal):
    """There is nothing to correct, or no reason."""


@transaction.atomic
def correct(
    *, shift: Shift, subject: str, value: Decimal, reason: str, at: datetime, actor: User
) -> ShiftCorrection:
    """Say that a frozen figure was wrong: what it should be (升 or 元), and why. Old is never typed.

    Refuses (BadCorrection) before the close, without a reason, and a value that changes nothing.
    """
    held = (
        Shift.objects.select_for_update(of=("self",), no_key=True)
        .select_related("station", "day")
        .get(pk=shift.pk)
    )
    if held.status != Shift.Status.CLOSED:
        raise BadCorrection(f"{held} 还没有班结，请直接更正原始记录，不必订正。")
    if not reason.strip():
        raise BadCorrection("订正必须写明原因。")
    found = {one.key: one for one in subjects(held)}.get(subject)
    if found is None:
        raise BadCorrection("请选择要订正的项目。")
    written = str(round_yuan(value) if found.unit == "元" else round_litres(value))
    if written == found.current:
        raise BadCorrection(f"{found.label} 现在就是 {written} {found.unit}，没有变化。")
    day = open_day(held.station) or held.day
    row = ShiftCorrection.objects.create(
        shift=held,
        number=next_number(station=held.station, kind="SC", day=day.date),
        subject=found.label,
        old_value=found.current,
        new_value=written,
        reason=reason.strip(),
        actor=actor,
        at=at,
    )
    audit.record(
        at=at,
        actor=actor,
        action="sales.shift.corrected",
        station=held.station,
        document=document_of(held),
        reason=reason.strip(),
        before={found.label: found.current},
        after={found.label: written},
    )
    return row
