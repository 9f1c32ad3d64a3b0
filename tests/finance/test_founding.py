"""A new station from nothing to its first shift, by the wizard's pages."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from devices.models import Command, DispenserWiring, TotalizerReading
from finance.models import OpeningBalance
from finance.services import founding
from inventory.models import Item, StockBalance
from inventory.queries.books import levels
from station.models import BusinessDay, Nozzle, Station
from tests import make

D = Decimal
pytestmark = pytest.mark.django_db

LAYOUT = {
    "tanks": "1 92# 2600 5660\n2 0# 2600 5660",
    "positions": "1 2",
    "lines": "一号线 /dev/ttyUSB0 1-2\n二号线 socket://127.0.0.1:4001 3",
    "per_island": "2",
}


@pytest.fixture
def place():  # type: ignore[no-untyped-def]
    station = make.station(address="昆明")
    make.grade("92#")
    make.grade("0#")
    return station, make.signed_in(make.manager(station))


def post(client, step: str, **data: object):  # type: ignore[no-untyped-def]
    return client.post(reverse("finance:wizard-step", args=[step]), data)


@pytest.mark.req("SAL-01")
def test_a_manager_founds_a_station_step_by_step(place) -> None:  # type: ignore[no-untyped-def]
    station, client = place
    assert client.get(reverse("finance:wizard")).status_code == 200
    assert post(client, "layout", **LAYOUT).status_code == 302
    nozzles = list(Nozzle.objects.filter(station=station).order_by("number"))
    assert [(nozzle.number, nozzle.tank.number) for nozzle in nozzles] == [
        (1, 1),
        (2, 2),
        (3, 1),
        (4, 2),
        (5, 1),
        (6, 2),
    ]
    assert [row.address for row in DispenserWiring.objects.order_by("dispenser__number")] == [
        0x50,
        0x51,
        0x50,
    ]
    assert Command.objects.filter(kind="REWIRE", station=station).exists()
    totals = {f"nozzle_{nozzle.pk}": f"{1000 * nozzle.number}.55" for nozzle in nozzles}
    assert post(client, "totalizers", date="2026-04-22", **totals).status_code == 302
    assert BusinessDay.objects.get(station=station).date.isoformat() == "2026-04-22"
    assert TotalizerReading.objects.get(nozzle=nozzles[2]).litres == D("3000.55")
    first, second = station.tanks.order_by("number")
    stock = {
        f"litres_{first.pk}": "12000",
        f"paid_{first.pk}": "6.70",
        f"litres_{second.pk}": "8000",
    }
    assert post(client, "tanks", **stock).status_code == 302
    assert [level.litres for level in levels(station)] == [D(12000), D(8000)]
    water = make.item("水", cost="1.02", at=station)
    assert post(client, "shelves", **{f"item_{water.pk}": "48"}).status_code == 302
    assert StockBalance.objects.get(item=water).quantity == 48
    assert Item.objects.get(pk=water.pk).cost == D("1.02")
    money = {"kind": "RECEIVABLE", "name": "滇东物流", "amount": "12500.00", "as_of": "2026-04-21"}
    assert post(client, "balances", **money).status_code == 302
    assert OpeningBalance.objects.get().amount == D("12500.00")
    for step in founding_steps():
        assert client.get(reverse("finance:wizard-step", args=[step])).status_code == 200


def founding_steps() -> tuple[str, ...]:
    from finance.views.founding import STEPS

    return STEPS


def test_each_step_is_taken_once(place) -> None:  # type: ignore[no-untyped-def]
    station, client = place
    post(client, "layout", **LAYOUT)
    assert post(client, "layout", **LAYOUT).status_code == 422
    nozzles = Nozzle.objects.filter(station=station)
    totals = {f"nozzle_{nozzle.pk}": "100" for nozzle in nozzles}
    post(client, "totalizers", date="2026-04-22", **totals)
    assert "不能重录" in post(client, "totalizers", date="2026-04-22", **totals).content.decode()
    assert TotalizerReading.objects.count() == nozzles.count()
    money = {"kind": "FLOAT", "name": "保险柜", "amount": "2000", "as_of": "2026-04-21"}
    post(client, "balances", **money)
    assert "已经开过账" in post(client, "balances", **money).content.decode()
    with pytest.raises(IntegrityError), transaction.atomic():
        OpeningBalance.objects.update(amount=1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tanks": "1 93# 2600 5660"}, "没有代号为 93#"),
        ({"tanks": "1 92# 26 5660"}, "尺寸不合理"),
        ({"tanks": "一号 92#"}, "应为"),
        ({"positions": "1 9"}, "不存在"),
        ({"positions": "a"}, "罐号"),
        ({"lines": "一号线 /dev/ttyUSB0"}, "应为"),
        ({"lines": "一号线 /dev/ttyUSB0 1-2\n二号线 /dev/ttyUSB1 2"}, "只出现一次"),
        ({"lines": "一号线 /dev/ttyUSB0 1-99"}, "太多"),
        ({"lines": "一号线 spy:///dev/ttyUSB0?file=/x 1-2"}, "端口不对"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_in_words(place, changes, words) -> None:  # type: ignore[no-untyped-def]
    station, client = place
    answer = post(client, "layout", **{**LAYOUT, **changes})
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert not station.dispensers.exists()


def test_going_live_waits_for_what_is_missing(place, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    station, _ = place
    owner = make.owner()
    with pytest.raises(founding.NotComplete, match="还缺"):
        founding.go_live(station=station, at=make.NOW, actor=owner)
    monkeypatch.setattr(founding, "all_findings", lambda **_: [])
    for _ in range(2):
        founding.go_live(station=Station.objects.get(pk=station.pk), at=make.NOW, actor=owner)
    assert Station.objects.get(pk=station.pk).went_live_at == make.NOW
