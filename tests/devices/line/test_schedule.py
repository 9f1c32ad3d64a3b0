"""Whose turn it is: fuelling within half a second, commands at once, the dead rarely."""

import itertools

from devices.line.schedule import LONGEST_PAUSE, Schedule
from devices.protocols.base import Seconds, Timing

TIMING = Timing(window=0.12, turnaround=0.035, reply_turnaround=0.005, idle_poll=0.2, busy_poll=0.2)
EIGHT = range(0x50, 0x58)


def _run(
    schedule: Schedule, seconds: int = 20, *, cost: Seconds = 0.06, dead: set[int] | None = None
) -> dict[int, list[Seconds]]:
    """When each address was asked, where an exchange costs so much and a silence 0.155."""
    asked: dict[int, list[Seconds]] = {address: [] for address in schedule.turns}
    now = 0.0
    while now < seconds:
        address = schedule.pick(now)
        if address is None:
            assert schedule.next_due() > now
            now = schedule.next_due()
            continue
        schedule.asked(address, now)
        asked[address].append(now)
        if address in (dead or ()):
            schedule.silent(address)
            now += 0.155
        else:
            now += cost
            schedule.answered(address, now)
    return asked


def _longest(times: list[Seconds]) -> Seconds:
    return max(after - before for before, after in itertools.pairwise(times))


def test_eight_fuelling_addresses_are_never_half_a_second_apart() -> None:
    for fuelling in (1, 4, 7, 8):
        schedule = Schedule(EIGHT, TIMING)
        for address in list(EIGHT)[:fuelling]:
            schedule.turns[address].fuelling = True
        asked = _run(schedule)
        for address in list(EIGHT)[:fuelling]:
            assert _longest(asked[address][2:]) <= 0.5
        for address in list(EIGHT)[fuelling:]:
            assert _longest(asked[address][2:]) <= 0.95


def test_a_command_goes_on_at_once_where_nobody_fuels() -> None:
    schedule = Schedule(EIGHT, TIMING)
    schedule.turns[0x53].busy = True
    asked = _run(schedule, 4)
    assert len(asked[0x53]) > 4 * len(asked[0x50])


def test_a_command_is_not_starved_by_seven_that_fuel() -> None:
    schedule = Schedule(EIGHT, TIMING)
    for address in EIGHT:
        schedule.turns[address].fuelling = address != 0x57
    schedule.turns[0x57].busy = True
    asked = _run(schedule)
    assert _longest(asked[0x57]) <= 0.5
    assert max(_longest(asked[address][2:]) for address in EIGHT) <= 0.5


def test_a_dead_address_costs_the_others_less_than_a_twentieth() -> None:
    healthy = _run(Schedule(EIGHT, TIMING), 60)
    dead = _run(Schedule(EIGHT, TIMING), 60, dead={0x57})
    others = [sum(len(run[address]) for address in list(EIGHT)[:7]) for run in (healthy, dead)]
    assert others[1] >= others[0] * 95 / 100
    assert _longest(dead[0x57]) <= LONGEST_PAUSE + 2.2


def test_a_head_that_skips_an_answer_is_asked_again_soon_and_a_dead_one_ever_more_rarely() -> None:
    schedule = Schedule([0x50], TIMING)
    waits = []
    for _ in range(10):
        schedule.asked(0x50, 0.0)
        schedule.silent(0x50)
        waits.append(round(schedule.next_due(), 3))
    assert waits == [0.1, 0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0, 3.0]
    assert schedule.pick(2.9) is None
    schedule.answered(0x50, 3.1)
    assert schedule.next_due() == TIMING.idle_poll


def test_a_fuelling_head_that_skips_an_answer_is_not_put_behind_the_others() -> None:
    schedule = Schedule(EIGHT, TIMING)
    for address in EIGHT:
        schedule.turns[address].fuelling = True
    asked: dict[int, list[Seconds]] = {address: [] for address in EIGHT}
    now, count = 0.0, 0
    while now < 60:
        address = schedule.pick(now)
        if address is None:
            now = schedule.next_due()
            continue
        schedule.asked(address, now)
        asked[address].append(now)
        count += 1
        if count % 50 == 0:
            schedule.silent(address)
            now += 0.14
        else:
            now += 0.056
            schedule.answered(address, now)
    assert max(_longest(times) for times in asked.values()) <= 0.56


def test_on_a_line_that_is_too_full_the_others_come_in_one_by_one() -> None:
    sixteen = range(0x50, 0x60)
    schedule = Schedule(sixteen, TIMING)
    for address in EIGHT:
        schedule.turns[address].fuelling = True
    asked = _run(schedule, 60, cost=0.056)
    assert max(_longest(asked[address][2:]) for address in EIGHT) <= 0.52
    assert max(_longest(asked[address][2:]) for address in range(0x58, 0x60)) <= 5
