"""The controller's end of IFSF over TCP: which message does what, and what answers it.

Answers are told from others by their token. Dispensers speak by themselves at any time: that is
acknowledged where they ask for it, and believed nowhere, since what it says is asked for anyway.

A finished fill is a transaction with a number. After each rest the last one is looked at, until it is
known to be cleared; a fill that is payable waits to be read and closed. And before the first price a
nozzle's product is looked up, because prices belong to products.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from devices.protocols import asks, base
from devices.protocols.base import Condition, Event, Malformed, Outcome, Request, Seconds, unscaled
from devices.protocols.cutting import Deframer
from devices.protocols.ifsf import messages as m
from devices.protocols.ifsf.frames import TOKENS, Frame, Item, Kind, deframer, encode, number
from devices.protocols.limits import limit_of
from devices.protocols.states import RUNS, Point, State
from devices.protocols.turns import Doing, Taken, Turns

TIMING = base.Timing(
    window=0.500,
    turnaround=0.005,
    reply_turnaround=0.0,
    idle_poll=0.450,
    busy_poll=0.100,
    misses_until_offline=5,
)
SERIAL = base.SerialSettings(
    baud=115200, bits=8, parity="N", stop=1
)  # where there is a serial port
ABILITIES = base.Abilities(
    closes_transactions=True, transaction_ids=True, totals_decide=True, speaks_unasked=True
)
MUTE = 8  # silences after which there is no such fill
_COMMANDS = {asks.Stop: m.TERMINATE, asks.Suspend: m.SUSPEND, asks.Resume: m.RESUME}


class IfsfPoint(Point):
    """One fuelling point as its own words describe it."""

    lifted_for = 0.0

    def forget(self) -> None:
        super().forget()
        self.products: dict[int, int] = {}  # of each nozzle; nought where it has none
        self._slots: dict[int, int] = {}
        self._noted: tuple[m.Question, int] | None = None
        self.half: m.Said | None = None  # said, and a fill is still to be looked at
        self.read_fill = 0  # it may be cleared
        self._settled = self._last = self._at = 0  # fills: cleared like all before, last, looked at
        self._older = False  # the one looked at was payable: there may be more
        self._mute = 0
        self._absent = 0  # a fill that the head does not have
        self._ran = 0  # the nozzle that was out while it ran

    def look(self, said: m.Said) -> m.Said | None:
        """The state, unless the last fill has to be looked at for it."""
        self.half = None
        if said.raw not in m.RESTS or said.last == self._settled:
            return said
        if said.last != self._last:
            self._last = self._at = said.last
            self._older = False
        self.half = said
        return None

    def looked(self, stored: int) -> m.Said | None:
        """The state, by what the fill is that was looked at; nought where there is none."""
        self._absent = 0 if stored else self._at
        said, self.half, self._mute = self.half, None, 0
        if said is None:
            return None
        unclosed = stored in (m.PAYABLE, m.LOCKED)
        condition = Condition.IDLE if unclosed else said.condition
        return replace(said, condition=condition, unclosed=unclosed, looked=self._at)

    def unheard(self) -> None:
        """Nobody answered for the fill; of one that was not seen to run, silences say there is none."""
        self._mute += self.half is not None
        if self.half is not None and self._mute >= MUTE and not self._ran:
            self._settled = self._absent = self.half.last
        self.half = None

    def take(self, said: State, now: Seconds) -> bool:
        sure = super().take(said, now)
        if sure and isinstance(said, m.Said) and said.looked == self._at:
            if not said.unclosed and self._older:
                self._at = m.last_of(said.looked)
            elif not said.unclosed:
                self._settled = said.last
            self._older = said.unclosed
        if sure and said.condition in RUNS:
            self._ran = said.nozzle if said.out else self._ran
        elif sure and said.nozzle != self._ran:
            self.spent = False  # another nozzle is out: the next customer
        return sure

    @property
    def empty(self) -> bool:
        """There is no last fill."""
        return self.fill == self._absent

    @property
    def fill(self) -> int:
        """The fill that waits, or the last one; nought while that is not known."""
        state = self.state
        if not isinstance(state, m.Said):
            return 0
        return state.looked if state.unclosed else state.last

    def wanted(self) -> m.Question | None:
        """What has to be looked at next."""
        if self.half is not None:
            return m.ask(m.STORED, place=m.fill_place(self._at), looks=True)
        return None

    def unknown(self) -> m.Question | None:
        """What is not known of the products yet."""
        for nozzle in self.settings.nozzles:
            if nozzle in self._slots and nozzle not in self.products:
                place = bytes((m.PRODUCTS + self._slots[nozzle] - 1,))
                return m.ask(m.PRODUCT_NUMBER, place=place, shared=True, looks=True)
            if nozzle not in self.products:
                return m.ask(m.PRODUCT, place=m.nozzle_place(nozzle), looks=True)
        return None

    @property
    def sold(self) -> tuple[int, ...]:
        """Its products, each once."""
        return tuple(dict.fromkeys(one for one in self.products.values() if one))

    def note(self, question: m.Question, value: bytes) -> None:
        """A product or its number; believed when it is said twice in a row."""
        said = base.from_bcd(value) if question.shared else int.from_bytes(value, "big")
        before, self._noted = self._noted, (question, said)
        if before != self._noted or question != self.unknown():
            return
        nozzle = next(one for one in self.settings.nozzles if one not in self.products)
        if said and not question.shared:
            self._slots[nozzle] = said
        else:
            self.products[nozzle] = said

    def live(self, said: m.Live) -> list[Event]:
        """Litres and yuan on the display; nought as soon as the fill is over."""
        address = self.settings.address
        if not said.volume:
            return []
        return [base.Delivered(address=address, litres=said.volume, amount=said.amount)]


class IfsfCodec(Turns):
    """Dispensers behind one connection. A question is what is asked of which database."""

    settings = SERIAL
    abilities = ABILITIES
    usual = TIMING
    status = m.ASK_STATE
    round = (status, m.ASK_LIVE)
    point = IfsfPoint
    streams = True

    def __init__(
        self, devices: Iterable[base.DeviceSettings], timing: base.Timing | None = None
    ) -> None:
        super().__init__(devices, timing)
        self._token = 0
        self._owed = b""  # acknowledgements of what was told

    def deframer(self) -> Deframer[Frame]:
        return deframer(from_master=False)

    def write(self, address: int, question: m.Question) -> bytes:
        self._token = self._token % TOKENS + 1
        return encode(m.frame_of(address, self._token, question))

    # ------------------------------------------------------------------ listening

    def answers(self, frame: Frame) -> bool:
        if frame.kind is Kind.TOLD:
            told = Frame(Kind.ACK, frame.token, frame.sender, frame.to, frame.place)
            self._owed += encode(told)
        return frame.kind in (Kind.ANSWER, Kind.ACK) and frame.token == self._token

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        return self._acknowledging(super().feed(data, now))

    def expire(self, now: Seconds) -> Outcome:
        if self._question.looks:
            self._heads[self._asked].point.unheard()
        return self._acknowledging(super().expire(now))

    def _acknowledging(self, outcome: Outcome) -> Outcome:
        if not (self._owed and outcome.finished):
            return outcome
        owed, self._owed = self._owed, b""
        reply = Request(self._asked, owed, turnaround=self.timing.reply_turnaround)
        return replace(outcome, reply=reply)

    def read(self, frame: Frame, question: m.Question, point: IfsfPoint) -> Any:
        asked = m.frame_of(point.settings.address, self._token, question)
        if frame.sender != asked.to:
            raise Malformed(base.FOREIGN)
        if frame.place != asked.place:
            raise Malformed(f"{frame.place.hex()} is no answer to {asked.place.hex()}")
        if frame.kind is Kind.ACK:
            if question.looks:
                return self._looked(question, b"", point)
            return Taken(question.kind is Kind.WRITE and frame.taken)
        if question.kind is Kind.WRITE or [one.id for one in frame.items] != [
            one.id for one in asked.items
        ]:
            raise Malformed("other items than were asked for")
        return self._meaning(frame, question, point)

    @staticmethod
    def _looked(question: m.Question, value: bytes, point: IfsfPoint) -> m.Said | None:
        if question.items[0].id == m.STORED and not question.shared:
            return point.looked(m.stored_of(value))
        point.note(question, value)
        return None

    def _meaning(self, frame: Frame, question: m.Question, point: IfsfPoint) -> Any:
        values = m.values(frame)
        if question.looks:
            return self._looked(question, values[0], point)
        if question.expects is not None:
            return Taken(m.figures(values, m.PRICE_SIZE) == [question.expects])
        if question == m.ASK_STATE:
            return point.look(m.state_of(frame))
        if question == m.ASK_LIVE:
            return m.Live(*m.figures(values, m.FIGURE, m.FIGURE))
        if question == m.ASK_IDENTITY:
            return m.text_of(frame)
        match question.items[0].id:
            case m.NEXT:
                return m.Fill()
            case m.AMOUNT:
                return m.fill_of(frame)
            case m.VOLUME_TOTAL:
                return m.Totals(*m.figures(values, m.TOTAL, m.TOTAL))
        return m.figures(values, m.PRICE_SIZE)[0]

    # ------------------------------------------------------------------ speaking

    def _choose(self, head: Any, now: Seconds) -> Any:
        point, doing = head.point, head.doing
        prices = doing is None or isinstance(doing.command, asks.SetPrices | asks.ReadPrices)
        if prices and point.sure and not point.moving and (doing is None or not doing.tries):
            unknown = point.unknown()
            if unknown is not None:
                return unknown
        question = super()._choose(head, now)
        return (point.wanted() or question) if question == m.ASK_STATE else question

    def _goes_out(self, point: Any, doing: Doing, now: Seconds) -> bool:
        first = isinstance(doing.command, asks.ReadTransaction | asks.ReadPrices)
        if first and (point.state is None or (not doing.step and not point.sure)):
            return False  # of which fill, and of which products, the state has to tell before
        return super()._goes_out(point, doing, now)

    def steps(self, command: asks.Command, point: IfsfPoint) -> tuple[m.Question, ...]:
        match command:
            case asks.Authorise():
                return _authorise(command, point)
            case asks.SetPrices(prices=prices):
                closed = point.state is not None and point.state.raw == m.CLOSED
                opening = (m.tell(Item(m.OPEN)),) if closed else ()
                return (*(_set(point, one, price) for one, price in prices), *opening)
            case asks.Stop() | asks.Suspend() | asks.Resume():
                return (m.tell(Item(_COMMANDS[type(command)])),)
            case asks.CloseTransaction():
                if not point.read_fill:
                    raise Malformed("only a fill that was read can be cleared")
                return (m.tell(Item(m.CLEAR), place=m.fill_place(point.read_fill)),)
        return self._reading(command, point)

    @staticmethod
    def _reading(command: asks.Command, point: IfsfPoint) -> tuple[m.Question, ...]:
        match command:
            case asks.ReadTransaction() if point.empty:
                return (m.ASK_NEXT,)
            case asks.ReadTransaction():
                place = m.fill_place(point.fill)
                return (m.ask(m.AMOUNT, m.VOLUME, m.PRICE, m.NOZZLE, place=place),)
            case asks.ReadTotals(nozzle=nozzle) if point.products.get(nozzle, 1):
                place = m.nozzle_place(nozzle)
                return (m.ask(m.VOLUME_TOTAL, m.AMOUNT_TOTAL, place=place),)
            case asks.ReadPrices():
                return tuple(_ask_price(one) for one in point.sold or (0,))
            case asks.ReadIdentity():
                return (m.ASK_IDENTITY,)
        raise base.Unsupported(f"IFSF has no {type(command).__name__}")

    # ------------------------------------------------------------------ what came of it

    def over(self, doing: Doing, point: IfsfPoint) -> bool:
        state = point.known
        match doing.command:
            case asks.Suspend():
                ended = doing.tries > 0 and state.raw in m.RESTS
                return state.condition is Condition.SUSPENDED or ended
            case asks.Resume():
                return state.condition in (Condition.AUTHORISED, Condition.FUELLING)
        return super().over(doing, point)

    def possible(self, doing: Doing, point: IfsfPoint) -> bool:
        match doing.command:
            case asks.Suspend():
                return point.known.raw in (m.STARTED, m.FUELLING)
            case asks.Resume():
                return point.known.condition is Condition.SUSPENDED
            case asks.Authorise(nozzles=nozzles) if not point.products.get(nozzles[0]):
                return False
            case asks.SetPrices(prices=prices):
                if not all(point.products.get(one, 1) for one, _ in prices):
                    return False
            case asks.CloseTransaction():
                return point.fill == point.read_fill
        return super().possible(doing, point)

    def done(self, doing: Doing, point: IfsfPoint) -> None:
        if isinstance(doing.command, asks.CloseTransaction):
            point.read_fill = 0

    def figure(self, command: asks.Command, point: IfsfPoint, read: list[Any]) -> Event:
        address = point.settings.address
        match read[0]:
            case m.Totals(volume, amount):
                assert isinstance(command, asks.ReadTotals)
                return base.TotalsRead(
                    address=address, nozzle=command.nozzle, litres=volume, amount=amount
                )
            case m.Fill(amount, volume, price, nozzle):
                point.read_fill = 0 if point.empty else point.fill
                return base.TransactionRead(
                    address=address,
                    nozzle=nozzle,
                    litres=volume,
                    amount=amount,
                    price=price or None,
                    transaction_id="" if point.empty else f"{point.fill:04}",
                )
            case str(text):
                return base.Identity(address=address, text=text)
        held = dict(zip(point.sold or (0,), read, strict=True))
        prices = ((one, held.get(product)) for one, product in point.products.items())
        return base.PricesRead(
            address=address, prices=tuple((one, price) for one, price in prices if price)
        )


def _ask_price(product: int, expects: Decimal | None = None) -> m.Question:
    return m.ask(m.UNIT_PRICE, place=m.price_place(product), shared=True, expects=expects)


def _set(point: IfsfPoint, nozzle: int, price: Decimal) -> m.Question:
    places = point.settings.decimals.price
    value = unscaled(price, places)
    if value <= 0:
        raise Malformed(f"{price} does not fit")
    place = m.price_place(point.products.get(nozzle, 0))
    return m.tell(Item(m.UNIT_PRICE, number(value, places, m.PRICE_SIZE)), place=place, shared=True)


def _authorise(command: asks.Authorise, point: IfsfPoint) -> tuple[m.Question, ...]:
    """The price that the product is sold at has to be the right one; then the limit, and leave."""
    places, [nozzle] = point.settings.decimals, command.nozzles[:1] or (0,)
    limit = limit_of(command, places, most_volume=m.MOST, most_amount=m.MOST)
    free = command.limit_litres is None and command.limit_yuan is None
    volume = 0 if free or not limit.litres else limit.value
    amount = 0 if free or limit.litres else limit.value
    limits = m.tell(
        Item(m.MASK, bytes((m.bit_of(nozzle),))),
        Item(m.AMOUNT_LIMIT, number(amount, places.amount, m.FIGURE)),
        Item(m.VOLUME_LIMIT, number(volume, places.volume, m.FIGURE)),
    )
    check = _ask_price(point.products.get(nozzle, 0), command.price)
    return check, limits, m.tell(Item(m.RELEASE))
