"""Tank books: what opens where, and what a variance is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from devices.models import TotalizerGap
from inventory.models import Dip, TankBook, TankMovement
from inventory.queries.books import day_books, levels, live_books, shift_books
from inventory.services.books import EarlierShiftIsOpen, freeze_day_books, freeze_shift_books
from inventory.services.dips import record_dip
from inventory.services.movements import adjust, open_tank, return_test
from station.errors import Refusal
from station.models import Alert, Shift
from tests import make

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def place():  # type: ignore[no-untyped-def]
    station = make.station()
    nozzle = make.nozzle(station)
    day = make.day(station)
    shift = make.shift(station)
    manager = make.manager(station)
    open_tank(
        tank=nozzle.tank, litres=D(20000), unit_cost=D("5.9"), day=day, at=make.NOW, actor=manager
    )
    return station, nozzle, day, shift, manager


@pytest.mark.req("INV-04")
def test_the_book_is_opening_plus_in_less_out(place) -> None:  # type: ignore[no-untyped-def]
    station, nozzle, day, shift, manager = place
    make.fill(nozzle, litres=D("40.000"))
    make.fill(nozzle, litres=D("20.000"))
    return_test(
        tank=nozzle.tank,
        litres=D(20),
        document="U01-0-1",
        day=day,
        shift=shift,
        at=make.NOW,
        actor=manager,
    )
    (book,) = live_books(station)[shift.pk]
    assert (book.opening, book.pumped, book.returned, book.sold) == (D(20000), D(60), D(20), D(40))
    assert book.book == D(19960)
    assert book.variance is None
    dip = record_dip(
        tank=nozzle.tank,
        source=Dip.Source.DIP,
        purpose=Dip.Purpose.HANDOVER,
        net_l=D("19951.4"),
        shift=shift,
        day=day,
        at=make.NOW,
        actor=manager,
    )
    (book,) = live_books(station)[shift.pk]
    assert (book.dip, book.variance) == (dip, D("-8.6"))


def test_litres_that_no_fill_explains_have_left_the_tank(place) -> None:  # type: ignore[no-untyped-def]
    station, nozzle, _, shift, _ = place
    TotalizerGap.objects.create(
        nozzle=nozzle,
        station=station,
        shift=shift,
        litres_from=D(100),
        litres_to=D("131.2"),
        found_at=make.NOW,
    )
    (book,) = live_books(station)[shift.pk]
    assert book.pumped == D("31.2")


def test_a_book_opens_on_the_last_physical_else_on_the_last_book(place) -> None:  # type: ignore[no-untyped-def]
    station, nozzle, day, shift, manager = place
    make.fill(nozzle, litres=D("50.000"))
    record_dip(
        tank=nozzle.tank,
        source=Dip.Source.DIP,
        purpose=Dip.Purpose.HANDOVER,
        net_l=D(19945),
        shift=shift,
        day=day,
        at=make.NOW,
        actor=manager,
    )
    freeze_shift_books(shift=shift, at=make.NOW, runs={}, own_use={}, reasons={})
    close(shift)
    following = make.shift(station)
    (book,) = live_books(station)[following.pk]
    assert (book.opening, book.opening_is_physical) == (D(19945), True)
    freeze_shift_books(shift=following, at=make.NOW, runs={}, own_use={}, reasons={})
    close(following)
    third = make.shift(station)
    (book,) = live_books(station)[third.pk]
    assert (book.opening, book.opening_is_physical) == (D(19945), False)
    (whole,) = day_books(day)
    assert (whole.opening, whole.pumped, whole.variance) == (D(20000), D(50), D(-5))
    assert whole.closing == D(19945)


def test_the_run_of_the_totalizers_is_what_is_frozen(place) -> None:  # type: ignore[no-untyped-def]
    _, nozzle, _, shift, _ = place
    make.fill(nozzle, litres=D("50.000"))
    (row,) = freeze_shift_books(
        shift=shift,
        at=make.NOW,
        runs={nozzle.tank_id: D("55.5")},
        own_use={nozzle.tank_id: D("5")},
        reasons={},
    )
    assert (row.pumped_l, row.sold_l, row.book_l) == (D("55.5"), D("50.5"), D("19944.5"))
    assert [book.book for book in shift_books(closed(shift))] == [row.book_l]


def test_shifts_freeze_in_their_order(place) -> None:  # type: ignore[no-untyped-def]
    station, _, _, shift, _ = place
    Shift.objects.filter(pk=shift.pk).update(
        status=Shift.Status.HANDED_OVER, handed_over_at=make.at(18)
    )
    following = make.shift(station)
    with pytest.raises(EarlierShiftIsOpen):
        freeze_shift_books(shift=following, at=make.NOW, runs={}, own_use={}, reasons={})


def test_the_day_adds_its_shifts_up_and_stays(place) -> None:  # type: ignore[no-untyped-def]
    _, nozzle, day, shift, _ = place
    make.fill(nozzle, litres=D("50.000"))
    freeze_shift_books(shift=shift, at=make.NOW, runs={}, own_use={}, reasons={})
    close(shift)
    (row,) = freeze_day_books(days=[(day, make.NOW)])
    assert (row.shift, row.pumped_l, row.physical_l) == (None, D(50), None)
    with pytest.raises(IntegrityError), transaction.atomic():
        TankBook.objects.filter(pk=row.pk).update(pumped_l=0)


def test_the_database_refuses_a_book_that_does_not_add_up(place) -> None:  # type: ignore[no-untyped-def]
    _, nozzle, day, shift, _ = place
    with pytest.raises(IntegrityError, match="a_tank_book_adds_up"), transaction.atomic():
        TankBook.objects.create(
            tank=nozzle.tank,
            day=day,
            shift=shift,
            opening_l=1,
            received_l=0,
            pumped_l=0,
            returned_l=0,
            other_l=0,
            sold_l=0,
            book_l=2,
            frozen_at=make.NOW,
        )


def test_a_movement_is_never_changed_and_a_test_is_returned_once(place) -> None:  # type: ignore[no-untyped-def]
    _, nozzle, day, shift, manager = place
    for _ in range(2):
        row = return_test(
            tank=nozzle.tank,
            litres=D(20),
            document="U01-0-7",
            day=day,
            shift=shift,
            at=make.NOW,
            actor=manager,
        )
    assert TankMovement.objects.filter(kind="TEST_RETURN").count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        TankMovement.objects.filter(pk=row.pk).delete()


def test_an_adjustment_needs_a_reason_and_another_person(place) -> None:  # type: ignore[no-untyped-def]
    station, nozzle, day, shift, manager = place
    owner = make.owner()

    def move(**changes: object) -> TankMovement:
        told = {"litres": D(-35), "reason": "排水", "approver": owner, **changes}
        return adjust(
            tank=nozzle.tank,
            kind="ADJUST",
            document="TM01-0-1",
            day=day,
            shift=shift,
            at=make.NOW,
            actor=manager,
            **told,  # type: ignore[arg-type]
        )

    for changes in ({"litres": D(0)}, {"reason": " "}, {"approver": manager}):
        with pytest.raises(Refusal):
            move(**changes)
    move()
    assert live_books(station)[shift.pk][0].book == D(19965)


@pytest.mark.req("INV-01")
def test_a_low_level_and_water_raise_alerts_that_clear_by_themselves(place) -> None:  # type: ignore[no-untyped-def]
    station, nozzle, _, _, manager = place
    tank = nozzle.tank
    record_dip(tank=tank, source="GAUGE", net_l=tank.low_alarm_l, at=make.NOW, actor=None)
    assert Alert.objects.get(station=station, key=f"low:{tank.pk}").status == "OPEN"
    record_dip(tank=tank, source="GAUGE", net_l=tank.low_alarm_l + 1000, at=make.NOW, actor=manager)
    assert Alert.objects.get(station=station, key=f"low:{tank.pk}").status == "CLEARED"


def test_levels_say_what_may_be_sold_and_what_fits(place) -> None:  # type: ignore[no-untyped-def]
    station, nozzle, _, _, _ = place
    (level,) = levels(station)
    assert level.litres == D(20000)
    assert level.saleable == D(20000) - nozzle.tank.dead_stock_l
    assert level.ullage == nozzle.tank.safe_fill_l - D(20000)


def close(shift: Shift) -> None:
    Shift.objects.filter(pk=shift.pk).update(
        status=Shift.Status.CLOSED, handed_over_at=make.at(18), closed_at=make.at(18, 10)
    )


def closed(shift: Shift) -> Shift:
    close(shift)
    return Shift.objects.get(pk=shift.pk)
