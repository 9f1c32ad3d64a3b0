"""A local socket by which tests and pages play customer: one JSON object per line, one answer each.

{"do": "lift", "dispenser": 3, "nozzle": 2}
{"do": "squeeze", "dispenser": 3, "rate": "0.6"}    release, hang, power_off, power_on
{"do": "fill", "dispenser": 3, "nozzle": 2, "litres": "20"}   a whole customer; or "yuan"; "pays": false
{"do": "sell", "dispenser": 3, "nozzle": 2, "litres": "20", "price": "7.52"}   in the head's own mode
{"do": "swipe", "card": "6499026"}                  {"do": "scan", "code": "6901234567892"}
{"do": "deliver", "tank": 1, "litres": "8000", "seconds": 60}   a truck unloads; the gauge tells of it
{"do": "water", "tank": 3, "mm": "35"}               {"do": "leak", "tank": 1, "rate": "0.05"}
{"do": "lose", "tank": 1, "litres": "300"}           {"do": "heat", "tank": 1, "celsius": "35"}
{"do": "probe", "tank": 1, "out": true}              its cable is off
{"do": "tank_alarms", "tank": 1, "types": ["09"]}    {"do": "clock", "minutes": 7}
{"do": "figure", "tank": 1, "name": "volume", "value": "-1"}     without a value: the true one again
{"do": "console", "display_only": true}              bare, tells_units, floats, units, heights
{"do": "gauge_faults", "damaged": 20}                halved, lost, noise, wrong_tank, silent
{"do": "break", "line": "一号线"}                    mend
{"do": "power", "on": false}                        of the whole forecourt, and of whoever watches
{"do": "faults", "line": "一号线", "damaged": 50}     unheard, lost, doubled, noise; one in so many
{"do": "dead", "dispenser": 3, "on": true}          away: hung up, and the car gone
{"do": "unplug", "device": "printer"}                plug; display, sign, reader, scanner
{"do": "paper", "paper": "out"}                      near, full; "lines": 5 for what is left on the roll
{"do": "cover", "open": true}                        {"do": "stick", "on": true}: the sign's digits
{"do": "cars", "on": false}                         {"do": "state"}
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from devices.simulator.cars import Wish
from devices.simulator.forecourt import Forecourt, Place
from devices.simulator.lines import Gun, Reader
from devices.simulator.peripherals import FULL, NEAR, OUT
from devices.simulator.tank_control import TankControl

Asked: TypeAlias = dict[str, Any]
_FAULTS = ("damaged", "unheard", "lost", "doubled", "noise")


class Control:
    """Does what the socket asks for."""

    def __init__(self, forecourt: Forecourt) -> None:
        self._forecourt = forecourt
        self._tanks = TankControl(forecourt.farm)
        self._at_pump: dict[str, Callable[[Place, Asked], None]] = {
            "lift": lambda place, asked: place.pump.lift(int(asked["nozzle"])),
            "hang": lambda place, asked: place.pump.hang(),
            "squeeze": lambda place, asked: place.pump.squeeze(Decimal(asked.get("rate", "0.6"))),
            "release": lambda place, asked: place.pump.release(),
            "power_off": lambda place, asked: place.pump.cut_power(),
            "power_on": lambda place, asked: place.pump.give_power(),
            "sell": self._sell,
            "dead": self._dead,
            "away": self._away,
        }
        self._others: dict[str, Callable[[Asked], None]] = {
            "fill": self._fill,
            "swipe": self._swipe,
            "scan": self._scan,
            "break": lambda asked: forecourt.ends[asked["line"]].break_off(),
            "power": lambda asked: forecourt.power(on=bool(asked["on"])),
            "mend": lambda asked: forecourt.ends[asked["line"]].mend(),
            "faults": self._faults,
            "cars": self._cars,
            "unplug": lambda asked: self._plug(asked, on=False),
            "plug": lambda asked: self._plug(asked, on=True),
            "paper": self._paper,
            "cover": self._cover,
            "stick": lambda asked: setattr(forecourt.around.board, "stuck", bool(asked["on"])),
            "state": lambda asked: None,
            **self._tanks.wishes,
        }

    def answer(self, text: str) -> str:
        """One line in, one line out; a wish that makes no sense is answered, never fatal."""
        try:
            asked: Asked = json.loads(text)
            self._do(asked)
        except (ValueError, KeyError, TypeError, ArithmeticError) as wrong:
            return json.dumps({"ok": False, "why": f"{type(wrong).__name__}: {wrong}"})
        return json.dumps({"ok": True, **(self._state() if asked["do"] == "state" else {})})

    def _do(self, asked: Asked) -> None:
        name = asked["do"]
        if name not in self._at_pump:
            self._others[name](asked)
            return
        place = self._forecourt.places[int(asked["dispenser"])]
        with place.line.lock:
            place.line.advance()
            self._at_pump[name](place, asked)

    def _sell(self, place: Place, asked: Asked) -> None:
        litres, price = Decimal(asked["litres"]), Decimal(asked["price"])
        place.pump.sell_locally(int(asked["nozzle"]), litres, price)

    def _away(self, place: Place, asked: Asked) -> None:
        place.pump.release()
        place.pump.hang()
        place.car = None

    def _dead(self, place: Place, asked: Asked) -> None:
        dead = place.line.bus.faults.dead
        (dead.add if asked["on"] else dead.discard)(place.pump.address)

    def _fill(self, asked: Asked) -> None:
        litres, yuan = asked.get("litres"), asked.get("yuan")
        wish = Wish(
            plate=asked.get("plate", "云A00001"),
            position=int(asked["nozzle"]),
            litres=None if litres is None else Decimal(litres),
            yuan=None if yuan is None else Decimal(yuan),
            rate=Decimal(asked.get("rate", "0.6")),
            pays=bool(asked.get("pays", True)),
        )
        self._forecourt.arrive(int(asked["dispenser"]), wish)

    def _swipe(self, asked: Asked) -> None:
        for reader in self._forecourt.readers.values():
            if isinstance(reader, Reader):
                reader.present(str(asked["card"]))

    def _scan(self, asked: Asked) -> None:
        for gun in self._forecourt.readers.values():
            if isinstance(gun, Gun):
                gun.scan(str(asked["code"]))

    def _plug(self, asked: Asked, *, on: bool) -> None:
        name = str(asked["device"])
        if name in self._forecourt.around.plugged:
            self._forecourt.around.plugged[name].plug(on)
            return
        kind: type[Reader | Gun] = {"reader": Reader, "scanner": Gun}[name]
        for reader in self._forecourt.readers.values():
            if isinstance(reader, kind):
                (reader.end.mend if on else reader.end.break_off)()

    def _paper(self, asked: Asked) -> None:
        printer, paper = self._forecourt.around.printer, str(asked["paper"])
        if paper not in (FULL, NEAR, OUT):
            raise ValueError(paper)
        with printer.lock:
            self._forecourt.around.roll.paper = paper
            lines = asked.get("lines")
            self._forecourt.around.roll.last_lines = None if lines is None else int(lines)

    def _cover(self, asked: Asked) -> None:
        with self._forecourt.around.printer.lock:
            self._forecourt.around.roll.cover_open = bool(asked["open"])

    def _faults(self, asked: Asked) -> None:
        faults = self._forecourt.lines[asked["line"]].bus.faults
        for name in _FAULTS:
            if name in asked:
                setattr(faults, name, int(asked[name]))

    def _cars(self, asked: Asked) -> None:
        self._forecourt.cars = bool(asked["on"])

    def _state(self) -> Asked:
        return {
            "pumps": [
                {
                    "dispenser": place.number,
                    "status": place.pump.status,
                    "lifted": place.pump.lifted,
                    "powered": place.pump.powered,
                    "volume": place.pump.shown.volume,
                    "amount": place.pump.shown.amount,
                    "totals": {n: m.volume for n, m in place.pump.meters.items()},
                    "car": place.car.wish.plate if place.car else "",
                }
                for place in self._forecourt.places.values()
            ],
            **self._tanks.state(),
            **self._forecourt.around.state(),
            "readers": {
                "reader" if isinstance(one, Reader) else "scanner": one.end.is_open
                for one in self._forecourt.readers.values()
            },
            "queue": len(self._forecourt.queue),
            "left_unpaid": self._forecourt.left,
        }


class ControlServer:
    """The socket, in a thread of its own."""

    def __init__(self, path: Path, forecourt: Forecourt) -> None:
        control = Control(forecourt)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    self.wfile.write(control.answer(line.decode()).encode() + b"\n")

        path.unlink(missing_ok=True)
        self._path = path
        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        path.chmod(0o600)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)
