"""What a line of eight heads can do at 9600 baud, reckoned byte by byte; no clock of a machine."""

import itertools
from pathlib import Path

import pytest

from devices.line.reporting import AUDIT_LAST
from devices.line.wire import OWN_GAP
from devices.protocols import asks, table
from devices.protocols.base import Seconds
from devices.simulator.bus import ANSWER_DELAY, Faults
from tests.devices.line.kit import gaskit, line_of, twowire, wiring
from tests.devices.line.timed import Timed, Traffic, wait

HALF_A_SECOND: Seconds = 0.5
BYTE: Seconds = 11 / 9600
POLL, EOT, ACK, DELIVERED = 3, 3, 3, 16  # bytes; DELIVERED: litres and yuan in one block
TURNAROUND, BEFORE_ACK = 0.035, 0.005


def _line(folder: Path, heads: int = 8) -> Timed:
    site = Timed(folder, wiring(*range(0x50, 0x50 + heads), nozzles=2))
    site.ready()
    return site


def _longest(site: Timed, steady: int, changing: int, seconds: Seconds = 60) -> Seconds:
    traffic = Traffic(site, steady=steady, changing=changing)
    traffic.begin()
    traffic.run(seconds)
    return traffic.longest()


@pytest.mark.req("DEV-01")
def test_the_worst_case_by_the_wire_leaves_room_below_half_a_second() -> None:
    """A round of eight heads that each have litres and yuan to tell, as docs/wire.md says."""
    told = (POLL + DELIVERED + ACK) * BYTE + ANSWER_DELAY + BEFORE_ACK + OWN_GAP
    nothing = (POLL + EOT) * BYTE + ANSWER_DELAY + TURNAROUND
    assert nothing < told < 0.0563
    assert 8 * told < 0.450


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize(
    ("steady", "changing"), [(1, 0), (4, 0), (8, 0), (7, 1), (6, 2), (4, 4), (1, 7)]
)
def test_fuelling_heads_are_asked_within_half_a_second_whatever_the_others_do(
    tmp_path: Path, steady: int, changing: int
) -> None:
    site = _line(tmp_path)
    assert _longest(site, steady, changing) <= HALF_A_SECOND
    others = [wait(times) for address, times in site.asked.items() if address >= 0x50 + steady]
    assert max(others, default=0) <= 1.6
    assert all(fact["flags"] == [] for fact in site.bodies("fill"))


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize(("steady", "changing"), [(8, 0), (7, 1), (4, 4), (1, 7)])
def test_heads_of_gaskitlink_are_asked_within_half_a_second_too(
    tmp_path: Path, steady: int, changing: int
) -> None:
    site = Timed(tmp_path, gaskit(*range(1, 9)))
    site.ready()
    assert _longest(site, steady, changing) <= HALF_A_SECOND
    others = [wait(times) for address, times in site.asked.items() if address > steady]
    assert max(others, default=0) <= 1.6
    assert all(fact["flags"] == [] for fact in site.bodies("fill"))


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize(("nozzles", "most"), [(2, 0.56), (4, 0.9)])
@pytest.mark.parametrize(("steady", "changing"), [(8, 0), (7, 1), (4, 4), (1, 7)])
def test_pumps_of_two_wire_wait_no_longer_than_one_reading_of_totals_more(
    tmp_path: Path, steady: int, changing: int, nozzles: int, most: Seconds
) -> None:
    site = Timed(tmp_path, twowire(*range(1, 9), nozzles=nozzles))
    site.ready()
    assert _longest(site, steady, changing) <= (most if changing else 0.23)
    others = [wait(times) for address, times in site.asked.items() if address > steady]
    assert max(others, default=0) <= 1.6
    assert all(fact["flags"] == [] for fact in site.bodies("fill"))


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize(
    ("key", "heads", "changing", "most"),
    [
        (table.AZT, 4, 0, 0.33),
        (table.AZT, 4, 2, 0.54),
        (table.AZT, 8, 0, 0.61),
        (table.AZT, 8, 4, 0.72),
        (table.ZHENGXING, 4, 0, 0.53),
        (table.ZHENGXING, 4, 2, 0.55),
        (table.ZHENGXING, 8, 0, 1.05),
        (table.ZHENGXING, 8, 4, 1.05),
        (table.IFSF, 8, 0, 0.17),
        (table.IFSF, 8, 4, 0.5),
    ],
)
def test_other_lines_wait_as_long_as_is_said_of_them(
    tmp_path: Path, key: str, heads: int, changing: int, most: Seconds
) -> None:
    site = Timed(tmp_path, line_of(key, *range(1, heads + 1)))
    site.ready()
    assert _longest(site, heads - changing, changing) <= most
    assert all(fact["flags"] == [] for fact in site.bodies("fill"))


@pytest.mark.req("DEV-01")
def test_damage_costs_a_fuelling_head_one_window_and_not_its_turn(tmp_path: Path) -> None:
    """One frame in fifty damaged each way: a silence is a window of 120 ms, rarely two in a round."""
    site = _line(tmp_path)
    site.bus.faults = Faults(damaged=50, unheard=50)
    assert _longest(site, 8, 0, 120) <= 0.75


def test_dead_heads_are_looked_for_rarely_while_the_others_fuel(tmp_path: Path) -> None:
    site = _line(tmp_path)
    site.bus.faults.dead.update((0x56, 0x57))
    site.run(10)
    assert _longest(site, 6, 0) <= HALF_A_SECOND
    assert wait(site.asked[0x57]) <= 8
    site.bus.faults.dead.clear()
    site.until(lambda: site.points[0x57].synced)


def test_totals_wait_while_many_fuel_but_not_for_ever(tmp_path: Path) -> None:
    site = _line(tmp_path)
    asked: list[Seconds] = []
    submit = site.codec.submit

    def listening(command: asks.Command) -> None:
        if isinstance(command, asks.ReadTotals):
            asked.append(site.now)
        submit(command)

    site.codec.submit = listening  # type: ignore[method-assign]
    site.run(100)
    apart = [after - before for before, after in itertools.pairwise(asked)]
    assert len(asked) >= 16
    assert sorted(apart)[len(apart) // 2] > 0.5  # not all heads at once
    traffic = Traffic(site, steady=6, changing=0)
    traffic.begin()
    asked.clear()
    traffic.run(AUDIT_LAST - 60)
    assert asked == []
    traffic.run(120)
    assert len(asked) >= 2
