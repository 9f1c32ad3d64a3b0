"""Both sides of a GasKitLink line overheard: the facts of a recording, by the rules of `reading.py`."""

from collections.abc import Iterable
from dataclasses import dataclass

from devices.protocols import base
from devices.protocols.base import Event, Malformed, Seconds
from devices.protocols.gaskit import messages as m
from devices.protocols.gaskit.frames import ANSWERS, QUESTIONS, decode
from devices.protocols.gaskit.reading import GasKitPoint, state_of


@dataclass(slots=True)
class _Head:
    point: GasKitPoint
    question: m.Question | None = None
    said: m.Answer | None = None  # a fill or a totalizer, the first time


class GasKitPassive:
    """One line of GasKitLink heads."""

    def __init__(self, devices: Iterable[base.DeviceSettings]) -> None:
        self._heads = {device.address: _Head(GasKitPoint(device)) for device in devices}
        self._asked = 0
        self._open = False  # one question has one answer; what follows is a repetition

    def sent(self, raw: bytes, now: Seconds) -> None:
        try:
            frame = decode(raw, QUESTIONS)
            question = m.read_question(frame)
        except Malformed:
            self._asked, self._open = 0, False
            return
        self._asked, self._open = frame.address, True
        head = self._head(frame.address)
        if question != head.question:
            head.said = None  # two equal answers count that were given to one question in a row
        head.question = question
        if isinstance(question, m.Preset) or question in (m.Ask("N"), m.Ask("B"), m.Ask("G")):
            head.point.doubt()

    def heard(self, raw: bytes, now: Seconds) -> tuple[Event, ...]:
        if not self._open:
            return ()
        try:
            frame = decode(raw, ANSWERS)
            if frame.address != self._asked:
                raise Malformed(base.FOREIGN)
            events = self._answered(self._head(frame.address), m.read_answer(frame), now)
            self._open = False
            return tuple(events)
        except Malformed as wrong:
            return (base.Damaged(address=self._asked, why=str(wrong)),)

    def _head(self, address: int) -> _Head:
        """A head that the wiring does not know is heard all the same, with the usual decimals."""
        if address not in self._heads:
            self._heads[address] = _Head(
                GasKitPoint(base.DeviceSettings(address, tuple(range(1, 10))))
            )
        return self._heads[address]

    @staticmethod
    def _answered(head: _Head, said: m.Answer, now: Seconds) -> list[Event]:
        match head.question, said:
            case m.Ask("L" | "R" as letter), m.Live() if said.letter == letter:
                return head.point.live(said)
            case m.Ask("T"), m.Transaction():
                return _twice(head, said)
            case m.AskTotalizer(nozzle), m.Totalizer() if said.nozzle == nozzle:
                return _twice(head, said)
            case m.Preset() | m.Ask("S" | "N" | "B" | "G"), m.State():
                sure = head.point.take(state_of(said), now)
                return head.point.news(now, asked=False) if sure else []
        raise Malformed(f"{type(said).__name__} is no answer to this question")


def _twice(head: _Head, said: m.Transaction | m.Totalizer) -> list[Event]:
    if said != head.said:
        head.said = said
        return []
    head.said = None
    return [head.point.figures(said)]
