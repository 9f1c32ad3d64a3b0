"""An AZT dispenser side: the answers of the protocol. Its display keeps the last fill."""

from collections.abc import Iterator
from dataclasses import dataclass

from devices.protocols import azt
from devices.protocols.base import Malformed, SerialSettings
from devices.simulator.electronics import HeadOptions, Message
from devices.simulator.panel import Panel, Phase

_STATES = {
    Phase.LEAVE: azt.AUTHORISED,
    Phase.STARTED: azt.DELIVERING,
    Phase.FUELS: azt.DELIVERING,
    Phase.STORED: azt.ENDED,
}
VERSION = "20030001"


@dataclass(slots=True)
class AztOptions(HeadOptions):
    """How this make of head behaves."""

    kind: str = "TRK-1"
    reason: str = azt.NORMAL  # of the ends that follow


class AztEar:
    """A question ends with two ETX and a check."""

    settings: SerialSettings = azt.SERIAL

    def __init__(self) -> None:
        self._deframer = azt.deframer(from_master=True)

    def feed(self, data: bytes) -> Iterator[Message | None]:
        for piece in self._deframer.feed(data):
            try:
                address, said = azt.asked(piece.frame) if piece.frame else (0, "")
            except Malformed:
                address = 0
            yield Message(address, said == azt.ASK_STATE, said) if address else None


class AztPump(Panel):
    """One address with its nozzle."""

    ear = AztEar
    totalizer_digits = 10
    options: AztOptions

    def __init__(self, address: int, options: AztOptions | None = None) -> None:
        super().__init__(address, options or AztOptions())

    def code(self) -> int:
        if self.phase is not Phase.RESTS:
            return int(_STATES[self.phase])
        return int(azt.LOCAL if self.local else azt.CALLING if self.lifted else azt.OFF)

    def key_in(self, volume: int) -> None:
        """A customer sets a dose at the pump."""
        self.limit(volume=volume)
        self.local = True

    def hear(self, said: str) -> bytes | None:
        if not self.powered:
            return None
        told = self._answer(said[0], said[1:])
        if isinstance(told, bool):
            return azt.encode(azt.Frame(azt.ACK if told else azt.CAN))
        return azt.encode(azt.Frame(azt.NAK) if told is None else azt.Frame(azt.STX, told))

    def _answer(self, command: str, text: str) -> str | bool | None:
        meter, shown, places = self.meters[1], self.shown, azt.CURRENT_DIGITS
        ended = self.options.reason if self.phase is Phase.STORED else ""
        figures = {
            azt.ASK_STATE: f"{self.status}{ended}",
            azt.CURRENT: "1" + azt.digits(shown.volume % 10**places, places),
            azt.FULL: azt.Full(shown.volume, shown.amount, shown.price).text(),
            azt.TOTALS: azt.digits(meter.volume, 10) + azt.digits(meter.amount, 10),
            azt.TYPE: self.options.kind,
            azt.VERSION: VERSION,
        }
        return figures[command] if command in figures and not text else self._obey(command, text)

    def _obey(self, command: str, text: str) -> bool | None:
        number = int(text) if text.isdigit() else 0
        match command:
            case "Q" if number:
                return self.reprice(number)
            case "S" if number:
                return self.limit(amount=number)
            case "T" if number:
                return self.limit(volume=number)
            case "2":
                return self.allow()
            case "3":
                return self.halt()
            case "8":
                self.close()
                return True
        return None
