"""Both sides of a Two-Wire loop overheard: the facts of a recording, by the rules of `reading.py`.

What an answer is follows from the question before it, as in the codec.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from devices.protocols import base
from devices.protocols.base import Event, Malformed, Seconds
from devices.protocols.twowire import frames as f
from devices.protocols.twowire import messages as m
from devices.protocols.twowire.reading import Point

_ACTS = frozenset({m.AUTHORISE, m.STOP})


@dataclass(slots=True)
class _Head:
    point: Point
    seen: m.Report | None = None  # the first of two equal reports


class TwoWirePassive:
    """One loop of Two-Wire pumps."""

    def __init__(self, devices: Iterable[base.DeviceSettings]) -> None:
        self._heads = {device.address: _Head(Point(device)) for device in devices}
        self._asked = 0
        self._command = m.ASK_STATUS
        self._extended = False

    def sent(self, raw: bytes, now: Seconds) -> None:
        if raw == f.ALL_STOP:
            for head in self._heads.values():
                head.point.doubt()
            return
        if len(raw) == 1:
            self._asked, self._extended = raw[0] & 0x0F or 16, False
            self._command = raw[0] >> 4
            if self._command in _ACTS:
                self._head().point.doubt()
            return
        try:
            self._extended = isinstance(m.read_block(raw), m.AskExtended)
        except Malformed:
            self._extended = False
        if not self._extended:
            self._head().point.doubt()

    def heard(self, raw: bytes, now: Seconds) -> tuple[Event, ...]:
        try:
            return tuple(self._answered(self._head(), raw))
        except Malformed as wrong:
            return (base.Damaged(address=self._asked, why=str(wrong)),)

    def _head(self) -> _Head:
        """A head that the wiring does not know is heard all the same, with the usual decimals."""
        if self._asked not in self._heads:
            settings = base.DeviceSettings(self._asked, (1, 2, 3, 4), base.Decimals(volume=3))
            self._heads[self._asked] = _Head(Point(settings))
        return self._heads[self._asked]

    def _answered(self, head: _Head, raw: bytes) -> list[Event]:
        if self._extended:
            head.point.handle(m.read_extended(raw))
            return head.point.news(asked=False)
        match self._command:
            case m.ASK_TRANSACTION:
                return self._figures(head, m.read_transaction(raw))
            case m.ASK_TOTALS:
                return self._figures(head, m.read_totals(raw))
            case m.ASK_MONEY:
                return [head.point.live(m.Money(f.number(raw)))]
        return self._status(head, raw)

    def _status(self, head: _Head, raw: bytes) -> list[Event]:
        state, pump = divmod(raw[0], 16) if len(raw) == 1 else (-1, 0)
        if state not in m.STATES:
            raise Malformed("no status")
        if pump != f.nibble_of(self._asked):
            raise Malformed(base.FOREIGN)
        if self._command == m.DATA_NEXT or not head.point.take(state):
            return []
        return head.point.news(asked=False)

    @staticmethod
    def _figures(head: _Head, said: m.Transaction | m.Totals) -> list[Event]:
        """A fill or the totals: believed when it is said twice in a row."""
        if said != head.seen:
            head.seen = said
            return []
        head.seen = None
        if isinstance(said, m.Transaction):
            return [head.point.fill(said)]
        head.point.keep_prices(said)
        nozzles = [one.grade + 1 for one in said.grades]
        return [
            head.point.prices_read(),
            *(head.point.totals(said, nozzle) for nozzle in nozzles),
        ]
