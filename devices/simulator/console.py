"""A simulated Veeder-Root console: questions in, answers out. No port, no clock of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from devices.protocols.veeder_root import alarms, display, frames
from devices.protocols.veeder_root import messages as m
from devices.protocols.veeder_root.codec import SERIAL
from devices.protocols.veeder_root.units import foreign
from devices.simulator.probes import Probe

HOUSE = "STATION 001"
MOST_TYPED = 128  # characters that a console keeps of a question
_HEADS = {
    m.Units.METRIC: ("LITERS", "DEG C"),
    m.Units.US: ("GALLONS", "DEG F"),
    m.Units.IMPERIAL: ("GALLONS", "DEG F"),
}


@dataclass(slots=True)
class ConsoleFaults:
    """What may be wrong. Numbers: one answer in so many (0: never, 1: always)."""

    damaged: int = 0  # a flipped bit
    halved: int = 0  # half an answer
    lost: int = 0  # no answer
    noise: int = 0  # bytes of nobody before the answer
    wrong_tank: int = 0  # the answer to a question for another tank
    silent: bool = False


@dataclass(slots=True)
class ConsoleOptions:
    """What sort of console it is."""

    units: m.Units = m.Units.METRIC
    display_only: bool = False  # it does not know the computer format
    bare: bool = False  # display answers without SOH and ETX
    tells_units: bool = True
    floats: int = len(m.TANK_FIGURES)  # 6: an older one
    heights: bool = True  # deliveries with heights
    security: str = ""
    terse_unknown: bool = False  # the other way of saying that it does not know


class Console:
    """Answers by what its probes say. `clock` gives the wall's time; its own may be off."""

    settings = SERIAL

    def __init__(
        self,
        probes: Iterable[Probe],
        *,
        clock: Callable[[], datetime],
        options: ConsoleOptions | None = None,
        dice: random.Random | None = None,
    ) -> None:
        self.probes = {probe.number: probe for probe in probes}
        self.options = options or ConsoleOptions()
        self.faults = ConsoleFaults()
        self.off = timedelta(0)  # the console's clock against the wall's
        self.asked: list[str] = []  # codes, for tests
        self._clock = clock
        self._dice = dice or random.Random()
        self._heard = b""

    @property
    def stamp(self) -> str:
        """The console's own time."""
        return (self._clock() + self.off).strftime("%y%m%d%H%M")

    # ------------------------------------------------------------------ the wire

    def feed(self, data: bytes) -> list[bytes]:
        """What comes back, one entry for each question."""
        self._heard += data
        out = []
        while b"\n" in self._heard:
            line, _, self._heard = self._heard.partition(b"\n")
            answer = self._line(line)
            if answer is not None:
                out.append(answer)
        self._heard = self._heard[-MOST_TYPED:]
        return out

    def _line(self, line: bytes) -> bytes | None:
        start = line.rfind(frames.SOH)
        if start < 0 or self.faults.silent or self._happens(self.faults.lost):
            return None
        text = line[start + 1 :].strip(b"\r").decode("latin-1")
        if not text.startswith(self.options.security):
            return None
        text = text.removeprefix(self.options.security)
        code, data = text[: frames.CODE], text[frames.CODE :]
        self.asked.append(code)
        return self._spoil(self._answer(code, data))

    def _spoil(self, answer: bytes) -> bytes:
        if self._happens(self.faults.damaged):
            spoilt = bytearray(answer)
            spoilt[self._dice.randrange(len(spoilt))] ^= 1 << self._dice.randrange(8)
            answer = bytes(spoilt)
        if self._happens(self.faults.halved):
            answer = answer[: len(answer) // 2]
        if self._happens(self.faults.noise):
            answer = bytes(self._dice.randrange(128, 256) for _ in range(5)) + answer
        return answer

    def _happens(self, one_in: int) -> bool:
        return one_in > 0 and self._dice.randrange(one_in) == 0

    # ------------------------------------------------------------------ answers

    def _answer(self, code: str, data: str) -> bytes:
        if len(code) < frames.CODE or not code[4:].isdecimal():
            return self._unknown()
        if self._happens(self.faults.wrong_tank):
            code = f"{code[:4]}{(int(code[4:]) + 1) % 100:02d}"
        chosen = [one for n, one in sorted(self.probes.items()) if int(code[4:]) in (0, n)]
        if code[0] in "is" and not self.options.display_only:
            said = self._computer(code, data, chosen)
            return self._unknown() if said is None else frames.computer(code, self.stamp, said)
        if code[0] in "IS":
            lines = self._display(code, data, chosen)
            if lines is not None:
                return self._text(code, lines)
        return self._unknown()

    def _unknown(self) -> bytes:
        said = frames.UNKNOWN[1 if self.options.terse_unknown else 0]
        return frames.SOH + said + frames.ETX

    def _text(self, code: str, lines: list[str]) -> bytes:
        head = [display.stamp_as_text(self.stamp), "", HOUSE, "", ""]
        text = display.frame(code, [*head, *lines])
        return text[1:-1] if self.options.bare else text

    def _tanks(self, chosen: list[Probe]) -> list[m.Tank]:
        return [foreign(one.reading(), self.options.units) for one in chosen]

    def _deliveries(self, one: Probe, last: bool) -> list[m.Delivery]:
        rows = one.deliveries[-1:] if last else one.deliveries
        return [foreign(row, self.options.units) for row in rows]

    def _computer(self, code: str, data: str, chosen: list[Probe]) -> str | None:
        match code[1:4]:
            case "201":
                return m.write_inventory(self._tanks(chosen), self.options.floats)
            case "202" | "20C":
                rows = [(p.number, p.product, self._deliveries(p, code[3] == "C")) for p in chosen]
                return m.write_deliveries(rows, 10 if self.options.heights else 8)
            case "205":
                return m.write_tank_alarms((one.number, one.alarms()) for one in chosen)
            case "101":
                return m.write_system(self._system())
            case "501":
                return self._clock_said(code, data)
            case "517" if self.options.tells_units:
                return f"{self.options.units}01"
            case "602":
                return m.write_labels((one.number, one.label) for one in chosen)
            case "902":
                return "SOFTWARE# 346116-100-F"
        return None

    def _system(self) -> list[tuple[str, str, int]]:
        return [("02", kind, one.number) for one in self.probes.values() for kind in one.alarms()]

    def _clock_said(self, code: str, data: str) -> str:
        if code[0] in "sS":
            year, month, day, hour, minute = frames.read_stamp(data)
            wall = self._clock()
            told = datetime(year, month, day, hour, minute, tzinfo=wall.tzinfo)
            self.off = told - wall.replace(second=0, microsecond=0)
        return self.stamp

    # ------------------------------------------------------------------ answers in text

    def _display(self, code: str, data: str, chosen: list[Probe]) -> list[str] | None:
        match code[1:4]:
            case "201":
                return self._inventory_text(chosen)
            case "202" | "20C":
                return self._delivery_text(chosen, code[3] == "C")
            case "205":
                return self._status_text(chosen)
            case "101":
                return self._system_text()
            case "501":
                return [display.stamp_as_text(self._clock_said(code, data))]
            case "517" if self.options.tells_units:
                word = {"1": "U.S.", "2": "METRIC", "3": "IMPERIAL U.K."}[self.options.units]
                return ["SYSTEM UNITS", f"  {word}"]
        return None

    def _inventory_text(self, chosen: list[Probe]) -> list[str]:
        rows = [
            f"{one.tank:3d}  {self.probes[one.tank].label:<20}{one.volume:8.0f}"
            f"{one.tc_volume:10.0f}{one.ullage:9.0f}{one.height:9.2f}{one.water:9.2f}"
            f"{one.temperature:9.2f}"
            for one in self._tanks(chosen)
        ]
        head = "TANK PRODUCT             VOLUME TC VOLUME   ULLAGE   HEIGHT    WATER     TEMP"
        return ["IN-TANK INVENTORY", "", head, *rows]

    def _delivery_text(self, chosen: list[Probe], last: bool) -> list[str]:
        volume, heat = _HEADS[self.options.units]
        out = ["DELIVERY REPORT", ""]
        for one in chosen:
            out += [
                f"T {one.number}:{one.label}",
                f"INCREASE   DATE / TIME             {volume} TC {volume} WATER  TEMP {heat}  HEIGHT",
                "",
            ]
            for row in self._deliveries(one, last):
                out += [
                    _side("END", row.ended, row.end_volume, row.end_tc, row.end_water,
                          row.end_temperature, row.end_height),
                    _side("START", row.started, row.start_volume, row.start_tc, row.start_water,
                          row.start_temperature, row.start_height),
                    f"   AMOUNT:                       {_less(row.end_volume, row.start_volume):9.0f}",
                    "",
                ]  # fmt: skip
        return out

    def _status_text(self, chosen: list[Probe]) -> list[str]:
        out = ["TANK   PRODUCT                 STATUS", ""]
        for one in chosen:
            words = [alarms.type_of(code).display for code in one.alarms()] or ["NORMAL"]
            out.append(f"{one.number:3d}    {one.label or 'PRODUCT':<20}    {words[0]}")
            out += [" " * 31 + word for word in words[1:]]
        return out

    def _system_text(self) -> list[str]:
        states = self._system()
        if not states:
            return ["SYSTEM STATUS REPORT", "", "ALL FUNCTIONS NORMAL"]
        words = [f"T {tank}:{alarms.type_of(kind).display}" for _, kind, tank in states]
        return ["SYSTEM STATUS REPORT", "", *words]


def _less(one: Decimal | None, other: Decimal | None) -> Decimal:
    return (one or Decimal(0)) - (other or Decimal(0))


def _side(word: str, stamp: str, *figures: Decimal | None) -> str:
    volume, tc, water, heat, height = (one or Decimal(0) for one in figures)
    at = display.stamp_as_text(stamp)
    return f"{word:>9}: {at:<22}{volume:9.0f}{tc:11.0f}{water:8.2f}{heat:10.2f}{height:9.2f}"
