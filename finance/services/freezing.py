"""The rows that the figures of days are frozen into: the whole answer, and what reports add up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from finance.models import DayDiscount, DayFigures, DayHour, DayProduct, DayTank, DayTender
from finance.queries.figures import Figures
from finance.queries.frozen import digest, to_json
from finance.queries.parts import Hour, PersonDiscount, Product, TankDay, TenderDay, total_litres
from station.models import BusinessDay, User
from station.money import ZERO

Closing = tuple[BusinessDay, datetime]


def freeze_figures(
    *, days: Sequence[Closing], figures: Sequence[Figures], actor: User
) -> list[DayFigures]:
    """Write the figures of each day and their rows. Call it inside the close; one insert a table."""
    heads = [_head(day, its, at, actor) for (day, at), its in zip(days, figures, strict=True)]
    pairs = [(day, its) for (day, _), its in zip(days, figures, strict=True)]
    DayFigures.objects.bulk_create(heads)
    DayProduct.objects.bulk_create(_product(day, row) for day, its in pairs for row in its.products)
    DayTender.objects.bulk_create(_tender(day, row) for day, its in pairs for row in its.tenders)
    DayDiscount.objects.bulk_create(
        _discount(day, row) for day, its in pairs for row in its.discounts
    )
    DayHour.objects.bulk_create(_hour(day, row) for day, its in pairs for row in its.hours)
    DayTank.objects.bulk_create(_tank(day, row) for day, its in pairs for row in its.tanks)
    return heads


def _of(day: BusinessDay) -> dict[str, Any]:
    """What every frozen row says of its day."""
    return {"station_id": day.station_id, "day": day, "date": day.date}


def _head(day: BusinessDay, figures: Figures, at: datetime, actor: User) -> DayFigures:
    body = to_json(figures)
    head = figures.head
    return DayFigures(
        **_of(day),
        fuel_litres=total_litres(figures.products),
        fuel_net=figures.fuel_net,
        shop_net=figures.shop_net,
        discount=head.discount,
        rounding=head.rounding,
        due=head.due,
        tax=sum((row.tax for row in figures.products), ZERO),
        fuel_tax=sum((row.tax for row in figures.fuels), ZERO),
        cost=figures.cost,
        fuel_cost=sum((row.cost for row in figures.fuels), ZERO),
        sales_count=head.sales,
        fuel_count=head.fuel_lines,
        fuel_sales_count=head.fuel_sales,
        shop_count=head.shop_sales,
        both_count=head.both_sales,
        corrections_count=head.corrections,
        over_short=figures.over_short,
        variance_l=figures.variance,
        new_members=figures.new_members,
        body=body,
        sha256=digest(body),
        frozen_at=at,
        frozen_by=actor,
    )


def _product(day: BusinessDay, row: Product) -> DayProduct:
    return DayProduct(
        **_of(day),
        kind=row.kind,
        code=row.code,
        name=row.name,
        category=row.category,
        quantity=row.quantity,
        list_amount=row.list_amount,
        discount=row.discount,
        net=row.net,
        tax=row.tax,
        cost=row.cost,
        count=row.count,
    )


def _tender(day: BusinessDay, row: TenderDay) -> DayTender:
    return DayTender(
        **_of(day),
        code=row.code,
        name=row.name,
        count=row.count,
        received=row.received,
        refunded=row.refunded,
        moved=row.moved,
        fuel=row.fuel,
        shop=row.shop,
        advance=row.advance,
        litres=row.litres,
        net=row.net,
        over_short=row.over_short,
    )


def _discount(day: BusinessDay, row: PersonDiscount) -> DayDiscount:
    return DayDiscount(
        **_of(day),
        person=row.person,
        reason=row.reason,
        count=row.count,
        amount=row.amount,
    )


def _hour(day: BusinessDay, row: Hour) -> DayHour:
    return DayHour(
        **_of(day),
        hour=row.hour,
        count=row.count,
        litres=row.litres,
        net=row.net,
    )


def _tank(day: BusinessDay, row: TankDay) -> DayTank:
    return DayTank(
        **_of(day),
        tank_number=row.number,
        grade_code=row.grade,
        opening_l=row.opening,
        received_l=row.received,
        pumped_l=row.pumped,
        returned_l=row.returned,
        other_l=row.other,
        sold_l=row.sold,
        book_l=row.book,
        physical_l=row.physical,
        variance_l=row.variance,
        price=row.price,
    )
