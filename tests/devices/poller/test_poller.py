"""The poller between simulated heads and PostgreSQL: whole, killed, and left alone."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.timezone import now

from devices.models import (
    Alarm,
    Authorisation,
    Command,
    DispenserWiring,
    Fill,
    LineState,
    NozzleState,
    Swipe,
    TotalizerReading,
)
from devices.poller.main import Poller
from devices.queries import site
from devices.services import authorising, commands, local_stop
from station.models import Station
from tests import make
from tests.devices.poller.kit import Process, Proxy, Wired, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def wired(tmp_path: Path, settings) -> Iterator[Wired]:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    made = Wired(tmp_path)
    yield made
    made.close()


@pytest.fixture
def poller(wired: Wired) -> Iterator[Poller]:
    made = Poller(wired.var)
    thread = threading.Thread(target=made.run)
    thread.start()
    until(lambda: _state(wired) == "IDLE")
    yield made
    made.ending.set()
    thread.join()


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    made = Proxy(tmp_path)
    yield made
    made.cut()


def _state(wired: Wired, index: int = 0) -> str:
    rows = NozzleState.objects.filter(nozzle=wired.nozzles[index])
    return rows.values_list("state", flat=True).first() or ""


def _authorise(wired: Wired, **fields: Decimal) -> Authorisation:
    return authorising.authorise(
        nozzle=wired.nozzle, actor=make.attendant(wired.station), at=now(), **fields
    )


@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
def test_a_fill_is_a_row_within_a_second_of_hanging_up(wired: Wired, poller: Poller) -> None:
    wired.customer()
    until(Fill.objects.exists, 1, "the fill is recorded")
    fill = Fill.objects.get()
    assert fill.litres == wired.delivered() == fill.totalizer_after
    assert abs(fill.litres * fill.unit_price - fill.amount) <= Decimal("0.01")
    assert (fill.nozzle, fill.tank, fill.grade) == (
        wired.nozzle,
        wired.nozzle.tank,
        wired.nozzle.tank.grade,
    )
    assert (fill.day.status, fill.shift.status, fill.source) == ("OPEN", "OPEN", "PUMP")
    assert fill.lifted_at < fill.started_at < fill.occurred_at
    until(lambda: NozzleState.objects.get(nozzle=wired.nozzle).totalizer == fill.totalizer_after)
    state = NozzleState.objects.get(nozzle=wired.nozzle)
    assert state.unit_price == Decimal("7.52")
    assert TotalizerReading.objects.filter(kind="OPENING").count() == 2
    until(lambda: LineState.objects.filter(line=wired.line, is_open=True).exists())


@pytest.mark.req("SAL-03")
def test_a_preset_from_the_page_is_confirmed_kept_and_carried_by_its_fill(
    wired: Wired, poller: Poller
) -> None:
    made = _authorise(wired, amount=Decimal("20.00"))
    until(lambda: Command.objects.get().status == "DONE", 3)
    made.refresh_from_db()
    assert made.status == "SENT"
    wired.pump.lift(1)
    wired.pump.squeeze(Decimal(4))
    until(lambda: wired.pump.status == 6)
    until(lambda: _state(wired) == "SUSPENDED")
    wired.pump.hang()
    until(Fill.objects.exists)
    fill = Fill.objects.get()
    assert (fill.amount, fill.authorisation) == (Decimal("20.00"), made)
    until(lambda: Authorisation.objects.get().status == "USED")


def test_an_authorisation_can_be_cancelled_and_a_late_command_is_void(
    wired: Wired, poller: Poller
) -> None:
    made = _authorise(wired)
    until(lambda: _state(wired) == "AUTHORISED")
    authorising.cancel(authorisation=made, actor=None, at=now())
    until(lambda: Authorisation.objects.get().status == "CANCELLED")
    late = commands.queue(
        kind="STOP",
        station=wired.station,
        nozzle=wired.nozzle,
        actor=None,
        at=now() - timedelta(minutes=1),
    )
    until(lambda: Command.objects.get(pk=late.pk).status == "VOID")
    lost = commands.queue(
        kind="READ_TOTALS",
        station=wired.station,
        nozzle=make.nozzle(wired.station),
        actor=None,
        at=now(),
    )
    until(lambda: Command.objects.get(pk=lost.pk).status == "FAILED")


@pytest.mark.req("SAL-05")
def test_a_new_price_reaches_the_head_and_the_command_says_so(wired: Wired, poller: Poller) -> None:
    make.price(wired.station, wired.nozzle.tank.grade, "7.30", since=now())
    command = commands.queue(
        kind="PRICE",
        station=wired.station,
        nozzle=wired.nozzle,
        actor=None,
        at=now(),
        arguments={"price": "7.30"},
    )
    until(lambda: Command.objects.get(pk=command.pk).status == "DONE", 5)
    assert wired.pump.prices == {1: 730, 2: 803}
    until(lambda: TotalizerReading.objects.filter(kind="PRICE", nozzle=wired.nozzle).exists())


@pytest.mark.req("DEV-05")
def test_the_emergency_stop_by_page_and_by_socket(wired: Wired, poller: Poller) -> None:
    wired.pump.lift(1)
    wired.pump.squeeze(Decimal("0.5"))
    until(lambda: wired.pump.status == 4)
    assert local_stop.send("STOP_ALL", "收银员 Li") == "OK"
    until(lambda: wired.pump.status == 5, 1, "stopped")
    until(lambda: Command.objects.filter(kind="STOP_ALL", status="DONE").exists())
    assert "收银员 Li" in Command.objects.get().answer
    wired.pump.hang()
    until(lambda: _state(wired, 1) == "STOPPED")
    authorising.release_all(station=wired.station, actor=None, at=now())
    until(lambda: _state(wired, 1) == "IDLE")
    stop = authorising.stop_all(station=wired.station, actor=None, at=now())
    until(lambda: Command.objects.get(pk=stop.pk).status == "DONE")
    assert poller.halted
    call_command("emergency_stop", release=True)
    assert not poller.halted
    assert local_stop.send("SING", "x") == "?"


def test_without_a_poller_the_socket_says_so(tmp_path: Path, settings) -> None:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    assert local_stop.send("STOP_ALL", "x") == ""
    with pytest.raises(CommandError, match="急停按钮"):
        call_command("emergency_stop")


@pytest.mark.req("DEV-02")
def test_a_scan_is_one_row_with_a_meaning(wired: Wired, poller: Poller) -> None:
    wired.station.read_rules.create(position=1, medium="CODE", pattern=r"69\d{11}", meaning="GOODS")
    until(lambda: poller.sides[wired.gun.pk].live.is_open)
    wired.scanner.write(b"6901234567892\r")
    wired.scanner.write(b"134567890123456789\r")
    wired.scanner.write(b"hello\r")
    until(lambda: Swipe.objects.count() == 3)
    assert list(Swipe.objects.order_by("id").values_list("text", "meaning", "outcome")) == [
        ("6901234567892", "GOODS", "KNOWN"),
        ("13************6789", "PAYMENT_CODE", "KNOWN"),
        ("hello", "UNKNOWN", "UNKNOWN"),
    ]


def test_lines_follow_the_wiring(wired: Wired, poller: Poller) -> None:
    wired.line.active = False
    wired.line.save()
    commands.queue(kind="REWIRE", station=wired.station, actor=None, at=now())
    until(lambda: _state(wired) == "OFFLINE")
    assert list(poller.pumps) == []
    wired.line.active = True
    wired.line.options = {"idle_poll_ms": 100}
    wired.line.save()
    commands.queue(kind="REWIRE", station=wired.station, actor=None, at=now())
    until(lambda: _state(wired) == "IDLE")


def test_a_dead_head_is_an_alarm_until_it_answers(wired: Wired, poller: Poller) -> None:
    wired.heads.bus.faults.dead.add(0x50)
    until(lambda: Alarm.objects.filter(kind="SILENCE", status="OPEN").exists())
    assert _state(wired) == "OFFLINE"
    wired.heads.bus.faults.dead.clear()
    until(lambda: Alarm.objects.filter(kind="SILENCE", status="CLEARED").exists())


@pytest.mark.req("SAL-04", "DEV-01")
def test_wrong_decimals_are_an_alarm_in_words_and_no_fill_until_they_are_put_right(
    wired: Wired, poller: Poller
) -> None:
    def count_in(places: int) -> None:
        DispenserWiring.objects.update(volume_decimals=places, totals_decimals=places)
        commands.queue(kind="REWIRE", station=wired.station, actor=None, at=now())

    count_in(2)
    until(lambda: Alarm.objects.filter(kind="SCALE", status="OPEN").exists())
    until(lambda: _state(wired) == "CLOSED")
    alarm = Alarm.objects.get(kind="SCALE")
    assert "升数机上 3 位、接线 2 位" in alarm.text and "改正前不授权、不入账" in alarm.text
    wired.pump.lift(1)
    wired.pump.squeeze(Decimal(4))
    with pytest.raises(AssertionError):
        until(lambda: wired.pump.status in (2, 4), 2)
    wired.pump.hang()
    count_in(3)
    until(lambda: _state(wired) == "IDLE")
    until(lambda: Alarm.objects.get(kind="SCALE").status == "CLEARED")
    wired.customer()
    until(Fill.objects.exists)
    assert wired.recorded() == wired.delivered()
    assert not Alarm.objects.filter(kind__in=["BACKWARDS", "GAP"]).exists()


def test_fills_wait_in_the_spool_until_somebody_is_on_duty(wired: Wired, poller: Poller) -> None:
    station = Station.objects.get(pk=wired.station.pk)
    shift = station.shifts.get()
    station.shifts.update(status="HANDED_OVER", handed_over_at=now())
    wired.customer()
    until(lambda: poller.spool.troubled())
    assert not Fill.objects.exists()
    station.shifts.update(status="OPEN", handed_over_at=None)
    until(Fill.objects.exists)
    assert Fill.objects.get().shift == shift


def test_the_wiring_reads_back_the_way_it_was_told(wired: Wired) -> None:
    make.price(wired.station, wired.nozzle.tank.grade, "9.99", since=now() + timedelta(hours=1))
    [line, gun] = site.wiring(at=now())
    assert gun.reader == wired.reader.pk
    [point] = line.points
    first = point.nozzles[0]
    assert [str(price.price) for price in first.prices] == ["7.52", "9.99"]
    assert (first.digits, first.epoch, first.totalizer, first.mode) == (7, 0, None, "AUTO")
    assert line.go_on_alone


def test_a_second_poller_is_refused(wired: Wired, settings) -> None:  # type: ignore[no-untyped-def]
    code = (
        "import fcntl,sys;f=open(sys.argv[1],'w');fcntl.flock(f,fcntl.LOCK_EX);"
        "print('held',flush=True);sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(wired.var / "poller.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(CommandError, match="已经在运行"):
            call_command("poll")
        holder.communicate()


# --------------------------------------------------------------------------- killed


@pytest.mark.timeout(280)
@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
def test_killed_at_any_step_of_its_spool_nothing_is_lost_and_nothing_is_told_twice(
    wired: Wired, proxy: Proxy
) -> None:
    """Each process dies at another statement of its spool, while customers go on filling."""
    pump = wired.pump

    def fuel_flows() -> bool:
        return pump.status == 4 and pump.shown.volume > 1000

    def recorded() -> bool:
        return wired.recorded() == wired.delivered()

    died = 0
    for die_at in (23, 28, 32, 36, 40, 44, 49, 0):
        with Process(wired.var, proxy.url, die_at) as process:
            for position in (1, 2):
                pump.lift(position)
                pump.squeeze(Decimal(5))
                _while_alive(process, fuel_flows, 30)
                pump.hang()
                _while_alive(process, recorded, 10)
            died += not process.alive
            if die_at == 0:
                until(recorded, 30, "everything is recorded")
                assert process.end() == 0
    assert died >= 5
    assert wired.recorded() == wired.delivered() > 0
    keys = list(Fill.objects.values_list("nozzle", "meter_epoch", "totalizer_after"))
    assert len(keys) == len(set(keys)) >= 4
    assert not Alarm.objects.filter(kind="GAP").exists()
    for fill in Fill.objects.all():
        assert abs(fill.litres * fill.unit_price - fill.amount) <= Decimal("0.01")


def _while_alive(process: Process, true: Callable[[], bool], seconds: float) -> None:
    """Until it is true, the process has died, or patience has ended."""
    end = time.monotonic() + seconds
    while process.alive and time.monotonic() < end and not true():
        time.sleep(0.05)


@pytest.mark.timeout(200)
@pytest.mark.req("DEV-01", "SAL-02")
def test_without_postgresql_fuel_flows_on_and_everything_is_caught_up(
    wired: Wired, proxy: Proxy
) -> None:
    with Process(wired.var, proxy.url) as process:
        until(lambda: _state(wired) == "IDLE", 30)
        wired.customer(1)
        until(lambda: Fill.objects.count() == 1)
        proxy.cut()
        wired.customer(2)
        wired.customer(1)
        process.kill()  # and while it is away, the poller dies too
    with Process(wired.var, proxy.url) as process:
        wired.customer(2)
        proxy.mend()
        until(lambda: wired.recorded() == wired.delivered(), 30, "caught up")
        assert Fill.objects.count() == 4
        assert process.end() == 0


@pytest.mark.timeout(200)
def test_the_offline_policy_stop_lets_no_fuel_flow_without_postgresql(
    wired: Wired, proxy: Proxy
) -> None:
    Station.objects.filter(pk=wired.station.pk).update(offline_policy="STOP")
    with Process(wired.var, proxy.url) as process:
        until(lambda: _state(wired) == "IDLE", 30)
        proxy.cut()
        until(lambda: "database_away" in (wired.var / "poller.log").read_text())
        wired.pump.lift(1)
        wired.pump.squeeze(Decimal(4))
        with pytest.raises(AssertionError):
            until(lambda: wired.pump.status in (2, 4), 3)
        proxy.mend()
        until(lambda: wired.pump.status == 4)
        wired.pump.hang()
        until(lambda: wired.recorded() == wired.delivered() > 0)
        assert process.end() == 0


def test_commands_taken_by_a_process_that_died_have_failed(wired: Wired) -> None:
    command = commands.queue(
        kind="STOP", station=wired.station, nozzle=wired.nozzle, actor=None, at=now()
    )
    Command.objects.filter(pk=command.pk).update(status="TAKEN")
    made = Poller(wired.var)
    thread = threading.Thread(target=made.run)
    thread.start()
    until(lambda: Command.objects.get(pk=command.pk).status == "FAILED")
    made.ending.set()
    thread.join()
    assert connection.vendor == "postgresql"
