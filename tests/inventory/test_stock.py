"""Shop stock: the balance equals the ledger, also when two tills race."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from inventory.models import Item, StockBalance, StockMove
from inventory.queries.items import by_code, find
from inventory.services import stock
from inventory.services.balances import NotEnoughStock
from inventory.services.stock import StockLine
from station.errors import Refusal
from tests import make

D = Decimal


@pytest.fixture
def shop():  # type: ignore[no-untyped-def]
    station = make.station()
    return station, make.day(station), make.cashier(station)


def sell(shop, document: str, *lines: tuple[Item, int], allow_negative: bool = False):  # type: ignore[no-untyped-def]
    station, day, actor = shop
    return stock.sell(
        station=station, day=day, document=document, at=make.NOW, actor=actor, allow_negative=allow_negative,
        lines=[StockLine(number, item.pk, D(count)) for number, (item, count) in enumerate(lines, 1)],
    )  # fmt: skip


def on_hand(item: Item) -> Decimal:
    return StockBalance.objects.get(item=item).quantity


@pytest.mark.django_db
@pytest.mark.req("INV-07")
def test_on_hand_equals_the_ledger_and_never_goes_below_zero(shop) -> None:  # type: ignore[no-untyped-def]
    station, day, actor = shop
    water = make.item(on_hand=10)
    sell(shop, "S1", (water, 3), (water, 2))
    assert on_hand(water) == 5
    assert StockMove.objects.filter(item=water).aggregate(total=Sum("quantity"))["total"] == 5
    with pytest.raises(NotEnoughStock, match="现存 5"), transaction.atomic():
        sell(shop, "S2", (water, 6))
    assert on_hand(water) == 5
    stock.take_back(
        station=station,
        day=day,
        document="R1",
        lines=[StockLine(1, water.pk, D(2))],
        at=make.NOW,
        actor=actor,
    )
    assert on_hand(water) == 7


@pytest.mark.django_db
@pytest.mark.req("INV-07")
def test_a_manager_may_let_an_item_go_negative_and_an_upload_always_does(shop) -> None:  # type: ignore[no-untyped-def]
    water = make.item(on_hand=1)
    (short,) = sell(shop, "S1", (water, 3), allow_negative=True)
    assert (short.item_id, short.balance) == (water.pk, D(-2))
    ice = make.item()
    with pytest.raises(NotEnoughStock), transaction.atomic():
        sell(shop, "S2", (ice, 1))
    Item.objects.filter(pk=ice.pk).update(may_go_negative=True)
    StockBalance.objects.filter(item=ice).delete()
    sell(shop, "S2", (ice, 1))
    assert on_hand(ice) == -1


@pytest.mark.django_db
@pytest.mark.req("INV-07")
def test_what_an_upload_drove_below_zero_lets_no_till_follow(shop) -> None:  # type: ignore[no-untyped-def]
    station, day, actor = shop
    water = make.item(on_hand=1)
    sell(shop, "S1", (water, 3), allow_negative=True)
    with pytest.raises(NotEnoughStock, match="现存 -2"), transaction.atomic():
        sell(shop, "S2", (water, 1))
    for document, count in (("ST1", 1), ("ST2", 11)):  # the first leaves it below zero still
        stock.receive(
            station=station,
            day=day,
            document=document,
            lines=[StockLine(1, water.pk, D(count), D(1))],
            at=make.NOW,
            actor=actor,
        )
    assert on_hand(water) == 10
    with pytest.raises(NotEnoughStock, match="现存 10"), transaction.atomic():
        sell(shop, "S3", (water, 11))
    sell(shop, "S4", (water, 10))
    assert on_hand(water) == 0


@pytest.mark.django_db
def test_the_same_document_moves_stock_once(shop) -> None:  # type: ignore[no-untyped-def]
    water = make.item(on_hand=10)
    sell(shop, "S1", (water, 1))
    with pytest.raises(IntegrityError), transaction.atomic():
        sell(shop, "S1", (water, 1))
    assert on_hand(water) == 9


@pytest.mark.django_db
def test_receiving_moves_the_average_cost_on(shop) -> None:  # type: ignore[no-untyped-def]
    station, day, actor = shop
    water = make.item(on_hand=10)
    Item.objects.filter(pk=water.pk).update(cost=D(1))
    stock.receive(
        station=station,
        day=day,
        document="ST1",
        lines=[StockLine(1, water.pk, D(30), D("2"))],
        at=make.NOW,
        actor=actor,
    )
    water.refresh_from_db()
    assert water.cost == D("1.75")
    assert on_hand(water) == 40


@pytest.mark.django_db
def test_adjusting_needs_a_reason_and_a_quantity(shop) -> None:  # type: ignore[no-untyped-def]
    station, day, actor = shop
    water = make.item(on_hand=10)

    def change(quantity: int, reason: str = "盘点", write_off: bool = False) -> None:
        stock.adjust(
            station=station,
            day=day,
            document="ST9",
            item=water,
            quantity=D(quantity),
            reason=reason,
            at=make.NOW,
            actor=actor,
            write_off=write_off,
        )

    for bad in ((0, "盘点", False), (1, " ", False), (1, "破损", True)):
        with pytest.raises(Refusal):
            change(*bad)
    change(-4)
    assert on_hand(water) == 6


@pytest.mark.django_db
def test_items_are_found_by_barcode_code_name_and_pinyin(shop) -> None:  # type: ignore[no-untyped-def]
    station, _, _ = shop
    water = make.item(name="农夫山泉", barcode="6921168509256")
    Item.objects.filter(pk=water.pk).update(pinyin="nfsq nongfushanquan")
    for text in ("6921168509256", water.code, "山泉", "nfsq", "nongfu"):
        assert [hit.id for hit in find(text=text, station=station)] == [water.pk], text
    assert by_code("6921168509256") == (water, 1)
    with pytest.raises(Refusal, match="没有条码"):
        by_code("404")


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("INV-07")
def test_two_tills_selling_the_same_items_never_lose_or_invent_one() -> None:
    station = make.station()
    shop = (station, make.day(station), make.cashier(station))
    first, second = make.item(on_hand=40), make.item(on_hand=40)
    refused: list[str] = []

    def till(name: str, order: tuple[Item, Item]) -> None:
        try:
            for number in range(30):
                try:
                    with transaction.atomic():
                        sell(shop, f"{name}-{number}", (order[0], 1), (order[1], 1))
                except NotEnoughStock:
                    refused.append(name)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=till, args=("S1", (first, second))),
        threading.Thread(target=till, args=("S2", (second, first))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (on_hand(first), on_hand(second), len(refused)) == (0, 0, 20)
    for item in (first, second):
        moved = StockMove.objects.filter(item=item).aggregate(total=Sum("quantity"))["total"]
        assert moved == on_hand(item)


@pytest.mark.django_db
@pytest.mark.req("INV-07")
def test_the_ledger_leads_to_an_adjustment_for_those_who_may_make_one() -> None:
    station = make.station()
    address = 'href="/inventory/stock/adjust/"'
    assert (
        address in make.signed_in(make.manager(station)).get("/inventory/stock/").content.decode()
    )
    assert (
        address
        not in make.signed_in(make.cashier(station)).get("/inventory/stock/").content.decode()
    )
