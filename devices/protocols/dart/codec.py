"""The controller's end of Wayne DART: `base.Codec` over frames, block numbers and transactions.

A command becomes one or more steps; each step is one block. A step may wait for a status of the
head before it is sent: RESET clears presets, so an authorisation is RESET, wait for status 1,
allowed nozzles, preset, AUTHORIZE. A block that was not acknowledged is sent again under its own
number, since a new number would execute it twice, and an old number under a new block would be
acknowledged without effect.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from devices.protocols import asks, base
from devices.protocols.base import Event, Heard, Malformed, Outcome, Request, Seconds
from devices.protocols.dart import transactions as t
from devices.protocols.dart.frames import Control, Deframer, Frame, decode, encode
from devices.protocols.dart.link import Inbox, successor
from devices.protocols.dart.reading import Point

SERIAL = base.SerialSettings(baud=9600, bits=8, parity="O", stop=1)
TIMING = base.Timing(
    window=0.120, turnaround=0.035, reply_turnaround=0.005, idle_poll=0.2, busy_poll=0.2
)
MAX_TRIES = 5
WAIT_POLLS = 25  # polls that a step waits for its status before the command is given up
ASK_AFTER = 2  # polls without news after which the status is asked for
# A head tells each change once. One in 65536 damaged blocks passes its check, is acknowledged, and
# what it told would never be told again: so the status is asked for all the same.
ASK_AGAIN: Seconds = 30.0


@dataclass(slots=True)
class _Step:
    body: bytes
    command: asks.Command
    last: bool = True  # its acknowledgement is the command's
    await_status: int | None = None  # sent only when the head reports this
    await_silence: bool = False  # sent only when the head has nothing more to say
    refusals: int = 0


@dataclass(slots=True)
class _Head:
    """What the controller remembers of one address."""

    point: Point
    inbox: Inbox = field(default_factory=Inbox)
    steps: deque[_Step] = field(default_factory=deque)
    sending: _Step | None = None
    tx: int = 0
    tries: int = 0
    waited: int = 0
    drained: bool = False  # the last poll was answered with EOT
    greeted: bool = False  # a first block was spent on a harmless question
    asked_at: Seconds | None = None  # when something else than a poll was last said

    def done(self) -> None:
        self.sending, self.tries = None, 0
        self.tx = successor(self.tx)

    def drop(self, command: asks.Command) -> None:
        """Forget a failed command. Its number may have been executed, so it is used up."""
        self.steps = deque(step for step in self.steps if step.command is not command)
        if self.sending is not None:
            self.tx = successor(self.tx)
        self.sending, self.tries, self.waited = None, 0, 0


class DartCodec:
    """One line of DART heads."""

    settings = SERIAL
    abilities = base.Abilities()

    def __init__(
        self, devices: Iterable[base.DeviceSettings], timing: base.Timing | None = None
    ) -> None:
        self.timing = timing or TIMING
        self._heads = {device.address: _Head(Point(device)) for device in devices}
        self._deframer = Deframer()
        self._asked = 0

    # ------------------------------------------------------------------ commands

    def submit(self, command: asks.Command) -> None:
        head = self._heads[command.address]
        head.steps.extend(self._steps(command, head.point))

    def preempt(self, address: int) -> tuple[asks.Command, ...]:
        head = self._heads[address]
        steps = ([head.sending] if head.sending else []) + list(head.steps)
        head.steps.clear()
        if head.sending is not None:
            head.drop(head.sending.command)
        unique: list[asks.Command] = []
        for step in steps:
            if step.command not in unique:
                unique.append(step.command)
        return tuple(unique)

    def busy(self, address: int) -> bool:
        head = self._heads[address]
        return bool(head.sending or head.steps or head.point.reading)

    def forget(self, address: int) -> None:
        head = self._heads[address]
        head.inbox = Inbox()
        head.point.forget()

    def stop_all(self) -> Request | None:
        return None  # DART has no broadcast: STOP goes to each address

    def _steps(self, command: asks.Command, point: Point) -> list[_Step]:
        if isinstance(command, asks.Authorise):
            return self._authorise(command, point)
        if isinstance(command, asks.SetPrices):
            return self._set_prices(command, point)
        fresh = isinstance(command, asks.ReadTransaction | asks.ReadTotals)
        return [_Step(self._single(command, point), command, await_silence=fresh)]

    def _single(self, command: asks.Command, point: Point) -> bytes:
        match command:
            case asks.Suspend(nozzle=nozzle):
                return t.pack_for_pump(t.SuspendNozzle(nozzle))
            case asks.Resume(nozzle=nozzle):
                return t.pack_for_pump(t.ResumeNozzle(nozzle))
            case asks.ReadTotals(nozzle=nozzle):
                return t.pack_for_pump(t.AskVolumeTotals(nozzle))
            case asks.ReadPrices() if not point.settings.reads_prices:
                raise base.Unsupported("this head does not tell its prices")
            case asks.ReadParameters() if not point.settings.reads_parameters:
                raise base.Unsupported("this head does not tell its decimals")
        code = _CODES.get(type(command))
        if code is None:
            raise base.Unsupported(f"DART has no {type(command).__name__}")
        return t.pack_for_pump(t.Do(code))

    def _authorise(self, command: asks.Authorise, point: Point) -> list[_Step]:
        """RESET clears every preset, so it comes first and is waited for."""
        decimals = point.settings.decimals
        steps = [_Step(t.pack_for_pump(t.Do(t.RESET)), command, last=False)]
        rest: list[t.FromMaster] = [t.AllowNozzles(command.nozzles)]
        if command.limit_litres is not None:
            rest.append(t.PresetVolume(base.unscaled(command.limit_litres, decimals.volume)))
        if command.limit_yuan is not None:
            rest.append(t.PresetAmount(base.unscaled(command.limit_yuan, decimals.amount)))
        rest.append(t.Do(t.AUTHORIZE))
        steps += [_Step(t.pack_for_pump(item), command, last=False) for item in rest]
        steps[1].await_status = 1
        steps[-1].last = True
        return steps

    def _set_prices(self, command: asks.SetPrices, point: Point) -> list[_Step]:
        """All nozzles in one block. A head without programme also needs its nozzles allowed."""
        prices = dict(command.prices)
        missing = set(point.settings.nozzles) - set(prices)
        if missing:
            raise Malformed(f"no price for nozzles {sorted(missing)}")
        highest = max(point.settings.nozzles)
        places = point.settings.decimals.price
        row = [prices.get(nozzle) for nozzle in range(1, highest + 1)]
        raw = tuple(0 if price is None else base.unscaled(price, places) for price in row)
        bare = point.status == 0
        steps = [_Step(t.pack_for_pump(t.PriceUpdate(raw)), command, last=not bare)]
        if bare:
            allow = t.AllowNozzles(point.settings.nozzles)
            steps.append(_Step(t.pack_for_pump(allow), command))
        return steps

    # ------------------------------------------------------------------ speaking

    def next(self, address: int, now: Seconds) -> Request:
        self._deframer.flush()
        self._asked = address
        head = self._heads[address]
        self._ask_again(head, address, now)
        step = head.sending
        if step is None and head.steps and self._ready(head):
            if not head.greeted:  # after our restart number 0 may pass for a repetition
                head.greeted = True
                head.steps.appendleft(self._question(head.steps[0].command))
            step = head.sending = head.steps.popleft()
            head.tries = 0
            head.point.before(step.command, step.body)
        if step is None:
            return self._request(Frame(address, Control.POLL), None)
        head.tries += 1
        return self._request(Frame(address, Control.DATA, head.tx, step.body), step.command)

    def _ask_again(self, head: _Head, address: int, now: Seconds) -> None:
        """Where nothing but polls was said for a while."""
        if head.asked_at is None or self.busy(address):
            head.asked_at = now
        elif now - head.asked_at >= ASK_AGAIN:
            head.asked_at = now
            head.steps.append(self._question(asks.ReadStatus(address=address)))

    def _ready(self, head: _Head) -> bool:
        """A question for the fill waits until older news of the head is off its queue."""
        step = head.steps[0]
        if step.await_status in (None, head.point.status):
            if head.drained or not step.await_silence:
                head.waited = 0
                return True
            head.waited += 1
            return False
        head.waited += 1
        if head.waited % (ASK_AFTER + 1) == 0:
            head.steps.appendleft(self._question(step.command))
            return True
        return False

    @staticmethod
    def _question(command: asks.Command) -> _Step:
        """A block that does no harm, whether it is executed, repeated or swallowed."""
        return _Step(_ASK_BODY, command, last=False)

    def _request(self, frame: Frame, command: asks.Command | None) -> Request:
        return Request(
            address=frame.address,
            data=encode(frame),
            turnaround=self.timing.turnaround,
            window=self.timing.window,
            command=command,
        )

    # ------------------------------------------------------------------ listening

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        heard: list[Heard] = []
        events: list[Event] = []
        answer: Outcome | None = None
        for raw, plain in self._deframer.feed(data):
            try:
                frame = self._decode(plain)
            except Malformed as wrong:
                heard.append(Heard(raw, good=False))
                events.append(base.Damaged(address=self._asked, why=str(wrong)))
                continue
            heard.append(Heard(raw, good=True))
            if frame.address != self._asked:
                events.append(base.Damaged(address=self._asked, why=base.FOREIGN))
            elif answer is None:  # one request has one answer; what follows comes again
                answer = self._answered(frame)
        if answer is None:
            return Outcome(tuple(events), tuple(heard))
        return Outcome((*events, *answer.events), tuple(heard), answer.reply, finished=True)

    def expire(self, now: Seconds) -> Outcome:
        """Silence and damage look alike here: a head stays silent on a bad checksum."""
        left = self._deframer.flush()
        heard = (Heard(left, good=False),) if left else ()
        events: list[Event] = [base.Silence(address=self._asked)]
        head = self._heads[self._asked]
        if head.sending is not None and head.tries >= MAX_TRIES:
            events.append(self._give_up(head, "no acknowledgement"))
        return Outcome(tuple(events), heard, finished=True)

    def _decode(self, plain: bytes) -> Frame:
        """Bytes before the asked address are switching noise of the transceiver."""
        start = plain.find(self._asked)
        if start < 0:
            return decode(plain)
        return decode(plain[start:])

    def _answered(self, frame: Frame) -> Outcome:
        head = self._heads[frame.address]
        reply: Request | None = None
        match frame.control:
            case Control.DATA:
                events, reply = self._block(head, frame)
            case Control.ACK | Control.ACKPOLL:
                events = self._acknowledged(head, frame.tx)
            case Control.NAK:
                events = self._refused(head)
            case Control.EOT:
                head.drained = True
                events = list(head.point.quiet())
            case _:
                why = f"a head does not send {frame.control.name}"
                events = [base.Damaged(address=frame.address, why=why)]
        if head.sending is None and head.steps and head.waited >= WAIT_POLLS:
            events.append(self._give_up(head, "the head did not follow"))
        return Outcome(tuple(events), reply=reply)

    def _block(self, head: _Head, frame: Frame) -> tuple[list[Event], Request]:
        head.drained = False
        control, fresh = head.inbox.accept(frame.tx)
        reply = Request(
            address=frame.address,
            data=encode(Frame(frame.address, control, frame.tx)),
            turnaround=self.timing.reply_turnaround,
        )
        if not fresh:
            return [], reply
        try:
            return head.point.read(t.read_from_pump(frame.body)), reply
        except Malformed as wrong:
            return [base.Damaged(address=frame.address, why=str(wrong))], reply

    def _acknowledged(self, head: _Head, tx: int) -> list[Event]:
        step = head.sending
        if step is None or tx != head.tx:
            return []
        head.done()
        head.point.after(step.command, step.body)
        if not step.last:
            return []
        return [base.Accepted(address=step.command.address, command=step.command)]

    def _refused(self, head: _Head) -> list[Event]:
        """The head is out of step with our numbers: start again at 0 with a harmless question.

        Sending the command itself as number 0 would lose it where the head last heard a 0.
        """
        step = head.sending
        if step is None:
            return []
        step.refusals += 1
        if step.refusals >= MAX_TRIES:
            return [self._give_up(head, "refused")]
        head.tx = 0
        if step.await_status is None and step.body == _ASK_BODY:
            return []
        head.steps.appendleft(step)
        head.sending, head.tries = self._question(step.command), 0
        return []

    def _give_up(self, head: _Head, why: str) -> Event:
        step = head.sending or head.steps[0]
        head.drop(step.command)
        head.point.reading = False
        return base.GaveUp(address=step.command.address, command=step.command, why=why)


_ASK_BODY = t.pack_for_pump(t.Do(t.RETURN_STATUS))
_CODES: dict[type[asks.Command], int] = {
    asks.Stop: t.STOP,
    asks.CloseTransaction: t.RESET,
    asks.ReadStatus: t.RETURN_STATUS,
    asks.ReadPrices: t.RETURN_PRICES,
    asks.ReadTransaction: t.RETURN_FILLING,
    asks.ReadIdentity: t.RETURN_IDENTITY,
    asks.ReadParameters: t.RETURN_PARAMETERS,
    asks.SwitchOff: t.SWITCH_OFF,
}
