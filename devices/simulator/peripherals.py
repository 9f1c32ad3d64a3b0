"""What stands around the tills: a receipt printer on TCP, a customer's display and a price sign.

Each is read here a second time, apart from the codecs, so that what it shows is what came over the
wire. A device is a thread on its end; `paper`, `cover` and the plugs are turned by the control
socket.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from devices.protocols import pricesign
from devices.protocols.base import Seconds
from devices.protocols.dart.frames import crc16
from devices.simulator.ends import End, EndThread, PtyEnd, TcpEnd

TURN: Seconds = 0.05
KEPT = 20  # receipts
FULL, NEAR, OUT = "full", "near", "out"
_NOW = re.compile(rb"\x10\x04([\x01-\x04])|\x10\x14\x01(.)(.)", re.DOTALL)


class Roll:
    """An ESC/POS printer: what is on its paper, and how it stands."""

    # How many bytes follow each command; GS ( k says so itself.
    _ARGUMENTS = {
        b"\x1b@": 0, b"\x1ba": 1, b"\x1bE": 1, b"\x1b!": 1, b"\x1bp": 3, b"\x1bd": 1,
        b"\x1c&": 0, b"\x1c.": 0, b"\x1c!": 1, b"\x1d!": 1, b"\x1dV": 2, b"\x1dr": 1,
    }  # fmt: skip

    def __init__(self, tell: Callable[[str], None] = lambda text: None) -> None:
        self.paper, self.cover_open, self.kicks = FULL, False, 0
        self.last_lines: int | None = None  # so many lines are left on the roll
        self.receipts: deque[str] = deque(maxlen=KEPT)
        self.strange: list[bytes] = []  # commands that it does not know
        self._tell = tell
        self._held = self._line = b""
        self._lines: list[str] = []

    @property
    def prints(self) -> bool:
        return self.paper != OUT and not self.cover_open

    @property
    def unfinished(self) -> str:
        """What hangs out and is not cut."""
        return "\n".join(self._lines)

    def feed(self, data: bytes) -> bytes:
        """Bytes from the wire; what the printer answers. What cannot be printed now is kept."""
        answers = b"".join(self._at_once(found) for found in _NOW.finditer(data))
        self._held += _NOW.sub(b"", data)
        return answers + self.work()

    def work(self) -> bytes:
        """Go on printing, as far as there is paper."""
        answers = b""
        while self._held and self.prints:
            taken, answer = self._one()
            if not taken:
                break  # the rest of a command is still on its way
            self._held = self._held[taken:]
            answers += answer
        return answers

    def _at_once(self, found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            self.kicks += 1
            return b""
        return bytes((self._status(found[1][0]),))

    def _status(self, question: int) -> int:
        byte = 0x12
        if question == 1:
            byte |= 0 if self.prints else 0x08
        elif question == 2:
            byte |= (0x04 if self.cover_open else 0) | (0x20 if self.paper == OUT else 0)
        elif question == 4:
            byte |= {FULL: 0, NEAR: 0x0C, OUT: 0x6C}[self.paper]
        return byte

    def _one(self) -> tuple[int, bytes]:
        """One thing of what is held: how many bytes it took, and the answer."""
        held = self._held
        if held[:1] not in (b"\x1b", b"\x1c", b"\x1d"):
            if held[:1] == b"\n":
                self._feed_line()
            elif held[:1] != b"\r":
                self._line += held[:1]
            return 1, b""
        name = held[:2]
        if name == b"\x1d(":
            return self._code(), b""
        known = self._ARGUMENTS.get(name)
        if known is None and len(name) == 2:
            self.strange.append(name)
            return 2, b""
        if known is None or len(held) < 2 + known:
            return 0, b""
        return 2 + known, self._obey(name, held[2 : 2 + known])

    def _obey(self, name: bytes, arguments: bytes) -> bytes:
        if name == b"\x1bp":
            self.kicks += 1
        elif name == b"\x1dV":
            self._cut()
        elif name == b"\x1bd":
            for _ in range(arguments[0]):
                self._feed_line()
        elif name == b"\x1dr":
            return bytes(({FULL: 0x00, NEAR: 0x03, OUT: 0x0C}[self.paper],))
        return b""

    def _code(self) -> int:
        """GS ( k pL pH …: a QR code; its text stands on the simulated paper."""
        if len(self._held) < 5:
            return 0
        length = 5 + int.from_bytes(self._held[3:5], "little")
        if len(self._held) < length:
            return 0
        if self._held[6:7] == b"\x50":  # 80: store
            self._lines.append(f"[二维码 {self._held[8:length].decode('utf-8', 'replace')}]")
        return length

    def _feed_line(self) -> None:
        self._lines.append(self._line.decode("gb18030", errors="replace"))
        self._line = b""
        if self.last_lines is not None:
            self.last_lines -= 1
            if self.last_lines <= 0:
                self.paper, self.last_lines = OUT, None

    def _cut(self) -> None:
        text = "\n".join(self._lines).rstrip()
        self._lines.clear()
        self.receipts.append(text)
        self._tell(text)


class Face:
    """A customer's display: what stands on it."""

    _SAID = re.compile(rb"\x1bQ([AB])([^\r]*)\r|(\x0c|\x1b@)|\x1bs(.)|\x1b\*.", re.DOTALL)

    def __init__(self) -> None:
        self.upper = self.lower = ""
        self.lamp = 0  # of LED8: 1 单价, 2 合计, 3 收款, 4 找零
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Bytes from the wire. It never answers."""
        self._held += data
        end = 0
        for found in self._SAID.finditer(self._held):
            end = found.end()
            if found[1]:
                text = found[2].decode("gb18030", errors="replace").rstrip()
                if found[1] == b"A":
                    self.upper = text
                else:
                    self.lower = text
            elif found[3]:
                self.upper = self.lower = ""
            elif found[4]:
                self.lamp = int(found[4]) if found[4].isdigit() else 0
        self._held = self._held[end:][-64:]
        return b""

    def work(self) -> bytes:
        return b""


class Board:
    """A price sign: digits row by row, dark until they are set."""

    def __init__(self, number: int = 1, rows: int = 4) -> None:
        self.number, self.stuck = number, False
        self.rows: dict[int, str] = dict.fromkeys(range(1, rows + 1), pricesign.DARK)
        self._cutter = pricesign.Cutter()

    def feed(self, data: bytes) -> bytes:
        frames, _ = self._cutter.feed(data)
        return b"".join(self._answer(one) for one in frames if one.sign == self.number)

    def work(self) -> bytes:
        return b""

    def _answer(self, asked: pricesign.Frame) -> bytes:
        verb = pricesign.Verb
        if asked.verb not in (verb.SET, verb.GET):
            return b""
        if asked.row not in self.rows:
            return pricesign.encode(pricesign.Frame(verb.NO, self.number, asked.row, why="ROW"))
        if asked.verb is verb.SET and not self.stuck:
            self.rows[asked.row] = pricesign.DARK if asked.price is None else str(asked.price)
        shown = self.rows[asked.row]
        body = f"PS,{self.number:02d},IS,{asked.row},{shown}".encode("ascii")
        return b"$" + body + f"*{crc16(body):04X}\r\n".encode("ascii")


class Plugged(EndThread):
    """A device on its end of a wire."""

    def __init__(self, device: Roll | Face | Board, end: End) -> None:
        super().__init__("simulated device", end)
        self.device = device
        self.lock = threading.Lock()  # held by whoever touches the device
        self.unplugged = False

    def run(self) -> None:
        while not self._ending.is_set():
            data = self.end.read(TURN)
            with self.lock:
                answer = self.device.feed(data) if data else self.device.work()
            if answer:
                self.end.write(answer)

    def plug(self, on: bool) -> None:
        self.unplugged = not on
        (self.end.mend if on else self.end.break_off)()


class Peripherals:
    """All of them. Receipts are kept as text in the folder's receipts.txt."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        display: str,
        sign: str,
        wall: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._papers, self._wall = folder / "receipts.txt", wall
        self.roll, self.face, self.board = Roll(self._keep), Face(), Board()
        self.printer = Plugged(self.roll, TcpEnd(port, yielding=True))
        self.display = Plugged(self.face, PtyEnd(folder / display))
        self.sign = Plugged(self.board, PtyEnd(folder / sign))
        self.plugged = {"printer": self.printer, "display": self.display, "sign": self.sign}

    def _keep(self, text: str) -> None:
        with self._papers.open("a", encoding="utf-8") as file:
            file.write(f"—— {self._wall():%Y-%m-%d %H:%M:%S} ——\n{text}\n")

    @property
    def printer_port(self) -> int:
        """Where the printer is reached, also while it is unplugged."""
        assert isinstance(self.printer.end, TcpEnd)
        return self.printer.end.last_port

    def start(self) -> None:
        for one in self.plugged.values():
            one.start()

    def stop(self) -> None:
        for one in self.plugged.values():
            one.end_it()

    def state(self) -> dict[str, object]:
        """What everything shows, for the page and the tests."""
        roll = self.roll
        return {
            "printer": {
                "unplugged": self.printer.unplugged,
                "paper": roll.paper,
                "cover_open": roll.cover_open,
                "kicks": roll.kicks,
                "receipts": list(roll.receipts),
                "unfinished": roll.unfinished,
            },
            "display": {
                "unplugged": self.display.unplugged,
                "upper": self.face.upper,
                "lower": self.face.lower,
            },
            "sign": {
                "unplugged": self.sign.unplugged,
                "stuck": self.board.stuck,
                "rows": {str(row): shown for row, shown in self.board.rows.items()},
            },
        }
