"""A 正星 panel: the status byte and the answers of the protocol.

A sale is stored until it was acknowledged with its own number; a head that comes up is closed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from devices.protocols import zhengxing as z
from devices.protocols.base import SerialSettings, from_bcd
from devices.simulator.electronics import HeadOptions, Message
from devices.simulator.panel import Panel, Phase

_CODES = {Phase.LEAVE: z.AUTHORISED, Phase.STARTED: z.STARTED, Phase.FUELS: z.FUELLING}


@dataclass(slots=True)
class ZhengxingOptions(HeadOptions):
    """How this make of head behaves."""

    out_of_order: bool = False


class ZhengxingEar:
    """Messages are as long as their command says."""

    settings: SerialSettings = z.SERIAL

    def __init__(self) -> None:
        self._deframer = z.deframer(z.QUESTIONS)

    def feed(self, data: bytes) -> Iterator[Message | None]:
        for piece in self._deframer.feed(data):
            said = piece.frame
            yield Message(said.address, said.command == z.STATUS, said) if said else None


class ZhengxingPump(Panel):
    """One panel with its nozzle."""

    ear = ZhengxingEar
    totalizer_digits = 12
    ends_at_limit = stores_nothing = False
    options: ZhengxingOptions

    def __init__(self, address: int, options: ZhengxingOptions | None = None) -> None:
        super().__init__(address, options or ZhengxingOptions())
        self.closed = True

    def code(self) -> int:
        """The code, without its bits."""
        if self.options.out_of_order:
            return z.INOPERATIVE
        if self.phase in _CODES:
            return _CODES[self.phase]
        return z.CLOSED if self.closed else z.CALLING if self.lifted else z.IDLE

    def give_power(self) -> None:
        super().give_power()
        self.closed = True

    def hear(self, said: z.Frame) -> bytes | None:
        if not self.powered:
            return None
        command = said.command
        told = self._told(said)
        if command == z.TRANSACTION and told is None:
            command = z.NONE
        stored = z.STORED if self.phase is Phase.STORED else 0
        status = self.status | stored | (z.OUT if self.lifted else 0)
        return z.answer(command, self.address, status, told)

    def _told(self, said: z.Frame) -> z.Told:
        shown, meter = self.shown, self.meters[1]
        match said.command:
            case 0x0D:
                return None
            case 0x0C:
                return z.Totals(meter.volume, meter.amount)
            case 0x12:
                return z.Price(self.price)
            case 0x18:
                return z.Fill(shown.volume, shown.amount, shown.price)
            case 0x15:
                if self.phase is not Phase.STORED:
                    return None
                return z.Fill(shown.volume, shown.amount, shown.price, self._echo())
        return self._obey(said.command, said.data)

    def _obey(self, command: int, data: bytes) -> bool:
        match command:
            case 0x01:
                return self.limit(amount=from_bcd(data[:3]))
            case 0x02:
                return self.limit(volume=from_bcd(data[:3]))
            case 0x03:
                return self.reprice(from_bcd(data))
            case 0x05:
                return self.halt()
            case 0x06:
                return not self.closed and self.allow()
            case 0x08:
                self.closed = data[0] != z.OPEN
                return True
        if self.phase is Phase.STORED and data == self._echo():
            self.close()
            return True
        return False

    def _echo(self) -> bytes:
        return self.number.to_bytes(2, "big")
