"""A Two-Wire dispenser side: the states, words and blocks of the protocol.

It keeps its prices through a power cut, and its last fill until the next one flows. Leave that was
not used, and a limit, are gone with the power.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from devices.protocols.base import Malformed, Seconds, SerialSettings
from devices.protocols.twowire import frames as f
from devices.protocols.twowire import messages as m
from devices.protocols.twowire.codec import SERIAL
from devices.simulator.electronics import Fill, Head, HeadOptions, Message

_FLOWS = (m.AUTHORISED, m.BUSY)
_TAKEN = (m.BUSY, m.STOPPED, m.PEOT)
PRESET_PLACES = 2  # of a limit in litres


@dataclass(slots=True)
class TwoWireOptions(HeadOptions):
    """How this make of head behaves."""

    skips_eot: bool = False  # BUSY → OFF, as old heads do
    skips_auth: bool = False  # leave that waits for the lift is not shown
    money_digits: int = 6
    second_level: bool = True
    rejects: int = 0  # so many of the next blocks are answered with status 0


class TwoWireEar:
    """Single bytes for a pump each; a block for the pump that said that it listens."""

    settings: SerialSettings = SERIAL

    def __init__(self) -> None:
        self._blocks = f.Blocks()
        self._listening = 0
        self._open = False

    def feed(self, data: bytes) -> Iterator[Message | None]:
        for one in data:
            if self._open or one == f.START:
                yield from self._block(one)
            elif one == f.ALL_STOP[0]:
                yield Message(0, False, m.STOP, everyone=True)
            elif one >> 4 in m.SAYS:
                command, pump = one >> 4, one & 0x0F or 16
                self._listening = pump if command == m.DATA_NEXT else 0
                yield Message(pump, command in (m.ASK_STATUS, m.ASK_MONEY), command)
            else:
                yield None

    def _block(self, one: int) -> Iterator[Message | None]:
        self._open = True
        for piece in self._blocks.feed(bytes((one,))):
            self._open = False
            try:
                said: m.Block | None = None if piece.why else m.read_block(piece.raw)
            except Malformed:
                said = None
            if self._listening:
                yield Message(self._listening, False, said)
            self._listening = 0


class TwoWirePump(Head):
    """One fuelling point with its grades, a nozzle each."""

    ear = TwoWireEar
    totalizer_digits = 8
    options: TwoWireOptions

    def __init__(
        self, address: int, nozzles: int = 4, options: TwoWireOptions | None = None
    ) -> None:
        super().__init__(address, nozzles, options or TwoWireOptions())
        self.status = m.OFF
        second = 1 if self.options.second_level else 0
        self.prices = {number: [0, second] for number in self.meters}
        self._leave = False  # authorised, and not begun
        self._grade = 0  # the limit's, 0 for any
        self._limit: m.PresetVolume | m.PresetMoney | None = None
        self._error = False  # the last block was no good
        self._listens = False

    # ------------------------------------------------------------------ people and power

    @property
    def open(self) -> bool:
        return self._leave or self.status in _FLOWS

    def lift(self, nozzle: int) -> None:
        if not self.powered or self.lifted:
            return
        self.lifted = nozzle
        if self.status in (m.OFF, m.FEOT):
            self.status = m.CALL

    def hang(self) -> None:
        if not self.lifted:
            return
        if self._leave and self._grade in (0, self.lifted):
            self._forget_leave()
        self.lifted, self.rate = 0, Decimal(0)
        if self.powered:
            self._finish()

    def cut_power(self) -> None:
        self._book()
        self.powered = False
        self.rate = Decimal(0)

    def give_power(self) -> None:
        self.powered, self._listens, self._error = True, False, False
        self._forget_leave()
        if self.lifted and self.status in _TAKEN:
            self.status = m.STOPPED
        else:
            self._finish()

    # ------------------------------------------------------------------ fuel

    def advance(self, now: Seconds) -> None:
        spent, self.now = now - self.now, now
        if not self.powered or spent <= 0:
            return
        if self._leave and self.lifted and self._grade in (0, self.lifted):
            self._leave, self.status = False, m.BUSY
            self.metered = True
        if self.status != m.BUSY or self.rate <= 0:
            return
        if self.metered:
            self._begin()
        self._pour(Decimal(str(round(spent, 6))) * self.rate)
        if self._limit_reached():
            self.status, self.rate = m.PEOT, Decimal(0)

    def _begin(self) -> None:
        """A new fill on the display, at its own price; the one before is gone."""
        self.shown = Fill(self.lifted, self.prices[self.lifted][0])
        self.metered = False
        self._carry = Decimal(0)
        self._preset_volume = self._preset_amount = None
        places = self.options.decimals
        if isinstance(self._limit, m.PresetVolume):
            self._preset_volume = int(
                Decimal(self._limit.value).scaleb(places.volume - PRESET_PLACES)
            )
        elif self._limit is not None:
            self._preset_amount = self._limit.value
        self._limit, self._grade = None, 0

    def _finish(self) -> None:
        """The nozzle is back, or the power: what flowed is booked, and shown as ended."""
        sold = not self.metered
        self._book()
        if self.status in _FLOWS or self.status in _TAKEN:
            self._forget_leave()
            self.status = m.FEOT if sold and not self.options.skips_eot else m.OFF
            self._rest_if_lifted()
        elif self.status == m.CALL and not self.lifted:
            self.status = m.OFF

    def _rest_if_lifted(self) -> None:
        if self.lifted:
            self.status = m.CALL

    def _forget_leave(self) -> None:
        self._leave, self._limit, self._grade = False, None, 0

    # ------------------------------------------------------------------ the wire

    def hear(self, said: int | m.Block | None) -> bytes | None:
        if not self.powered:
            return None
        if isinstance(said, int):
            self._listens = False
            simple: dict[int, Callable[[], bytes | None]] = {
                m.ASK_STATUS: self._say_status,
                m.AUTHORISE: self._authorise,
                m.DATA_NEXT: self._listen,
                m.STOP: self._stop,
                m.ASK_TRANSACTION: self._transaction,
                m.ASK_TOTALS: self._totals,
                m.ASK_MONEY: self._money,
            }
            return simple[said]()
        if not self._listens:
            return None
        self._listens = False
        if self.options.rejects > 0:
            self.options.rejects -= 1
            said = None
        return self._take(said)

    def _state(self, state: int) -> bytes:
        return f.single(state, self.address)

    def _say_status(self) -> bytes:
        if self._error:
            self._error = False
            return self._state(m.ERROR)
        if self._leave and not (self.options.skips_auth and not self.lifted):
            return self._state(m.AUTHORISED)
        said = self.status
        if said == m.FEOT:  # it is told for a while, and then the pump is at rest
            self._told_eot += 1
            if self._told_eot > self.EOT_TOLD:
                self.status, self._told_eot = m.OFF, 0
        return self._state(said)

    EOT_TOLD = 3
    _told_eot = 0

    def _listen(self) -> bytes:
        self._listens = True
        return self._state(m.LISTENING)

    def _authorise(self) -> None:
        if self.status in (m.OFF, m.CALL, m.FEOT):
            self._leave = True
            self.status = m.CALL if self.lifted else m.OFF
        elif self.status == m.STOPPED and self.lifted:
            self.status = m.BUSY

    def _stop(self) -> None:
        self._forget_leave()
        if self.status == m.BUSY:
            self.status = m.STOPPED

    def _take(self, said: m.Block | None) -> bytes | None:
        rests = self.status in (m.OFF, m.CALL, m.FEOT) and not self._leave
        match said:
            case m.AskExtended():
                return m.report(m.Extended(bool(self.lifted), self.lifted or 1))
            case m.SetPrice(level, grade, price) if rests and grade + 1 in self.prices:
                if level == 1 or self.options.second_level:
                    self.prices[grade + 1][level - 1] = price
            case m.PresetVolume(_, grade) if rests and grade + 1 in self.meters:
                self._limit, self._grade = said, grade + 1
            case m.PresetMoney(size=size) if rests and size == self.options.money_digits:
                self._limit, self._grade = said, 0
            case _:
                self._error = True
        return None

    def _transaction(self) -> bytes:
        shown = self.shown
        name = f"B{f.nibble_of(self.address):X}002"
        return m.report(
            m.Transaction(
                name, max(shown.nozzle - 1, 0), 1, shown.price, shown.volume, shown.amount
            )
        )

    def _totals(self) -> bytes:
        return m.report(
            m.Totals(
                tuple(
                    m.Grade(number - 1, meter.volume, meter.amount, *self.prices[number])
                    for number, meter in self.meters.items()
                )
            )
        )

    def _money(self) -> bytes:
        return m.report(m.Money(self.shown.amount if not self.metered else 0))
