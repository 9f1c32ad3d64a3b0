"""Deliveries: refused before the valve, recorded after it, approved over the tolerance."""

from __future__ import annotations

from decimal import Decimal
from importlib import import_module

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from inventory.models import Delivery, FuelCost, Supplier, TankMovement
from inventory.queries.books import levels
from inventory.queries.costs import fuel_cost, fuel_costs
from inventory.queries.partners import Contact, contact_of, truck_of
from inventory.services import deliveries
from inventory.services.deliveries import Note, Reading, WouldOverfill, WrongProduct, WrongState
from inventory.services.movements import open_tank
from station.errors import Refusal
from tests import make

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def place():  # type: ignore[no-untyped-def]
    station = make.station()
    nozzle = make.nozzle(station)
    day = make.day(station)
    make.shift(station)
    cashier, manager = make.cashier(station), make.manager(station)
    open_tank(
        tank=nozzle.tank,
        litres=D(8000),
        unit_cost=D("6.000000"),
        day=day,
        at=make.at(7),
        actor=manager,
    )
    return station, nozzle, cashier, manager


def note(nozzle, **changes):  # type: ignore[no-untyped-def]
    told = {
        "supplier": make.depot(), "grade": nozzle.tank.grade, "note_no": "CK1",
        "truck_plate": "云A12345", "issued_l": D(15000), "unit_price": D("6.70"), **changes,
    }  # fmt: skip
    return Note(**told)


def planned(place, **changes):  # type: ignore[no-untyped-def]
    station, nozzle, cashier, _ = place
    told = note(nozzle, **changes)
    return deliveries.plan(
        station=station, note=told, parts={nozzle.tank: told.issued_l}, at=make.at(9), actor=cashier
    )


def unloaded(place, after: str, **changes):  # type: ignore[no-untyped-def]
    _, nozzle, cashier, _ = place
    row = planned(place, **changes)
    reading = {nozzle.tank_id: Reading(total_height_mm=None, net_l=D(8000))}
    deliveries.start(delivery=row, before=reading, at=make.at(9, 30), actor=cashier)
    make.fill(nozzle, litres=D("25.000"), occurred_at=make.at(9, 45))
    reading = {nozzle.tank_id: Reading(total_height_mm=None, net_l=D(after))}
    return deliveries.measure(delivery=row, after=reading, at=make.at(10, 15), actor=cashier)


@pytest.mark.req("INV-01")
def test_a_plan_over_the_safe_fill_or_of_another_product_is_refused_before_unloading(place) -> None:  # type: ignore[no-untyped-def]
    station, nozzle, cashier, _ = place
    room = nozzle.tank.safe_fill_l - D(8000)
    with pytest.raises(WouldOverfill, match="超装"):
        planned(place, issued_l=room + 1)
    diesel = make.grade("0#")
    with pytest.raises(WrongProduct, match="混油"):
        planned(place, grade=diesel)
    with pytest.raises(Refusal, match="之和"):
        deliveries.plan(
            station=station,
            note=note(nozzle),
            parts={nozzle.tank: D(14999)},
            at=make.NOW,
            actor=cashier,
        )
    assert not Delivery.objects.exists()


@pytest.mark.req("INV-03")
def test_within_tolerance_the_received_litres_and_their_cost_are_posted(place) -> None:  # type: ignore[no-untyped-def]
    station, nozzle, _, _ = place
    row = unloaded(place, "22955")
    assert (deliveries.received(row), row.status) == (D(14980), Delivery.Status.POSTED)
    movement = TankMovement.objects.get(kind="DELIVERY")
    assert (movement.litres, movement.document) == (D(14980), row.number)
    (level,) = levels(station)
    assert level.litres == D(8000) + D(14980) - D(25)
    # (7975 × 6 + 14980 × 6.70/1.13) / (7975 + 14980)
    paid = D("6.70") / D("1.13")
    mixed = (D(7975) * 6 + D(14980) * paid) / D(22955)
    assert fuel_cost(station=station, grade=nozzle.tank.grade, at=make.at(11)) == mixed.quantize(
        D("0.000001")
    )
    assert fuel_costs(station=station, at=make.at(8)) == {nozzle.tank.grade_id: D(6)}
    assert FuelCost.objects.count() == 2


@pytest.mark.req("INV-03")
def test_over_the_tolerance_it_waits_for_someone_else_and_a_reason(place) -> None:  # type: ignore[no-untyped-def]
    _, _, cashier, manager = place
    row = unloaded(place, "22915")
    assert row.status == Delivery.Status.MEASURED
    assert not TankMovement.objects.filter(kind="DELIVERY").exists()
    with pytest.raises(Refusal, match="同一人"):
        deliveries.approve(delivery=row, at=make.NOW, actor=cashier, reason="短少 60 升")
    with pytest.raises(Refusal, match="原因"):
        deliveries.approve(delivery=row, at=make.NOW, actor=manager, reason=" ")
    deliveries.approve(delivery=row, at=make.NOW, actor=manager, reason="短少 60 升，向承运方索赔")
    with pytest.raises(WrongState):
        deliveries.approve(delivery=row, at=make.NOW, actor=manager, reason="再来一次")
    assert TankMovement.objects.get(kind="DELIVERY").litres == D(14940)


def test_a_note_is_entered_once_and_cancelled_only_before_the_valve(place) -> None:  # type: ignore[no-untyped-def]
    _, _, cashier, _ = place
    row = planned(place)
    with pytest.raises(Refusal, match="已录入过"):
        planned(place)
    deliveries.cancel(delivery=row, at=make.NOW, actor=cashier, reason="录错车号")
    again = planned(place)
    assert again.number != row.number
    with pytest.raises(WrongState):
        deliveries.measure(delivery=again, after={}, at=make.NOW, actor=cashier)
    with pytest.raises(Refusal, match="请填写"):
        deliveries.start(delivery=again, before={}, at=make.NOW, actor=cashier)


@pytest.mark.req("SEC-03")
def test_a_truck_is_seen_in_full_by_who_takes_it_in_and_found_by_its_plate(place):  # type: ignore[no-untyped-def]
    station, _, cashier, manager = place
    row = planned(place, driver="王建军")
    page = f"/inventory/deliveries/{row.number}/"

    def shows(who) -> bool:  # type: ignore[no-untyped-def]
        text = make.signed_in(who).get(page).content.decode()
        assert ("云A12345" in text) is ("王建军" in text)
        return "云A12345" in text

    assert shows(cashier)
    assert shows(manager)
    assert not shows(make.accountant(station))
    Delivery.objects.filter(pk=row.pk).update(status="CANCELLED")
    assert not shows(cashier)
    assert shows(manager)
    found = make.signed_in(cashier).get("/search/", {"q": "云a 12345"})
    assert row.number in found["Location"]


@pytest.mark.req("SEC-03")
def test_a_suppliers_contact_is_masked_but_for_who_may_change_it():
    station = make.station()
    row = make.depot("安宁油库", contact="李志强", phone="13988776655")
    listing = make.signed_in(make.accountant(station)).get("/inventory/suppliers/")
    assert "139****6655" in listing.content.decode()
    assert "13988776655" not in listing.content.decode()
    manager = make.signed_in(make.manager(station))
    form = manager.get(f"/inventory/suppliers/{row.pk}/").content.decode()
    assert "13988776655" in form
    assert "李志强" in form


@pytest.mark.req("SEC-03")
@pytest.mark.django_db
def test_trucks_and_contacts_are_sealed_by_the_migration_and_opened_on_the_way_back(place):  # type: ignore[no-untyped-def]
    """What it does to rows, on tables that have the old columns again for as long as the test."""
    row = planned(place, driver="王建军")
    make.depot("安宁油库", contact="李志强", phone="13988776655")
    migration = import_module("inventory.migrations.0005_sealed_partners")
    state = MigrationLoader(connection).project_state(("inventory", "0004_dips_of_closed_days"))
    for step in migration.Migration.operations[:8]:  # both columns stand beside each other
        step.state_forwards("inventory", state)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(_OLD_COLUMNS)
    migration.unseal(state.apps, None)
    assert _rows("SELECT truck_plate, driver FROM inventory_delivery") == [("云A12345", "王建军")]
    assert ("李志强", "13988776655") in _rows("SELECT contact, phone FROM inventory_supplier")
    migration.seal(state.apps, None)
    row = Delivery.objects.select_related("key").get(pk=row.pk)
    truck = truck_of(row, may_deliver=True, may_approve=False)
    assert (truck.plate, truck.driver) == ("云A12345", "王建军")
    contacts = [contact_of(one, full=True) for one in Supplier.objects.select_related("key")]
    assert Contact("李志强", "13988776655") in contacts


_OLD_COLUMNS = """
ALTER TABLE inventory_delivery ADD truck_plate varchar(20) NOT NULL DEFAULT '',
 ADD driver varchar(20) NOT NULL DEFAULT '', ALTER key_id DROP NOT NULL;
ALTER TABLE inventory_supplier ADD contact varchar(50) NOT NULL DEFAULT '',
 ADD phone varchar(20) NOT NULL DEFAULT '', ALTER key_id DROP NOT NULL;
"""


def _rows(statement: str) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
