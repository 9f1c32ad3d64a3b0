"""The device register, asked: the list, one machine, and all that ever happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, Min, OuterRef, Q, QuerySet
from django.urls import reverse

from devices.models import (
    Alarm,
    Certificate,
    Equipment,
    MeterChange,
    MeterTest,
    Repair,
    Seal,
    SealBreak,
)
from station.models import Station
from station.queries.audit import changes, history_of
from station.queries.columns import Tone
from station.queries.wording import meter_error

STANDS = ("dispenser", "nozzle", "tank", "island", "till", "line")
MOST_EVENTS = 200
SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a machine, with the page that tells more."""

    at: datetime
    title: str
    text: str = ""
    who: str = ""
    href: str = ""
    tone: Tone = ""


def machines(
    *, station: Station, kind: str = "", state: str = "", text: str = "", broken: bool = False
) -> QuerySet[Equipment]:
    """The machines of a station with `next_due`, the first day on which a certificate ends.

    `state` "" leaves out what is scrapped; "ALL" has everything. `broken` keeps those with an open
    repair.
    """
    rows = Equipment.objects.filter(station=station).select_related(*STANDS)
    rows = rows.annotate(
        next_due=Min("certificates__valid_until", filter=_current("certificates__")),
        is_open=Exists(open_repairs().filter(equipment=OuterRef("pk"))),
    )
    if state and state != "ALL":
        rows = rows.filter(state=state)
    elif not state:
        rows = rows.exclude(state=Equipment.State.SCRAPPED)
    if kind:
        rows = rows.filter(kind=kind)
    if broken:
        rows = rows.filter(is_open=True)
    words = text.strip()
    if words:
        rows = rows.filter(
            Q(number__iexact=words)
            | Q(serial_no__icontains=words)
            | Q(make__icontains=words)
            | Q(model__icontains=words)
            | Q(place__icontains=words)
            | Q(supplier__icontains=words)
        )
    return rows


def _current(prefix: str) -> Q:
    """Certificates that are neither void nor followed by a later one of their kind."""
    later = Certificate.objects.filter(
        equipment=OuterRef(f"{prefix}equipment"),
        kind=OuterRef(f"{prefix}kind"),
        voided_at=None,
        valid_until__gt=OuterRef(f"{prefix}valid_until"),
    )
    return Q(**{f"{prefix}voided_at": None}) & ~Q(Exists(later))


def current_certificates(*, station: Station) -> QuerySet[Certificate]:
    """The papers that count: of machines not scrapped, not void, the last of each kind."""
    return (
        Certificate.objects.filter(_current(""), equipment__station=station)
        .exclude(equipment__state=Equipment.State.SCRAPPED)
        .select_related("equipment", *(f"equipment__{name}" for name in STANDS))
    )


def certificates(
    *, station: Station, kind: str = "", state: str = "", today: date
) -> QuerySet[Certificate]:
    """Certificates of a station: those that count, or with `state` DUE, OVER or ALL."""
    if state == "ALL":
        rows = Certificate.objects.filter(equipment__station=station).select_related(
            "equipment", *(f"equipment__{name}" for name in STANDS)
        )
    else:
        rows = current_certificates(station=station)
    if state == "OVER":
        rows = rows.filter(valid_until__lt=today)
    if state == "DUE":
        rows = rows.filter(valid_until__gte=today, valid_until__lte=today + SOON)
    return rows.filter(kind=kind) if kind else rows


def certificate_tone(certificate: Certificate, today: date) -> Tone:
    """How soon a certificate ends."""
    if certificate.voided_at is not None:
        return "off"
    if certificate.valid_until < today:
        return "bad"
    return "wait" if certificate.valid_until <= today + SOON else "good"


def certificate_word(certificate: Certificate, today: date) -> str:
    """有效, 还有 12 天, 已过期 or 已作废."""
    tone = certificate_tone(certificate, today)
    if tone == "wait":
        return f"还有 {(certificate.valid_until - today).days} 天"
    return {"off": "已作废", "bad": "已过期", "good": "有效"}[tone]


def seals(*, station: Station, state: str = "", number: str = "") -> QuerySet[Seal]:
    """Seals with what became of them; `state` WHOLE, or the cause for which they were broken."""
    rows = Seal.objects.filter(station=station).select_related(
        "equipment", "nozzle", "broken__witness", "broken__replaced_by",
        *(f"equipment__{name}" for name in STANDS),
    )  # fmt: skip
    if state == "WHOLE":
        rows = rows.filter(broken=None)
    elif state:
        rows = rows.filter(broken__cause=state)
    return rows.filter(number__icontains=number.strip()) if number.strip() else rows


def open_repairs() -> QuerySet[Repair]:
    """Repairs that nobody has accepted or withdrawn yet."""
    return Repair.objects.filter(
        status__in=[Repair.Status.REPORTED, Repair.Status.TAKEN, Repair.Status.DONE]
    )


def nozzle_filter(equipment: Equipment, path: str = "nozzle") -> Q:
    """Rows of the nozzles that a machine measures: its own, or all of its dispenser."""
    if equipment.nozzle_id:
        return Q(**{path: equipment.nozzle_id})
    if equipment.dispenser_id:
        return Q(**{f"{path}__dispenser": equipment.dispenser_id})
    return Q(pk=None)


def timeline(*, equipment: Equipment) -> list[Event]:
    """Everything about a machine, newest first: its own acts, papers, seals, tests, repairs, alarms."""
    found = [
        *_acts(equipment),
        *_certificates(equipment),
        *_seals(equipment),
        *_tests(equipment),
        *_repairs(equipment),
        *_alarms(equipment),
    ]
    return sorted(found, key=lambda event: event.at, reverse=True)[:MOST_EVENTS]


def _acts(equipment: Equipment) -> list[Event]:
    return [
        Event(
            entry.at,
            entry.label,  # type: ignore[attr-defined]
            entry.reason or changes(entry),
            entry.actor_name,
        )
        for entry in history_of(equipment.number)
    ]


def _certificates(equipment: Equipment) -> list[Event]:
    rows = Certificate.objects.filter(equipment=equipment).select_related("actor")
    return [
        Event(
            row.recorded_at,
            str(row),
            f"{row.issuer}，有效期至 {row.valid_until}{'，已作废' if row.voided_at else ''}",
            row.actor.name,
            reverse("devices:certificate", args=[row.pk]),
            "off" if row.voided_at else "info",
        )
        for row in rows.order_by("-recorded_at")[:MOST_EVENTS]
    ]


def _seals(equipment: Equipment) -> list[Event]:
    put = Seal.objects.filter(equipment=equipment).select_related("actor")
    broken = SealBreak.objects.filter(seal__equipment=equipment).select_related(
        "seal", "actor", "witness", "replaced_by"
    )
    return [
        Event(row.put_at, f"施加铅封 {row.number}", f"{row.place}，{row.put_by}", row.actor.name)
        for row in put.order_by("-put_at")[:MOST_EVENTS]
    ] + [
        Event(
            row.occurred_at,
            f"铅封 {row.seal.number} {row.get_cause_display()}",
            row.reason + (f"，换为 {row.replaced_by.number}" if row.replaced_by else ""),
            f"{row.actor.name}、{row.witness.name}",
            tone="bad" if row.cause == SealBreak.Cause.FOUND else "wait",
        )
        for row in broken.order_by("-occurred_at")[:MOST_EVENTS]
    ]


def _tests(equipment: Equipment) -> list[Event]:
    tests = MeterTest.objects.filter(nozzle_filter(equipment)).select_related("nozzle", "actor")
    swaps = MeterChange.objects.filter(nozzle_filter(equipment)).select_related("nozzle", "actor")
    return [
        Event(
            row.tested_at,
            f"{row.nozzle} {row.get_kind_display()} {row.get_result_display()}",
            "已作废" if row.voided_at else f"最大误差 {meter_error(row.worst_percent)}",
            row.actor.name,
            reverse("devices:test", args=[row.number]),
            "off" if row.voided_at else "good" if row.passed else "bad",
        )
        for row in tests.order_by("-tested_at")[:MOST_EVENTS]
    ] + [
        Event(
            row.occurred_at,
            f"{row.nozzle} {row.get_kind_display()}",
            f"旧表止码 {row.last_litres}，新表起码 {row.first_litres} {row.reason}".strip(),
            row.actor.name if row.actor else "系统",
            reverse("devices:meters"),
            "wait",
        )
        for row in swaps.order_by("-occurred_at")[:MOST_EVENTS]
    ]


def _repairs(equipment: Equipment) -> list[Event]:
    found = []
    rows = Repair.objects.filter(equipment=equipment).select_related(
        "reported_by", "taken_by", "done_by", "ended_by"
    )
    for row in rows.order_by("-reported_at")[:MOST_EVENTS]:
        href = reverse("devices:repair", args=[row.number])
        found.append(Event(row.reported_at, "报修", row.symptom, row.reported_by.name, href, "bad"))
        if row.done_at and row.done_by:
            found.append(Event(row.done_at, "维修完工", row.work, row.done_by.name, href, "wait"))
        if row.ended_at and row.ended_by:
            found.append(
                Event(
                    row.ended_at,
                    f"维修{row.get_status_display()}",
                    row.word,
                    row.ended_by.name,
                    href,
                    "good",
                )
            )
    return found


def _alarms(equipment: Equipment) -> list[Event]:
    about = nozzle_filter(equipment)
    if equipment.line_id:
        about |= Q(line=equipment.line_id)
    rows = Alarm.objects.filter(about, station=equipment.station_id).order_by("-raised_at")
    return [
        Event(
            row.raised_at,
            f"告警：{row.get_kind_display()}",
            row.text,
            href=reverse("devices:alarm", args=[row.pk]),
            tone="bad" if row.status in {Alarm.Status.OPEN, Alarm.Status.SEEN} else "off",
        )
        for row in rows[:MOST_EVENTS]
    ]
