"""班次: its report (live or frozen, the same function), what is left to explain, what a day waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Prefetch, QuerySet

from inventory.queries.books import Book, shift_books
from sales.models import (
    Payment,
    Prepay,
    ShiftAdvance,
    ShiftCorrection,
    ShiftNozzle,
    ShiftSignature,
    Tender,
)
from sales.queries.mix import Mix, StaffRow, shift_mix, staff_rows
from sales.queries.runs import NozzleRun, nozzle_runs, previous
from sales.queries.segments import Segment
from sales.queries.sessions import (
    UNDER_WAY,
    Moved,
    OverShort,
    TenderDue,
    moved_cash,
    sessions_of,
    tender_dues,
)
from station.models import BusinessDay, Grade, Shift, Station, TillSession
from station.money import NO_LITRES, ZERO, Litres, Yuan
from station.queries import settings

Status = Shift.Status
Sitting = TillSession.Status


@dataclass(frozen=True)
class SessionReport:
    """One till session of a shift with its tenders."""

    session: TillSession
    dues: tuple[TenderDue, ...]
    moved: Moved

    @property
    def counted(self) -> bool:
        return self.session.status in (Sitting.COUNTED, Sitting.CLOSED)

    @property
    def over_short(self) -> OverShort:
        """长款 and 短款 of its tenders, never netted; nothing before the count."""
        parts = [due.difference for due in self.dues if due.difference is not None]
        return OverShort(
            sum((part for part in parts if part > 0), ZERO),
            sum((part for part in parts if part < 0), ZERO),
        )


@dataclass(frozen=True)
class GradeToExplain:
    """One grade of a shift three ways: tank, meter, documents; and the litres left to explain."""

    grade: Grade
    run: Litres
    fills: Litres
    claimed: Litres
    passed_on: Litres
    explained: Litres
    left: Litres
    tank_variance: Litres | None
    runs: tuple[NozzleRun, ...]

    @property
    def share(self) -> int:
        """Whole per cent explained; 100 only when nothing is left."""
        if not self.left:
            return 100
        if not self.run:
            return 0
        return min(99, max(0, int((self.run - self.left) * 100 / self.run)))


@dataclass(frozen=True)
class ShiftReport:
    """Everything the 班报 says."""

    shift: Shift
    runs: tuple[NozzleRun, ...]
    books: tuple[Book, ...]
    sessions: tuple[SessionReport, ...]
    mix: Mix
    tenders: tuple[Tender, ...]
    staff: tuple[StaffRow, ...]
    came_in: tuple[ShiftAdvance, ...]
    passed_on: tuple[ShiftAdvance, ...]
    prepaid: tuple[Prepay, ...]
    signatures: tuple[ShiftSignature, ...]
    corrections: tuple[ShiftCorrection, ...]
    blind: bool = False

    @property
    def all_counted(self) -> bool:
        """Whether every drawer of the shift was counted."""
        return all(report.counted for report in self.sessions)

    @property
    def litres(self) -> Litres:
        """付油升数 over all nozzles."""
        return sum((run.sold for run in self.runs), NO_LITRES)

    @property
    def amount(self) -> Yuan:
        """付油金额 at posted prices over all nozzles."""
        return sum((run.sold_amount for run in self.runs), ZERO)

    @property
    def over_short(self) -> OverShort:
        """长款 and 短款 of the shift: a surplus here never makes up for a shortage there."""
        parts = [session.over_short for session in self.sessions]
        return OverShort(
            sum((part.over for part in parts), ZERO), sum((part.short for part in parts), ZERO)
        )

    @property
    def frozen(self) -> bool:
        return self.shift.status == Status.CLOSED


@dataclass(frozen=True)
class Blocker:
    """Something that stands between a day and its close, and whose it is."""

    kind: str
    text: str
    whose: str
    url_name: str = ""
    url_key: int | None = None


def shift_runs(shift: Shift) -> list[NozzleRun]:
    """The run of every nozzle by number: frozen rows once the shift is closed, else the facts."""
    if shift.status != Status.CLOSED:
        return nozzle_runs(shift)
    rows = ShiftNozzle.objects.filter(shift=shift).select_related("nozzle", "tank", "grade")
    return [from_row(row) for row in rows.order_by("nozzle__number")]


def from_row(row: ShiftNozzle) -> NozzleRun:
    """A frozen row as the live one is shown."""
    return NozzleRun(
        nozzle=row.nozzle,
        tank=row.tank,
        grade=row.grade,
        opening=row.opening,
        closing=row.closing,
        meter_adjustment=row.meter_adjustment,
        fills_litres=row.fills_litres,
        tests=row.tests,
        own_use=row.own_use,
        passed_in=row.passed_in,
        passed_on=row.passed_on,
        sold_amount=row.sold_amount,
        claimed=row.claimed,
        claimed_amount=row.claimed_amount,
        explained=row.explained,
        reasons=(row.reason,) if row.reason else (),
        segments=tuple(
            Segment(
                opening=Decimal(part["opening"]),
                closing=Decimal(part["closing"]),
                litres=Decimal(part["litres"]),
                price=None if part["price"] is None else Decimal(part["price"]),
            )
            for part in row.segments
        ),
        tolerance=abs(row.difference - row.explained),
    )


def shift_report(shift: Shift) -> ShiftReport:
    """The 班报 of a shift: of its frozen rows once closed, else of the facts as they are now."""
    before = previous(shift)
    advances = ShiftAdvance.objects.select_related("nozzle", "fill__grade").order_by("pk")
    prepaid = Prepay.objects.filter(
        session__shift=shift, status__in=[Prepay.Status.OPEN, Prepay.Status.FUELLING]
    )
    return ShiftReport(
        shift=shift,
        runs=tuple(shift_runs(shift)),
        books=tuple(shift_books(shift)),
        sessions=tuple(session_report(session) for session in sessions_of(shift)),
        mix=shift_mix(shift),
        tenders=tuple(Tender.objects.order_by("position", "code")),
        staff=tuple(staff_rows(shift)),
        came_in=tuple(advances.filter(from_shift=before)) if before else (),
        passed_on=tuple(advances.filter(from_shift=shift)),
        prepaid=tuple(prepaid.select_related("nozzle").order_by("pk")),
        signatures=tuple(shift.signatures.select_related("user").order_by("pk")),
        corrections=tuple(shift.corrections.select_related("actor").order_by("pk")),
    )


def session_report(session: TillSession) -> SessionReport:
    """One till session with its tenders and the drawer's other movements."""
    return SessionReport(session, tuple(tender_dues(session)), moved_cash(session))


def litres_to_explain(
    shift: Shift, *, runs: Sequence[NozzleRun] | None = None, books: Sequence[Book] | None = None
) -> list[GradeToExplain]:
    """Per grade of a shift: what is left to explain before it may close. Never netted over nozzles."""
    variances: dict[int, Litres] = defaultdict(lambda: NO_LITRES)
    measured: set[int] = set()
    for book in shift_books(shift) if books is None else books:
        if book.variance is not None:
            variances[book.tank.grade_id] += book.variance
            measured.add(book.tank.grade_id)
    by_grade: dict[int, list[NozzleRun]] = defaultdict(list)
    for run in shift_runs(shift) if runs is None else runs:
        by_grade[run.grade.pk].append(run)
    rows = [
        GradeToExplain(
            grade=group[0].grade,
            run=sum((run.run for run in group), NO_LITRES),
            fills=sum((run.fills_litres for run in group), NO_LITRES),
            claimed=sum((run.claimed for run in group), NO_LITRES),
            passed_on=sum((run.passed_on for run in group), NO_LITRES),
            explained=sum((run.explained for run in group), NO_LITRES),
            left=sum((abs(run.unexplained) for run in group), NO_LITRES),
            tank_variance=variances[key] if key in measured else None,
            runs=tuple(group),
        )
        for key, group in by_grade.items()
    ]
    return sorted(rows, key=lambda row: (row.grade.position, row.grade.code))


def shifts_of(station: Station) -> QuerySet[Shift]:
    """The shifts of a station, to be ordered by the list."""
    return Shift.objects.filter(station=station).select_related("day", "leader", "receiver")


def waiting_for_close(station: Station) -> list[Shift]:
    """Shifts handed over and not closed, oldest first: books chain, so they close in this order."""
    return list(shifts_of(station).filter(status=Status.HANDED_OVER).order_by("pk"))


def tanks_over_limit(books: Sequence[Book], station: Station) -> list[Book]:
    """Tanks whose variance is over both limits, ‰ and litres, and so needs its reason."""
    rate = settings.number("inventory.variance_rate_limit", station)
    litres = settings.number("inventory.variance_litres_limit", station)
    return [
        book
        for book in books
        if book.variance is not None
        and abs(book.variance) > litres
        and (book.variance_permille is None or abs(book.variance_permille) > rate)
    ]


def days_blockers(days: Sequence[BusinessDay]) -> dict[int, list[Blocker]]:
    """What is still open before days can be closed, and whose it is, by day id.

    Shifts and their drawers first, then payments. Three statements at most.
    """
    found: dict[int, list[Blocker]] = {day.pk: [] for day in days}
    sessions = TillSession.objects.exclude(status=Sitting.CLOSED).select_related("cashier", "till")
    shifts = (
        Shift.objects.filter(day__in=days)
        .exclude(status=Status.CLOSED)
        .select_related("day", "leader")
        .prefetch_related(
            Prefetch("sessions", queryset=sessions.order_by("pk"), to_attr="unfinished")
        )
    )
    for shift in shifts.order_by("ordinal"):
        found[shift.day_id] += _shift_blockers(shift)
    pending = (
        Payment.objects.filter(day__in=days, status__in=UNDER_WAY)
        .select_related("session__cashier", "tender")
        .order_by("pk")
    )
    for row in pending:
        found[row.day_id].append(
            Blocker(
                "payment",
                f"{row.tender} {row.amount} 元（{row.document}）{row.get_status_display()}",
                row.session.cashier.name,
            )
        )
    return found


def _shift_blockers(shift: Shift) -> list[Blocker]:
    if shift.status == Status.OPEN:
        return [Blocker("shift", f"{shift}还在当班，未交班", shift.leader.name, "sales:shift")]
    sessions: Sequence[TillSession] = shift.unfinished  # type: ignore[attr-defined]
    return [
        Blocker("shift", f"{shift}未班结", shift.leader.name, "sales:shift_close", shift.pk),
        *(_session_blocker(session) for session in sessions),
    ]


def _session_blocker(session: TillSession) -> Blocker:
    needs = {
        Sitting.OPEN: "还在收银",
        Sitting.ENDED: "未点款",
        Sitting.COUNTED: "已点款，接收人未确认",
    }
    return Blocker(
        "session",
        f"{session.till} {session.cashier}{needs[Sitting(session.status)]}",
        session.cashier.name,
        "sales:session",
        session.pk,
    )
