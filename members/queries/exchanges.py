"""积分互通 as it is asked for: the programme in force, what was exchanged, a partner's month."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet, Sum

from members.models import ExchangeOrder, ExchangePartner, PartnerProgram, PointsTxn

Way, State = ExchangeOrder.Way, ExchangeOrder.State
Kind = PointsTxn.Kind


def partners_of(stations: Iterable[object]) -> QuerySet[ExchangePartner]:
    """Partners of some stations."""
    return ExchangePartner.objects.filter(station__in=list(stations)).select_related(
        "station", "key"
    )


def program_on(*, partner: ExchangePartner, day: date) -> PartnerProgram | None:
    """The newest approved version that is valid on a day and was not withdrawn. One statement."""
    rows = PartnerProgram.objects.filter(
        partner=partner,
        approved_at__isnull=False,
        withdrawn_at=None,
        valid_from__lte=day,
        valid_until__gte=day,
    )
    return rows.order_by("-version").first()


def points_for(*, program: PartnerProgram, way: str, theirs: int) -> int:
    """Our points for so many of the partner's: rounded up going out, down coming in."""
    if way == Way.OUT:
        return -(-theirs * program.ratio_out // 100)
    return theirs * program.ratio_in // 100


def exchanged_on(*, partner: ExchangePartner, day: date, member_id: int | None = None) -> int:
    """Our points that were exchanged with a partner on a day, both ways, and not reversed."""
    rows = ExchangeOrder.objects.filter(partner=partner, day=day, state=State.DONE)
    if member_id is not None:
        his = Q(member=member_id) | Q(member__merged_into=member_id)
        rows = rows.filter(his)
    return rows.aggregate(total=Sum("points"))["total"] or 0


def orders_of(stations: Iterable[object]) -> QuerySet[ExchangeOrder]:
    """Orders with the partners of some stations."""
    rows = ExchangeOrder.objects.filter(partner__station__in=list(stations))
    return rows.select_related("partner", "program", "member", "reversed_by", "txn", "back_txn")


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One exchange or reversal: signed, what we gave out is negative; `booked` is the ledger's row."""

    day: date
    order: ExchangeOrder
    reversal: bool
    theirs: int
    points: int
    fee: int
    booked: int

    @property
    def agrees(self) -> bool:
        """Whether the ledger says what the order says."""
        return self.booked == self.points + self.fee


def statement(*, partner: ExchangePartner, since: date, until: date) -> Sequence[StatementLine]:
    """Every exchange and every reversal of a span, each on its day, beside the ledger's own row.

    Signed as the member's ledger is: out negative, in positive, a reversal the other way round.
    """
    span = (since, until)
    rows = ExchangeOrder.objects.filter(partner=partner).select_related("member", "txn", "back_txn")
    found = rows.filter(Q(day__range=span) | Q(reversed_day__range=span)).order_by("day", "pk")
    lines = []
    for one in found:
        sign = -1 if one.way == Way.OUT else 1
        if since <= one.day <= until:
            told = (sign * one.theirs, sign * one.points, sign * one.fee)
            lines.append(StatementLine(one.day, one, False, *told, _booked(one.txn)))
        if one.reversed_day and since <= one.reversed_day <= until:
            told = (-sign * one.theirs, -sign * one.points, -sign * one.fee)
            lines.append(StatementLine(one.reversed_day, one, True, *told, _booked(one.back_txn)))
    return sorted(lines, key=lambda line: (line.day, line.order.pk, line.reversal))


def _booked(txn: PointsTxn | None) -> int:
    """What a row of the ledger moved, with what it let go: an expired point is booked as forgiven."""
    return txn.delta - txn.forgiven if txn is not None else 0


def ledger_sum(*, partner: ExchangePartner, since: date, until: date) -> int:
    """What the ledger says of a partner in a span, asked of the ledger alone: by its keys and dates."""
    rows = PointsTxn.objects.filter(
        kind__in=[Kind.EXCHANGE_IN, Kind.EXCHANGE_OUT],
        idem__startswith=f"exchange:{partner.code}:",
        date__range=(since, until),
    )
    told = rows.aggregate(moved=Sum("delta"), let_go=Sum("forgiven"))
    return (told["moved"] or 0) - (told["let_go"] or 0)
