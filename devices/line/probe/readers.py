"""Card readers and scanners: a person makes them speak, and one that must be asked is asked who it is."""

from __future__ import annotations

from typing import cast

from devices.line.port import Port
from devices.line.probe import findings as told
from devices.line.probe.pumps import ways
from devices.line.probe.session import Session
from devices.line.wire import now
from devices.protocols import table
from devices.protocols.asker import Asker
from devices.protocols.base import (
    Event,
    Heard,
    Identity,
    Listener,
    Scanned,
    Seconds,
    SerialSettings,
    Swiped,
)
from devices.protocols.entry import ReaderProtocol
from devices.protocols.scanner import holds_payment_code
from devices.recorder import HEARD, JUNK, SENT

PATIENCE: Seconds = 15.0  # for a person to reach for a card
ANSWERS: Seconds = 2.0  # for one that is asked
CARD, CODE, CHIP = "CARD", "CODE", "CHIP"


class ReaderProber:
    """One kind of reader on one port."""

    def __init__(
        self, entry: ReaderProtocol, session: Session, *, named: bool, address: int | None
    ) -> None:
        self._entry, self._session = entry, session
        self.patience = ANSWERS if entry.asks else PATIENCE

    def probe(self) -> bool:
        """Wait for it to speak; another setting only where what came was no sense at this one."""
        for serial in ways(self._entry.serial, self._entry.others):
            self._session.findings.tried.append(told.Tried(self._entry.key, serial, ()))
            with self._session.port(serial) as port:
                spoke, noise = self._wait(port, serial)
            if spoke is not None:
                found_reader(self._session.findings, self._entry, serial, spoke)
                return True
            if not noise:
                return False
        return False

    def _wait(self, port: Port, serial: SerialSettings) -> tuple[told.Spoke | None, bool]:
        words = table.serial_in_words(serial)
        listener, noise, until = self._entry.listener({}), False, now() + self.patience
        please = "问它是什么" if self._entry.asks else f"请{self._entry.asks_for}"
        while (left := until - now()) > 0:
            self._session.check()
            self._session.tell(f"{self._entry.label}：{words}，{please}（还等 {int(left) + 1} 秒）")
            self._ask(port, listener)
            data = port.receive(min(left, listener.quiet))
            moment = now()
            outcome = listener.feed(data, moment) if data else listener.expire(moment)
            for heard in outcome.heard:
                noise |= not heard.good
                note_heard(self._session, heard)
            spoke = spoken(outcome.events)
            if spoke is not None:
                return spoke, noise
        return None, noise

    def _ask(self, port: Port, listener: Listener | Asker) -> None:
        request = cast(Asker, listener).next(now()) if self._entry.asks else None
        if request is not None:
            port.send(request.data)
            masked = Heard(request.data, True, request.secret).masked()
            self._session.note(masked, "问读卡器", SENT)


def found_reader(
    found: told.Findings, entry: ReaderProtocol, serial: SerialSettings, spoke: told.Spoke
) -> None:
    """A reader spoke."""
    found.outcome, found.protocol, found.label = told.FOUND, entry.key, entry.label
    found.serial, found.reader = serial, spoke


def note_heard(session: Session, heard: Heard) -> None:
    """What a reader said, masked. A card's number is in its frame and is not secret."""
    words = "读到的内容" if heard.good else "未能辨认"
    session.note(heard.masked(), words, HEARD if heard.good else JUNK)


def spoken(events: tuple[Event, ...]) -> told.Spoke | None:
    """The chip, the card or the code, as it may be shown: of a card or code the end, of a payment
    code nothing."""
    for event in events:
        if isinstance(event, Identity):
            return told.Spoke(CHIP, event.text)
        if isinstance(event, Swiped):
            return told.Spoke(CARD, _ending(event.card))
        if isinstance(event, Scanned):
            hidden = event.secret or holds_payment_code(event.code)
            return told.Spoke(CODE, "付款码（不显示）" if hidden else _ending(event.code))
    return None


def _ending(text: str) -> str:
    return f"…{text[-4:]}" if len(text) > 4 else text
