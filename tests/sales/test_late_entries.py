"""Late entries, and the check after a power cut that proposes what is missing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from devices.models import TotalizerGap
from sales.queries.recovery import recovery
from sales.queries.unpaid import unpaid_fills
from sales.services import late_entries
from sales.services.late_entries import EntryRefused
from station.models import AuditEntry, Nozzle, TillSession
from tests import make

pytestmark = pytest.mark.django_db


def enter(till: TillSession, gun: Nozzle, **fields: object):
    return late_entries.enter(
        **{
            "nozzle": gun,
            "litres": Decimal("20.00"),
            "unit_price": Decimal("8.00"),
            "amount": Decimal("160.00"),
            "totalizer_after": Decimal("1040.00"),
            "ended_at": make.NOW - timedelta(minutes=3),
            "reason": "停电时加的油",
            "session": till,
            "actor": till.cashier,
            "approver": make.manager(till.station),
            "at": make.NOW,
            **fields,
        }
    )


def test_a_late_entry_waits_for_payment_explains_its_gap_and_is_marked() -> None:
    till = make.session()
    gun = make.nozzle(till.station)
    make.fill(gun, "20.00", "8.00")  # totalizer 1020
    gap = TotalizerGap.objects.create(
        nozzle=gun,
        station=till.station,
        shift=till.shift,
        litres_from=Decimal("1020.00"),
        litres_to=Decimal("1040.00"),
        unit_price=Decimal("8.00"),
        found_at=make.NOW,
    )
    make.reading(gun, "1040.00")
    proposal = recovery(station=till.station, at=make.NOW)["missing"]
    assert [(one["number"], one["litres"], one["amount"]) for one in proposal] == [
        (gun.number, "20.000", "160.00")
    ]
    entry = enter(till, gun)
    gap.refresh_from_db()
    assert (entry.fill.source, entry.gap, gap.fill) == ("MANUAL", gap, entry.fill)
    assert entry.fill in unpaid_fills(station=till.station)
    assert recovery(station=till.station, at=make.NOW)["missing"] == []
    assert AuditEntry.objects.get(action="sales.late_entry").document == entry.number
    make.sale(till, fills=[entry.fill])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"reason": " "}, "原因"),
        ({"amount": Decimal("161.00")}, "不符"),
        ({"ended_at": make.NOW + timedelta(minutes=1)}, "还没有到"),
        ({"totalizer_after": Decimal("1020.00")}, "已有一笔"),
    ],
)
def test_a_late_entry_is_refused_in_words(wrong: dict[str, object], words: str) -> None:
    till = make.session()
    gun = make.nozzle(till.station)
    make.fill(gun, "20.00", "8.00")
    with pytest.raises(EntryRefused, match=words):
        enter(till, gun, **wrong)
    with pytest.raises(EntryRefused, match="另一人"):
        enter(till, gun, approver=till.cashier)


def test_after_a_power_cut_the_last_sales_and_each_totalizer_are_shown() -> None:
    till = make.session()
    gun = make.nozzle(till.station)
    sale = make.sale(till, fills=[make.fill(gun, "20.00", "8.00")])
    unpaid = make.fill(gun, "10.00", "8.00")
    make.reading(gun, "1045.00")
    make.nozzle_state(gun, "FUELLING")
    said = recovery(station=till.station, at=make.NOW)
    assert said["sales"][0]["number"] == sale.number
    assert [one["id"] for one in said["unpaid"]] == [unpaid.pk]
    assert said["nozzles"][0]["run"] == "15.000"
    assert said["missing"] == []  # it is still fuelling
    make.nozzle_state(gun, "IDLE")
    assert recovery(station=till.station, at=make.NOW)["missing"][0]["litres"] == "15.000"
