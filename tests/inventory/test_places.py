"""Where goods lie: the shelf that tills sell from, the store behind, and the ledger of each."""

from __future__ import annotations

import contextlib
import random
import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from inventory.models import Item, StockBalance, StockMove, StockPlace
from inventory.queries.places import held_at, selling_place
from inventory.queries.proof import checks, unequal
from inventory.services import proof, stock
from inventory.services.balances import NotEnoughStock
from inventory.services.stock import StockLine
from station.errors import Refusal
from station.models import Alert
from station.queries.health import State
from tests import make

D = Decimal


@pytest.fixture
def shop():  # type: ignore[no-untyped-def]
    station = make.station()
    return station, make.day(station), make.manager(station)


def store_of(station) -> StockPlace:  # type: ignore[no-untyped-def]
    return StockPlace.objects.get(station=station, name="后仓")


def moved(shop, source, target, item: Item, count: int, document: str = "MV1") -> None:  # type: ignore[no-untyped-def]
    station, day, actor = shop
    stock.move(
        station=station,
        day=day,
        document=document,
        lines=[StockLine(1, item.pk, D(count), item.cost)],
        source=source,
        target=target,
        at=make.NOW,
        actor=actor,
    )


def sell(shop, document: str, *lines: tuple[Item, int]) -> None:  # type: ignore[no-untyped-def]
    station, day, actor = shop
    with transaction.atomic():
        stock.sell(
            station=station,
            day=day,
            document=document,
            lines=[StockLine(n, item.pk, D(count)) for n, (item, count) in enumerate(lines, 1)],
            at=make.NOW,
            actor=actor,
        )


@pytest.mark.django_db
@pytest.mark.req("INV-07")
def test_tills_sell_from_the_shelf_and_what_lies_behind_is_carried_out_first(shop) -> None:  # type: ignore[no-untyped-def]
    station, _, _ = shop
    shelf, store = selling_place(station), store_of(station)
    assert (shelf.name, store.selling) == ("货架", False)
    water = make.item(on_hand=5)
    moved(shop, shelf, store, water, 4)
    assert (held_at(shelf, water.pk), held_at(store, water.pk)) == (1, 4)
    with pytest.raises(NotEnoughStock, match="现存 1"):
        sell(shop, "S1", (water, 2))
    with pytest.raises(NotEnoughStock, match="现存 4"), transaction.atomic():
        moved(shop, store, shelf, water, 5, "MV2")
    moved(shop, store, shelf, water, 4, "MV2")
    sell(shop, "S1", (water, 5))
    assert not unequal()
    with pytest.raises(IntegrityError), transaction.atomic():
        moved(shop, shelf, store, water, 0, "MV2")
    with pytest.raises(Refusal, match="不同"):
        moved(shop, shelf, shelf, water, 1, "MV3")
    other = make.station("B02", "别站")
    with pytest.raises(Refusal, match="本站"):
        moved(shop, shelf, selling_place(other), water, 1, "MV3")


@pytest.mark.django_db
def test_the_database_refuses_a_place_of_another_station_and_a_second_shelf(shop) -> None:  # type: ignore[no-untyped-def]
    station, _, _ = shop
    other = make.station("B02", "别站")
    water = make.item(on_hand=1, at=station)
    with pytest.raises(IntegrityError), transaction.atomic():
        StockBalance.objects.create(
            station=station, place=selling_place(other), item=water, quantity=1
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        StockPlace.objects.create(station=station, name="第二货架", selling=True)


@pytest.mark.django_db
@pytest.mark.req("INV-07")
def test_a_manager_lets_it_go_below_zero_once_and_the_next_receipt_ends_that(shop) -> None:  # type: ignore[no-untyped-def]
    station, day, actor = shop
    water = make.item(on_hand=1)

    def leave(count: int, reason: str = "货已上架，送货单未到") -> None:
        stock.let_go_below(
            station=station, item=water, quantity=D(count), reason=reason, at=make.NOW, actor=actor
        )

    with pytest.raises(Refusal, match="原因"):
        leave(2, " ")
    leave(2)
    sell(shop, "S1", (water, 2))
    with pytest.raises(NotEnoughStock):
        sell(shop, "S2", (water, 2))
    sell(shop, "S2", (water, 1))
    leave(0)
    leave(5)
    stock.receive(
        station=station,
        day=day,
        document="ST1",
        lines=[StockLine(1, water.pk, D(3), D(1))],
        at=make.NOW,
        actor=actor,
    )
    with pytest.raises(NotEnoughStock):
        sell(shop, "S3", (water, 2))
    sell(shop, "S3", (water, 1))
    assert not unequal()


@pytest.mark.django_db
@pytest.mark.req("INV-07")
def test_a_balance_that_is_not_its_ledger_is_found_and_told_of(shop) -> None:  # type: ignore[no-untyped-def]
    station, _, _ = shop
    water = make.item(on_hand=5)
    assert proof.prove(at=make.NOW) == 0
    assert [one.state for one in checks(at=make.NOW)] == [State.OK]
    StockBalance.objects.filter(item=water).update(quantity=6)
    (wrong,) = unequal()
    assert (wrong.item, wrong.balance, wrong.moved) == (water.name, 6, 5)
    assert [one.state for one in checks(at=make.NOW)] == [State.FAILED]
    assert proof.prove(at=make.NOW) == proof.prove(at=make.NOW) == 1
    assert Alert.objects.get(station=station).count == 2
    StockBalance.objects.filter(item=water).update(quantity=5)
    proof.prove(at=make.NOW)
    assert Alert.objects.get(station=station).status == Alert.Status.CLEARED


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("INV-07")
def test_two_tills_five_hot_items_and_a_porter_leave_every_balance_its_ledger() -> None:
    station = make.station()
    shop = (station, make.day(station), make.manager(station))
    shelf, store = selling_place(station), store_of(station)
    items = [make.item(name=f"热销 {number}", on_hand=60) for number in range(5)]
    errors: list[BaseException] = []

    def run(name: str, act) -> None:  # type: ignore[no-untyped-def]
        dice = random.Random(name)
        try:
            for step in range(40):
                with contextlib.suppress(NotEnoughStock):
                    act(f"{name}-{step}", dice)
        except BaseException as error:  # noqa: BLE001  told by the assertion below
            errors.append(error)
        finally:
            connection.close()

    def till(document: str, dice: random.Random) -> None:
        sell(shop, document, *[(item, dice.randint(1, 2)) for item in dice.sample(items, 3)])

    def porter(document: str, dice: random.Random) -> None:
        source, target = (shelf, store) if dice.random() < 0.5 else (store, shelf)
        station, day, actor = shop
        with transaction.atomic():
            stock.move(
                station=station,
                day=day,
                document=document,
                lines=[
                    StockLine(n, item.pk, D(1)) for n, item in enumerate(dice.sample(items, 3), 1)
                ],
                source=source,
                target=target,
                at=make.NOW,
                actor=actor,
            )

    threads = [
        threading.Thread(target=run, args=arguments)
        for arguments in (("T1", till), ("T2", till), ("P", porter))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert not unequal()
    assert not StockBalance.objects.filter(quantity__lt=0).exists()
    assert StockMove.objects.filter(kind="SALE").exists()


@pytest.mark.django_db
@pytest.mark.req("INV-07")
def test_places_are_kept_on_a_page_and_one_of_them_always_sells(shop) -> None:  # type: ignore[no-untyped-def]
    station, _, manager = shop
    browser = make.signed_in(manager)
    store = store_of(station)
    address = f"/inventory/places/{store.pk}/"
    values = {"name": "后仓", "position": "1", "active": "on"}
    assert browser.post(address, values | {"selling": "on"}).status_code == 302
    assert selling_place(station) == store
    assert browser.post(address, values).status_code == 422  # one of them sells
    assert browser.post("/inventory/places/new/", values).status_code == 422  # the name is taken
    water = make.item()
    StockBalance.objects.create(
        station=station,
        place=StockPlace.objects.get(station=station, name="货架"),
        item=water,
        quantity=3,
    )
    shelf = StockPlace.objects.get(station=station, name="货架")
    answer = browser.post(f"/inventory/places/{shelf.pk}/", {"name": "货架", "position": "0"})
    assert answer.status_code == 422
    assert "还有库存" in answer.content.decode()
    elsewhere = StockPlace.objects.filter(station=make.station("B02", "别站"))[0]
    assert browser.get(f"/inventory/places/{elsewhere.pk}/").status_code == 404
    assert make.signed_in(make.cashier(station)).get(address).status_code == 403
    assert "后仓" in browser.get("/inventory/places/").content.decode()


@pytest.mark.django_db
def test_leave_is_given_on_a_page(shop) -> None:  # type: ignore[no-untyped-def]
    station, _, manager = shop
    water = make.item(on_hand=1)
    browser = make.signed_in(manager)
    answer = browser.post(
        "/inventory/stock/leave/", {"code": water.code, "quantity": "2", "reason": "单据未到"}
    )
    assert answer.status_code == 302
    assert StockBalance.objects.get(item=water).lowest == -2
    bad = browser.post("/inventory/stock/leave/", {"code": "404", "quantity": "2", "reason": "x"})
    assert (bad.status_code, "没有条码" in bad.content.decode()) == (422, True)
    assert make.signed_in(make.cashier(station)).get("/inventory/stock/leave/").status_code == 403
