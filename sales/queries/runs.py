"""走字: what each nozzle delivered in a shift, and what explains it.

    run = closing − opening (+ meter changes)
    sold = run − tests − own use
    difference = sold + passed in − passed on − claimed

A fill belongs to the shift in whose totalizer run it falls; the document that takes it belongs to
the shift that made it. What a shift leaves unpaid passes on whole, what an earlier one left comes
in; so the difference is exactly the litres that no fill explains.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum

from devices.models import Fill, MeterChange, TotalizerGap, TotalizerReading
from devices.queries import totalizers
from devices.queries.totalizers import Reading
from sales.models import FillClaim, FillUse, Sale, ShiftAdvance, ShiftExplanation
from sales.queries.orders import Taken, taken
from sales.queries.segments import Edges, Segment, priced, segments_of
from station.models import BusinessDay, Grade, Nozzle, Shift, Tank
from station.money import NO_LITRES, ZERO, Litres, Yuan
from station.queries import settings

Kind = TotalizerReading.Kind


@dataclass(frozen=True, kw_only=True)
class NozzleRun:
    """One nozzle over one shift."""

    nozzle: Nozzle
    tank: Tank
    grade: Grade
    opening: Litres
    closing: Litres
    meter_adjustment: Litres = NO_LITRES
    fills_litres: Litres = NO_LITRES
    tests: Litres = NO_LITRES
    own_use: Litres = NO_LITRES
    passed_in: Litres = NO_LITRES
    passed_on: Litres = NO_LITRES
    sold_amount: Yuan = ZERO
    claimed: Litres = NO_LITRES
    claimed_amount: Yuan = ZERO
    explained: Litres = NO_LITRES
    reasons: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    tolerance: Litres = NO_LITRES

    @property
    def run(self) -> Litres:
        """走字数."""
        return self.closing - self.opening + self.meter_adjustment

    @property
    def sold(self) -> Litres:
        """付油升数: what passed the meter and was no test and no own use."""
        return self.run - self.tests - self.own_use

    @property
    def difference(self) -> Litres:
        """差异升数: litres that no fill explains; negative where fills say more than the meter."""
        return self.sold + self.passed_in - self.passed_on - self.claimed

    @property
    def unexplained(self) -> Litres:
        """What is left to explain; nothing where only the meter's own rounding is left."""
        left = self.difference - self.explained
        return NO_LITRES if abs(left) <= self.tolerance else left

    @property
    def amount_difference(self) -> Yuan:
        """差异金额: what the litres sold are worth at the posted prices less what documents say.

        What passes to or from another shift is in it; the litres say which.
        """
        return self.sold_amount - self.claimed_amount


@dataclass(frozen=True)
class _Ends:
    """Where the run of each nozzle begins and ends, with the meter changes in between."""

    openings: Mapping[int, Reading]
    closings: Mapping[int, Reading]
    changes: Mapping[int, Sequence[MeterChange]]


@dataclass
class _Uses:
    own: Litres = NO_LITRES
    other: Litres = NO_LITRES
    tests: Litres = NO_LITRES
    own_use: Litres = NO_LITRES
    fills: list[tuple[Reading, Litres]] = field(default_factory=list)


@dataclass(frozen=True)
class _Facts:
    """What the runs of a shift are made of, each by nozzle id."""

    ends: _Ends
    fills: Mapping[int, Litres]
    orders: Mapping[int, Taken]
    uses: Mapping[int, _Uses]
    passed_other: Mapping[int, Litres]
    explained: tuple[Mapping[int, Litres], Mapping[int, Sequence[str]]]
    edges: Mapping[int, Edges]
    tolerance: Litres


def nozzle_runs(shift: Shift) -> list[NozzleRun]:
    """The run of every nozzle of a shift by nozzle number, asked of the facts.

    A nozzle without an opening reading was not in use and is left out. A fixed number of
    statements whatever the nozzles and fills.
    """
    nozzles = list(
        Nozzle.objects.filter(station=shift.station_id)
        .select_related("tank", "tank__grade")
        .order_by("number")
    )
    facts = _Facts(
        ends=_ends(shift),
        fills=_sums(Fill.objects.filter(shift=shift)),
        orders=taken(shift),
        uses=_uses(shift),
        passed_other=_passed_on_other(shift),
        explained=_explained(shift),
        edges=segments_of(shift=shift, nozzles=nozzles),
        tolerance=settings.number("sales.litres_tolerance", shift.station),
    )
    return [_run(nozzle, facts) for nozzle in nozzles if nozzle.pk in facts.ends.openings]


def _run(nozzle: Nozzle, facts: _Facts) -> NozzleRun:
    key = nozzle.pk
    opening = facts.ends.openings[key]
    closing = facts.ends.closings.get(key, opening)
    changes = facts.ends.changes.get(key, ())
    use, order = facts.uses.get(key, _Uses()), facts.orders.get(key, Taken())
    fills = facts.fills.get(key, NO_LITRES)
    on_other = facts.passed_other.get(key, NO_LITRES)
    segments = priced(facts.edges[key], opening=opening, closing=closing, changes=changes)
    litres, reasons = facts.explained
    return NozzleRun(
        nozzle=nozzle,
        tank=nozzle.tank,
        grade=nozzle.tank.grade,
        opening=opening.litres,
        closing=closing.litres,
        meter_adjustment=totalizers.meter_adjustment(changes),
        fills_litres=fills,
        tests=use.tests,
        own_use=use.own_use,
        passed_in=order.other + use.other + on_other,
        passed_on=fills - order.own - use.own + on_other,
        sold_amount=_worth(segments, use.fills),
        claimed=order.own + order.other,
        claimed_amount=order.amount,
        explained=litres.get(key, NO_LITRES),
        reasons=tuple(reasons.get(key, ())),
        segments=tuple(segments),
        tolerance=facts.tolerance,
    )


def previous(shift: Shift) -> Shift | None:
    """The shift of the same station before this one."""
    return (
        Shift.objects.filter(station=shift.station_id, pk__lt=shift.pk)
        .select_related("day")
        .order_by("-pk")
        .first()
    )


def opening_readings(shift: Shift) -> dict[int, Reading]:
    """接班泵码 by nozzle id: what the shift before closed on, else what was set at going live.

    Carried forward, never typed. Two statements.
    """
    before = previous(shift)
    known = Q(kind=Kind.OPENING)
    if before is not None:
        known |= Q(kind=Kind.HANDOVER, document=before.number)
    rows = TotalizerReading.objects.filter(known, nozzle__station=shift.station_id)
    # A handover wins over the reading at going live: it is the later of the two.
    return {row.nozzle_id: _reading(row) for row in rows.order_by("occurred_at", "pk")}


def closing_readings(shift: Shift) -> dict[int, Reading]:
    """交班泵码 by nozzle id: read at the handover; while the shift works, the newest known."""
    if shift.status == Shift.Status.OPEN:
        return totalizers.latest(station=shift.station)
    rows = TotalizerReading.objects.filter(
        kind=Kind.HANDOVER, document=shift.number, nozzle__station=shift.station_id
    )
    return {row.nozzle_id: _reading(row) for row in rows}


def unclaimed(shift: Shift) -> QuerySet[Fill]:
    """Fills that no document holds now: the shift's own, and those that earlier shifts left.

    Bounded by the days that are not frozen and by what the shift before passed on, so that ten
    years of paid fills cost nothing.
    """
    held = FillClaim.objects.filter(fill=OuterRef("pk"), released_at=None)
    before = previous(shift)
    left = ShiftAdvance.objects.filter(from_shift=before, fill__isnull=False) if before else None
    open_days = BusinessDay.objects.filter(station=shift.station_id).exclude(
        status=BusinessDay.Status.CLOSED
    )
    released = FillClaim.objects.filter(
        station=shift.station_id, released_day__in=open_days.values("pk")
    )
    near = (
        Q(shift=shift)
        | Q(day__in=open_days.values("pk"), shift__lt=shift.pk)
        | Q(pk__in=released.values("fill_id"), shift__lt=shift.pk)
    )
    if left is not None:
        near |= Q(pk__in=left.values("fill_id"))
    return (
        Fill.objects.filter(near, station=shift.station_id)
        .exclude(Exists(held))
        .select_related("nozzle", "grade")
        .order_by("occurred_at", "pk")
    )


def _reading(row: TotalizerReading) -> Reading:
    return Reading(row.nozzle_id, row.meter_epoch, row.litres, row.occurred_at)


def _ends(shift: Shift) -> _Ends:
    openings, closings = opening_readings(shift), closing_readings(shift)
    changes: dict[int, list[MeterChange]] = defaultdict(list)
    for change in MeterChange.objects.filter(
        nozzle__station=shift.station_id, nozzle__in=list(openings)
    ).order_by("nozzle_id", "epoch"):
        opening = openings[change.nozzle_id]
        closing = closings.get(change.nozzle_id, opening)
        if opening.epoch < change.epoch <= closing.epoch:
            changes[change.nozzle_id].append(change)
    return _Ends(openings, closings, changes)


def _sums(fills: QuerySet[Fill]) -> dict[int, Litres]:
    return dict(fills.order_by().values_list("nozzle_id").annotate(litres=Sum("litres")))


def _uses(shift: Shift) -> dict[int, _Uses]:
    """Tests and own use declared in the shift, and which of the shift's own fills they took."""
    held = FillClaim.objects.filter(document=OuterRef("number"), released_at=None)
    rows = FillUse.objects.filter(Exists(held), shift=shift).select_related("fill")
    uses: dict[int, _Uses] = defaultdict(_Uses)
    for row in rows:
        fill = row.fill
        use = uses[fill.nozzle_id]
        if row.kind == FillUse.Kind.TEST:
            use.tests += fill.litres
        else:
            use.own_use += fill.litres
        if fill.shift_id == shift.pk:
            use.own += fill.litres
            after = Reading(
                fill.nozzle_id, fill.meter_epoch, fill.totalizer_after, fill.occurred_at
            )
            use.fills.append((after, fill.litres))
        else:
            use.other += fill.litres
    return uses


def _passed_on_other(shift: Shift) -> dict[int, Litres]:
    """Fills of earlier shifts that this one could not have paid either, by nozzle id."""
    if shift.status == Shift.Status.OPEN:
        return _sums(unclaimed(shift).exclude(shift=shift))
    # What a till sold offline may arrive after the handover, under a document of this shift.
    late = FillClaim.objects.filter(
        fill=OuterRef("fill"), document__in=Sale.objects.filter(shift=shift).values("number")
    )
    passed = (
        ShiftAdvance.objects.filter(from_shift=shift, fill__isnull=False)
        .exclude(fill__shift=shift)
        .exclude(Exists(late))
    )
    return dict(passed.order_by().values_list("nozzle_id").annotate(litres=Sum("litres")))


def _explained(shift: Shift) -> tuple[dict[int, Litres], dict[int, list[str]]]:
    """Litres that have a reason instead of a fill, by nozzle id, with the words."""
    litres: dict[int, Litres] = defaultdict(lambda: NO_LITRES)
    words: dict[int, list[str]] = defaultdict(list)
    gaps = (
        TotalizerGap.objects.filter(shift=shift, fill=None, explained_at__isnull=False)
        .exclude(reason="")
        .annotate(litres=F("litres_to") - F("litres_from"))
    )
    for gap in gaps.order_by("pk"):
        litres[gap.nozzle_id] += gap.litres
        words[gap.nozzle_id].append(f"{gap.reason} {gap.litres:.2f} 升")
    for row in ShiftExplanation.objects.filter(shift=shift).order_by("pk"):
        litres[row.nozzle_id] += row.litres
        text = row.note or row.get_reason_display()
        words[row.nozzle_id].append(f"{text} {row.litres:.2f} 升")
    return litres, words


def _worth(segments: Iterable[Segment], used: Sequence[tuple[Reading, Litres]]) -> Yuan:
    """Σ over price segments of the litres sold × their price; tests and own use earn nothing."""
    total = ZERO
    for segment in segments:
        out = sum((litres for after, litres in used if segment.holds(after)), Decimal(0))
        total += segment.worth(without=out)
    return total
