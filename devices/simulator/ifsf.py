"""A fuelling point of an IFSF dispenser: its databases, its states, and what it says by itself.

Prices are lost with the power, and the point comes up closed. Transactions stay until they are
cleared, and one that is payable keeps the point from the next sale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from devices.protocols.base import Malformed, Seconds, SerialSettings, bcd, from_bcd
from devices.protocols.ifsf import messages as m
from devices.protocols.ifsf.codec import SERIAL
from devices.protocols.ifsf.frames import Frame, Item, Kind, deframer, encode, number, read_number
from devices.simulator.electronics import Fill, Head, HeadOptions, Message

_FLOWS = (m.STARTED, m.FUELLING)
_TAKEN = (m.STARTED, m.SUSPENDED_STARTED, m.FUELLING, m.SUSPENDED_FUELLING)
_PAUSED = {m.STARTED: m.SUSPENDED_STARTED, m.FUELLING: m.SUSPENDED_FUELLING}
_GOES_ON = {held: runs for runs, held in _PAUSED.items()}
FIRST_PRODUCT = 1020


@dataclass(slots=True)
class IfsfOptions(HeadOptions):
    """How this make of head behaves."""

    wants_ack: bool = False  # what it says by itself is to be acknowledged
    silent_on_nothing: bool = False  # a transaction that is not there is met with silence
    pauses: bool = True


@dataclass(slots=True)
class Stored:
    """A transaction."""

    fill: Fill
    state: int = m.PAYABLE


class IfsfEar:
    """A message tells its length; what is for a node is for each of its points."""

    settings: SerialSettings = SERIAL

    def __init__(self) -> None:
        self._deframer = deframer(from_master=True)

    def feed(self, data: bytes) -> Iterator[Message | None]:
        for piece in self._deframer.feed(data):
            said = piece.frame
            if said is None:
                yield None
            elif said.kind is not Kind.ACK:
                yield self._message(said)

    @staticmethod
    def _message(said: Frame) -> Message:
        node, point = said.to[1], said.place[0] - m.FP + 1
        poll = said.kind is Kind.READ and said.items == m.ASK_STATE.items
        if 1 <= point <= m.POINTS_A_NODE:
            return Message(m.address_of(node, point), poll, said)
        first, *others = (m.address_of(node, one) for one in range(1, m.POINTS_A_NODE + 1))
        return Message(first, poll, said, shared=tuple(others))


class IfsfPump(Head):
    """One fuelling point with its nozzles."""

    ear = IfsfEar
    totalizer_digits = 12
    options: IfsfOptions

    def __init__(self, address: int, nozzles: int = 4, options: IfsfOptions | None = None) -> None:
        super().__init__(address, nozzles, options or IfsfOptions())
        self.status = m.CLOSED
        self.prices = dict.fromkeys(self.meters, 0)
        self.stored: dict[int, Stored] = {}
        self.next = 1
        self.mask = 0xFF
        self._limits = {m.AMOUNT_LIMIT: 0, m.VOLUME_LIMIT: 0}
        self._reported = self.status, self.lifted

    @property
    def payable(self) -> bool:
        """A fill waits to be cleared."""
        return any(one.state != m.CLEARED for one in self.stored.values())

    # ------------------------------------------------------------------ people and power

    @property
    def open(self) -> bool:
        flows = self.status == m.FUELLING and not self._limit_reached()
        return self.status in (m.AUTHORISED, m.STARTED) or flows

    def lift(self, nozzle: int) -> None:
        if not self.powered or self.lifted or nozzle not in self.meters:
            return
        self.lifted = nozzle
        if self.status == m.IDLE:
            self.status = m.CALLING
        elif self.status == m.AUTHORISED and self.mask & m.bit_of(nozzle):
            self.status = m.STARTED

    def hang(self) -> None:
        if not self.lifted:
            return
        nozzle, self.lifted, self.rate = self.lifted, 0, Decimal(0)
        if self.powered and self.status in _TAKEN and self.mask & m.bit_of(nozzle):
            self._end()
        elif self.powered and self.status == m.CALLING:
            self.status = m.IDLE

    def cut_power(self) -> None:
        self._book()
        self.powered, self.rate = False, Decimal(0)

    def give_power(self) -> None:
        self.powered = True
        if self.status in _TAKEN:
            self._end()
        self.status = m.CLOSED
        self.prices = dict.fromkeys(self.meters, 0)

    def recall(self, shown: Fill, *, metered: bool) -> None:
        super().recall(shown, metered=metered)
        if shown.nozzle:
            self._store(m.CLEARED if metered else m.PAYABLE)

    def sell_locally(self, nozzle: int, litres: Decimal, price: Decimal) -> None:
        super().sell_locally(nozzle, litres, price)
        self._store(m.PAYABLE)

    # ------------------------------------------------------------------ fuel

    def advance(self, now: Seconds) -> None:
        spent, self.now = now - self.now, now
        if not self.powered or spent <= 0 or self.status not in _FLOWS or self.rate <= 0:
            return
        if self.status == m.STARTED:
            self.shown = Fill(self.lifted, self.prices[self.lifted])
            self.metered, self._carry, self.status = False, Decimal(0), m.FUELLING
        self._pour(Decimal(str(round(spent, 6))) * self.rate)
        if self._limit_reached():
            self.rate = Decimal(0)

    def _end(self) -> None:
        """The fill is over; one without a drop is none."""
        if self.status in (m.FUELLING, m.SUSPENDED_FUELLING):
            self._book()
            self._store(m.PAYABLE)
        self.rate = Decimal(0)
        self._limits = dict.fromkeys(self._limits, 0)
        self._rest()

    def _store(self, state: int) -> None:
        self.stored[self.next] = Stored(replace(self.shown), state)
        self.next = self.next % 9999 + 1

    def _rest(self) -> None:
        self.status = m.CALLING if self.lifted else m.IDLE

    # ------------------------------------------------------------------ the wire

    def hear(self, said: Frame) -> bytes | None:
        if not self.powered:
            return None
        news = self._news(said)
        answer = self._answer(said)
        return news + encode(answer) if answer is not None else news or None

    def _news(self, said: Frame) -> bytes:
        """A change of state is told by itself, before anything is answered."""
        now = self.status, self.lifted
        if now == self._reported:
            return b""
        self._reported = now
        kind = Kind.TOLD if self.options.wants_ack else Kind.SAID
        place = bytes((m.FP + m.node_and_point(self.address)[1] - 1,))
        items = Item(m.STATUS_MESSAGE), *self._point_items((m.STATE, m.LIFTED, m.ASSIGNED))
        return encode(Frame(kind, 0, said.sender, said.to, place, items))

    def _point_items(self, names: tuple[int, ...]) -> Iterator[Item]:
        values = self._of_point()
        return (Item(one, values.get(one, b"")) for one in names)

    def _answer(self, said: Frame) -> Frame | None:
        back = Frame(Kind.ACK, said.token, said.sender, said.to, said.place)
        if said.kind is Kind.READ:
            held = self._held(said.place)
            if held is None and self.options.silent_on_nothing:
                return None
            if held is None:
                return replace(back, ack=m.REFUSED)
            items = tuple(Item(one.id, held.get(one.id, b"")) for one in said.items)
            return replace(back, kind=Kind.ANSWER, items=items)
        taken = [Item(one.id, bytes((not self._told(said.place, one),))) for one in said.items]
        no = m.REFUSED if any(one.value != b"\0" for one in taken) else 0
        return replace(back, items=tuple(taken), ack=no)

    def _held(self, place: bytes) -> dict[int, bytes] | None:
        """A database; None where there is none."""
        first, behind, places = place[0], place[1:], self.options.decimals
        if place == m.CALCULATOR:
            serial = self.options.serial.ljust(12).encode("ascii")
            return {m.MAKER: b"SIM", m.MODEL: b"DS1", m.SERIAL_NUMBER: serial}
        if first == m.MODES:
            price = self.prices.get(self._nozzle_selling(place))
            if price is None:
                return None
            return {m.UNIT_PRICE: number(price, places.price, m.PRICE_SIZE)}
        if m.PRODUCTS <= first < m.PRODUCTS + m.MOST_NOZZLES:
            product = FIRST_PRODUCT + first - m.PRODUCTS + 1
            return {m.PRODUCT_NUMBER: bcd(product, m.PRODUCT_DIGITS)}
        if not behind:
            return self._of_point()
        if behind[0] == m.TRANSACTIONS:
            return self._of_fill(self.stored.get(from_bcd(behind[1:])))
        nozzle = behind[0] - m.NOZZLES + 1
        meter = self.meters.get(nozzle)
        if meter is None:
            return None
        return {
            m.PRODUCT: bytes((nozzle,)),
            m.VOLUME_TOTAL: number(meter.volume, places.totals, m.TOTAL),
            m.AMOUNT_TOTAL: number(meter.amount, places.totals_amount, m.TOTAL),
        }

    def _of_point(self) -> dict[int, bytes]:
        places = self.options.decimals
        runs = self.status in (m.FUELLING, m.SUSPENDED_FUELLING)
        shown = self.shown if runs else Fill()
        return {
            m.STATE: bytes((self.status,)),
            m.LIFTED: bytes((m.bit_of(self.lifted) if self.lifted else 0,)),
            m.ASSIGNED: b"\2\1",
            m.MASK: bytes((self.mask,)),
            m.NEXT: bcd(self.next, 2),
            m.LIVE_AMOUNT: number(shown.amount, places.amount, m.FIGURE),
            m.LIVE_VOLUME: number(shown.volume, places.volume, m.FIGURE),
        }

    def _of_fill(self, stored: Stored | None) -> dict[int, bytes] | None:
        places = self.options.decimals
        if stored is None:
            return None
        return {
            m.AMOUNT: number(stored.fill.amount, places.amount, m.FIGURE),
            m.VOLUME: number(stored.fill.volume, places.volume, m.FIGURE),
            m.PRICE: number(stored.fill.price, places.price, m.PRICE_SIZE),
            m.NOZZLE: bytes((m.bit_of(stored.fill.nozzle),)),
            m.STORED: bytes((stored.state,)),
        }

    def _nozzle_selling(self, place: bytes) -> int:
        return from_bcd(place[1:-1]) - FIRST_PRODUCT

    # ------------------------------------------------------------------ what it is told

    def _told(self, place: bytes, item: Item) -> bool:
        """Whether it is taken."""
        try:
            if place[0] == m.MODES:
                nozzle = self._nozzle_selling(place)
                if nozzle in self.prices:
                    self.prices[nozzle] = self._integer(item.value, self.options.decimals.price)
                return nozzle in self.prices
            if len(place) == 4:
                return item.id == m.CLEAR and self._clear(from_bcd(place[2:]))
            return len(place) == 1 and self._obey(item)
        except Malformed:
            return False

    @staticmethod
    def _integer(raw: bytes, places: int) -> int:
        return int(read_number(raw).scaleb(places))

    def _clear(self, fill: int) -> bool:
        stored = self.stored.get(fill)
        if stored is None or stored.state == m.CLEARED:
            return False
        stored.state = m.CLEARED
        return True

    def _obey(self, item: Item) -> bool:
        status, places = self.status, self.options.decimals
        match item.id:
            case m.MASK if status in m.RESTS:
                self.mask = item.value[0]
            case m.AMOUNT_LIMIT if status in (m.IDLE, m.CALLING):
                self._limits[item.id] = self._integer(item.value, places.amount)
            case m.VOLUME_LIMIT if status in (m.IDLE, m.CALLING):
                self._limits[item.id] = self._integer(item.value, places.volume)
            case m.OPEN if status == m.CLOSED:
                self._rest()
            case m.RELEASE if status in (m.IDLE, m.CALLING):
                return self._release()
            case m.TERMINATE if status >= m.CALLING:
                self._end()
            case m.SUSPEND if status in _PAUSED and self.options.pauses:
                self.status = _PAUSED[status]
            case m.RESUME if status in _GOES_ON:
                self.status = _GOES_ON[status]
            case _:
                return False
        return True

    def _release(self) -> bool:
        allowed = [one for one in self.meters if self.mask & m.bit_of(one)]
        if self.payable or not all(self.prices[one] for one in allowed):
            return False
        self._preset_amount = self._limits[m.AMOUNT_LIMIT] or None
        self._preset_volume = self._limits[m.VOLUME_LIMIT] or None
        lifted = self.lifted in allowed
        self.status = m.STARTED if lifted else m.AUTHORISED
        return True
