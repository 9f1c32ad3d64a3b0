"""Both sides of a DART line overheard: the facts of a recording, by the rules of `reading.py`."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from devices.protocols import asks, base
from devices.protocols.base import Event, Malformed, Seconds
from devices.protocols.dart import transactions as t
from devices.protocols.dart.frames import Control, Deframer, Frame, decode
from devices.protocols.dart.link import Inbox
from devices.protocols.dart.reading import Point

_RESET = t.pack_for_pump(t.Do(t.RESET))
_ASK_FILL = t.pack_for_pump(t.Do(t.RETURN_FILLING))


@dataclass(slots=True)
class _Head:
    point: Point
    inbox: Inbox = field(default_factory=Inbox)
    sending: Frame | None = None  # a block that was not acknowledged yet


class DartPassive:
    """One line of DART heads."""

    def __init__(self, devices: Iterable[base.DeviceSettings]) -> None:
        self._heads = {device.address: _Head(Point(device)) for device in devices}
        self._asked: int | None = None  # whose answer is awaited: one question has one

    def sent(self, raw: bytes, now: Seconds) -> None:
        frame = _frame(raw)
        self._asked = frame.address if frame is not None else None
        if frame is None or frame.control is not Control.DATA:
            return
        head = self._head(frame.address)
        if frame.body == _RESET and (head.sending is None or head.sending.tx != frame.tx):
            command = asks.Authorise(address=frame.address, nozzles=())
            head.point.before(command, frame.body)
        head.sending = frame

    def heard(self, raw: bytes, now: Seconds) -> tuple[Event, ...]:
        frame = _frame(raw)
        if frame is None:
            return (base.Damaged(address=self._asked or 0, why=_why(raw)),)
        if frame.address != self._asked:
            return ()  # a repetition, or an answer to nobody
        self._asked = None
        head = self._head(frame.address)
        match frame.control:
            case Control.DATA:
                return self._block(head, frame)
            case Control.ACK | Control.ACKPOLL:
                self._acknowledged(head, frame)
            case Control.EOT:
                return tuple(head.point.quiet())
        return ()

    def _head(self, address: int) -> _Head:
        """A head that the wiring does not know is heard all the same, with the usual decimals."""
        if address not in self._heads:
            self._heads[address] = _Head(Point(base.DeviceSettings(address, tuple(range(1, 16)))))
        return self._heads[address]

    @staticmethod
    def _block(head: _Head, frame: Frame) -> tuple[Event, ...]:
        _, fresh = head.inbox.accept(frame.tx)
        if not fresh:
            return ()
        try:
            return tuple(head.point.read(t.read_from_pump(frame.body)))
        except Malformed as wrong:
            return (base.Damaged(address=frame.address, why=str(wrong)),)

    @staticmethod
    def _acknowledged(head: _Head, frame: Frame) -> None:
        sending, head.sending = head.sending, None
        if sending is not None and sending.tx == frame.tx and sending.body == _ASK_FILL:
            command = asks.ReadTransaction(address=frame.address)
            head.point.after(command, sending.body)


def _frame(raw: bytes) -> Frame | None:
    """The one frame in these bytes; noise before its address is passed over."""
    cut = Deframer().feed(raw)
    plain = cut[0][1] if len(cut) == 1 else b""
    for start in range(len(plain)):
        try:
            return decode(plain[start:])
        except Malformed:
            continue
    return None


def _why(raw: bytes) -> str:
    cut = Deframer().feed(raw)
    try:
        decode(cut[0][1] if cut else raw)
    except Malformed as wrong:
        return str(wrong)
    return "no frame"
