"""盘点损溢: worked values, what runs up over a month, its pages and how much they ask."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.models import TankBook
from inventory.queries.reconciliation import (
    Grain,
    dated_books,
    lines,
    percent_of,
    rate_of,
)
from station.models import Tank
from tests import make
from tests.inventory.ledger import frozen, frozen_shifts

D = Decimal
pytestmark = [pytest.mark.django_db, pytest.mark.req("INV-04")]
DAY = date(2026, 4, 2)
MOST_STATEMENTS = 25


@pytest.fixture
def tank() -> Tank:
    station = make.station()
    return make.tank(station, make.grade("0#"), capacity_l=D(50000), safe_fill_l=D(47500))


def test_the_worked_value_of_the_rules_to_the_digit(tank: Tank) -> None:
    """R1: opened on 36200, received 21666, totalizers 2326872 → 2358294, dipped at 26435.4."""
    sold = D(2358294) - D(2326872)
    frozen(tank, DAY, opening="36200", received="21666", pumped=str(sold), physical="26435.4")
    (line,) = lines(station=tank.station, since=DAY, until=DAY, grain=Grain.DAY)
    assert sold == D(31422)
    assert (line.total("book"), line.variance) == (D("26444.000"), D("-8.600"))
    assert line.permille == D("-0.27")
    ratio = percent_of(line.variance, line.total("sold"))
    assert (abs(ratio) * 100).quantize(D("0.0001")) == D("0.0274")


def test_a_rate_of_hardly_anything_sold_is_none() -> None:
    assert (rate_of(D("-5.89"), D(322)), rate_of(D(3), D(1))) == (D("-18.29"), None)
    assert (rate_of(D(0), D(1)), rate_of(D(3), D("1.001"))) == (D("0.00"), D("2997.00"))
    assert (percent_of(D(3), D("0.5")), percent_of(D(0), D(0))) == (None, D(0))


def test_the_variance_runs_up_from_the_months_first_day(tank: Tank) -> None:
    frozen(tank, date(2026, 3, 31), opening="10000", pumped="1000", physical="8900")
    frozen(tank, date(2026, 4, 1), opening="8900", pumped="1000", physical="7896")
    frozen(tank, date(2026, 4, 2), opening="7896", pumped="1500", physical=None)
    frozen(tank, date(2026, 4, 3), opening="6396", pumped="500", physical="5898")
    found = lines(
        station=tank.station, since=date(2026, 4, 1), until=date(2026, 4, 3), grain=Grain.DAY
    )
    assert [line.variance for line in found] == [D(-4), None, D(2)]
    assert [line.running.variance for line in found] == [D(-4), D(-4), D(-2)]
    # What was sold on the day without a dip counts with the measurement that covers it.
    assert [line.running.sold for line in found] == [D(1000), D(1000), D(3000)]
    assert found[-1].running.permille == D("-0.67")
    (last,) = lines(
        station=tank.station, since=date(2026, 4, 3), until=date(2026, 4, 3), grain=Grain.DAY
    )
    assert last.running == found[-1].running


def test_months_and_grades_add_up_to_the_same(tank: Tank) -> None:
    other = make.tank(tank.station, tank.grade)
    for index in range(3):
        on, stands = DAY + timedelta(days=index), 9000 - 3 * index
        frozen_shifts(
            tank,
            on,
            [
                {"opening": f"{stands}", "pumped": "500", "physical": f"{stands - 505}"},
                {
                    "opening": f"{stands - 505}", "pumped": "500", "received": "1000",
                    "physical": f"{stands - 3}",
                },
            ],
        )  # fmt: skip
        left = 5000 - 201 * index
        _another(other, on, opening=f"{left}", pumped="200", physical=f"{left - 201}")
    station, until = tank.station, DAY + timedelta(days=2)
    shifts = lines(station=station, since=DAY, until=until, grain=Grain.SHIFT)
    days = lines(station=station, since=DAY, until=until, grain=Grain.DAY)
    months = lines(station=station, since=DAY, until=until, grain=Grain.MONTH)
    grades = lines(station=station, since=DAY, until=until, grain=Grain.MONTH, by_grade=True)
    assert (len(days), len(months), len(grades)) == (6, 2, 1)
    for made in (shifts, days, months, grades):
        assert sum(line.variance for line in made) == 3 * (-5 + 2 - 1)
    assert grades[0].running.variance == D(-12)
    assert grades[0].permille == D("-3.33")
    assert months[0].books[0].frozen and grades[0].is_frozen
    assert (months[0].total("opening"), months[0].total("received")) == (D(9000), D(3000))


def _another(tank: Tank, on: date, **told: str) -> None:
    """The same day once more for a second tank: tests only, the guard would refuse it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE station_businessday SET status = 'CUT', closed_at = NULL WHERE station_id = %s"
            " AND date = %s",
            [tank.station_id, on],
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
    frozen(tank, on, **told)


def test_a_grade_has_no_variance_until_all_its_tanks_are_measured(tank: Tank) -> None:
    other = make.tank(tank.station, tank.grade)
    frozen(tank, DAY, opening="9000", pumped="500", physical="8490")
    _another(other, DAY, opening="5000", pumped="200", physical=None)
    (line,) = lines(station=tank.station, since=DAY, until=DAY, grain=Grain.DAY, by_grade=True)
    assert (line.physical, line.variance, line.permille) == (None, None, None)
    assert line.running.variance == D(-10)


def test_what_is_not_frozen_is_shown_live(tank: Tank) -> None:
    nozzle = make.nozzle(tank.station, tank=tank)
    frozen(tank, make.TODAY - timedelta(days=1), opening="9000", pumped="500", physical="8490")
    make.shift(tank.station)
    make.fill(nozzle, litres=D("40.000"))
    since = make.TODAY - timedelta(days=1)
    for shifts in (False, True):
        rows = dated_books(station=tank.station, since=since, until=make.TODAY, shifts=shifts)
        assert [(row.date, row.book.pumped) for row in rows] == [
            (since, D(500)),
            (make.TODAY, D(40)),
        ]
        assert [row.book.frozen for row in rows] == [True, False]


# --------------------------------------------------------------------------------- pages


def _month(tank: Tank, days: int = 3) -> None:
    for index in range(days):
        stands = 9000 - 5 * index
        frozen(
            tank,
            DAY + timedelta(days=index),
            opening=f"{stands}",
            pumped="500",
            received="500",
            physical=f"{stands - 5}",
        )


@pytest.mark.parametrize("grain", list(Grain))
@pytest.mark.parametrize("by", ["tank", "grade"])
def test_the_page_shows_every_cut_with_its_formula_and_sign(
    tank: Tank, grain: Grain, by: str
) -> None:
    _month(tank)
    client = make.signed_in(make.accountant(tank.station))
    asked = {"since": DAY, "until": DAY + timedelta(days=2), "grain": grain, "by": by}
    page = client.get(reverse("inventory:reconciliation"), asked)
    told = page.content.decode()
    assert page.status_code == 200
    for words in ("期末库存(账)", "实测库存", "损溢 = 实存 − 账存", "损 15.00 L"):
        assert words in told
    assert ("损 5.00 L" in told) is (grain != Grain.MONTH)
    for kind in ("xlsx", "pdf", "csv"):
        file = client.get(reverse("inventory:reconciliation"), {**asked, "export": kind})
        assert len(file.getvalue()) > 500


def test_a_day_of_a_tank_opens_down_to_movement_and_dip(tank: Tank) -> None:
    _month(tank)
    client = make.signed_in(make.manager(tank.station))
    page = client.get(reverse("inventory:reconciliation"), {"since": DAY, "until": DAY})
    detail = reverse("inventory:reconciliation-day", args=[tank.pk, DAY])
    assert detail in page.content.decode()
    told = client.get(detail).content.decode()
    for words in ("账实明细", "1 班", "损 5.00 L", "8,995.00", "当日没有卸油入账", "交接班"):
        assert words in told


def test_rubbish_and_strangers_get_no_page(tank: Tank) -> None:
    _month(tank)
    client = make.signed_in(make.manager(tank.station))
    page = client.get(reverse("inventory:reconciliation"), {"since": "x", "grain": "y", "by": "z"})
    assert page.status_code == 200
    long = client.get(
        reverse("inventory:reconciliation"),
        {"since": "2024-01-01", "until": "2026-04-30", "grain": "day"},
    )
    assert "最多看 366 天" in long.content.decode()
    for day in ("x", "2026-02-30", "2026-05-30"):
        address = reverse("inventory:reconciliation-day", args=[tank.pk, day])
        assert client.get(address).status_code == 404
    stranger = make.signed_in(make.stranger())
    address = reverse("inventory:reconciliation-day", args=[tank.pk, DAY])
    assert stranger.get(address).status_code == 404
    cashier = make.signed_in(make.cashier(tank.station))
    assert cashier.get(reverse("inventory:reconciliation")).status_code == 403


def test_the_page_asks_the_same_however_much_lies_behind(tank: Tank) -> None:
    make.shift(tank.station)
    client = make.signed_in(make.owner(tank.station))

    def asked() -> int:
        query = {"since": make.TODAY.replace(day=1), "until": make.TODAY}
        with CaptureQueriesContext(connection) as statements:
            assert client.get(reverse("inventory:reconciliation"), query).status_code == 200
        return len(statements)

    _month(tank, 1)
    asked()
    first = asked()
    for index in range(1, 12):
        frozen(tank, DAY + timedelta(days=index), opening="9000", pumped="500", physical="8495")
    assert asked() == first <= MOST_STATEMENTS
    assert TankBook.objects.count() == 24
