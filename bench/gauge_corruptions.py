"""A million damaged answers of a tank gauge: what passes its 16-bit sum, and what would be a reading.

Each question of the poller is asked of a simulated console in computer format; its whole answer is
damaged as in `corruptions` and heard by a copy of the codec that waits for it and knows nothing yet.
A figure that is not the console's counts as another reading; fewer tanks or deliveries than it told
(what is not told changes nothing), and a level within what a few seconds may move it, do not. What is
new must be said by two answers in both formats, so each damaged answer is followed by a damaged one
of its own, and then by whole ones.

`CORRUPTIONS=10000 make bench ARGS=gauge_corruptions` is a short one.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from bench.corruptions import DAMAGED, damage
from devices.protocols.veeder_root import messages as m
from devices.protocols.veeder_root.believing import alike
from devices.protocols.veeder_root.codec import MOST_READINGS, Ask, VeederRootCodec
from devices.simulator.console import Console, ConsoleOptions
from devices.simulator.probes import Probe

ASKS = tuple(Ask(function) for function in ("517", "201", "202", "20C", "205", "101", "501"))
DISPLAY_SHARE = 10  # the display format has many more bytes an answer; a tenth of the count


@dataclass(frozen=True)
class Waiting:
    """A codec that waits for an answer, the answer, and the console that repeats it."""

    codec: VeederRootCodec
    answer: bytes
    now: float
    truth: tuple[m.Said, ...]


def main() -> bool:
    """Print the figures of both formats; True when no damaged answer became another reading."""
    well = True
    for label, display, count in (
        ("Veeder-Root 计算机格式", False, DAMAGED),
        ("Veeder-Root 显示格式", True, DAMAGED // DISPLAY_SHARE),
    ):
        dice = random.Random(20260422)
        asked = _asked(display=display)
        passed = others = 0
        for _ in range(count):
            one = dice.choice(asked)
            good, other = _struck(one, dice.choice(asked).answer, dice)
            passed += good
            others += other
        print(f"{label}：{count} 次损坏，{passed} 次当作完整回答（{passed / count:.6f}），")
        print(f"   得出别的读数 {others} 次", flush=True)
        well = well and not others
    return well


def _console(*, display: bool) -> Console:
    probes = [
        Probe(1, "1", "92#", volume=Decimal("19324.971")),
        Probe(2, "2", "0#", volume=Decimal(8000), water_mm=Decimal("12.5")),
    ]
    probes[0].deliver(Decimal(3000), Decimal(10), "2611220200")
    probes[0].advance(10, "2611220210")
    probes[0].advance(30, "2611220211")
    when = datetime(2026, 11, 22, 2, 54, tzinfo=UTC)
    options = ConsoleOptions(display_only=display)
    return Console(probes, clock=lambda: when, options=options, dice=random.Random(1))


def _asked(*, display: bool) -> list[Waiting]:
    """Every question in the format, just asked, with what an undamaged answer says."""
    console, waiting = _console(display=display), []
    for ask in ASKS:
        codec = VeederRootCodec()
        codec.units = m.Units.METRIC
        codec.submit(ask)
        while (request := codec.next(0.0)) is not None:
            answer = b"".join(console.feed(request.data))
            waits = copy.deepcopy(codec)
            truth = _truth(waits, answer)
            if truth:
                waiting.append(Waiting(waits, answer, 0.1, truth))
                break
            if not codec.feed(answer, 0.1).finished:  # it goes on in the other format
                codec.expire(codec.until)
    assert waiting, "no question was answered"
    return waiting


def _truth(codec: VeederRootCodec, answer: bytes) -> tuple[m.Said, ...]:
    """What the codec makes of undamaged answers, as often as it asks for them."""
    fresh = copy.deepcopy(codec)
    said: list[m.Said] = []
    for _ in range(MOST_READINGS):
        outcome = fresh.feed(answer, 0.1)
        if not outcome.finished:
            outcome = fresh.expire(fresh.until)
        said += _said(outcome.events)
        if said or fresh.next(0.2) is None:
            break
    return tuple(said)


def _struck(one: Waiting, other: bytes, dice: random.Random) -> tuple[bool, bool]:
    """Whether damaged answers were taken for whole ones, and whether they became another reading."""
    codec = copy.deepcopy(one.codec)
    good, said = False, list[m.Said]()
    answers = [damage(one.answer, other, dice), damage(one.answer, other, dice)]
    for answer in [*answers, one.answer, one.answer, one.answer]:
        outcome = codec.feed(answer, one.now)
        if not outcome.finished:
            outcome = codec.expire(codec.until)
        good = good or (answer is not one.answer and any(heard.good for heard in outcome.heard))
        said += _said(outcome.events)
        if said or codec.next(one.now) is None:
            break
    facts = [fact for fact in said if not isinstance(fact, m.ClockRead)]  # at worst it is set right
    return good, any(not any(_same(fact, true) for true in one.truth) for fact in facts)


def _said(events: tuple[object, ...]) -> tuple[m.Said, ...]:
    return tuple(one for one in events if isinstance(one, m.Said))


def _same(fact: m.Said, true: m.Said) -> bool:
    """Whether it says what the console says, or less of it; of a level, what a few seconds may move."""
    if isinstance(fact, m.DeliveriesRead) and isinstance(true, m.DeliveriesRead):
        return set(fact.deliveries) <= set(true.deliveries)
    if isinstance(fact, m.TankAlarmsRead) and isinstance(true, m.TankAlarmsRead):
        return set(fact.alarms) <= set(true.alarms)
    if isinstance(fact, m.InventoryRead) and isinstance(true, m.InventoryRead):
        true = replace(
            true, tanks=tuple(t for t in true.tanks if t.tank in {f.tank for f in fact.tanks})
        )
    return type(fact) is type(true) and alike(fact, true, m.Units.METRIC)
