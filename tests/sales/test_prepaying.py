"""Prepays: an advance, the sale of what was delivered, and the rest due back until it is paid."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db.models import Sum

from devices.models import Authorisation, Fill
from sales.models import Discrepancy, Payment, Prepay
from sales.queries.unpaid import unpaid_fills
from sales.services import disposals, prepaying
from sales.services.prepaying import PrepayRefused
from sales.services.settling import FillTaken, settle
from station.models import Nozzle, TillSession
from tests import make

pytestmark = pytest.mark.django_db


def ready() -> tuple[TillSession, Nozzle]:
    till = make.session()
    gun = make.nozzle(till.station)
    make.price(till.station, gun.tank.grade, "8.00")
    make.nozzle_state(gun, unit_price=Decimal("8.00"))
    make.tenders()
    return till, gun


def prepay(till: TillSession, gun: Nozzle, amount: str = "200.00", **fields: object) -> Prepay:
    return prepaying.create(
        **{
            "nozzle": gun,
            "amount": Decimal(amount),
            "tender": make.tenders()["CASH"],
            "reference": "",
            "plate": "",
            "session": till,
            "actor": till.cashier,
            "at": make.NOW,
            "key": "y1",
            **fields,
        }
    )


def deliver(paid: Prepay, litres: str) -> Fill:
    Authorisation.objects.filter(pk=paid.authorisation_id).update(status="USED")
    return make.fill(paid.nozzle, litres, "8.00", authorisation=paid.authorisation)


@pytest.mark.req("SAL-03")
def test_an_under_run_is_settled_and_the_rest_is_due_until_it_is_paid() -> None:
    till, gun = ready()
    paid = prepay(till, gun)
    assert paid.authorisation.limit_amount == Decimal("200.00")
    fill = deliver(paid, "18.75")
    assert not unpaid_fills(station=till.station).exists()
    assert prepaying.settle_due(at=make.NOW) == 1
    paid.refresh_from_db()
    assert (paid.status, paid.sale.due, paid.refund_due) == (
        "SETTLED",
        Decimal("150.00"),
        Decimal("50.00"),
    )
    assert paid.sale.lines.get().fill == fill
    prepaying.pay_refund(prepay=paid, reference="", session=till, actor=till.cashier, at=make.NOW)
    with pytest.raises(PrepayRefused, match="已经退过"):
        prepaying.pay_refund(
            prepay=paid, reference="", session=till, actor=till.cashier, at=make.NOW
        )
    # the drawer holds what the fill cost, however it came about
    assert Payment.objects.aggregate(s=Sum("amount"))["s"] == Decimal("150.00")
    assert prepaying.settle_due(at=make.NOW) == 0


def test_a_prepay_twice_is_once() -> None:
    till, gun = ready()
    assert prepay(till, gun) == prepay(till, gun)
    assert Payment.objects.count() == 1


def test_the_fill_of_a_prepay_is_not_sold_again() -> None:
    till, gun = ready()
    fill = deliver(prepay(till, gun), "18.75")
    with pytest.raises(FillTaken, match="预付单"):
        settle(make.ticket(fills=[fill]), session=till, actor=till.cashier, at=make.NOW)


def test_more_than_was_prepaid_is_sold_and_its_money_is_on_the_list() -> None:
    till, gun = ready()
    deliver(prepay(till, gun), "25.02")
    assert prepaying.settle_due(at=make.NOW) == 1
    paid = Prepay.objects.get()
    assert (paid.sale.due, paid.sale.discount, paid.refund_due) == (
        Decimal("200.00"),
        Decimal("0.16"),
        Decimal("0.00"),
    )
    assert Discrepancy.objects.get(kind="OVER_PRESET").amount == Decimal("0.16")


def test_a_prepay_is_settled_in_a_later_session_when_its_own_has_ended() -> None:
    till, gun = ready()
    paid = prepay(till, gun)
    deliver(paid, "18.75")
    TillSession.objects.update(status="ENDED", ended_at=make.NOW)
    assert prepaying.settle_due(at=make.NOW) == 0
    late = make.session(till.station, till=make.till(till.station, 2))
    assert prepaying.settle_due(at=make.NOW) == 1
    paid.refresh_from_db()
    assert paid.sale.session == late
    # the money stays in the drawer that took it
    assert late.payments.aggregate(s=Sum("amount"))["s"] == 0
    assert till.payments.aggregate(s=Sum("amount"))["s"] == Decimal("200.00")


@pytest.mark.req("SAL-14")
def test_a_plate_that_drove_off_is_not_authorised() -> None:
    till, gun = ready()
    disposals.drive_off(
        fill=make.fill(gun),
        plate="云A12345",
        note="",
        session=till,
        actor=till.cashier,
        at=make.NOW,
    )
    with pytest.raises(PrepayRefused, match="跑单"):
        prepay(till, gun, plate="云a·12345")
    assert not Payment.objects.exists()
