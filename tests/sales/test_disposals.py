"""Fills that are no sale: pump tests, own use, drive-offs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from inventory.models import TankMovement
from inventory.queries.books import shift_books
from members.models import Purchase
from sales.models import DriveOff, FillClaim, FillUse, Sale
from sales.queries.runs import nozzle_runs
from sales.queries.unpaid import unpaid_fills
from sales.services import disposals, shifts
from sales.services.disposals import DisposalRefused
from sales.services.settling import settle
from station.models import AuditEntry, TillSession
from station.services import sealing
from tests import make

pytestmark = pytest.mark.django_db


def use(till: TillSession, kind: str = "TEST", **fields: object) -> FillUse:
    return disposals.use_fill(
        **{
            "fill": fields.pop("fill", None) or make.fill_at(till.station, "20.00"),
            "kind": kind,
            "reason": "月度自检 20 升",
            "session": till,
            "actor": till.cashier,
            "approver": make.manager(till.station),
            "at": make.NOW,
            **fields,
        }
    )


@pytest.mark.req("SAL-13")
def test_a_pump_test_goes_back_to_its_tank_and_is_no_sale() -> None:
    till = make.session()
    used = use(till)
    back = TankMovement.objects.get(document=used.number)
    assert (back.kind, back.litres, back.tank) == (
        "TEST_RETURN",
        Decimal("20.000"),
        used.fill.tank,
    )
    assert not unpaid_fills(station=till.station).exists()
    assert not Sale.objects.exists()
    assert not Purchase.objects.exists()


@pytest.mark.req("SAL-13", "INV-04")
def test_a_test_declared_after_the_handover_is_returned_in_the_shift_that_pumped_it() -> None:
    till = make.session()
    gun = make.nozzle(till.station)
    make.reading(gun, "1000", make.at(7), kind="OPENING", document="OPEN")
    fill = make.fill(gun, "20.00", "8.00", totalizer_after="1020")
    shift = till.shift
    receiver = make.cashier(till.station)
    shifts.hand_over(
        shift=shift, receiver=receiver, crew=[], at=make.NOW, actor=receiver, ends_day=True
    )
    later = make.session(till.station)
    assert later.shift.day != shift.day
    use(later, fill=fill)
    shift.refresh_from_db()
    (own,), (following,) = shift_books(shift), shift_books(later.shift)
    assert (own.pumped, own.returned, own.sold) == (20, 20, 0)
    assert (following.returned, following.sold) == (0, 0)
    (run,) = nozzle_runs(shift)
    assert (run.tests, run.sold) == (20, 0)


@pytest.mark.req("SAL-13")
def test_own_use_is_claimed_and_returns_nothing_to_the_tank() -> None:
    till = make.session()
    used = use(till, "OWN_USE", reason="站内发电机")
    assert FillClaim.objects.get().document == used.number
    assert not TankMovement.objects.exists()


def test_a_disposal_needs_a_second_person_a_reason_and_a_free_fill() -> None:
    till = make.session()
    with pytest.raises(DisposalRefused, match="另一人"):
        use(till, approver=till.cashier)
    with pytest.raises(DisposalRefused, match="原因"):
        use(till, reason="")
    fill = make.fill_at(till.station)
    sale = make.sale(till, fills=[fill])
    with pytest.raises(DisposalRefused, match=sale.number):
        use(till, fill=fill)


@pytest.mark.req("SAL-14")
def test_a_drive_off_stays_a_receivable_until_the_driver_pays() -> None:
    till = make.session()
    fill = make.fill_at(till.station, "25.00", "8.00")
    gone = disposals.drive_off(
        fill=fill,
        plate="云A12345",
        note="白色面包车",
        session=till,
        actor=till.cashier,
        at=make.NOW,
    )
    assert "12345" not in gone.plate_sealed
    assert sealing.unseal(gone.key, gone.plate_sealed) == "云A12345"
    assert (gone.amount, gone.status) == (Decimal("200.00"), "OPEN")
    assert not unpaid_fills(station=till.station).exists()
    assert "12345" not in str(AuditEntry.objects.get(action="sales.drive_off").after)

    ticket = make.ticket(fills=[fill])
    sale = disposals.recover(
        gone=gone, ticket=ticket, session=till, actor=till.cashier, at=make.NOW
    )
    gone.refresh_from_db()
    assert (gone.status, gone.recovered_by_sale) == ("RECOVERED", sale)
    assert FillClaim.objects.get(released_at=None).document == sale.number
    assert (
        disposals.recover(gone=gone, ticket=ticket, session=till, actor=till.cashier, at=make.NOW)
        == sale
    )
    with pytest.raises(DisposalRefused, match="已追回"):
        disposals.write_off(gone=gone, reason="找不到", actor=till.cashier, at=make.NOW)


@pytest.mark.req("SAL-14")
def test_a_drive_off_says_plate_or_what_was_seen_and_is_written_off_in_words() -> None:
    till = make.session()
    fill = make.fill_at(till.station)
    with pytest.raises(DisposalRefused, match="车牌"):
        disposals.drive_off(
            fill=fill, plate="", note=" ", session=till, actor=till.cashier, at=make.NOW
        )
    gone = disposals.drive_off(
        fill=fill, plate="", note="灰色货车往东", session=till, actor=till.cashier, at=make.NOW
    )
    with pytest.raises(DisposalRefused, match="原因"):
        disposals.write_off(gone=gone, reason="", actor=till.cashier, at=make.NOW)
    disposals.write_off(gone=gone, reason="报警未果", actor=till.cashier, at=make.NOW)
    assert DriveOff.objects.get().status == "WRITTEN_OFF"
    with pytest.raises(Exception, match=gone.number):
        settle(make.ticket(fills=[fill]), session=till, actor=till.cashier, at=make.NOW)
