"""A DART dispenser side: electronics, display, totalizers and the people at its nozzles.

It obeys the state machine of the protocol and nothing else; it does not know who asks. Time is
handed in, so that tests and the sped-up forecourt decide how fast fuel flows. What a real head
keeps without power is kept here: totalizers and the last fill. Prices are lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from devices.protocols.base import Decimals, Malformed, Seconds, scaled, unscaled
from devices.protocols.dart import transactions as t
from devices.protocols.dart.frames import Frame
from devices.protocols.dart.link import HeadLink

NOT_PROGRAMMED, RESET, AUTHORIZED, FILLING = 0, 1, 2, 4
COMPLETED, LIMIT, OFF, SUSPENDED = 5, 6, 7, 8

REPORT_EVERY: Seconds = 0.3  # how often a head tells litres and yuan while fuel flows


@dataclass(slots=True)
class Meter:
    """One nozzle's totalizers, in the integers that the head shows."""

    volume: int = 0
    amount: int = 0


@dataclass(slots=True)
class Fill:
    """What the display shows; it stays until RESET."""

    nozzle: int = 0
    price: int = 0
    volume: int = 0
    amount: int = 0


@dataclass(slots=True)
class Options:
    """How this make of head behaves."""

    decimals: Decimals = field(default_factory=Decimals)
    domestic_totals: bool = False  # DC101 of thirteen bytes, with the amount
    says_authorized_while_filling: bool = False
    tells_prices: bool = True
    tells_parameters: bool = True
    serial: str = "0000000001"


class Pump:
    """One fuelling point with its logical nozzles."""

    def __init__(self, address: int, nozzles: int = 4, options: Options | None = None) -> None:
        self.address = address
        self.options = options or Options()
        self.meters = {number: Meter() for number in range(1, nozzles + 1)}
        self.shown = Fill()
        self.powered = True
        self.now: Seconds = 0.0
        self._carry = Decimal(0)
        self._boot()

    def _boot(self) -> None:
        self.link = HeadLink(self.address)
        self.status = NOT_PROGRAMMED
        self.prices: dict[int, int] = {}
        self.allowed: tuple[int, ...] = ()
        self.lifted = 0
        self.rate = Decimal(0)  # litres per second while the trigger is squeezed
        self._selected = 0
        self._preset_volume: int | None = None
        self._preset_amount: int | None = None
        self._suspended_from = AUTHORIZED
        self.metered = True  # the display's fill is in the totalizer
        self._reported: Seconds = self.now

    # ------------------------------------------------------------------ people and power

    def lift(self, nozzle: int) -> None:
        """Take a nozzle off; the first one out counts until it is back."""
        if not self.powered or self.lifted:
            return
        self.lifted = self._selected = nozzle
        self._say(self._nozzle())

    def hang(self) -> None:
        """Put the nozzle back: delivery is over, and only now the totalizer is right."""
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

    def squeeze(self, litres_per_second: Decimal) -> None:
        self.rate = litres_per_second

    def release(self) -> None:
        self.rate = Decimal(0)

    def cut_power(self) -> None:
        """A fill under way ends here; its litres were delivered and are kept."""
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

    def recall(self, shown: Fill, *, metered: bool) -> None:
        """The display and the meters as they were before the head lost its power."""
        self.shown, self.metered = shown, metered
        self._book()

    def sell_locally(self, nozzle: int, litres: Decimal, price: Decimal) -> None:
        """A fill in the head's own manual mode, as happens while nobody listens."""
        places = self.options.decimals
        self.shown = Fill(nozzle, unscaled(price, places.price), unscaled(litres, places.volume))
        self.shown.amount = self._worth(self.shown.volume)
        self._selected = nozzle
        self.metered = False
        self._book()

    # ------------------------------------------------------------------ fuel

    def advance(self, now: Seconds) -> None:
        """Let time pass: fuel flows where it may."""
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
        self._carry += litres.scaleb(self.options.decimals.volume)
        whole = int(self._carry)
        self._carry -= whole
        volume = self.shown.volume + whole
        if self._preset_volume is not None:
            volume = min(volume, self._preset_volume)
        if self._preset_amount is not None:
            volume = min(volume, self._volume_for(self._preset_amount))
        self.shown.volume = volume
        self.shown.amount = self._worth(volume)

    def _limit_reached(self) -> bool:
        by_volume = self._preset_volume is not None and self.shown.volume >= self._preset_volume
        by_amount = self._preset_amount is not None and (
            self.shown.volume >= self._volume_for(self._preset_amount)
        )
        return by_volume or by_amount

    def _worth(self, volume: int) -> int:
        """Display amount: litres times price, half up at the display's last digit."""
        places = self.options.decimals
        yuan = scaled(volume, places.volume) * scaled(self.shown.price, places.price)
        return int(yuan.scaleb(places.amount).quantize(Decimal(1), ROUND_HALF_UP))

    def _volume_for(self, amount: int) -> int:
        """The most litres whose amount does not pass the preset."""
        places = self.options.decimals
        price = scaled(self.shown.price, places.price)
        if not price:
            return 0
        volume = int((scaled(amount, places.amount) / price).scaleb(places.volume)) + 2
        while self._worth(volume) > amount:
            volume -= 1
        return volume

    def _finish(self) -> None:
        self.status = COMPLETED
        self.rate = Decimal(0)
        if not self.lifted:
            self._book()

    def _book(self) -> None:
        """Move the display's fill into the totalizers, once."""
        if self.metered or self.shown.nozzle not in self.meters:
            return
        meter = self.meters[self.shown.nozzle]
        shift = self.options.decimals.totals - self.options.decimals.volume
        step = Decimal(self.shown.volume).scaleb(shift)
        meter.volume = (meter.volume + int(step)) % 10**10
        meter.amount = (meter.amount + self.shown.amount) % 10**10
        self.metered = True

    # ------------------------------------------------------------------ the wire

    def hear(self, frame: Frame) -> Frame | None:
        """The head's answer to one undamaged message that names it."""
        if not self.powered:
            return None
        answer, body = self.link.answer(frame)
        if body is not None:
            try:
                items = t.read_from_master(body)
            except Malformed:
                return answer
            for item in items:
                self._obey(item)
        return answer

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
