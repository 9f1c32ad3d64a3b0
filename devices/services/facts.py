"""What the wire told becomes rows: fills, totalizers, gaps. Idempotent, tolerant, never refusing.

A fact that has no business day or shift to stand in (before going live) raises NoShift and stays
where it is; the poller tries again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from devices.models import Fill, MeterChange, TotalizerGap, TotalizerReading
from station.errors import Refusal
from station.models import Nozzle, Shift, Station, User
from station.money import Litres, Yuan
from station.services import audit


class NoShift(Refusal):
    """Nobody is on duty: the station is not live yet."""


class GapAlreadyExplained(Refusal):
    """The missing litres were explained before."""


class WordMissing(Refusal):
    """Missing litres are explained by a fill or by a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillFact:
    """A delivery as the pump, or a person from the pump's display, says it."""

    nozzle: int
    litres: Litres
    unit_price: Yuan  # per litre
    amount: Yuan
    totalizer_after: Litres
    occurred_at: datetime
    meter_epoch: int = 0
    source: str = Fill.Source.PUMP
    transaction_id: str = ""
    authorisation: int | None = None
    lifted_at: datetime | None = None
    started_at: datetime | None = None
    flags: tuple[str, ...] = ()
    frames: str = ""
    day: int | None = None  # the open day where none is told
    shift: int | None = None  # by the totalizer's run where none is told


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsFact:
    """A totalizer as read at an instant."""

    nozzle: int
    litres: Litres
    occurred_at: datetime
    kind: str
    meter_epoch: int = 0
    amount: Yuan | None = None
    document: str = ""


@transaction.atomic
def record_fill(fact: FillFact) -> Fill | None:
    """Store a delivery once; None where its totalizer step is stored already.

    The day is the one open now, the shift the one in whose totalizer run it falls, so a late fill
    is money of today and litres of its own shift. Raises NoShift.
    """
    nozzle = Nozzle.objects.select_related("station", "tank").get(pk=fact.nozzle)
    same = Fill.objects.filter(
        nozzle=nozzle,
        meter_epoch=fact.meter_epoch,
        totalizer_after=fact.totalizer_after,
        transaction_id=fact.transaction_id,
    )
    if same.exists():
        return None
    on_duty = _on_duty(nozzle.station)
    shift_id = fact.shift or shift_of(
        nozzle=nozzle, epoch=fact.meter_epoch, litres=fact.totalizer_after, on_duty=on_duty
    )
    late = shift_id != on_duty.pk and fact.source != Fill.Source.MANUAL
    try:
        with transaction.atomic():
            return Fill.objects.create(
                station=nozzle.station,
                nozzle=nozzle,
                tank=nozzle.tank,
                grade_id=nozzle.tank.grade_id,
                day_id=fact.day or on_duty.day_id,
                shift_id=shift_id,
                source=fact.source,
                litres=fact.litres,
                unit_price=fact.unit_price,
                amount=fact.amount,
                meter_epoch=fact.meter_epoch,
                totalizer_after=fact.totalizer_after,
                transaction_id=fact.transaction_id,
                authorisation_id=fact.authorisation,
                lifted_at=fact.lifted_at,
                started_at=fact.started_at,
                occurred_at=fact.occurred_at,
                flags=[*fact.flags, *([Fill.Flag.LATE] if late else [])],
                frames=fact.frames,
            )
    except IntegrityError as error:
        if "one_fill_per_totalizer_step" not in str(error):
            raise
        return None


def shift_of(*, nozzle: Nozzle, epoch: int, litres: Litres, on_duty: Shift) -> int:
    """The shift in whose run a totalizer value falls: the first that closed at or above it."""
    closed = (
        TotalizerReading.objects.filter(nozzle=nozzle, kind=TotalizerReading.Kind.HANDOVER)
        .filter(Q(meter_epoch__gt=epoch) | Q(meter_epoch=epoch, litres__gte=litres))
        .order_by("meter_epoch", "litres", "occurred_at")
        .values_list("document", flat=True)
        .first()
    )
    if not closed:
        return on_duty.pk
    found = _shift_numbered(nozzle.station, closed)
    return found if found is not None else on_duty.pk


def _shift_numbered(station: Station, number: str) -> int | None:
    """By 班次号: yyyymmdd and two digits."""
    try:
        when = date(int(number[:4]), int(number[4:6]), int(number[6:8]))
        ordinal = int(number[8:])
    except ValueError:
        return None
    shifts = Shift.objects.filter(station=station, day__date=when, ordinal=ordinal)
    return shifts.values_list("pk", flat=True).first()


def _on_duty(station: Station) -> Shift:
    """The shift on duty, locked: a handover reads the totalizers under the same lock, so that a fill
    is either in its reading or in the next shift's run."""
    shift = _locked(station) or _locked(station)  # the first may have waited for a handover
    if shift is None:
        raise NoShift(f"{station} 还没有开班，加油记录暂存在采集程序里，开班后自动入账")
    return shift


def _locked(station: Station) -> Shift | None:
    return (
        Shift.objects.select_for_update(of=("self",), no_key=True)
        .select_related("day")
        .filter(station=station, status=Shift.Status.OPEN)
        .first()
    )


def record_totals(fact: TotalsFact) -> bool:
    """Store a totalizer reading; False where it is stored already."""
    same = TotalizerReading.objects.filter(nozzle_id=fact.nozzle, kind=fact.kind)
    if fact.document:
        same = same.filter(document=fact.document)
    else:
        same = same.filter(document="", occurred_at=fact.occurred_at, litres=fact.litres)
    if same.exists():
        return False
    TotalizerReading.objects.bulk_create(
        [
            TotalizerReading(
                nozzle_id=fact.nozzle,
                meter_epoch=fact.meter_epoch,
                litres=fact.litres,
                amount=fact.amount,
                occurred_at=fact.occurred_at,
                kind=fact.kind,
                document=fact.document,
            )
        ],
        ignore_conflicts=True,
    )
    return True


@transaction.atomic
def record_gap(
    *,
    nozzle: int,
    meter_epoch: int,
    litres_from: Litres,
    litres_to: Litres,
    unit_price: Yuan | None,
    found_at: datetime,
) -> None:
    """Store litres of a totalizer that no fill explains, in the shift of their run. Raises NoShift."""
    held = Nozzle.objects.select_related("station").get(pk=nozzle)
    on_duty = _on_duty(held.station)
    TotalizerGap.objects.bulk_create(
        [
            TotalizerGap(
                nozzle=held,
                station=held.station,
                shift_id=shift_of(
                    nozzle=held, epoch=meter_epoch, litres=litres_to, on_duty=on_duty
                ),
                meter_epoch=meter_epoch,
                litres_from=litres_from,
                litres_to=litres_to,
                unit_price=unit_price,
                found_at=found_at,
            )
        ],
        ignore_conflicts=True,
    )


def record_meter_change(
    *,
    nozzle: int,
    kind: str,
    epoch: int,
    last_litres: Litres,
    first_litres: Litres,
    occurred_at: datetime,
) -> None:
    """The totalizer went through nought, or is read in other decimals: the next epoch, once."""
    MeterChange.objects.bulk_create(
        [
            MeterChange(
                nozzle_id=nozzle,
                kind=kind,
                epoch=epoch,
                last_litres=last_litres,
                first_litres=first_litres,
                occurred_at=occurred_at,
            )
        ],
        ignore_conflicts=True,
    )


@transaction.atomic
def explain_gap(
    *,
    gap: TotalizerGap,
    actor: User,
    at: datetime,
    fill: Fill | None = None,
    reason: str = "",
) -> None:
    """Explain missing litres by a fill entered late, or by a reason.

    Refuses with WordMissing when neither is given, with GapAlreadyExplained the second time.
    """
    reason = reason.strip()[:200]
    if fill is None and not reason:
        raise WordMissing("未说明：请选择补录的加油记录，或写明缺口原因")
    moved = TotalizerGap.objects.filter(pk=gap.pk, explained_at=None).update(
        explained_at=at, explained_by=actor, fill=fill, reason=reason
    )
    if not moved:
        raise GapAlreadyExplained("这个泵码缺口已经有说明，请刷新页面")
    audit.record(
        at=at,
        actor=actor,
        action="devices.gap.explained",
        station=gap.station,
        document=f"泵码缺口 {gap.pk}",
        reason=reason,
        after={
            "fill": fill.pk if fill else None,
            "litres": str(gap.litres_to - gap.litres_from),
        },
    )
