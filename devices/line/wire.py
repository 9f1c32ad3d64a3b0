"""One exchange on an open port: quiet, send, wait, read, acknowledge; every frame recorded."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

from devices.line.port import Port
from devices.protocols.base import Codec, Echo, Event, Heard, Outcome, Request, Seconds, Silence
from devices.recorder import HEARD, JUNK, SENT

OWN_GAP: Seconds = 0.016  # after our own acknowledgement: longer than any gap inside a message


def now() -> Seconds:
    return time.monotonic()


def wall() -> datetime:
    return datetime.now(UTC)


class Box(Protocol):
    """Where every frame is noted; what is secret in it was masked before."""

    def write(self, direction: str, data: bytes, at_ms: int) -> object: ...


class Wire:
    """Port, codec and black box of one line."""

    def __init__(self, port: Port, codec: Codec, box: Box, *, echo: bool) -> None:
        self._port, self._codec, self._box = port, codec, box
        self._byte = codec.settings.byte_time()
        self._echo = Echo() if echo else None
        self._quiet_from: Seconds = now()  # when the line fell silent
        self._ours = True  # the last word was ours
        self.began_at = self.heard_at = self._quiet_from  # heard: any byte at all
        self.unasked = False  # something lay on the wire before the last question

    def exchange(self, request: Request) -> tuple[tuple[Event, ...], bool]:
        """The events, and whether the device answered at all."""
        self._keep_quiet(request.turnaround)
        events = self._stale()
        sent_at = self._send(request)
        outcome = self._listen(request, sent_at)
        events += outcome.events
        while outcome.reply is not None:
            reply = outcome.reply
            self._keep_quiet(reply.turnaround)
            sent_at = self._send(reply)
            self._ours = True
            if not reply.window:
                break
            outcome = self._listen(reply, sent_at)
            events += outcome.events
        silent = any(isinstance(event, Silence) for event in events)
        return events, not silent

    def _keep_quiet(self, turnaround: Seconds) -> None:
        gap = min(turnaround, OWN_GAP) if self._ours else turnaround
        left = self._quiet_from + gap - now()
        if left > 0:
            time.sleep(left)

    def _stale(self) -> tuple[Event, ...]:
        """What came before the question is no answer to it."""
        stale = self._port.receive(0)
        expected = self._codec.abilities.speaks_unasked
        self.unasked = bool(stale) and not expected
        if not stale:
            return ()
        self.heard_at = now()
        if not expected:
            self._box.write(JUNK, stale, _ms())
            return ()
        outcome = self._codec.feed(self._echo.strip(stale) if self._echo else stale, now())
        self._record(outcome)
        return outcome.events

    def _send(self, request: Request) -> Seconds:
        """Returns when the last byte leaves the wire."""
        self._port.send(request.data)
        self._box.write(SENT, Heard(request.data, True, request.secret).masked(), _ms())
        if self._echo is not None:
            self._echo.sent(request.data)
        self._quiet_from = now() + len(request.data) * self._byte
        self._ours = False
        return self._quiet_from

    def _listen(self, request: Request, sent_at: Seconds) -> Outcome:
        events: tuple[Event, ...] = ()
        heard = False
        until = sent_at + request.window
        tail, longest = self._codec.timing.tail, self._codec.timing.longest_answer
        while True:
            data = self._port.receive(until - now())
            self.heard_at = now() if data else self.heard_at
            if data and self._echo is not None:
                data = self._echo.strip(data)
            if data:
                moment, heard = now(), True
                self._quiet_from = moment
                until = min(max(until, moment + tail), sent_at + longest)
                outcome = self._codec.feed(data, moment)
                self._record(outcome)
                events += outcome.events
                if outcome.finished:
                    return Outcome(events, (), outcome.reply, True)
                if outcome.events:  # a damaged answer is the answer: there is no second one
                    until = min(until, moment + tail)
            if now() >= until:
                break
        outcome = self._codec.expire(now())
        self._record(outcome)
        self._ours = not heard  # a line that was silent for so long needs no turnaround
        self._quiet_from = now()
        return Outcome(events + outcome.events, (), outcome.reply, True)

    def _record(self, outcome: Outcome) -> None:
        for heard in outcome.heard:
            self._box.write(HEARD if heard.good else JUNK, heard.masked(), _ms())


def _ms() -> int:
    return time.time_ns() // 1_000_000
