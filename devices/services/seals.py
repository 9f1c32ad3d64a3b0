"""铅封: put on, broken with a second person, replaced. Rows are only ever added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.urls import reverse

from devices.models import Equipment, MeterTest, Repair, Seal, SealBreak
from devices.queries.equipment import nozzle_filter, open_repairs
from station.errors import Refusal
from station.models import Alert, Nozzle, User
from station.services import alerts, audit

Cause = SealBreak.Cause
# A verification is written down within days of the institute's visit.
VISIT = timedelta(days=7)


class SealRefused(Refusal):
    """The seal cannot be so."""


@dataclass(frozen=True, slots=True)
class NewSeal:
    """A seal as it is put on: its number, where, and by whom."""

    number: str
    place: str
    put_by: str


@dataclass(frozen=True, slots=True)
class Breaking:
    """Why a seal is no longer whole; the repair or the verification it was broken for."""

    cause: str
    reason: str
    repair: Repair | None = None
    meter_test: MeterTest | None = None


@transaction.atomic
def put(
    *,
    equipment: Equipment,
    seal: NewSeal,
    put_at: datetime,
    at: datetime,
    actor: User,
    nozzle: Nozzle | None = None,
) -> Seal:
    """Write down a seal on a machine. Refuses a number that the station has, a later time, a
    scrapped machine, and a nozzle of another machine."""
    if equipment.state == Equipment.State.SCRAPPED:
        raise SealRefused("铅封未登记：这台设备已报废")
    if put_at > at:
        raise SealRefused("铅封未登记：施封时间在现在之后，请核对")
    if nozzle is not None and not (
        Nozzle.objects.filter(nozzle_filter(equipment, "pk"), pk=nozzle.pk).exists()
        if equipment.nozzle_id
        else nozzle.dispenser_id == equipment.dispenser_id
    ):
        raise SealRefused(f"铅封未登记：{nozzle} 不在这台设备上，请核对")
    try:
        with transaction.atomic():
            made = Seal.objects.create(
                station=equipment.station,
                equipment=equipment,
                nozzle=nozzle,
                number=seal.number.strip(),
                place=seal.place.strip(),
                put_by=seal.put_by.strip(),
                put_at=put_at,
                actor=actor,
            )
    except IntegrityError as error:
        if "one_seal_per_number" not in str(error):
            raise
        raise SealRefused(f"铅封未登记：{seal.number.strip()} 已登记过，铅封号不能重复") from error
    audit.record(
        at=at,
        actor=actor,
        action="devices.seal.put",
        station=equipment.station,
        document=equipment.number,
        after={"铅封": made.number, "位置": made.place, "施封": made.put_by},
    )
    return made


@transaction.atomic
def break_seal(
    *,
    seal: Seal,
    breaking: Breaking,
    replacement: NewSeal | None,
    occurred_at: datetime,
    at: datetime,
    actor: User,
    witness: User,
) -> SealBreak:
    """Write down that a seal was broken or found broken, and which one is there instead.

    Refuses without a reason, by one person alone, twice, before it was put on, and a repair or
    verification that is not of this machine. One that nobody broke for a repair or a verification
    raises an alert.
    """
    _check(seal, breaking, occurred_at, at, actor, witness)
    made = _write(seal, breaking, replacement, occurred_at, at, actor, witness)
    new = made.replaced_by
    audit.record(
        at=at,
        actor=actor,
        action="devices.seal.broken",
        station=seal.station,
        document=seal.equipment.number,
        reason=breaking.reason.strip(),
        before={"铅封": seal.number},
        after={"铅封": new.number if new else "无", "在场": witness.name},
    )
    if breaking.cause == Cause.FOUND:
        _alert(seal, breaking.reason, at)
    return made


def _write(
    seal: Seal,
    breaking: Breaking,
    replacement: NewSeal | None,
    occurred_at: datetime,
    at: datetime,
    actor: User,
    witness: User,
) -> SealBreak:
    try:
        with transaction.atomic():
            new = None
            if replacement is not None:
                new = put(
                    equipment=seal.equipment,
                    seal=replacement,
                    put_at=occurred_at,
                    at=at,
                    actor=actor,
                    nozzle=seal.nozzle,
                )
            made = SealBreak.objects.create(
                seal=seal,
                cause=breaking.cause,
                repair=breaking.repair,
                meter_test=breaking.meter_test,
                reason=breaking.reason.strip()[:200],
                replaced_by=new,
                occurred_at=occurred_at,
                actor=actor,
                witness=witness,
            )
    except IntegrityError as error:
        if "seal_id" not in str(error):
            raise
        raise SealRefused(f"拆封未登记：{seal} 已登记过拆封，请刷新页面") from error
    return made


def _check(
    seal: Seal,
    breaking: Breaking,
    occurred_at: datetime,
    at: datetime,
    actor: User,
    witness: User,
) -> None:
    if not breaking.reason.strip():
        raise SealRefused("拆封未登记：请写明原因")
    if witness == actor:
        raise SealRefused("拆封未登记：须有另一人在场，由他输入账号和口令")
    if SealBreak.objects.filter(seal=seal).exists():
        raise SealRefused(f"拆封未登记：{seal} 已登记过拆封，请刷新页面")
    if not seal.put_at <= occurred_at <= at:
        raise SealRefused("拆封未登记：拆封时间应在施封之后、现在之前，请核对")
    repairs = repairs_for(seal.equipment)
    if breaking.cause == Cause.REPAIR and breaking.repair not in repairs:
        raise SealRefused("拆封未登记：请选这台设备正在进行的维修单；没有的先报修")
    tests = tests_for(seal.equipment, at=at)
    if breaking.cause == Cause.VERIFICATION and breaking.meter_test not in tests:
        raise SealRefused("拆封未登记：请选这台设备最近 7 天的检定；没有的先登记检定")


def repairs_for(equipment: Equipment) -> list[Repair]:
    """The repairs under way for which a seal of the machine may be broken."""
    return list(open_repairs().filter(equipment=equipment))


def tests_for(equipment: Equipment, *, at: datetime) -> list[MeterTest]:
    """The late verifications for which a seal of the machine may have been broken."""
    return list(
        MeterTest.objects.filter(
            nozzle_filter(equipment),
            kind=MeterTest.Kind.STATUTORY,
            voided_at=None,
            tested_at__gte=at - VISIT,
        )
        .select_related("nozzle")
        .order_by("-tested_at")
    )


def _alert(seal: Seal, reason: str, at: datetime) -> None:
    alerts.raise_alert(
        station=seal.station,
        key=f"seal:{seal.pk}",
        kind="devices.seal",
        level=Alert.Level.CRITICAL,
        text=(
            f"{seal.equipment} 的{seal}（{seal.place}）破损，没有维修也没有检定：{reason.strip()}。"
            "请停用该设备，查明原因，联系检定机构重新检定、施封"
        ),
        at=at,
        url=reverse("devices:machine", args=[seal.equipment.number]),
    )
