"""付油分类: by which tender the litres of each grade were paid, and what each tender paid for.

A sale paid in several tenders gives each its share of every line, the last the remainder, so that
litres and yuan add up to the sale.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from sales.models import Payment, Sale, SaleLine
from station.models import Shift
from station.money import NO_LITRES, ZERO, Litres, Yuan, split_litres, split_yuan

# Column names and order of the paper form; a tender that has none of its own is 其他.
CLASSES: tuple[str, ...] = (
    "现金",
    "油票",
    "记账",
    "银行卡",
    "其他1",
    "其他2",
    "IC卡",
    "IC卡积分",
    "已售未提",
    "已提未售",
    "代存代付",
    "油票代管",
    "自用油",
    "非机走",
)
_CLASS_OF: Mapping[str, str] = {
    "CASH": "现金",
    "VOUCHER": "油票",
    "HOUSE": "记账",
    "BANKCARD": "银行卡",
    "CARD": "银行卡",
    "WECHAT": "其他1",
    "ALIPAY": "其他1",
    "UNIONPAY": "其他1",
    "FUELCARD": "IC卡",
    "MEMBER": "IC卡",
    "POINTS": "IC卡积分",
}
NOT_PAID = (Payment.Status.FAILED, Payment.Status.CLOSED, Payment.Status.REVERSED)


@dataclass
class TenderSum:
    """What one tender of a shift (or day) paid for, in yuan; refunds apart and negative."""

    count: int = 0
    fuel: Yuan = ZERO
    shop: Yuan = ZERO
    refunds: Yuan = ZERO
    advance: Yuan = ZERO
    litres: Litres = NO_LITRES

    @property
    def total(self) -> Yuan:
        return self.fuel + self.shop + self.advance


@dataclass
class Mix:
    """Litres by grade id and tender id, and money by tender id."""

    litres: dict[int, dict[int, Litres]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: NO_LITRES))
    )
    tenders: dict[int, TenderSum] = field(default_factory=lambda: defaultdict(TenderSum))


def class_of(code: str) -> str:
    """The column of the paper form for a tender code."""
    return _CLASS_OF.get(code, "其他2")


def shift_mix(shift: Shift) -> Mix:
    """What the sales of a shift were paid with. Four statements."""
    return _mix(
        SaleLine.objects.filter(shift=shift),
        Payment.objects.filter(shift=shift),
    )


def _mix(lines: QuerySet[SaleLine], payments: QuerySet[Payment]) -> Mix:
    mix = Mix()
    live = payments.exclude(status__in=NOT_PAID).order_by()
    paid: dict[int, list[tuple[int, Yuan]]] = defaultdict(list)
    for sale_id, tender_id, amount in (
        live.filter(sale__isnull=False)
        .values_list("sale_id", "tender_id")
        .annotate(amount=Sum("amount"))
        .order_by("sale_id", "tender_id")
    ):
        paid[sale_id].append((tender_id, amount))
    rows = lines.order_by().values_list("sale_id", "kind", "grade_id")
    for sale_id, kind, grade_id, litres, net in rows.annotate(
        litres=Sum("quantity"), net=Sum("net")
    ).order_by("sale_id", "kind", "grade_id"):
        _share(mix, kind, grade_id, litres, net, paid[sale_id])
    _count(mix, live)
    return mix


def _share(
    mix: Mix,
    kind: str,
    grade_id: int | None,
    litres: Litres,
    net: Yuan,
    paid: Sequence[tuple[int, Yuan]],
) -> None:
    """Give each tender of the sale its share of one kind of line."""
    if not paid:  # given away whole: nobody paid, the litres are still there
        return
    weights = [abs(amount) for _, amount in paid]
    if not any(weights):
        weights = [Decimal(1)] + [Decimal(0)] * (len(paid) - 1)
    is_fuel = kind == SaleLine.Kind.FUEL
    money = split_yuan(net, weights)
    volume = split_litres(litres, weights)
    for (tender_id, _), yuan, part in zip(paid, money, volume, strict=True):
        row = mix.tenders[tender_id]
        if is_fuel:
            row.fuel += yuan
            row.litres += part
        else:
            row.shop += yuan
        if is_fuel and grade_id is not None:
            mix.litres[grade_id][tender_id] += part


def _count(mix: Mix, live: QuerySet[Payment]) -> None:
    is_advance = Q(sale=None)
    rows = live.values("tender_id").annotate(
        count=Count("document", distinct=True),
        refunds=Sum("amount", filter=Q(kind=Payment.Kind.REFUND), default=ZERO),
        advance=Sum("amount", filter=is_advance, default=ZERO),
    )
    for row in rows:
        tender = mix.tenders[row["tender_id"]]
        tender.count = row["count"]
        tender.refunds = row["refunds"]
        tender.advance = row["advance"]


@dataclass(frozen=True)
class StaffRow:
    """班报 E: what one person on duty did."""

    name: str
    post: str
    place: str
    fills: int = 0
    litres: Litres = NO_LITRES
    fuel: Yuan = ZERO
    shop: Yuan = ZERO
    sales: int = 0


def staff_rows(shift: Shift) -> list[StaffRow]:
    """Attendants by the fills they stood for, cashiers by the tickets they took. Four statements."""
    by_attendant = {
        row["attendant"]: row
        for row in SaleLine.objects.filter(shift=shift, attendant__isnull=False)
        .order_by()
        .values("attendant")
        .annotate(
            fills=Count("fill", distinct=True),
            litres=Sum("quantity", filter=Q(kind=SaleLine.Kind.FUEL), default=NO_LITRES),
            fuel=Sum("net", filter=Q(kind=SaleLine.Kind.FUEL), default=ZERO),
            shop=Sum("net", filter=~Q(kind=SaleLine.Kind.FUEL), default=ZERO),
        )
    }
    by_cashier = dict(
        Sale.objects.filter(shift=shift, kind=Sale.Kind.SALE)
        .order_by()
        .values_list("cashier")
        .annotate(sales=Count("pk"))
    )
    tills: dict[int, list[str]] = defaultdict(list)
    for cashier, till in shift.sessions.order_by("pk").values_list("cashier", "till__name"):
        tills[cashier].append(till)
    rows = []
    for member in shift.crew.select_related("user", "island").order_by("pk"):
        done: Mapping[str, Any] = by_attendant.get(member.user_id, {})
        places = [str(member.island)] if member.island else []
        rows.append(
            StaffRow(
                name=member.user.name,
                post=member.get_post_display(),
                place="、".join([*places, *tills.get(member.user_id, [])]),
                sales=by_cashier.get(member.user_id, 0),
                fills=done.get("fills", 0),
                litres=done.get("litres", NO_LITRES),
                fuel=done.get("fuel", ZERO),
                shop=done.get("shop", ZERO),
            )
        )
    return rows
