"""Certificates of machines, and the reminders before they end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime

from devices.models import Certificate, Equipment
from devices.queries.equipment import current_certificates
from station.errors import Refusal
from station.models import Alert, Station, User
from station.services import alerts, audit

# Days left at which somebody is told, the nearest first; -1 is the day after the last.
STAGES = ((-1, Alert.Level.CRITICAL), (7, Alert.Level.WARNING), (30, Alert.Level.WARNING),
          (90, Alert.Level.INFO))  # fmt: skip


class CertificateRefused(Refusal):
    """The paper cannot be so, or something stands on it."""


@transaction.atomic
def add(
    *,
    equipment: Equipment,
    kind: str,
    number: str,
    issuer: str,
    issued_on: date,
    valid_until: date,
    at: datetime,
    actor: User,
) -> Certificate:
    """Write a certificate down; the same number of the same machine and kind again is the same one.

    Refuses one that ends before it begins or is of a later day, and of a scrapped machine.
    """
    if equipment.state == Equipment.State.SCRAPPED:
        raise CertificateRefused("证书未登记：这台设备已报废")
    if valid_until < issued_on:
        raise CertificateRefused("证书未登记：有效期不能早于发证日期，请核对")
    if issued_on > localtime(at).date():
        raise CertificateRefused("证书未登记：发证日期在今天之后，请核对")
    made, new = _keep(
        Certificate(
            equipment=equipment,
            kind=kind,
            number=number.strip(),
            issuer=issuer.strip(),
            issued_on=issued_on,
            valid_until=valid_until,
            actor=actor,
        )
    )
    if not new:
        if (made.issued_on, made.valid_until) != (issued_on, valid_until):
            raise CertificateRefused(
                f"证书未登记：{made} 已登记过，有效期至 {made.valid_until}。写错的先作废那一张"
            )
        return made
    audit.record(
        at=at,
        actor=actor,
        action="devices.certificate.added",
        station=equipment.station,
        document=equipment.number,
        after={"证书": str(made), "有效期至": str(valid_until)},
    )
    remind_of(equipment=equipment, at=at)
    return made


def _keep(made: Certificate) -> tuple[Certificate, bool]:
    try:
        with transaction.atomic():
            made.save(force_insert=True)
            made.refresh_from_db()
    except IntegrityError as error:
        if "one_certificate_per_machine_and_number" not in str(error):
            raise
        known = Certificate.objects.get(
            equipment=made.equipment, kind=made.kind, number=made.number, voided_at=None
        )
        return known, False
    return made, True


@transaction.atomic
def void(*, certificate: Certificate, reason: str, at: datetime, actor: User) -> None:
    """作废 what was mistyped. Refuses without a reason, twice, and one that a verification stands on."""
    if not reason.strip():
        raise CertificateRefused("证书未作废：请写明原因")
    resting = certificate.meter_tests.filter(voided_at=None).first()
    if resting is not None:
        raise CertificateRefused(
            f"证书未作废：检定 {resting.number} 用的是它，请在那张检定上作废，证书会一起作废"
        )
    if not strike(certificate=certificate, reason=reason, at=at, actor=actor):
        raise CertificateRefused("证书未作废：它已经作废了，请刷新页面")


def strike(*, certificate: Certificate, reason: str, at: datetime, actor: User) -> bool:
    """Void a certificate whatever stands on it; tells whether it was valid until now. Audited."""
    moved = Certificate.objects.filter(pk=certificate.pk, voided_at=None).update(
        voided_at=at, voided_by=actor, void_reason=reason.strip()[:200]
    )
    if moved:
        equipment = certificate.equipment
        audit.record(
            at=at,
            actor=actor,
            action="devices.certificate.voided",
            station=equipment.station,
            document=equipment.number,
            reason=reason.strip(),
            before={"证书": str(certificate)},
        )
        remind_of(equipment=equipment, at=at)
    return bool(moved)


def remind_all(*, at: datetime) -> None:
    """Tell each station of its certificates 90, 30 and 7 days before they end, and when they are over.

    Each stage is told once, whatever became of the alert; a certificate that was renewed, voided
    or whose machine was scrapped is told of no more. Twice is the same as once.
    """
    for station in Station.objects.filter(active=True):
        _settle(station, current_certificates(station=station), "certificate:", at)


def remind_of(*, equipment: Equipment, at: datetime) -> None:
    """The same for one machine, as soon as its papers or its state have changed."""
    rows = current_certificates(station=equipment.station).filter(equipment=equipment)
    _settle(equipment.station, rows, f"certificate:{equipment.pk}:", at)


@transaction.atomic
def _settle(station: Station, rows: Iterable[Certificate], prefix: str, at: datetime) -> None:
    known = Alert.objects.filter(station=station, key__startswith=prefix)
    told = set(known.values_list("key", flat=True))
    wanted = {_key(row, days): (row, days, level) for row, days, level in _stages(rows, at)}
    for key in known.filter(status__in=alerts.LIVE).values_list("key", flat=True):
        if key not in wanted:
            alerts.clear_alert(station=station, key=key, at=at)
    for key, (row, days, level) in wanted.items():
        if key not in told:
            alerts.raise_alert(
                station=station,
                key=key,
                kind="devices.certificate",
                level=level,
                text=_text(row, days, at),
                at=at,
                url=reverse("devices:certificate", args=[row.pk]),
            )


def _stages(
    rows: Iterable[Certificate], at: datetime
) -> Iterable[tuple[Certificate, int, Alert.Level]]:
    today = localtime(at).date()
    for row in rows:
        left = (row.valid_until - today).days
        for days, level in STAGES:
            if left <= days:
                yield row, days, level
                break


def _key(row: Certificate, days: int) -> str:
    return f"certificate:{row.equipment_id}:{row.pk}:{'over' if days < 0 else days}"


def _text(row: Certificate, days: int, at: datetime) -> str:
    machine = f"{row.equipment.number} {row.equipment}"
    if days < 0:
        return f"{machine} 的{row}已于 {row.valid_until} 到期，请尽快办理并登记新证书"
    left = (row.valid_until - localtime(at).date()).days
    return f"{machine} 的{row}还有 {left} 天到期（{row.valid_until}），请安排办理"
