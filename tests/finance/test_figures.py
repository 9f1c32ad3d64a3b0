"""The figures of a day: what they add up to, and that they meet."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from finance.queries.figures import Figures, day_figures
from finance.queries.frozen import from_json, to_json
from inventory.models import Category, Item
from members.models import Purchase
from sales.models import FillClaim, FillUse
from sales.services.disposals import drive_off, recover, write_off
from tests import make
from tests.finance.days import Site, end_day

D = Decimal


@pytest.mark.req("RPT-01", "FIN-01")
def test_a_day_says_litres_money_margin_and_tenders_to_the_fen(site: Site) -> None:
    water = make.item(on_hand="50")
    first = make.fill_at(site.station, "25.48", at=make.at(9, 5))
    second = make.fill_at(site.station, "40.00", at=make.at(17, 30))
    make.sale(site.session, [first], [(water, 2)], [("CASH", "100.00"), ("WECHAT", "104.02")])
    make.sale(site.session, [second], tenders=[("CASH", "400.00")])

    figures = day_figures(day=site.day)

    assert figures.litres == D("65.480")
    assert (figures.fuel_net, figures.shop_net) == (D("514.02"), D("4.00"))
    (fuel,) = figures.fuels
    assert (fuel.average_price, fuel.per_car, fuel.count) == (D("7.85"), D("32.740"), 2)
    # margin = net − VAT within − cost: 514.02 − 59.14 − 65.48 × 6.50
    assert fuel.margin == fuel.net - fuel.tax - D("425.62")
    assert figures.tonnes(fuel) == D("0.049")  # 0.06548 m³ × (745.0 − 1.1) kg/m³
    assert {row.code: (row.received, row.net, row.fuel, row.shop) for row in figures.tenders} == {
        "CASH": (D("414.00"), D("414.00"), D("412.04"), D("1.96")),
        "WECHAT": (D("104.02"), D("104.02"), D("101.98"), D("2.04")),
    }
    assert sum(row.litres for row in figures.tenders) == D("65.480")
    assert [(row.hour, row.count, row.litres) for row in figures.hours if row.count] == [
        (9, 1, D("25.480")),
        (17, 1, D("40.000")),
    ]
    assert (figures.head.sales, figures.head.fuel_sales, figures.head.both_sales) == (2, 2, 1)
    assert figures.conversion == D("0.5000")
    assert figures.basket == D("4.00")
    assert all(check.holds for check in figures.checks)


@pytest.mark.req("RPT-05")
def test_figures_come_back_from_json_as_they_went(site: Site) -> None:
    make.sale(site.session, [make.fill_at(site.station)], [(make.item(on_hand="9"), 1)])
    figures = day_figures(day=site.day)
    assert from_json(Figures, to_json(figures)) == figures


@pytest.mark.req("INV-04")
def test_a_tanks_day_is_its_book(site: Site) -> None:
    make.sale(site.session, [make.fill_at(site.station, "100.000")])
    make.fill_at(site.station, "50.000")
    (tank,) = day_figures(day=site.day).tanks
    assert (tank.opening, tank.pumped, tank.book) == (D(20000), D(150), D(19850))
    assert tank.price == D("7.85")
    assert tank.variance is None


def test_a_fill_that_nobody_paid_by_the_end_of_the_day_is_named(site: Site) -> None:
    paid, unpaid = make.fill_at(site.station), make.fill_at(site.station, "10.00")
    make.sale(site.session, [paid])
    assert [row.fill for row in day_figures(day=site.day).unpaid] == [unpaid.pk]


@pytest.mark.req("SAL-13")
def test_a_pump_test_is_a_use_and_neither_sold_nor_unpaid(site: Site) -> None:
    fill = make.fill_at(site.station, "20.000")
    FillUse.objects.create(
        station=site.station,
        number="U-1",
        kind="TEST",
        fill=fill,
        day=site.day,
        shift=site.session.shift,
        reason="周检",
        actor=site.session.cashier,
        approved_by=site.manager,
        occurred_at=make.NOW,
    )
    FillClaim.objects.create(
        station=site.station,
        fill=fill,
        kind="TEST",
        document="U-1",
        day=site.day,
        claimed_at=make.NOW,
    )
    figures = day_figures(day=site.day)
    assert figures.litres == 0
    assert figures.unpaid == ()
    (used,) = figures.uses
    assert (used.litres, used.text) == (D("20.000"), "检定回罐：周检")


def test_a_late_fill_is_money_of_today_and_named_with_its_own_shift(site: Site) -> None:
    earlier = site.session.shift
    end_day(site)
    session = make.session(site.station, make.cashier(site.station), make.till(site.station))
    late = make.fill_at(site.station, "15.00", shift=earlier, day=session.shift.day)
    make.sale(session, [late])
    figures = day_figures(day=session.shift.day)
    assert figures.litres == D("15.000")
    (row,) = figures.late
    assert row.fill == late.pk and "早班" in row.text


def test_short_cash_is_said_with_its_reason(site: Site) -> None:
    make.sale(site.session, [make.fill_at(site.station)])
    day = end_day(site, counted="680.02")  # 500 float + 200.02 taken, 20 missing
    figures = day_figures(day=day)
    assert figures.over_short == D("-20.00")
    (session,) = figures.sessions
    assert (session.expected, session.counted) == (D("700.02"), D("680.02"))
    assert session.reason == "找零错误"
    (shift,) = figures.shifts
    assert (shift.litres, shift.over_short) == (D("25.480"), D("-20.00"))


def test_a_second_question_to_one_day_leaves_other_days_and_stations_out(site: Site) -> None:
    other = make.session()
    make.sale(other, [make.fill_at(other.station)])
    assert day_figures(day=site.day).litres == 0
    assert day_figures(day=other.shift.day).litres == D("25.480")


def test_the_whole_day_costs_few_statements(
    site: Site, django_assert_max_num_queries: object
) -> None:
    for _ in range(3):
        make.sale(site.session, [make.fill_at(site.station)])
    day = site.day
    day.station  # noqa: B018 - loaded before counting
    with django_assert_max_num_queries(38):
        day_figures(day=day)


@pytest.mark.req("SAL-14")
def test_a_drive_off_is_a_receivable_until_it_is_recovered_or_written_off(site: Site) -> None:
    first, second = make.fill_at(site.station, "10.00"), make.fill_at(site.station, "20.00")
    lost = [
        drive_off(
            fill=fill,
            plate="云A12345",
            note="白色轿车",
            session=site.session,
            actor=site.session.cashier,
            at=make.NOW,
        )
        for fill in (first, second)
    ]
    figures = day_figures(day=site.day)
    assert figures.receivable.balance == D("235.50")
    assert (len(figures.drive_offs), figures.unpaid) == (2, ())
    write_off(gone=lost[0], reason="报案未破", actor=site.manager, at=make.at(12))
    recover(
        gone=lost[1],
        ticket=make.ticket([second]),
        session=site.session,
        actor=site.session.cashier,
        at=make.at(13),
    )
    figures = day_figures(day=site.day)
    assert (figures.receivable.new, figures.receivable.balance) == (D("235.50"), D("0.00"))
    assert figures.litres == D("20.000")
    assert all(check.holds for check in figures.checks)


@pytest.mark.req("SEC-12")
def test_charging_by_the_kwh_is_set_up_on_a_page_sold_and_reported(site: Site) -> None:
    client = make.signed_in(site.manager)
    category = Category.objects.create(name="充电")
    made = {"code": "EV", "name": "充电", "kind": "SERVICE", "category": category.pk, "unit": "度",
            "price": "1.28", "tax_rate": "0.13", "low_stock": "0", "active": "on"}  # fmt: skip
    assert client.post(reverse("inventory:items-new"), made).status_code == 302
    charging = Item.objects.get(code="EV")
    paid = [("WECHAT", "30.02")]  # 23.456 × 1.28 = 30.02368
    sale = make.sale(site.session, items=[(charging, D("23.456"))], tenders=paid)
    assert sale.due == D("30.02")
    (row,) = day_figures(day=site.day).shop
    assert (row.code, row.quantity, row.net) == ("EV", D("23.456"), D("30.02"))
    bought = Purchase.objects.get(document=sale.number)
    assert (bought.product, bought.quantity, bought.net) == ("EV", D("23.456"), D("30.02"))
    query = {"since": f"{site.day.date}", "until": f"{site.day.date}", "export": "csv"}
    answer = client.get(reverse("finance:report", args=["products"]), query)
    assert "23.456" in b"".join(answer).decode()
