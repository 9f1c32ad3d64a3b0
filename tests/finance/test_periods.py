"""Any range at any grain: frozen days and today add up, and compare with the right days."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from finance.models import DayFigures, DayHour, DayProduct, DayTank, DayTender
from finance.queries import dayrows
from finance.queries.periods import live_days, period
from finance.queries.ranges import Grain, Range, month_to
from finance.services.closing import close_day
from station.models import BusinessDay, Station
from tests import make
from tests.finance.days import Site, end_day

D = Decimal


def frozen_day(station: Station, on: date, litres: str = "100.000", net: str = "785.00") -> None:
    """A closed day of long ago with 92# and one bottle sold, as a close would have written it."""
    moment = make.at(8, day=on)
    day = BusinessDay.objects.create(
        station=station, date=on, status="CUT", opened_at=moment, cut_at=moment
    )
    actor = make.user("MANAGER", station)
    shared = {"station": station, "day": day, "date": on}
    zero = D("0.00")
    DayFigures.objects.create(
        **shared,
        fuel_litres=D(litres),
        fuel_net=D(net),
        shop_net=D("10.00"),
        discount=zero,
        rounding=zero,
        due=D(net) + 10,
        tax=D("90.00"),
        cost=D("600.00"),
        fuel_cost=D("595.00"),
        fuel_tax=D("89.00"),
        sales_count=10,
        fuel_count=9,
        fuel_sales_count=9,
        shop_count=3,
        both_count=2,
        over_short=D("-1.00"),
        variance_l=D("-0.300"),
        body={},
        sha256="0" * 64,
        frozen_at=moment,
        frozen_by=actor,
    )
    for kind, code, quantity, amount in (
        ("FUEL", "92#", litres, net),
        ("GOODS", "I-1", "5", "10.00"),
    ):
        DayProduct.objects.create(
            **shared,
            kind=kind,
            code=code,
            name=code,
            quantity=D(quantity),
            list_amount=D(amount),
            discount=zero,
            net=D(amount),
            tax=zero,
            cost=zero,
            count=9,
        )
    DayTender.objects.create(
        **shared,
        code="CASH",
        name="现金",
        count=10,
        received=D(net) + 10,
        refunded=zero,
        fuel=D(net),
        shop=D("10.00"),
        net=D(net) + 10,
    )
    DayHour.objects.create(**shared, hour=9, count=9, litres=D(litres), net=D(net))
    DayTank.objects.create(
        **shared,
        tank_number=1,
        grade_code="92#",
        opening_l=D(1000),
        received_l=zero,
        pumped_l=D(litres),
        returned_l=zero,
        other_l=zero,
        sold_l=D(litres),
        book_l=1000 - D(litres),
        physical_l=1000 - D(litres) - D("0.300"),
        variance_l=D("-0.300"),
    )
    BusinessDay.objects.filter(pk=day.pk).update(status="CLOSED", closed_at=moment)


@pytest.mark.req("RPT-01")
def test_a_month_is_its_frozen_days_and_today(site: Site) -> None:
    for back in range(1, 22):
        frozen_day(site.station, make.TODAY - timedelta(days=back))
    make.sale(site.session, [make.fill_at(site.station, "50.000")])
    found = period(station=site.station, since=date(2026, 4, 1), until=make.TODAY, grain=Grain.DAY)
    assert len(found.buckets) == 22
    assert found.total.fuel_litres == 21 * 100 + 50
    assert found.total.fuel_net == 21 * D("785.00") + D("392.50")
    assert found.total.sales_count == 211
    assert [day.pk for day in found.live] == [site.day.pk]


@pytest.mark.req("RPT-01")
@pytest.mark.parametrize(
    ("grain", "buckets"), [("day", 30), ("week", 5), ("month", 2), ("year", 1)]
)
def test_every_grain_adds_up_to_the_same(site: Site, grain: str, buckets: int) -> None:
    first = date(2026, 3, 18)  # thirty days over a month's end, parts of five weeks
    for ahead in range(30):
        frozen_day(site.station, first + timedelta(days=ahead), litres=f"{100 + ahead}.000")
    found = period(
        station=site.station, since=first, until=first + timedelta(days=29), grain=Grain(grain)
    )
    assert len(found.buckets) == buckets
    assert found.total.fuel_litres == sum(100 + ahead for ahead in range(30))


@pytest.mark.req("RPT-01")
def test_a_month_so_far_is_held_against_the_same_days_before(site: Site) -> None:
    frozen_day(site.station, date(2026, 3, 2), litres="70.000")
    frozen_day(site.station, date(2026, 3, 30), litres="900.000")  # after the 22nd: not compared
    frozen_day(site.station, date(2025, 4, 5), litres="60.000")
    found = period(station=site.station, since=date(2026, 4, 1), until=make.TODAY, grain=Grain.DAY)
    assert found.before.fuel_litres == 70
    assert found.year_before.fuel_litres == 60


@pytest.mark.parametrize(
    ("since", "until", "before"),
    [
        ("2026-04-01", "2026-04-22", ("2026-03-01", "2026-03-22")),
        ("2026-04-01", "2026-04-30", ("2026-03-01", "2026-03-31")),
        ("2026-03-01", "2026-03-30", ("2026-02-01", "2026-02-28")),
        ("2026-01-01", "2026-12-31", ("2025-01-01", "2025-12-31")),
        ("2026-04-20", "2026-04-26", ("2026-04-13", "2026-04-19")),
        ("2026-04-22", "2026-04-22", ("2026-04-21", "2026-04-21")),
    ],
)
def test_the_period_before(since: str, until: str, before: tuple[str, str]) -> None:
    found = Range(date.fromisoformat(since), date.fromisoformat(until)).before
    assert (f"{found.since}", f"{found.until}") == before


def test_the_year_before_of_a_leap_day_is_the_28th() -> None:
    assert Range(date(2028, 2, 29), date(2028, 2, 29)).year_before.since == date(2027, 2, 28)
    assert month_to(date(2026, 4, 22)).since == date(2026, 4, 1)


@pytest.mark.req("RPT-01", "FIN-01")
def test_a_day_counts_the_same_before_and_after_its_close(site: Site) -> None:
    water = make.item(on_hand="9", at=site.station)
    make.sale(site.session, [make.fill_at(site.station)], [(water, 1)], [("CASH", "210.00")])
    make.sale(site.session, [make.fill_at(site.station)], tenders=[("WECHAT", "200.02")])
    day = end_day(site, counted="700.00")
    chosen = Range(day.date, day.date)

    def asked() -> tuple[object, ...]:
        live = live_days(site.station, chosen)
        found = period(station=site.station, since=day.date, until=day.date, grain=Grain.DAY)
        products = dayrows.products(station=site.station, chosen=chosen, live=live)
        return (
            found.total,
            [(row.code, row.quantity, row.net, row.margin) for row in products],
            dayrows.tenders(station=site.station, chosen=chosen, live=live),
            dayrows.hours(station=site.station, chosen=chosen, live=live),
            dayrows.tank_totals(dayrows.tank_days(station=site.station, chosen=chosen, live=live)),
        )

    before = asked()
    close_day(day=day, at=make.at(22, 30), actor=site.manager)
    assert asked() == before


@pytest.mark.req("RPT-01")
def test_the_month_report_costs_at_most_forty_statements(site: Site) -> None:
    for back in range(1, 40):
        frozen_day(site.station, make.TODAY - timedelta(days=back))
    make.sale(site.session, [make.fill_at(site.station)])
    client = make.signed_in(site.owner)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page = client.get(
            reverse("finance:report", args=["operating"]),
            {"since": "2026-04-01", "until": "2026-04-30", "grain": "day"},
        )
    assert page.status_code == 200
    assert len(asked) <= 40


@pytest.mark.req("INV-04")
def test_variance_runs_up_over_the_month(site: Site) -> None:
    for back in (1, 2, 3):
        frozen_day(site.station, make.TODAY - timedelta(days=back))
    chosen = Range(make.TODAY - timedelta(days=3), make.TODAY - timedelta(days=1))
    (tank,) = dayrows.tank_totals(dayrows.tank_days(station=site.station, chosen=chosen, live=()))
    assert (tank.variance, tank.variance_permille) == (D("-0.900"), D("-3.00"))
