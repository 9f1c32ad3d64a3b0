"""Facts become rows: once, in the right shift, whatever is odd about them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from devices.models import (
    Alarm,
    Authorisation,
    Command,
    Fill,
    MeterChange,
    TotalizerGap,
    TotalizerReading,
)
from devices.services import facts, local_stop, spooled
from devices.services.facts import FillFact, TotalsFact
from devices.services.spooled import Moving
from station.models import AuditEntry, Nozzle
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def nozzle() -> Nozzle:
    made = make.nozzle()
    make.shift(made.station)
    return made


def _fact(nozzle: Nozzle, after: str = "1010", **more: object) -> FillFact:
    told: dict[str, object] = {
        "nozzle": nozzle.pk,
        "litres": Decimal("10"),
        "unit_price": Decimal("7.52"),
        "amount": Decimal("75.20"),
        "totalizer_after": Decimal(after),
        "occurred_at": make.NOW,
        **more,
    }
    return FillFact(**told)  # type: ignore[arg-type]


@pytest.mark.req("SAL-02")
def test_a_fill_told_three_times_is_one_row(nozzle: Nozzle) -> None:
    first = facts.record_fill(_fact(nozzle))
    assert first is not None and first.shift == make.shift(nozzle.station)
    assert facts.record_fill(_fact(nozzle)) is None
    assert facts.record_fill(_fact(nozzle, transaction_id="a")) is not None
    assert facts.record_fill(_fact(nozzle, meter_epoch=1)) is not None
    assert Fill.objects.count() == 3


def test_a_late_fill_is_money_of_today_and_litres_of_its_own_shift(nozzle: Nozzle) -> None:
    early = make.shift(nozzle.station)
    TotalizerReading.objects.create(
        nozzle=nozzle,
        litres=Decimal("1500"),
        occurred_at=make.NOW,
        kind="HANDOVER",
        document=early.number,
    )
    type(early).objects.filter(pk=early.pk).update(
        status="HANDED_OVER", handed_over_at=early.opened_at + timedelta(hours=8)
    )
    now_on_duty = make.shift(nozzle.station, name="中班")
    late = facts.record_fill(_fact(nozzle, "1010"))
    fresh = facts.record_fill(_fact(nozzle, "1510"))
    assert late is not None and fresh is not None
    assert (late.shift, late.day, late.flags) == (early, now_on_duty.day, ["LATE"])
    assert (fresh.shift, fresh.flags) == (now_on_duty, [])


def test_before_anybody_is_on_duty_a_fill_is_not_taken() -> None:
    with pytest.raises(facts.NoShift, match="还没有开班"):
        facts.record_fill(_fact(make.nozzle()))


def test_a_reading_a_gap_and_a_roll_over_are_stored_once(nozzle: Nozzle) -> None:
    reading = TotalsFact(
        nozzle=nozzle.pk, litres=Decimal(5), occurred_at=make.NOW, kind="HANDOVER", document="B1"
    )
    assert facts.record_totals(reading)
    assert not facts.record_totals(reading)
    for _ in range(2):
        facts.record_gap(
            nozzle=nozzle.pk,
            meter_epoch=0,
            litres_from=Decimal(10),
            litres_to=Decimal(15),
            unit_price=None,
            found_at=make.NOW,
        )
        facts.record_meter_change(
            nozzle=nozzle.pk,
            kind="ROLL_OVER",
            epoch=1,
            last_litres=Decimal(10**7),
            first_litres=Decimal(0),
            occurred_at=make.NOW,
        )
    assert TotalizerGap.objects.count() == MeterChange.objects.count() == 1


def test_missing_litres_are_explained_once_with_a_word_or_a_fill(nozzle: Nozzle) -> None:
    facts.record_gap(
        nozzle=nozzle.pk,
        meter_epoch=0,
        litres_from=Decimal(10),
        litres_to=Decimal(15),
        unit_price=None,
        found_at=make.NOW,
    )
    gap, actor = TotalizerGap.objects.get(), make.manager(nozzle.station)
    with pytest.raises(facts.WordMissing):
        facts.explain_gap(gap=gap, actor=actor, at=make.NOW)
    facts.explain_gap(gap=gap, actor=actor, at=make.NOW, reason="维修放油")
    with pytest.raises(facts.GapAlreadyExplained):
        facts.explain_gap(gap=gap, actor=actor, at=make.NOW, reason="再说一次")
    assert AuditEntry.objects.filter(action="devices.gap.explained").count() == 1


def _moving(seq: int, what: str, /, **body: object) -> Moving:
    return Moving(seq, f"{what}:{seq}", what, body, make.NOW)


def _told(nozzle: Nozzle, after: str) -> dict[str, object]:
    return {
        "nozzle": nozzle.pk,
        "litres": "10",
        "unit_price": "7.52",
        "amount": "75.20",
        "meter_epoch": 0,
        "totalizer_after": after,
        "transaction_id": "",
        "source": "PUMP",
        "flags": [],
        "authorisation": 999_999,
        "lifted_at": None,
        "started_at": None,
        "occurred_at": make.NOW.isoformat(),
        "frames": "line1:1-9",
    }


@pytest.mark.req("SAL-02", "DEV-01")
def test_one_fact_that_the_database_refuses_does_not_hold_up_the_others(nozzle: Nozzle) -> None:
    told = [
        _moving(1, "fill", **_told(nozzle, "1010")),
        _moving(2, "fill", **{**_told(nozzle, "1020"), "nozzle": 999_999}),
        _moving(3, "fill", **_told(nozzle, "1030")),
        _moving(4, "nothing", nozzle=nozzle.pk),
    ]
    moved = spooled.move(told)
    assert moved.done == (1, 3, 4)
    assert [seq for seq, _ in moved.refused] == [2]
    assert spooled.move(told).done == (1, 3, 4)
    assert Fill.objects.count() == 2
    assert Fill.objects.filter(authorisation=None).count() == 2  # a lost document keeps no fill out


def test_an_authorisation_only_moves_on_and_fuel_that_flowed_wins(nozzle: Nozzle) -> None:
    held = Authorisation.objects.create(
        station=nozzle.station, nozzle=nozzle, valid_until=make.NOW, asked_at=make.NOW
    )

    def became(status: str) -> str:
        spooled.move([_moving(1, "authorisation", id=held.pk, status=status)])
        held.refresh_from_db()
        return held.status

    assert became("SENT") == "SENT"
    assert became("EXPIRED") == "EXPIRED"
    assert became("FUELLING") == "EXPIRED"
    assert became("USED") == "USED"
    assert became("SENT") == "USED"


def test_an_alarm_is_raised_and_cleared_by_the_machine(nozzle: Nozzle) -> None:
    told = {
        "kind": "SILENCE",
        "subject": "1 号机",
        "text": "1 号机 无应答",
        "station": nozzle.station_id,
        "nozzle": nozzle.pk,
        "line": None,
        "at": make.NOW.isoformat(),
    }
    spooled.move([_moving(1, "alarm", **told, over=False)])
    assert Alarm.objects.get().status == "OPEN"
    spooled.move([_moving(2, "alarm", **told, over=True)])
    assert Alarm.objects.get().status == "CLEARED"


@pytest.mark.req("DEV-05")
def test_a_local_stop_is_noted_once_beside_the_page_s_own_row(nozzle: Nozzle) -> None:
    for _ in range(2):
        local_stop.note(station=nozzle.station, kind="STOP_ALL", who="Li", at=make.NOW)
    [command] = Command.objects.all()
    assert (command.kind, command.status) == ("STOP_ALL", "DONE")
