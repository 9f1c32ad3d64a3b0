"""小票: what stands on the paper, as lines of text for a screen or a printer alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils.timezone import localtime

from members.queries.points import points_of
from sales.models import Payment, Receipt, Sale, SaleLine
from sales.queries.offers import Reduction, reductions_of

WEEK = "一二三四五六日"
TITLES = {
    Sale.Kind.SALE: "销售小票",
    Sale.Kind.REFUND: "退款小票",
    Sale.Kind.REVERSAL: "冲红小票",
}


@dataclass(frozen=True)
class Row:
    """One line of the paper: `left` and `right` share it; `big` is twice as wide, `rule` a line."""

    left: str = ""
    right: str = ""
    big: bool = False
    centre: bool = False
    rule: bool = False


PRACTISED = Row("＊＊ 练习 非交易凭证 ＊＊", centre=True)


@dataclass(frozen=True)
class Paper:
    """A receipt: its rows, and the text of its QR code."""

    rows: tuple[Row, ...]
    code: str

    def __post_init__(self) -> None:
        if settings.PRACTICE:
            object.__setattr__(self, "rows", (PRACTISED, *self.rows, PRACTISED))


def sale_for_paper(*, document: str) -> Sale | None:
    """The sale of a number with everything that its receipt shows. Three statements."""
    return (
        Sale.objects.select_related("station", "till", "cashier", "member", "original")
        .prefetch_related("lines__fill__nozzle", "lines__grade", "lines__item", "payments__tender")
        .filter(number=document)
        .first()
    )


def paper_of(
    *,
    sale: Sale,
    kind: str = Receipt.Kind.ORIGINAL,
    copy: int = 1,
    for_member: Sequence[str] = (),
) -> Paper:
    """The receipt of a sale; a reprint says 补打 and the how manyeth copy it is.

    `for_member` is what is true of him at the sale and no longer later: a reprint has none.
    """
    return Paper(tuple(_rows(sale, kind, copy, for_member)), code=sale.number)


def _rows(sale: Sale, kind: str, copy: int, for_member: Sequence[str]) -> Iterator[Row]:
    yield Row(sale.station.name, big=True, centre=True)
    title = TITLES[Sale.Kind(sale.kind)]
    yield Row(title, centre=True)
    if kind == Receipt.Kind.REPRINT:
        yield Row(f"＊＊ 补打 第 {copy} 次 ＊＊", centre=True)
    yield Row(rule=True)
    yield Row(f"单号 {sale.number}")
    if sale.original is not None:
        yield Row(f"原单 {sale.original.number}")
    yield Row(f"时间 {stamp(sale.occurred_at)}")
    yield Row(sale.till.name, f"收银员 {sale.cashier.name}")
    yield Row(rule=True)
    reductions = reductions_of(sale)
    for line in sorted(sale.lines.all(), key=lambda one: one.position):
        yield from _line(line, reductions.get(line.position, []))
    yield Row(rule=True)
    yield from _sums(sale)
    yield from _payments(sale)
    yield Row(rule=True)
    if sale.member_id:
        yield Row(f"会员 {sale.member.number}" if sale.member else "")
        yield from _points(sale)
        yield from (Row(words) for words in for_member)
    yield Row("税额（含在金额内）", f"{sale.tax}")
    if sale.station.phone:
        yield Row(f"电话 {sale.station.phone}")
    yield Row("凭此单号查询与开票", centre=True)


def _line(line: SaleLine, reductions: Sequence[Reduction]) -> Iterator[Row]:
    unit = "L" if line.kind == SaleLine.Kind.FUEL else (line.item.unit if line.item else "")
    quantity = f"{line.quantity:.2f}" if line.kind == SaleLine.Kind.FUEL else plain(line.quantity)
    yield Row(line.name)
    yield Row(f"  {quantity}{unit} × {line.unit_price}", f"{line.list_amount}")
    for one in reductions:
        yield Row(f"  {one.name}", f"{-one.amount}")


def _sums(sale: Sale) -> Iterator[Row]:
    if sale.discount:
        yield Row("合计", f"{sale.list_amount}")
        yield Row("优惠", f"-{sale.discount}")
    if sale.rounding:
        yield Row("抹零", f"{sale.rounding}")
    yield Row("应收" if sale.due >= 0 else "应退", f"¥{abs(sale.due)}", big=True)


def _payments(sale: Sale) -> Iterator[Row]:
    for one in sorted(sale.payments.all(), key=lambda row: row.pk):
        name = one.tender.name
        if one.kind == Payment.Kind.CHANGE:
            yield Row("找零", f"{-one.amount}")
        elif one.kind == Payment.Kind.PAYMENT:
            yield Row(name, f"{one.amount}")
        else:
            yield Row(f"{one.get_kind_display()} {name}", f"{one.amount}")
        if one.reference:
            yield Row(f"  凭证 {one.reference}")


def _points(sale: Sale) -> Iterator[Row]:
    """What the sale did to the member's points, and why: a sentence for each line."""
    told = points_of(document=sale.number)
    for name, points in (
        ("积分抵扣", -told.spent),
        ("退回积分", told.returned),
        ("本次积分", told.earned),
        ("其中入积分池", told.shared if told.earned else 0),
        ("扣回积分", -told.taken),
    ):
        if points:
            yield Row(name, f"{points:+d}")
    for words in told.words:
        yield Row(f"  {words}")
    if told.balance is not None:
        yield Row("可用积分", f"{told.balance}")


def stamp(moment: datetime) -> str:
    """2026-04-22 周三 20:05:09, in the station's time."""
    local = localtime(moment)
    return f"{local:%Y-%m-%d} 周{WEEK[local.weekday()]} {local:%H:%M:%S}"


def plain(number: Decimal) -> str:
    """A quantity without idle zeros."""
    return f"{number.normalize():f}"


def width_of(text: str) -> int:
    """Columns a text takes on paper: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in text)


def wrapped(text: str, columns: int) -> list[str]:
    """A text cut into lines of at most so many columns; a character is never cut in half."""
    lines, line, used = [], "", 0
    for one in text:
        wide = width_of(one)
        if used + wide > columns:
            lines.append(line)
            line, used = "", 0
        line += one
        used += wide
    return [*lines, line]


def set_out(row: Row, columns: int) -> list[str]:
    """A row as lines of text: left and right on one line where they fit, else below each other."""
    room = columns // 2 if row.big else columns
    if row.rule:
        return ["-" * columns]
    if row.centre:
        return [" " * ((room - width_of(one)) // 2) + one for one in wrapped(row.left, room)]
    gap = room - width_of(row.left) - width_of(row.right)
    if gap >= 1 or not row.right:
        return wrapped(row.left + " " * max(gap, 0) + row.right, room)
    return [*wrapped(row.left, room), " " * max(room - width_of(row.right), 0) + row.right]
