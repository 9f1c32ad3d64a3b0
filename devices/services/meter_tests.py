"""检定与自校: errors of a meter found with a prover, by the station or by an institute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import localtime

from devices.models import Certificate, Equipment, MeterTest, MeterTestRun
from devices.queries.equipment import STANDS
from devices.queries.meter_tests import months_after
from devices.queries.totalizers import latest
from devices.services import certificates, self_tests
from devices.services.proving import (
    LEAST_PROVER,
    UNBELIEVABLE,
    Judged,
    Prover,
    Run,
    TestRefused,
    corrects,
    judge,
)
from station.models import Alert, Nozzle, User
from station.queries import settings
from station.services import alerts, audit
from station.services.numbering import next_number

Kind, Result = MeterTest.Kind, MeterTest.Result


@dataclass(frozen=True, slots=True)
class Paper:
    """What an institute left: its name, the certificate's number, its days."""

    institute: str
    number: str
    issued_on: date
    valid_until: date


@transaction.atomic
def record_own(
    *,
    nozzle: Nozzle,
    prover: Prover,
    runs: Sequence[Run],
    tested_at: datetime,
    tester: User,
    witness: User,
    key: str,
    at: datetime,
    actor: User,
    note: str = "",
) -> MeterTest:
    """Record the station's own test of a nozzle; the same key again is the same test. Audited.

    Refuses a prover below 20 L, no run, figures that no prover and no meter show, a fill of another
    nozzle or test, one person alone, and a later time. Over the limit is 不合格 and raises an alert.
    """
    _lock(nozzle)
    own_key = f"{nozzle.pk}:{key}"
    if known := MeterTest.objects.filter(key=own_key).first():
        return known
    _check_time(tested_at, at)
    _check_own(prover, runs, tester, witness)
    judged = judge(nozzle, prover, runs)
    limit = settings.number("devices.meter_error_limit", nozzle.station)
    failed = any(one.exceeds(limit) for one in judged)
    worst = max((one.error for one in judged), key=abs)
    test = _write(
        nozzle,
        at,
        key=own_key,
        kind=Kind.OWN,
        tested_at=tested_at,
        prover_l=prover.litres,
        oil_temp_c=prover.oil_c,
        prover_temp_c=prover.own_c,
        corrected=corrects(nozzle.station),
        limit_percent=limit,
        worst_percent=worst,
        result=Result.FAIL if failed else Result.PASS,
        tester=tester,
        witness=witness,
        note=note.strip(),
        actor=actor,
    )
    _write_runs(test, judged)
    return test


@transaction.atomic
def record_statutory(
    *,
    nozzles: Sequence[Nozzle],
    passed: bool,
    paper: Paper,
    tested_at: datetime,
    witness: User,
    key: str,
    at: datetime,
    actor: User,
    error_percent: Decimal | None = None,
    note: str = "",
) -> list[MeterTest]:
    """Record what an institute found of some nozzles on one visit; the same key again is the same.

    A pass makes the certificate of each nozzle's machine too. Refuses nozzles whose machine is not
    in the register, an end beyond the longest interval, an error for several nozzles at once, and
    a pass beyond the limit. Audited.
    """
    ordered = sorted(nozzles, key=lambda one: one.pk)
    for nozzle in ordered:
        _lock(nozzle)
    keys = {nozzle.pk: f"{nozzle.pk}:{key}" for nozzle in ordered}
    if known := list(MeterTest.objects.filter(key__in=keys.values()).order_by("pk")):
        return known
    _check_statutory(ordered, passed, paper, error_percent, tested_at, at)
    made = []
    for nozzle in ordered:
        equipment = machine_of(nozzle)
        certificate = _certificate(nozzle, equipment, paper, at, actor) if passed else None
        made.append(
            _write(
                nozzle,
                at,
                key=keys[nozzle.pk],
                kind=Kind.STATUTORY,
                tested_at=tested_at,
                limit_percent=settings.number("devices.meter_error_limit", nozzle.station),
                worst_percent=error_percent,
                result=Result.PASS if passed else Result.FAIL,
                institute=paper.institute.strip(),
                witness=witness,
                certificate=certificate,
                valid_until=paper.valid_until if passed else None,
                note=note.strip(),
                actor=actor,
            )
        )
    return made


@transaction.atomic
def void(*, test: MeterTest, reason: str, at: datetime, actor: User) -> None:
    """作废 a test that was mistyped; its certificate goes too where no other test stands on it.

    Refuses without a reason, and twice. Audited.
    """
    if not reason.strip():
        raise TestRefused("没有作废：请写明原因")
    _lock(test.nozzle)
    moved = MeterTest.objects.filter(pk=test.pk, voided_at=None).update(
        voided_at=at, voided_by=actor, void_reason=reason.strip()[:200]
    )
    if not moved:
        raise TestRefused("没有作废：这张已经作废了，请刷新页面")
    audit.record(
        at=at,
        actor=actor,
        action="devices.test.voided",
        station=test.station,
        document=test.number,
        reason=reason.strip(),
        before={"结果": test.get_result_display()},
    )
    paper = test.certificate
    if paper is not None and not paper.meter_tests.filter(voided_at=None).exists():
        certificates.strike(certificate=paper, reason=reason, at=at, actor=actor)
    _tell(test.nozzle, at)


def machine_of(nozzle: Nozzle) -> Equipment | None:
    """The meter of a nozzle in the register, else its dispenser; scrapped ones are none."""
    rows = Equipment.objects.exclude(state=Equipment.State.SCRAPPED).select_related(
        "station", *STANDS
    )
    own = rows.filter(nozzle=nozzle, kind=Equipment.Kind.METER).order_by("state", "-pk").first()
    return own or (
        rows.filter(dispenser=nozzle.dispenser_id, kind=Equipment.Kind.DISPENSER)
        .order_by("state", "-pk")
        .first()
    )


def _lock(nozzle: Nozzle) -> None:
    """One test of a nozzle at a time: its fills and its newest result are asked before it is written."""
    Nozzle.objects.select_for_update(of=("self",), no_key=True).get(pk=nozzle.pk)


def _check_time(tested_at: datetime, at: datetime) -> None:
    if tested_at > at:
        raise TestRefused("没有登记：时间在现在之后，请核对")


def _check_own(prover: Prover, runs: Sequence[Run], tester: User, witness: User) -> None:
    if tester == witness:
        raise TestRefused("自校未登记：自校人和见证人须是两个人")
    if prover.litres < LEAST_PROVER:
        raise TestRefused("自校未登记：标准量器不能小于 20 升")
    if not runs:
        raise TestRefused("自校未登记：至少填一次示值")


def _check_statutory(
    nozzles: Sequence[Nozzle],
    passed: bool,
    paper: Paper,
    error: Decimal | None,
    tested_at: datetime,
    at: datetime,
) -> None:
    _check_time(tested_at, at)
    if not nozzles:
        raise TestRefused("检定未登记：请选油枪")
    if not paper.institute.strip():
        raise TestRefused("检定未登记：请填检定机构")
    if error is not None and len(nozzles) > 1:
        raise TestRefused("检定未登记：误差只能一把枪一把枪地填；多把枪一起登记请留空")
    limit = settings.number("devices.meter_error_limit", nozzles[0].station)
    if error is not None and (abs(error) > UNBELIEVABLE or (passed and abs(error) > limit)):
        raise TestRefused(f"检定未登记：误差 {error}% 超过 ±{limit}%，不能是合格，请核对")
    if not passed:
        return
    months = settings.whole("devices.verification_months", nozzles[0].station)
    if not paper.number.strip():
        raise TestRefused("检定未登记：合格的检定要填证书编号")
    if paper.valid_until > months_after(paper.issued_on, months):
        raise TestRefused(f"检定未登记：加油机检定周期最长 {months} 个月，请核对有效期")


def _certificate(
    nozzle: Nozzle, equipment: Equipment | None, paper: Paper, at: datetime, actor: User
) -> Certificate:
    if equipment is None:
        raise TestRefused(
            f"检定未登记：{nozzle} 的计量器和 {nozzle.dispenser} 都不在设备台账里，请先登记设备"
        )
    return certificates.add(
        equipment=equipment,
        kind=Certificate.Kind.VERIFICATION,
        number=paper.number,
        issuer=paper.institute,
        issued_on=paper.issued_on,
        valid_until=paper.valid_until,
        at=at,
        actor=actor,
    )


def _write(nozzle: Nozzle, at: datetime, **values: object) -> MeterTest:
    known = latest(station=nozzle.station).get(nozzle.pk)
    test = MeterTest.objects.create(
        station=nozzle.station,
        number=next_number(station=nozzle.station, kind="JD", day=localtime(at).date()),
        nozzle=nozzle,
        equipment=machine_of(nozzle),
        meter_epoch=known.epoch if known else 0,
        **values,
    )
    audit.record(
        at=at,
        actor=test.actor,
        action="devices.test.recorded",
        station=nozzle.station,
        document=test.number,
        after={
            "油枪": str(nozzle),
            "类别": test.get_kind_display(),
            "最大误差": "未给" if test.worst_percent is None else f"{test.worst_percent}%",
            "结果": test.get_result_display(),
        },
    )
    _tell(nozzle, at)
    return test


def _write_runs(test: MeterTest, judged: Sequence[Judged]) -> None:
    MeterTestRun.objects.bulk_create(
        MeterTestRun(
            test=test,
            ordinal=ordinal,
            flow_lpm=one.run.flow_lpm,
            meter_l=one.meter_l,
            standard_l=one.run.standard_l,
            corrected_l=one.corrected_l,
            error_percent=one.error,
            fill=one.run.fill,
        )
        for ordinal, one in enumerate(judged, 1)
    )


def _tell(nozzle: Nozzle, at: datetime) -> None:
    """The newest test that stands decides whether there is an alert; what is due is told anew."""
    self_tests.settle(station=nozzle.station, at=at)
    rows = MeterTest.objects.filter(nozzle=nozzle, voided_at=None)
    newest = rows.order_by("-tested_at", "-pk").first()
    key = f"meter:{nozzle.pk}"
    if newest is None or newest.passed:
        alerts.clear_alert(station=nozzle.station, key=key, at=at)
        return
    found = "" if newest.worst_percent is None else f"，误差 {newest.worst_percent:+.2f}%"
    alerts.raise_alert(
        station=nozzle.station,
        key=key,
        kind="devices.meter",
        level=Alert.Level.CRITICAL,
        text=(
            f"{nozzle} {newest.get_kind_display()}不合格{found}（允许 ±{newest.limit_percent:.2f}%）："
            "停用该枪，报修，修好检定合格后再用"
        ),
        at=at,
        url=reverse("devices:test", args=[newest.number]),
    )
