"""One console as the line knows it: what to ask when, what to believe, what follows. No port, no clock.

The console's answers become facts of the spool; water above a tank's limit becomes a hold at once.
What cannot be true is no fact, and an alarm names it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

from devices.line import facts, gauge_facts
from devices.line.holding import Holds
from devices.line.wiring import GaugedTank, LineWiring
from devices.protocols.base import Event, Seconds
from devices.protocols.veeder_root import messages as m
from devices.protocols.veeder_root.alarms import QUIET, system_in_words
from devices.protocols.veeder_root.believing import why_impossible
from devices.protocols.veeder_root.codec import Ask, NotKnown, Silent, VeederRootCodec, set_clock
from devices.spool import Fact, Spool

log = logging.getLogger(__name__)

INVENTORY_EVERY: Seconds = 10.0
SYSTEM_EVERY: Seconds = 60.0
ALIVE_EVERY: Seconds = 3.0  # so that a dead console shows within ten seconds
UNITS_AGAIN: Seconds = 60.0
DELIVERIES_EVERY: Seconds = 3600.0
CLOCK_EVERY: Seconds = 86_400.0
AFTER_DELIVERY: tuple[Seconds, ...] = (0.0, 60.0, 300.0, 900.0)  # consoles let the fuel settle
CLOCK_SLACK = timedelta(seconds=60)
MINUTE = timedelta(minutes=1)


class Gauge:
    """The questions of one console in their time, and what its answers mean."""

    def __init__(
        self,
        line: LineWiring,
        codec: VeederRootCodec,
        *,
        spool: Spool,
        holds: Holds,
        zone: tzinfo,
    ) -> None:
        self.codec = codec
        self._spool, self._holds, self._zone = spool, holds, zone
        self._due: dict[str, Seconds] = {}
        self._asked: Seconds = 0.0
        self._later: list[Seconds] = []  # when the last delivery is asked for
        self._delivering: dict[int, bool] = {}  # by number at the console
        self._told: dict[str, str | tuple[str, ...]] = {}  # what stands as an alarm, by subject
        self._retold: set[int] = set()  # holds that were told anew since the start
        self._no_last = False  # the console does not know i20C
        self._clock_set = False
        self.rewire(line)

    def rewire(self, line: LineWiring) -> None:
        """Take other tanks or limits."""
        self.line = line
        self.tanks: Mapping[int, GaugedTank] = {one.number: one for one in line.tanks}
        self._every = float(line.options.get("poll_seconds", INVENTORY_EVERY))

    def opened(self) -> None:
        """The port is open: the console may be another, so it is asked for its units first."""
        self.codec.forget()
        self._due.clear()
        self._delivering.clear()

    # ------------------------------------------------------------------ asking

    def plan(self, now: Seconds) -> None:
        """Queue what is due. What the console must say first goes first."""
        if self.codec.units is None and self._is_due(m.UNITS, now, UNITS_AGAIN):
            self._ask(Ask(m.UNITS), now)
        if self._is_due(m.INVENTORY, now, self._every):
            self._ask(Ask(m.INVENTORY), now)
            self._ask(Ask(m.TANK_STATUS), now)
        while self._later and now >= self._later[0]:
            self._later.pop(0)
            self._ask(Ask(m.DELIVERIES if self._no_last else m.LAST_DELIVERY), now)
        if self._is_due(m.DELIVERIES, now, DELIVERIES_EVERY):
            self._ask(Ask(m.DELIVERIES), now)
        if self._is_due(m.CLOCK, now, CLOCK_EVERY):
            self._ask(Ask(m.CLOCK), now)
        if self._is_due(m.SYSTEM, now, SYSTEM_EVERY) or (
            not self.codec.busy and now - self._asked >= ALIVE_EVERY
        ):
            self._ask(Ask(m.SYSTEM), now)

    def _is_due(self, name: str, now: Seconds, every: Seconds) -> bool:
        if now < self._due.get(name, now):
            return False
        self._due[name] = now + every
        return True

    def _ask(self, ask: Ask, now: Seconds) -> None:
        self.codec.submit(ask)
        self._asked = now

    # ------------------------------------------------------------------ hearing

    def hear(self, event: Event, now: Seconds, at: datetime) -> None:
        """One event of the codec."""
        if isinstance(event, m.Said):
            self._said(event, now, at)
            self._alarm("SILENCE", self.line.name, "", at)
        elif isinstance(event, Silent):
            text = f"{self.line.name}没有应答，请检查主机和接线"
            self._alarm("SILENCE", self.line.name, text, at)
        elif isinstance(event, NotKnown):
            self._no_last |= event.function == m.LAST_DELIVERY

    def _said(self, said: m.Said, now: Seconds, at: datetime) -> None:
        match said:
            case m.InventoryRead():
                self._inventory(said, now, at)
            case m.DeliveriesRead():
                self._deliveries(said, at)
            case m.TankAlarmsRead():
                self._tank_alarms(said, at)
            case m.SystemRead():
                self._system(said, at)
            case m.ClockRead():
                self._clock(said, now, at)

    def _inventory(self, said: m.InventoryRead, now: Seconds, at: datetime) -> None:
        metric = self.codec.in_metric(said)
        units = f"{self.line.name}单位"
        if not isinstance(metric, m.InventoryRead):
            self._alarm("GAUGE", units, f"{self.line.name}没有说明用公制还是英制，读数不入账："
                        "请在主机上设为公制，或在限额与参数里写明单位", at)  # fmt: skip
            return
        self._alarm("GAUGE", units, "", at)
        known = {one.tank: one for one in metric.tanks}
        good = []
        for number, wired in self.tanks.items():
            one = known.get(number)
            if self._believed(wired, one, said.format, at) and one is not None:
                good.append((wired.tank, one))
                self._watch_water(wired, one, at)
                self._watch_delivery(number, one, now)
        if good:
            self._spool.record(facts=[gauge_facts.readings(self.line.id, good, said.format, at)])

    def _believed(
        self, wired: GaugedTank, one: m.Tank | None, format: m.Format, at: datetime
    ) -> bool:
        if one is None and format is m.Format.DISPLAY:
            return False  # its line was damaged twice, or moved: the next answer may have it
        if one is None:
            why = f"主机没有报 {wired.number} 号探棒"
        else:
            why = "主机判为液位无效" if one.invalid else why_impossible(one, wired.capacity)
        text = f"{wired.name}液位仪读数不可信，未入账：{why}" if why else ""
        self._alarm("LEVEL", wired.name, text, at)
        return not why

    def _watch_water(self, wired: GaugedTank, one: m.Tank, at: datetime) -> None:
        """Above the limit nothing is sold, below it all is as before; at the limit nothing changes."""
        water = one.water
        assert water is not None
        held = self._holds.of(wired.tank)
        if held is not None and water < wired.water_limit:
            over = gauge_facts.hold(wired.tank, water, wired.water_limit, at, over=True)
            self._spool.record(facts=[over])
            self._holds.lift(wired.tank)
        elif water > wired.water_limit and held is None:
            text = f"{wired.name}罐内水高 {water} mm，超过上限 {wired.water_limit} mm"
            self._holds.put(wired.tank, text, at)
            self._tell_hold(wired, one, at)
        elif held is not None and wired.tank not in self._retold:
            self._tell_hold(wired, one, held.since)

    def _tell_hold(self, wired: GaugedTank, one: m.Tank, since: datetime) -> None:
        """Known by its beginning: after a restart it is told again, and is the same."""
        assert one.water is not None
        self._retold.add(wired.tank)
        fact = gauge_facts.hold(wired.tank, one.water, wired.water_limit, since, over=False)
        self._spool.record(facts=[fact])

    def _watch_delivery(self, number: int, one: m.Tank, now: Seconds) -> None:
        if self._delivering.get(number) and not one.delivering:
            self._later = sorted({*self._later, *(now + after for after in AFTER_DELIVERY)})
        self._delivering[number] = one.delivering

    def _deliveries(self, said: m.DeliveriesRead, at: datetime) -> None:
        metric = self.codec.in_metric(said)
        if not isinstance(metric, m.DeliveriesRead):
            return
        self._spool.record(
            facts=[
                gauge_facts.delivery(self.tanks[one.tank].tank, one, self._zone, at)
                for one in metric.deliveries
                if one.tank in self.tanks and _whole(one)
            ]
        )

    def _tank_alarms(self, said: m.TankAlarmsRead, at: datetime) -> None:
        new: list[Fact] = []
        for number, types in said.alarms:
            wired = self.tanks.get(number)
            shown = tuple(sorted(set(types) - QUIET))
            if wired is None or self._told.get(f"types:{wired.tank}") == shown:
                continue
            self._told[f"types:{wired.tank}"] = shown
            new.append(gauge_facts.alarms(wired.tank, shown, at))
        self._spool.record(facts=new)

    def _system(self, said: m.SystemRead, at: datetime) -> None:
        """What is wrong with the console and its other sensors; tanks are asked by themselves."""
        words = [system_in_words(*one) for one in said.states if one[0] != "02"]
        text = f"{self.line.name}报警：{'；'.join(words)}" if words else ""
        self._alarm("GAUGE", f"{self.line.name}主机", text, at)

    def _clock(self, said: m.ClockRead, now: Seconds, at: datetime) -> None:
        """A stamp holds for a whole minute; what is off by more than one besides is put right."""
        late = at - gauge_facts.at_of(said.time, self._zone)
        right = -CLOCK_SLACK <= late <= MINUTE + CLOCK_SLACK
        if not right and not self._clock_set:
            self._clock_set = True
            nearest = (at + MINUTE / 2).astimezone(self._zone)
            self._ask(set_clock(nearest.strftime("%y%m%d%H%M")), now)
            log.info("%s: clock was %s", self.line.name, said.time)
            return
        self._clock_set = False
        text = "" if right else f"{self.line.name}时钟不准，校时没有成功，请在主机上设置"
        self._alarm("GAUGE", f"{self.line.name}时钟", text, at)

    # ------------------------------------------------------------------ alarms

    def _alarm(self, kind: str, subject: str, text: str, at: datetime) -> None:
        """Raise it once, clear it once; at the start what may stand from before is cleared too."""
        key = f"{kind}:{subject}"
        if self._told.get(key) == text:
            return
        fact = facts.alarm(
            kind=kind,
            subject=subject,
            text=text,
            at=at,
            station=self.line.station,
            line=self.line.id,
            over=not text,
        )
        self._spool.record(facts=[fact])
        self._told[key] = text


def _whole(one: m.Delivery) -> bool:
    """A delivery whose figures are numbers, and whose volumes are none below nought."""
    figures = [getattr(one, name) for name in m.DELIVERY_FIGURES]
    volumes = (one.start_volume, one.end_volume)
    return all(value is None or value.is_finite() for value in figures) and all(
        value is not None and value >= 0 for value in volumes
    )
