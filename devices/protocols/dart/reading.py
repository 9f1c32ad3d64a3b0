"""What a DART head's transactions mean: conditions, fills, totals, in litres and yuan."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from devices.protocols import asks, base
from devices.protocols.base import Condition, Event, scaled
from devices.protocols.dart import transactions as t

NOT_PROGRAMMED, RESET, AUTHORIZED, FILLING = 0, 1, 2, 4
COMPLETED, LIMIT_REACHED, SWITCHED_OFF, SUSPENDED = 5, 6, 7, 8
_RUNNING = {AUTHORIZED, FILLING, LIMIT_REACHED, SUSPENDED}

ALARMS = {
    0x01: "CPU_RESET",
    0x03: "RAM",
    0x04: "PROM",
    0x06: "PULSER",
    0x07: "PULSER_CURRENT",
    0x09: "EMERGENCY_STOP",
    0x0A: "POWER_FAIL",
    0x0B: "PRESSURE",
    0x0C: "BLEND",
    0x0D: "LEAK",
    0x0E: "LEAK",
}


class Point:
    """One address as its own words describe it."""

    def __init__(self, settings: base.DeviceSettings) -> None:
        self.settings = settings
        self.forget()

    def forget(self) -> None:
        """Nothing is known, as after a broken line."""
        self.status: int | None = None
        self.nozzle = 0
        self.out = False
        self.price: Decimal | None = None
        self.ran = False  # authorised since the nozzle was last in
        self.filler: tuple[int, Decimal] | None = None  # nozzle and price of the fill we saw
        self.reading = False  # the fill was asked for
        self._filled: t.Filled | None = None
        self._named = False
        self._flowing = False

    # ------------------------------------------------------------------ our own steps

    def before(self, command: asks.Command, body: bytes) -> None:
        """A block is about to be sent: an old status must not pass for its effect."""
        if isinstance(command, asks.Authorise) and body == _RESET_BODY:
            self.status, self.filler, self._flowing = None, None, False

    def after(self, command: asks.Command, body: bytes) -> None:
        """A block was acknowledged; a question for the fill makes the next DC2 its answer."""
        if isinstance(command, asks.ReadTransaction):
            self.reading, self._filled, self._named = True, None, False

    # ------------------------------------------------------------------ the head's words

    def read(self, items: Iterable[t.FromPump]) -> list[Event]:
        """Events of one block. The status comes last, when the whole block is known."""
        events: list[Event] = []
        news = False
        for item in items:
            news |= isinstance(item, t.PumpStatus | t.NozzlePrice | t.Filled)
            events += self._one(item)
        events += self._transaction(final=False)
        if self.out and self.status in _RUNNING and self.nozzle and self.price is not None:
            self.filler = self.nozzle, self.price
        if news and self.status is not None:
            events.append(self._status())
        return events

    def quiet(self) -> Iterator[Event]:
        """Nothing more comes: a fill without its nozzle is completed from what we know."""
        yield from self._transaction(final=True)

    def _one(self, item: t.FromPump) -> list[Event]:
        places = self.settings.decimals
        address = self.settings.address
        match item:
            case t.PumpStatus(code):
                self._take_status(code)
            case t.Filled():
                return self._take_filled(item)
            case t.NozzlePrice():
                return [self._take_nozzle(item)]
            case t.VolumeTotals(counter, volume, amount, _):
                money = None if amount is None else scaled(amount, places.totals_amount)
                litres = scaled(volume, places.totals)
                return [
                    base.TotalsRead(address=address, nozzle=counter, litres=litres, amount=money)
                ]
            case t.UnitPrices(prices):
                held = enumerate((scaled(price, places.price) for price in prices), start=1)
                known = tuple(pair for pair in held if pair[0] in self.settings.nozzles)
                return [base.PricesRead(address=address, prices=known)]
            case t.Alarm(code):
                return [base.PumpAlarm(address=address, code=ALARMS.get(code, "OTHER"), raw=code)]
            case t.PumpIdentity(text):
                return [base.Identity(address=address, text=text)]
            case t.SetParameters():
                return [self._parameters(item)]
        return []

    def _take_status(self, code: int) -> None:
        self.status = code
        self.ran = self.ran or code in _RUNNING
        if code in (NOT_PROGRAMMED, RESET, COMPLETED):
            self._flowing = False

    def _take_filled(self, item: t.Filled) -> list[Event]:
        places = self.settings.decimals
        if self.reading:
            self._filled = item
            return []
        # some heads go on saying AUTHORIZED while fuel flows
        self._flowing = self._flowing or (item.volume > 0 and self.out)
        return [
            base.Delivered(
                address=self.settings.address,
                litres=scaled(item.volume, places.volume),
                amount=scaled(item.amount, places.amount),
            )
        ]

    def _take_nozzle(self, item: t.NozzlePrice) -> Event:
        self.out = item.out
        if item.nozzle:
            self.nozzle = item.nozzle
            self.price = scaled(item.price, self.settings.decimals.price)
            self._named = True
        return base.NozzleSelected(
            address=self.settings.address,
            nozzle=item.nozzle,
            nozzle_out=item.out,
            price=self.price if item.nozzle else None,
        )

    def _parameters(self, item: t.SetParameters) -> Event:
        held = base.Decimals(
            volume=item.volume_decimals, amount=item.amount_decimals, price=item.price_decimals
        )
        most = scaled(item.max_amount, item.amount_decimals)
        return base.Parameters(address=self.settings.address, decimals=held, max_amount=most)

    def _transaction(self, *, final: bool) -> list[Event]:
        """The fill that was asked for, once volume, nozzle and price are there."""
        if not self.reading or self._filled is None or not (self._named or final):
            return []
        filled, self.reading, self._filled = self._filled, False, None
        places = self.settings.decimals
        # the next customer may have lifted another nozzle while this fill is being read
        nozzle, price = self.filler or (self.nozzle, self.price)
        return [
            base.TransactionRead(
                address=self.settings.address,
                nozzle=nozzle,
                litres=scaled(filled.volume, places.volume),
                amount=scaled(filled.amount, places.amount),
                price=price,
            )
        ]

    def _status(self) -> Event:
        condition = self._condition()
        if not self.out and self.status in (RESET, COMPLETED, NOT_PROGRAMMED):
            self.ran = False
        return base.Status(
            address=self.settings.address,
            condition=condition,
            nozzle=self.nozzle,
            nozzle_out=self.out,
            raw=self.status if self.status is not None else -1,
        )

    def _condition(self) -> Condition:
        match self.status:
            case 0:
                return Condition.UNPROGRAMMED
            case 2:
                return Condition.FUELLING if self._flowing and self.out else Condition.AUTHORISED
            case 4:
                return Condition.FUELLING
            case 6:
                return Condition.LIMIT
            case 7:
                return Condition.OFF
            case 8:
                return Condition.SUSPENDED
            case 1 | 5:
                if not self.out:
                    return Condition.IDLE
                return Condition.ENDED if self.ran and self.status == 5 else Condition.CALLING
        return Condition.ERROR


_RESET_BODY = t.pack_for_pump(t.Do(t.RESET))
