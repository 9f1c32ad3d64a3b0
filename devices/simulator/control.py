"""A local socket by which tests and pages play customer: one JSON object per line, one answer each.

{"do": "lift", "dispenser": 3, "nozzle": 2}
{"do": "squeeze", "dispenser": 3, "rate": "0.6"}    release, hang, power_off, power_on
{"do": "fill", "dispenser": 3, "nozzle": 2, "litres": "20"}   a whole customer; or "yuan"
{"do": "sell", "dispenser": 3, "nozzle": 2, "litres": "20", "price": "7.52"}   in the head's own mode
{"do": "swipe", "card": "6499026"}                  {"do": "scan", "code": "6901234567892"}
{"do": "break", "line": "一号线"}                    mend
{"do": "faults", "line": "一号线", "damaged": 50}     unheard, lost, doubled, noise; one in so many
{"do": "dead", "dispenser": 3, "on": true}
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

Asked: TypeAlias = dict[str, Any]
_FAULTS = ("damaged", "unheard", "lost", "doubled", "noise")


class Control:
    """Does what the socket asks for."""

    def __init__(self, forecourt: Forecourt) -> None:
        self._forecourt = forecourt
        self._at_pump: dict[str, Callable[[Place, Asked], None]] = {
            "lift": lambda place, asked: place.pump.lift(int(asked["nozzle"])),
            "hang": lambda place, asked: place.pump.hang(),
            "squeeze": lambda place, asked: place.pump.squeeze(Decimal(asked.get("rate", "0.6"))),
            "release": lambda place, asked: place.pump.release(),
            "power_off": lambda place, asked: place.pump.cut_power(),
            "power_on": lambda place, asked: place.pump.give_power(),
            "sell": self._sell,
            "dead": self._dead,
        }
        self._others: dict[str, Callable[[Asked], None]] = {
            "fill": self._fill,
            "swipe": self._swipe,
            "scan": self._scan,
            "break": lambda asked: forecourt.lines[asked["line"]].end.break_off(),
            "mend": lambda asked: forecourt.lines[asked["line"]].end.mend(),
            "faults": self._faults,
            "cars": self._cars,
            "state": lambda asked: None,
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
