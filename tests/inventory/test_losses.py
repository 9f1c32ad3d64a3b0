"""损耗定额 and 损耗剔温: the figures of the rules to the digit, and the pages that show them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.models import Delivery, DeliveryTank, Dip, LossAllowance
from inventory.queries.allowances import Season, Stage, allowances, season_of
from inventory.queries.loss_bands import band_of
from inventory.queries.losses import judged, tank_days
from inventory.queries.reconciliation import Grain
from inventory.queries.standard_losses import deliveries_of, thermal_of
from inventory.services.allowances import Figure, lay_down
from station.errors import Refusal
from station.models import AuditEntry, BusinessDay, Setting, Tank
from tests import make
from tests.inventory.ledger import closing_day, frozen

D = Decimal
pytestmark = [pytest.mark.django_db, pytest.mark.req("INV-04")]
DAY = date(2026, 4, 2)


@pytest.fixture(autouse=True)
def defaults() -> None:
    """What the migration laid down, also after a test that emptied every table."""
    import_module("inventory.migrations.0008_loss_defaults").lay_down(apps, None)


@pytest.fixture
def tank() -> Tank:
    station = make.station()
    return make.tank(station, make.grade("92#"), capacity_l=D(50000), safe_fill_l=D(47500))


def of_region(tank: Tank, region: str) -> None:
    Setting.objects.update_or_create(
        station=tank.station, name="inventory.loss_region", defaults={"value": region}
    )


@pytest.mark.parametrize(
    ("region", "kind", "stage", "month", "percent"),
    [
        ("1", "GASOLINE", Stage.STANDING, 1, "0.11"),
        ("1", "GASOLINE", Stage.STANDING, 4, "0.21"),
        ("2", "GASOLINE", Stage.STANDING, 10, "0.05"),
        ("2", "GASOLINE", Stage.STANDING, 9, "0.12"),
        ("3", "GASOLINE", Stage.STANDING, 4, "0.03"),
        ("3", "GASOLINE", Stage.STANDING, 10, "0.09"),
        ("1", "GASOLINE", Stage.STORAGE, 7, "0"),
        ("1", "GASOLINE", Stage.UNLOADING, 5, "0.23"),
        ("2", "GASOLINE", Stage.UNLOADING, 5, "0.20"),
        ("3", "GASOLINE", Stage.UNLOADING, 5, "0.13"),
        ("3", "DIESEL", Stage.UNLOADING, 5, "0.05"),
        ("1", "GASOLINE", Stage.RETAIL, 5, "0.29"),
        ("1", "DIESEL", Stage.RETAIL, 5, "0.08"),
        ("1", "GASOLINE", Stage.WHOLE, 5, "0.4"),
        ("1", "DIESEL", Stage.WHOLE, 5, "0.28"),
    ],
)
def test_the_defaults_are_the_tables_of_the_standard(
    tank: Tank, region: str, kind: str, stage: str, month: int, percent: str
) -> None:
    of_region(tank, region)
    assert allowances(tank.station).percent(kind, stage, date(2026, month, 15)) == D(percent)


def test_the_seasons_are_split_as_the_region_has_them() -> None:
    winter = {
        region: [m for m in range(1, 13) if season_of(region, date(2026, m, 1)) == Season.WINTER]
        for region in "ABC"
    }
    assert winter == {
        "A": [1, 2, 3, 10, 11, 12],
        "B": [1, 2, 3, 10, 11, 12],
        "C": [1, 2, 3, 4, 11, 12],
    }


def figure(**changes: object) -> Figure:
    return Figure(
        **{
            "kind": "GASOLINE", "stage": "RETAIL", "region": "", "season": "",
            "percent": D("0.25"), "source": "省公司 2026-3 号文", "valid_from": DAY, **changes,
        }
    )  # fmt: skip


def test_a_stations_own_figure_goes_before_the_default_from_its_date_on(tank: Tank) -> None:
    boss = make.manager(tank.station)
    for _ in range(2):
        row = lay_down(station=tank.station, figure=figure(), key="k", at=make.NOW, actor=boss)
    assert LossAllowance.objects.filter(station=tank.station).count() == 1
    assert AuditEntry.objects.filter(action="inventory.allowance.lay_down").count() == 1
    asked = allowances(tank.station)
    assert asked.percent("GASOLINE", Stage.RETAIL, DAY - timedelta(days=1)) == D("0.29")
    assert asked.percent("GASOLINE", Stage.RETAIL, DAY) == D("0.25")
    assert allowances(make.station()).percent("GASOLINE", Stage.RETAIL, DAY) == D("0.29")
    for wrong, words in (
        (figure(percent=D("5.1")), "‰ 当成了 %"),
        (figure(percent=D(-1)), "0 到 5%"),
        (figure(source=" "), "依据"),
    ):
        with pytest.raises(Refusal, match=words):
            lay_down(station=tank.station, figure=wrong, key="w", at=make.NOW, actor=boss)
    with pytest.raises(IntegrityError), transaction.atomic():
        LossAllowance.objects.filter(pk=row.pk).update(percent=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        LossAllowance.objects.filter(pk=row.pk).delete()


def test_the_worked_value_is_within_its_allowance(tank: Tank) -> None:
    """R1: 8.6 L of 31422 sold; 0.29 % of petrol sold may be lost, 91.124 L."""
    frozen(tank, DAY, opening="36200", received="21666", pumped="31422", physical="26435.4")
    (row,) = judged(station=tank.station, since=DAY, until=DAY, grain=Grain.DAY)
    assert (row.line.variance, row.allowance) == (D("-8.6"), D("91.124"))
    assert (row.over, row.state) == (D(0), "在定额内")


def test_a_loss_above_its_allowance_is_told_in_litres(tank: Tank) -> None:
    frozen(tank, DAY, opening="20000", pumped="1000", physical="18990")
    frozen(tank, DAY + timedelta(days=1), opening="18990", pumped="1000", physical="18000")
    (over, gain) = judged(
        station=tank.station, since=DAY, until=DAY + timedelta(days=1), grain=Grain.DAY
    )
    assert (over.allowance, over.over, over.state) == (D("2.900"), D("7.100"), "超定额")
    assert (gain.line.variance, gain.over, gain.state) == (D(10), D(0), "在定额内")


def test_standing_tanks_may_lose_by_what_stands_in_them(tank: Tank) -> None:
    """0.21 % a month of the mean stock in summer, a thirtieth of it a day."""
    Setting.objects.create(station=tank.station, name="inventory.standing_tanks", value="1")
    frozen(tank, DAY, opening="20000", pumped="1000", physical="18990")
    (day,) = judged(station=tank.station, since=DAY, until=DAY, grain=Grain.DAY)
    assert day.allowance == D("2.900") + (D("19495") * D("0.21") / 100 / 30).quantize(D("0.001"))
    (shift,) = judged(station=tank.station, since=DAY, until=DAY, grain=Grain.SHIFT)
    assert shift.allowance == D("2.900")


# ------------------------------------------------------------------- without temperature


def delivered(
    tank: Tank, on: date, *, issued: str, depot: str, before: str, after: str, **told: str
):  # type: ignore[no-untyped-def]
    """A posted delivery of a day: temperatures of depot and tank, and what was received."""
    day = closing_day(tank.station, on)
    clerk = make.cashier(tank.station)
    dips = [
        Dip.objects.create(
            station=tank.station, tank=tank, day=day, source="DIP", purpose=purpose,
            net_l=D(litres), temp_c=D(temp), v20_l=D(v20), occurred_at=make.at(hour, day=on),
        )
        for purpose, (litres, temp, v20), hour in (
            ("BEFORE", before.split(), 9),
            ("AFTER", after.split(), 10),
        )
    ]  # fmt: skip
    note = Delivery.objects.create(
        station=tank.station, number=f"RC{tank.pk}-{on}", supplier=make.depot(),
        grade=tank.grade, note_no=f"CK{tank.pk}-{on}", key=make.depot().key,
        issued_l=D(issued), issued_temp_c=D(depot), status="POSTED", planned_by=clerk,
        planned_at=make.at(9, day=on), posted_at=make.at(10, day=on), day=day,
    )  # fmt: skip
    DeliveryTank.objects.create(
        delivery=note, tank=tank, planned_l=D(issued), before=dips[0], after=dips[1],
        sold_during_l=0, received_l=dips[1].net_l - dips[0].net_l,
        received_v20_l=dips[1].v20_l - dips[0].v20_l,
    )  # fmt: skip
    return note


def test_the_worked_delivery_at_vt_and_at_v20(tank: Tank) -> None:
    """Issued 15000 L @18.5; 8250 @22.4 became 23190 @19.6: loss 60.0 L (4.00 ‰), V20 52.11 L (3.47 ‰)."""
    delivered(
        tank, DAY, issued="15000", depot="18.5",
        before="8250.0 22.4 8226.24", after="23190.0 19.6 23201.13",
    )  # fmt: skip
    BusinessDay.objects.filter(date=DAY).update(status="CUT")
    (part,) = deliveries_of(station=tank.station, since=DAY, until=DAY)
    assert (part.received, part.received_v20) == (D("14940.000"), D("14974.890"))
    assert (part.issued_v20, part.variance) == (D("15027.000"), D("-60.000"))
    assert part.variance_v20 == D("-52.110")
    assert (part.variance / part.issued * 1000).quantize(D("0.01")) == D("-4.00")
    assert (part.variance_v20 / part.issued_v20 * 1000).quantize(D("0.01")) == D("-3.47")
    # received·β·(t_tank − t_depot): the tank is 1.1 ℃ warmer than the depot was.
    assert part.thermal == D("19.721") == D("14940") * D("0.0012") * D("1.1") + D("0.0002")
    assert thermal_of(D(14940), beta=D("0.0012"), tank=D(18), depot=D("18.5")) == D("-8.964")


def test_oil_that_only_grew_warmer_was_not_gained(tank: Tank) -> None:
    """20000 L @15 ℃ are 20120 L @20 ℃: 溢 120 L by the dip, nothing when the temperature is off."""
    frozen(tank, DAY, opening="20000", physical="20000", temp="15")
    frozen(tank, DAY + timedelta(days=1), opening="20000", physical="20120", temp="20")
    (one,) = tank_days(station=tank.station, since=DAY, until=DAY + timedelta(days=1))
    first, second = (day.thermal for day in one.days)
    assert (first.free, first.variance) == (None, D(0))  # nothing is known before the first dip
    assert (second.variance, second.variance_v20, second.free) == (D(120), D(0), D(0))
    assert (second.stock, second.opening_temp, second.closing_temp) == (D(120), D(15), D(20))


def test_a_loss_at_one_temperature_is_the_loss_without_it(tank: Tank) -> None:
    frozen(tank, DAY, opening="20000", physical="20000", temp="30")
    frozen(
        tank, DAY + timedelta(days=1), opening="20000", pumped="5000", physical="14900", temp="30"
    )
    (one,) = tank_days(station=tank.station, since=DAY, until=DAY + timedelta(days=1))
    told = one.days[1].thermal
    assert (told.variance, told.free, told.stock) == (D(-100), D("-100.000"), D(0))
    assert told.variance_v20 == D("-98.800")
    assert told.free_permille == D("-20.00")


def test_a_delivery_goes_in_at_its_own_standard_volume(tank: Tank) -> None:
    """Opened at 8250 @22.4, closed as the delivery left it: nothing was lost in the tank."""
    eve = DAY - timedelta(days=1)
    frozen(tank, eve, opening="8250", physical="8250", temp="22.4")
    delivered(
        tank, DAY, issued="15000", depot="18.5",
        before="8250.0 22.4 8226.24", after="23190.0 19.6 23201.13",
    )  # fmt: skip
    frozen(tank, DAY, opening="8250", received="14940", physical="23190", temp="19.6")
    (row,) = judged(station=tank.station, since=DAY, until=DAY, grain=Grain.DAY)
    assert (row.delivered, row.line.variance) == (D("-60.000"), D(0))
    (one,) = tank_days(station=tank.station, since=DAY, until=DAY)
    assert abs(one.days[0].thermal.free) < D("0.01")
    assert row.thermal == one.days[0].thermal.stock + D("19.721")


def test_without_a_temperature_nothing_is_said(tank: Tank) -> None:
    frozen(tank, DAY, opening="20000", physical="20000", temp="15")
    frozen(tank, DAY + timedelta(days=1), opening="20000", pumped="1000", physical="18999")
    (one,) = tank_days(station=tank.station, since=DAY, until=DAY + timedelta(days=1))
    told = one.days[1].thermal
    assert (told.variance, told.variance_v20, told.free, told.whole) == (D(-1), None, None, None)


def test_the_band_is_the_median_and_its_distances() -> None:
    rates = [D(n) / 10 for n in (-3, -2, -2, -1, -1, -1, 0, 0, 0, 1, 1, 2, 2)]
    assert band_of(rates, D(3)) is None  # thirteen days say nothing
    band = band_of([*rates, D(90), None], D(3))
    assert (band.middle, band.low, band.high, band.days) == (D(0), D("-0.3"), D("0.3"), 14)
    assert band.holds(D("0.3")) and not band.holds(D("0.31"))


# --------------------------------------------------------------------------------- pages


def twenty_days(tank: Tank) -> None:
    stands = 20000
    for index in range(20):
        lost = 40 if index == 17 else index % 3
        left = stands - 500 - lost
        frozen(
            tank, DAY + timedelta(days=index),
            opening=f"{stands}", pumped="500", physical=f"{left}", temp="20",
        )  # fmt: skip
        stands = left


def test_the_page_shows_each_tank_twice_with_its_band(tank: Tank) -> None:
    twenty_days(tank)
    client = make.signed_in(make.accountant(tank.station))
    asked = {"since": DAY, "until": DAY + timedelta(days=19)}
    told = client.get(reverse("inventory:standard-losses"), asked).content.decode()
    for words in ("量油 Vt", "剔温", "有常态外", "常态外", "损 40.00 L", "缺油温", "V20 平衡"):
        assert words in told
    for kind in ("xlsx", "pdf"):
        answer = client.get(reverse("inventory:standard-losses"), {**asked, "export": kind})
        assert len(answer.getvalue()) > 500
    assert client.get(reverse("inventory:standard-losses"), {"since": "x"}).status_code == 200
    cashier = make.signed_in(make.cashier(tank.station))
    assert cashier.get(reverse("inventory:standard-losses")).status_code == 403


def test_the_standard_page_asks_the_same_for_one_day_and_for_sixty(tank: Tank) -> None:
    client = make.signed_in(make.accountant(tank.station))

    def asked() -> int:
        query = {"since": DAY, "until": DAY + timedelta(days=19)}
        with CaptureQueriesContext(connection) as statements:
            client.get(reverse("inventory:standard-losses"), query)
        return len(statements)

    frozen(tank, DAY - timedelta(days=1), opening="20000", physical="20000", temp="20")
    asked()
    first = asked()
    twenty_days(tank)
    assert asked() == first <= 25


def test_an_allowance_is_laid_down_on_its_page(tank: Tank) -> None:
    manager = make.signed_in(make.manager(tank.station))
    told = {
        "kind": "GASOLINE", "stage": "RETAIL", "region": "", "season": "", "percent": "0.25",
        "source": "省公司 2026-3 号文", "valid_from": "2026-04-01", "key": "once",
    }  # fmt: skip
    address = reverse("inventory:allowance-new")
    for _ in range(2):
        assert manager.post(address, told).status_code == 302
    assert LossAllowance.objects.filter(station=tank.station).count() == 1
    page = manager.get(reverse("inventory:allowances")).content.decode()
    assert "省公司 2026-3 号文" in page and "未见原文" in page and "在用" in page
    for wrong in ({"percent": "29"}, {"percent": "x"}, {"source": ""}, {"valid_from": "31 日"}):
        assert manager.post(address, {**told, "key": "w", **wrong}).status_code == 422
    assert LossAllowance.objects.filter(station=tank.station).count() == 1
    accountant = make.signed_in(make.accountant(tank.station))
    assert accountant.get(reverse("inventory:allowances")).status_code == 200
    assert accountant.post(address, told).status_code == 403
