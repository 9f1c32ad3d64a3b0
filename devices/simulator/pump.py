"""A DART dispenser side: the states and answers of the protocol. Without power it loses its prices."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from devices.protocols.base import Malformed, Seconds, SerialSettings
from devices.protocols.dart import transactions as t
from devices.protocols.dart.codec import SERIAL
from devices.protocols.dart.frames import Control, Deframer, Frame, decode, encode
from devices.protocols.dart.link import HeadLink
from devices.simulator.electronics import Fill, Head, HeadOptions, Message

NOT_PROGRAMMED, RESET, AUTHORIZED, FILLING = 0, 1, 2, 4
COMPLETED, LIMIT, OFF, SUSPENDED = 5, 6, 7, 8

REPORT_EVERY: Seconds = 0.3  # how often a head tells litres and yuan while fuel flows


@dataclass(slots=True)
class Options(HeadOptions):
    """How this make of head behaves."""

    domestic_totals: bool = False  # DC101 of thirteen bytes, with the amount
    says_authorized_while_filling: bool = False
    tells_prices: bool = True
    tells_parameters: bool = True


class DartEar:
    """Messages end with SF."""

    settings: SerialSettings = SERIAL

    def __init__(self) -> None:
        self._deframer = Deframer()

    def feed(self, data: bytes) -> Iterator[Message | None]:
        for _, plain in self._deframer.feed(data):
            try:
                frame = decode(plain)
            except Malformed:
                yield None
                continue
            yield Message(frame.address, frame.control is Control.POLL, frame)


class Pump(Head):
    """One fuelling point with its logical nozzles."""

    ear = DartEar
    totalizer_digits = 10
    options: Options

    def __init__(self, address: int, nozzles: int = 4, options: Options | None = None) -> None:
        super().__init__(address, nozzles, options or Options())
        self._boot()

    def _boot(self) -> None:
        self.link = HeadLink(self.address)
        self.status = NOT_PROGRAMMED
        self.prices: dict[int, int] = {}
        self.allowed: tuple[int, ...] = ()
        self.lifted = 0
        self.rate = Decimal(0)
        self._selected = 0
        self._preset_volume = self._preset_amount = None
        self._suspended_from = AUTHORIZED
        self.metered = True
        self._reported: Seconds = self.now

    # ------------------------------------------------------------------ people and power

    @property
    def open(self) -> bool:
        return self.status in (AUTHORIZED, FILLING)

    def lift(self, nozzle: int) -> None:
        if not self.powered or self.lifted:
            return
        self.lifted = self._selected = nozzle
        self._say(self._nozzle())

    def hang(self) -> None:
        if not self.lifted:
            return
        self.lifted, self.rate = 0, Decimal(0)
        if not self.powered:
            return
        if self.status in (FILLING, LIMIT) or (self.status == SUSPENDED and self.shown.volume):
            self._finish()
            self._say(t.Filled(self.shown.volume, self.shown.amount))
            self._say(self._nozzle(), t.PumpStatus(self.status))
            return
        if self.status == AUTHORIZED and self.shown.volume:
            self._finish()
        self._book()
        self._say(self._nozzle(), t.PumpStatus(self.status))

    def cut_power(self) -> None:
        if self.status in (AUTHORIZED, FILLING, LIMIT, SUSPENDED):
            self._finish()
        self._book()
        self.powered = False
        self.rate = Decimal(0)

    def give_power(self) -> None:
        lifted = self.lifted
        self.powered = True
        self._boot()
        self.lifted = self._selected = lifted
        self._say(t.Alarm(0x0A))
        self._say(t.PumpStatus(self.status), self._nozzle())

    def sell_locally(self, nozzle: int, litres: Decimal, price: Decimal) -> None:
        self._selected = nozzle
        super().sell_locally(nozzle, litres, price)

    # ------------------------------------------------------------------ fuel

    def advance(self, now: Seconds) -> None:
        spent, self.now = now - self.now, now
        if not self.powered or spent <= 0:
            return
        flows = self.status in (AUTHORIZED, FILLING) and self.lifted in self.allowed
        if not flows or not self.lifted or self.rate <= 0:
            return
        if self.status == AUTHORIZED and not self.options.says_authorized_while_filling:
            self.status = FILLING
            self._say(t.PumpStatus(FILLING))
        self._pour(Decimal(str(round(spent, 6))) * self.rate)
        if self._limit_reached():
            self.status, self.rate = LIMIT, Decimal(0)
            self._say(
                t.Filled(self.shown.volume, self.shown.amount),
                t.PumpStatus(LIMIT),
            )
        elif now - self._reported >= REPORT_EVERY and not self.link.backlog:
            self._reported = now
            self._say(t.Filled(self.shown.volume, self.shown.amount))

    def _pour(self, litres: Decimal) -> None:
        if not self.shown.nozzle:
            self.shown = Fill(self.lifted, self.prices.get(self.lifted, 0))
            self.metered = False
        super()._pour(litres)

    def _finish(self) -> None:
        self.status = COMPLETED
        self.rate = Decimal(0)
        if not self.lifted:
            self._book()

    # ------------------------------------------------------------------ the wire

    def hear(self, said: Frame) -> bytes | None:
        if not self.powered:
            return None
        answer, body = self.link.answer(said)
        for item in self._items(body):
            self._obey(item)
        return encode(answer) if answer is not None else None

    @staticmethod
    def _items(body: bytes | None) -> list[t.FromMaster]:
        try:
            return t.read_from_master(body) if body is not None else []
        except Malformed:
            return []

    def _obey(self, item: t.FromMaster) -> None:
        match item:
            case t.Do(code):
                self._do(code)
            case t.AllowNozzles(nozzles):
                self.allowed = nozzles
            case t.PresetVolume(volume) if self.status == RESET:
                self._preset_volume = volume
            case t.PresetAmount(amount) if self.status == RESET:
                self._preset_amount = amount
            case t.PriceUpdate(prices) if len(prices) >= len(self.meters):
                self._take_prices(prices)
            case t.AskVolumeTotals(counter) if counter in self.meters:
                self._say(self._totals(counter))
            case t.AskAmountTotals(counter) if counter in self.meters:
                amount = self.meters[counter].amount
                self._say(t.AmountTotals(counter, (amount, amount, 0)))
            case t.SuspendNozzle(nozzle):
                self._suspend()
                self._say(t.SuspendNozzle(nozzle), t.PumpStatus(self.status))
            case t.ResumeNozzle(nozzle):
                self._resume()
                self._say(t.ResumeNozzle(nozzle), t.PumpStatus(self.status))

    def _do(self, code: int) -> None:
        simple: dict[int, Callable[[], None]] = {
            t.RESET: self._reset,
            t.AUTHORIZE: self._authorize,
            t.STOP: self._stop,
            t.SUSPEND: self._suspend,
            t.RESUME: self._resume,
            t.SWITCH_OFF: self._switch_off,
        }
        if code in simple:
            before = self.status
            simple[code]()
            if self.status != before:
                self._say(t.PumpStatus(self.status))
        elif code == t.RETURN_STATUS:
            self._say(t.PumpStatus(self.status), self._nozzle())
        elif code == t.RETURN_FILLING:
            # DC3 names the nozzle selected now, which need not be the one that filled
            self._say(t.Filled(self.shown.volume, self.shown.amount), self._nozzle())
        elif code == t.RETURN_IDENTITY:
            self._say(t.PumpIdentity(self.options.serial))
        elif code == t.RETURN_PARAMETERS and self.options.tells_parameters:
            places = self.options.decimals
            self._say(t.SetParameters(places.volume, places.amount, places.price, 99999999))
        elif code == t.RETURN_PRICES and self.options.tells_prices:
            self._say(t.UnitPrices(tuple(self.prices.get(number, 0) for number in self.meters)))

    def _reset(self) -> None:
        if self.status in (RESET, COMPLETED, LIMIT, OFF):
            self._book()
            self.status, self.shown = RESET, Fill()
            self._carry = Decimal(0)
            self._preset_volume = self._preset_amount = None

    def _authorize(self) -> None:
        if self.status == RESET and self.prices:
            self.status = AUTHORIZED

    def _stop(self) -> None:
        if self.status in (RESET, AUTHORIZED, FILLING, LIMIT, OFF, SUSPENDED):
            self._finish()

    def _suspend(self) -> None:
        if self.status in (AUTHORIZED, FILLING):
            self._suspended_from, self.status = self.status, SUSPENDED

    def _resume(self) -> None:
        if self.status == SUSPENDED:
            self.status = self._suspended_from

    def _switch_off(self) -> None:
        self._finish()
        self.status = OFF

    def _take_prices(self, prices: tuple[int, ...]) -> None:
        """A fill under way keeps its own price, since that was copied when it began."""
        self.prices = dict(zip(self.meters, prices, strict=False))
        if self.status == NOT_PROGRAMMED:
            self.status = COMPLETED
            self._say(t.PumpStatus(COMPLETED))

    def _nozzle(self) -> t.NozzlePrice:
        number = self._selected
        return t.NozzlePrice(self.prices.get(number, 0), number, bool(self.lifted))

    def _totals(self, counter: int) -> t.VolumeTotals:
        meter = self.meters[counter]
        if self.options.domestic_totals:
            return t.VolumeTotals(counter, meter.volume, meter.amount)
        return t.VolumeTotals(counter, meter.volume, None, (meter.volume, 0))

    def _say(self, *items: t.FromPump) -> None:
        self.link.queue(t.pack_for_master(*items))
