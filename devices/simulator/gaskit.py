"""A GasKitLink dispenser side: the states and answers of the protocol.

The price comes with each preset, so there is none to lose. A fill that the power cut caught waits
to be closed when the head is up again; an authorisation that was not used is gone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from devices.protocols.base import Malformed, Seconds, SerialSettings
from devices.protocols.gaskit import messages as m
from devices.protocols.gaskit.codec import SERIAL
from devices.protocols.gaskit.frames import QUESTIONS, deframer, encode
from devices.simulator.electronics import Fill, Head, HeadOptions, Message

_FLOWS = (m.STARTED, m.FUELLING)
_TAKEN = (m.STARTED, m.SUSPENDED_STARTED, m.FUELLING, m.SUSPENDED_FUELLING, m.STOPPED)
_PAUSED = {m.STARTED: m.SUSPENDED_STARTED, m.FUELLING: m.SUSPENDED_FUELLING}


@dataclass(slots=True)
class GasKitOptions(HeadOptions):
    """How this make of head behaves."""

    presets_when_lifted: bool = True  # False: a preset counts only with the nozzle hung
    pauses: bool = True  # False: B stops at once, and G goes on from there
    clears_late: bool = False  # the last fill stays on the display until fuel flows


class GasKitEar:
    """Messages are as long as their command says."""

    settings: SerialSettings = SERIAL

    def __init__(self) -> None:
        self._deframer = deframer(QUESTIONS)

    def feed(self, data: bytes) -> Iterator[Message | None]:
        for piece in self._deframer.feed(data):
            if piece.frame is None:
                yield None
                continue
            try:
                said = m.read_question(piece.frame)
            except Malformed:
                yield None
                continue
            yield Message(piece.frame.address, said == m.Ask("S"), said)


class GasKitPump(Head):
    """One fuelling point with its logical nozzles."""

    ear = GasKitEar
    totalizer_digits = 9
    options: GasKitOptions

    def __init__(
        self, address: int, nozzles: int = 4, options: GasKitOptions | None = None
    ) -> None:
        super().__init__(address, nozzles, options or GasKitOptions())
        self.status = m.IDLE
        self.id = m.FIRST_ID  # of the transaction that runs or comes next
        self._shown_id = m.FIRST_ID
        self._nozzle = 0  # authorised
        self._price = 0

    # ------------------------------------------------------------------ people and power

    @property
    def open(self) -> bool:
        return self.status in (m.AUTHORISED, *_FLOWS)

    def lift(self, nozzle: int) -> None:
        if not self.powered or self.lifted:
            return
        self.lifted = nozzle
        if self.status == m.IDLE:
            self.status = m.CALLING
        elif self.status == m.AUTHORISED and nozzle == self._nozzle:
            self.status = m.STARTED

    def hang(self) -> None:
        if not self.lifted:
            return
        self.lifted, self.rate = 0, Decimal(0)
        if not self.powered:
            return
        if self.status in _TAKEN:
            self._finish()
        elif self.status == m.CALLING:
            self.status = m.IDLE

    def cut_power(self) -> None:
        self._book()
        self.powered = False
        self.rate = Decimal(0)

    def give_power(self) -> None:
        self.powered = True
        if self.status in _TAKEN:
            self.status = m.STOPPED
            if not self.lifted:
                self._finish()
        elif self.status != m.FINISHED:
            self._rest()

    def sell_locally(self, nozzle: int, litres: Decimal, price: Decimal) -> None:
        super().sell_locally(nozzle, litres, price)
        self._shown_id = self.id
        self._advance_id()

    # ------------------------------------------------------------------ fuel

    def advance(self, now: Seconds) -> None:
        spent, self.now = now - self.now, now
        if not self.powered or spent <= 0:
            return
        if self.status == m.AUTHORISED and self.lifted == self._nozzle:
            self.status = m.STARTED  # it was authorised with the nozzle out
        if self.status not in _FLOWS or self.rate <= 0:
            return
        if self.status == m.STARTED:
            self.status = m.FUELLING
            if self.metered:
                self._begin()
        self._pour(Decimal(str(round(spent, 6))) * self.rate)
        if self._limit_reached():
            self.status, self.rate = m.STOPPED, Decimal(0)

    def _begin(self) -> None:
        """A new fill on the display."""
        self.shown = Fill(self._nozzle, self._price)
        self._shown_id = self.id
        self.metered = False
        self._carry = Decimal(0)

    def _finish(self) -> None:
        if self.metered and self._shown_id != self.id:
            self._begin()  # hung without a drop: the transaction is an empty one
        self._book()
        self.status = m.FINISHED

    def _rest(self) -> None:
        self.status = m.CALLING if self.lifted else m.IDLE

    def _advance_id(self) -> None:
        self.id = m.FIRST_ID if self.id == m.LAST_ID else chr(ord(self.id) + 1)

    # ------------------------------------------------------------------ the wire

    def hear(self, said: m.Question) -> bytes | None:
        if not self.powered:
            return None
        answer = self._answer(said)
        return None if answer is None else encode(m.answer_frame(self.address, answer))

    def _answer(self, said: m.Question) -> m.Answer | None:
        match said:
            case m.Preset():
                self._preset(said)
            case m.AskTotalizer(nozzle):
                meter = self.meters.get(nozzle)
                return None if meter is None else m.Totalizer(nozzle, meter.volume)
            case m.Ask("L" | "R" as letter):
                value = self.shown.volume if letter == "L" else self.shown.amount
                return m.Live(letter, self.shown.nozzle, self._shown_id, self.status, value)
            case m.Ask("T"):
                return self._transaction()
            case m.Ask("N") if self.status == m.FINISHED:
                self._rest()
                self._advance_id()
            case m.Ask("B"):
                self._stop()
            case m.Ask("G"):
                self._go_on()
        return self._state()

    def _state(self) -> m.State:
        if self.status in (m.IDLE, m.FINISHED):
            return m.State(self.status, 0)
        return m.State(self.status, self.lifted if self.status == m.CALLING else self._nozzle)

    def _transaction(self) -> m.Transaction:
        shown = self.shown
        return m.Transaction(
            shown.nozzle, self._shown_id, self.status, shown.amount, shown.volume, shown.price
        )

    def _preset(self, said: m.Preset) -> None:
        lifted = self.status == m.CALLING and self.options.presets_when_lifted
        if not (self.status == m.IDLE or (lifted and said.nozzle == self.lifted)):
            return
        if said.nozzle not in self.meters:
            return
        self._nozzle, self._price = said.nozzle, said.price
        self._preset_volume = said.value if said.letter == m.VOLUME else None
        self._preset_amount = said.value if said.letter == m.MONEY else None
        if not self.options.clears_late:
            self._begin()
        self.status = m.AUTHORISED

    def _stop(self) -> None:
        if self.status == m.AUTHORISED:
            self.metered = True
            self._rest()
        elif self.status in _FLOWS and self.options.pauses:
            self.status = _PAUSED[self.status]
        elif self.status in _TAKEN:
            self.status = m.STOPPED

    def _go_on(self) -> None:
        held = {held: runs for runs, held in _PAUSED.items()}
        if self.status in held:
            self.status = held[self.status]
        elif self.status == m.STOPPED and not self.options.pauses and not self._limit_reached():
            self.status = m.STARTED
