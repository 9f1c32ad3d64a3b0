"""收银班: what should be in the drawer, what was counted, and the difference per tender.

应有现金 = 备用金 + 收款 − 找零 − 退款 + 零星收入 − 零星支出 − 中途缴款.
A surplus in one tender or session never makes up for a shortage in another: 长款不得抵短款.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When

from sales.models import CashMovement, Payment, SessionTender, Tender
from station.models import Shift, Station, TillSession
from station.money import ZERO, Yuan

FACES: tuple[tuple[str, str], ...] = (
    ("100", "100 元"),
    ("50", "50 元"),
    ("20", "20 元"),
    ("10", "10 元"),
    ("5", "5 元"),
    ("1", "1 元"),
    ("0.5", "5 角"),
    ("0.1", "1 角"),
)
UNDER_WAY = (Payment.Status.CREATED, Payment.Status.PENDING, Payment.Status.UNKNOWN)
Status = TillSession.Status


@dataclass(frozen=True)
class TenderDue:
    """One tender of a session: what came and went, what should be there, what was counted."""

    tender: Tender
    count: int
    received: Yuan
    refunded: Yuan
    float_amount: Yuan
    moved: Yuan
    counted: Yuan | None = None
    slips: int | None = None
    reason: str = ""

    @property
    def expected(self) -> Yuan:
        """应有. Refunds and change are negative already; so are safe drops and paid-outs."""
        return self.float_amount + self.received + self.refunded + self.moved

    @property
    def difference(self) -> Yuan | None:
        """长短款 = counted − due; None before the count."""
        return None if self.counted is None else self.counted - self.expected


@dataclass(frozen=True)
class Moved:
    """The drawer's movements besides sales, signed as the drawer sees them."""

    drops: Yuan = ZERO
    paid_in: Yuan = ZERO
    paid_out: Yuan = ZERO

    @property
    def total(self) -> Yuan:
        return self.drops + self.paid_in + self.paid_out


@dataclass(frozen=True)
class OverShort:
    """长款 and 短款 side by side, never netted; short is negative."""

    over: Yuan
    short: Yuan


def tender_dues(session: TillSession) -> list[TenderDue]:
    """Every tender of a session with what should be there; counted once the session is.

    An accepted session answers from its frozen rows. Shown to a cashier only after the count.
    Four statements.
    """
    frozen = {row.tender_id: row for row in SessionTender.objects.filter(session=session)}
    sums = _payments(session)
    count = getattr(session, "count", None)
    slips: Mapping[str, Mapping[str, str]] = count.slips if count else {}
    moved = moved_cash(session).total
    rows = []
    for tender in Tender.objects.order_by("position", "code"):
        is_cash = tender.kind == Tender.Kind.CASH
        got = sums.get(tender.pk, _NOTHING)
        said = slips.get(tender.code)
        if not (is_cash or got.count or said):
            continue
        counted: Yuan | None = None
        if count is not None:
            counted = count.cash_counted if is_cash else Decimal((said or {}).get("amount", "0.00"))
            if tender.kind == Tender.Kind.VALUE:  # nothing of it is in the drawer
                counted = got.received + got.refunded
        row = frozen.get(tender.pk)
        rows.append(
            TenderDue(
                tender=tender,
                count=got.count,
                received=got.received,
                refunded=got.refunded,
                float_amount=session.float_amount if is_cash else ZERO,
                moved=moved if is_cash else ZERO,
                counted=counted,
                slips=int(said["count"]) if said and said.get("count") else None,
                reason=row.reason if row else "",
            )
        )
    return rows


@dataclass(frozen=True)
class _Paid:
    count: int = 0
    received: Yuan = ZERO
    refunded: Yuan = ZERO


def _payments(session: TillSession) -> dict[int, _Paid]:
    """Settled payments of a session by tender: change (找零) is part of what was received."""
    is_refund = Q(kind=Payment.Kind.REFUND)
    rows = (
        Payment.objects.filter(session=session, status=Payment.Status.SUCCESS)
        .order_by()
        .values("tender_id")
        .annotate(
            count=Count("document", distinct=True),
            received=Sum(Case(When(~is_refund, then=F("amount")), default=Value(ZERO))),
            refunded=Sum(Case(When(is_refund, then=F("amount")), default=Value(ZERO))),
        )
    )
    return {row["tender_id"]: _Paid(row["count"], row["received"], row["refunded"]) for row in rows}


_NOTHING = _Paid()


def moved_cash(session: TillSession) -> Moved:
    """Safe drops, paid-ins and paid-outs of a session. One statement."""
    kinds = CashMovement.Kind
    sums = dict(
        CashMovement.objects.filter(session=session)
        .order_by()
        .values_list("kind")
        .annotate(total=Sum("amount"))
    )
    return Moved(
        drops=sums.get(kinds.DROP, ZERO),
        paid_in=sums.get(kinds.PAID_IN, ZERO),
        paid_out=sums.get(kinds.PAID_OUT, ZERO),
    )


def under_way(session: TillSession) -> int:
    """Payments of a session whose outcome is not known at our side."""
    return Payment.objects.filter(session=session, status__in=UNDER_WAY).count()


def takings(session: TillSession) -> Yuan:
    """What a counted session hands in: the cash counted less the float that stays with the till."""
    handed_in: Yuan = session.count.cash_counted - session.float_amount
    return handed_in


def sessions_of(shift: Shift) -> QuerySet[TillSession]:
    """The sessions of a shift with till, cashier and count, in the order they began."""
    return (
        TillSession.objects.filter(shift=shift)
        .select_related("till", "cashier", "count__accepted_by", "count__approved_by", "shift__day")
        .order_by("opened_at", "pk")
    )


def suggested_float(*, station: Station, till_id: int) -> Yuan:
    """The float of the till's last session, for the form."""
    last = (
        TillSession.objects.filter(station=station, till=till_id)
        .order_by("-pk")
        .values_list("float_amount", flat=True)
        .first()
    )
    return last if last is not None else Decimal("500.00")
