"""A recording read again: the facts that its frames make, without a port and without a controller.

A codec is a controller: it chooses what to ask, so it cannot be made to say again what it said in
another hour. What reads a recording is the protocol's `Passive`: it hears both sides and believes
by the codec's own rules of reading (two equal answers where a protocol has weak checks, block
numbers where it has them). From its events fills are put together as a line does it: what the head
holds, with the totalizer that was read behind it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from devices.protocols import base, table
from devices.protocols.asker import Asker
from devices.protocols.base import Condition, Decimals, DeviceSettings, Event, Passive
from devices.protocols.entry import Entry, GaugeProtocol, PumpProtocol, ReaderProtocol
from devices.protocols.scanner import mask
from devices.protocols.words import reason
from devices.recorder import HEARD, SENT, Recorded, Recording

VERSION = 1
ROUNDED = 0.005  # seconds: a recording counts milliseconds, and a question was due by its clock
CONDITIONS = {
    Condition.UNPROGRAMMED: "未编程",
    Condition.IDLE: "空闲",
    Condition.CALLING: "提枪",
    Condition.AUTHORISED: "已授权",
    Condition.FUELLING: "加油中",
    Condition.SUSPENDED: "暂停",
    Condition.LIMIT: "到达限额",
    Condition.ENDED: "加油结束，枪未挂",
    Condition.OFF: "已关机",
    Condition.ERROR: "故障",
}
_RAN = (Condition.FUELLING, Condition.LIMIT)


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that the recording says: when, which frame, which address, of what kind."""

    at_ms: int
    seq: int
    address: int
    kind: str
    words: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """As JSON; numbers as strings."""
        return {
            "at_ms": self.at_ms,
            "seq": self.seq,
            "address": self.address,
            "kind": self.kind,
            "words": self.words,
            **{name: _plain(value) for name, value in self.figures.items()},
        }


@dataclass(frozen=True, slots=True)
class Replay:
    """The whole of it. `guessed` says that nobody named the protocol."""

    protocol: str
    guessed: bool
    frames: int
    skipped: int
    told: tuple[Told, ...]

    def body(self) -> dict[str, Any]:
        """As JSON, version 1; fills once more by themselves."""
        return {
            "version": VERSION,
            "protocol": self.protocol,
            "guessed": self.guessed,
            "frames": self.frames,
            "skipped": self.skipped,
            "events": [one.body() for one in self.told],
            "fills": [one.body() for one in self.told if one.kind == "FILL"],
        }


# --------------------------------------------------------------------------- what a file says of itself


def header_text(protocol: str, devices: Mapping[int, tuple[Sequence[int], Decimals]]) -> str:
    """The first line of an export: enough to read it again anywhere."""
    rows = [
        {
            "address": address,
            "nozzles": list(nozzles),
            "decimals": [places.volume, places.amount, places.price, places.totals],
        }
        for address, (nozzles, places) in sorted(devices.items())
    ]
    return json.dumps({"version": VERSION, "protocol": protocol, "dispensers": rows})


def devices_of(header: str) -> tuple[str, list[DeviceSettings]]:
    """Protocol and devices of such a line; nothing of one that cannot be read."""
    try:
        said = json.loads(header)
        devices = [_device(one) for one in said["dispensers"]]
        protocol = said["protocol"]
    except (ValueError, TypeError, KeyError):
        return "", []
    return (protocol, devices) if protocol in table.entries() else ("", [])


def _device(said: Mapping[str, Any]) -> DeviceSettings:
    volume, amount, price, totals = (int(one) for one in said["decimals"])
    places = Decimals(volume, amount, price, totals, amount)
    nozzles = tuple(int(one) for one in said["nozzles"])
    return DeviceSettings(int(said["address"]), nozzles or (1,), places)


# --------------------------------------------------------------------------- reading


def replay(recording: Recording, *, protocol: str = "") -> Replay:
    """The facts of a recording. Never raises for what stands in it."""
    named, devices = devices_of(recording.header)
    spoken = protocol or named or _likeliest(recording.frames)
    entry = table.entries()[spoken]
    known = devices if spoken == named else []
    if isinstance(entry, ReaderProtocol):
        told = tuple(_listened(entry, recording.frames))
    elif isinstance(entry, PumpProtocol) and entry.passive is not None:
        told = tuple(_overheard(entry, entry.passive(known), recording.frames))
    else:
        told = tuple(_framewise(entry, recording.frames))
    return Replay(spoken, not (protocol or named), len(recording.frames), recording.skipped, told)


def _likeliest(frames: list[Recorded]) -> str:
    """The protocol that most of the first frames make sense in; a byte alone proves little."""
    sample = frames[:400]

    def sense(entry: PumpProtocol) -> int:
        good = (
            one
            for one in sample
            if not entry.describe(one.data, from_master=one.direction == SENT).startswith("损坏")
        )
        return sum(len(one.data) for one in good)

    if sample and not any(one.direction == SENT for one in sample):
        cards = sum(len(one.data) == 14 and one.data[:1] == b"\x02" for one in sample)
        return table.RDM6300 if cards * 2 >= len(sample) else table.SCANNER
    return max(table.PUMPS.values(), key=sense).key


def _framewise(entry: Entry, frames: list[Recorded]) -> Iterator[Told]:
    """No facts, since nobody can overhear this protocol yet: the frames in words, without polls."""
    if not isinstance(entry, PumpProtocol | GaugeProtocol):
        return  # a display or a sign: what it was told makes no fact
    for one in frames:
        ours = one.direction == SENT
        if not entry.is_poll(one.data, from_master=ours):
            words = entry.describe(one.data, from_master=ours)
            yield Told(one.at_ms, one.seq, 0, "FRAME", words)


def _listened(entry: ReaderProtocol, frames: list[Recorded]) -> Iterator[Told]:
    """What a reader said; one that must be asked is led on by the questions of the recording."""
    listener = entry.listener({})
    for one in frames:
        if one.direction == SENT:
            if entry.asks:
                cast(Asker, listener).next(one.at_ms / 1000 + ROUNDED)
            continue
        for event in listener.feed(one.data, one.at_ms / 1000).events:
            if (told := _told(event, one)) is not None:
                yield told


def _overheard(entry: PumpProtocol, passive: Passive, frames: list[Recorded]) -> Iterator[Told]:
    fills = _Fills()
    one = None
    for one in frames:
        moment = one.at_ms / 1000
        if one.direction == SENT:
            passive.sent(one.data, moment)
            continue
        if one.direction == HEARD:
            events = passive.heard(one.data, moment)
        else:
            words = entry.describe(one.data, from_master=False)
            raw = one.data.hex(" ").upper()
            said = words if words.startswith("损坏") else f"没有采信（迟到或多余）：{raw}"
            yield Told(one.at_ms, one.seq, 0, "DAMAGED", said)
            continue
        for event in events:
            yield from fills.before(event, one)
            if (told := _told(event, one)) is not None:
                yield told
            yield from fills.after(event, one)
    if one is not None:
        yield from fills.end(one)


# --------------------------------------------------------------------------- fills


@dataclass(slots=True)
class _Filling:
    """One address between two fills."""

    flowed: bool = False
    read: base.TransactionRead | None = None
    pair: tuple[base.TransactionRead, base.TotalsRead] | None = None
    meters: dict[int, Decimal] = field(default_factory=dict)


class _Fills:
    """Puts fills together: fuel was seen, the head's fill was read, and its totalizer behind it.

    Fuel was seen where it was told while it flowed, or where the totalizer went on by the fill. One reading is enough where the totalizer went on by the fill's litres, else two equal ones; the
    last one stands, and is marked, where the recording ends or the next fuel flows before that.
    """

    def __init__(self) -> None:
        self._heads: dict[int, _Filling] = {}

    def before(self, event: Event, one: Recorded) -> Iterator[Told]:
        """New fuel ends what is still open."""
        head = self._heads.setdefault(event.address, _Filling())
        starts = isinstance(event, base.Status) and event.condition is Condition.CALLING
        if starts and head.flowed and head.pair is not None:
            yield self._fill(head, one, sure=False)

    def after(self, event: Event, one: Recorded) -> Iterator[Told]:
        head = self._heads[event.address]
        match event:
            case base.Status(condition=condition) if condition in _RAN:
                head.flowed = True
            case base.Delivered(litres=litres) if litres > 0:
                head.flowed = True
            case base.TransactionRead():
                head.read = event
            case base.TotalsRead():
                yield from self._metered(head, event, one)

    def _metered(self, head: _Filling, said: base.TotalsRead, one: Recorded) -> Iterator[Told]:
        read, known = head.read, head.meters.get(said.nozzle)
        fits = (
            read is not None
            and read.nozzle in (0, said.nozzle)
            and known is not None
            and said.litres - known == read.litres > 0
        )
        if not head.flowed and not fits:
            head.meters[said.nozzle] = said.litres
            return
        if read is None or read.nozzle not in (0, said.nozzle):
            return
        again = head.pair == (read, said)
        head.pair, head.read = (read, said), None
        if again or fits:
            yield self._fill(head, one, sure=True)

    def end(self, one: Recorded) -> Iterator[Told]:
        """The recording is over."""
        for head in self._heads.values():
            if head.flowed and head.pair is not None:
                yield self._fill(head, one, sure=False)

    @staticmethod
    def _fill(head: _Filling, one: Recorded, *, sure: bool) -> Told:
        assert head.pair is not None
        read, totals = head.pair
        head.flowed, head.pair, head.read = False, None, None
        head.meters[totals.nozzle] = totals.litres
        doubt = "" if sure else "（录制中只读到一次）"
        price = "" if read.price is None else f" 单价 {read.price}"
        words = (
            f"加油一笔：枪位 {totals.nozzle}，{read.litres} 升{price}，{read.amount} 元，"
            f"加后泵码 {totals.litres}{doubt}"
        )
        figures = {
            "nozzle": totals.nozzle,
            "litres": read.litres,
            "amount": read.amount,
            "price": read.price,
            "totalizer": totals.litres,
            "transaction_id": read.transaction_id,
            "sure": sure,
        }
        return Told(one.at_ms, one.seq, read.address, "FILL", words, figures)


# --------------------------------------------------------------------------- events in words


def _told(event: Event, one: Recorded) -> Told | None:
    said = _WORDS.get(type(event))
    if said is None:
        return None
    kind, words, names = said
    figures = {name: getattr(event, name) for name in names}
    return Told(one.at_ms, one.seq, event.address, kind, words(event), figures)


def _totals(event: base.TotalsRead) -> str:
    money = "" if event.amount is None else f"，{event.amount} 元"
    return f"泵码：枪位 {event.nozzle}，{event.litres} 升{money}"


def _transaction(event: base.TransactionRead) -> str:
    price = "" if event.price is None else f"，单价 {event.price}"
    return f"机头所存一笔：枪位 {event.nozzle}，{event.litres} 升，{event.amount} 元{price}"


def _status(event: base.Status) -> str:
    nozzle = f"，枪位 {event.nozzle}" if event.nozzle else ""
    return f"状态：{CONDITIONS[event.condition]}{nozzle}"


_Words = tuple[str, Callable[[Any], str], tuple[str, ...]]
_WORDS: dict[type[Event], _Words] = {
    base.Status: ("STATE", _status, ("condition", "nozzle", "nozzle_out")),
    base.NozzleSelected: (
        "NOZZLE",
        lambda it: f"枪位 {it.nozzle} {'提起' if it.nozzle_out else '挂好'}",
        ("nozzle", "nozzle_out", "price"),
    ),
    base.Delivered: (
        "LIVE",
        lambda it: f"当前：{it.litres} 升，{it.amount} 元",
        ("litres", "amount"),
    ),
    base.TransactionRead: (
        "READ",
        _transaction,
        ("nozzle", "litres", "amount", "price", "transaction_id"),
    ),
    base.TotalsRead: ("TOTALS", _totals, ("nozzle", "litres", "amount")),
    base.PricesRead: (
        "PRICES",
        lambda it: "单价：" + "，".join(f"枪位 {nozzle} {price}" for nozzle, price in it.prices),
        ("prices",),
    ),
    base.PumpAlarm: ("ALARM", lambda it: f"机头报警 {it.code}（{it.raw:02X}）", ("code", "raw")),
    base.Identity: ("IDENTITY", lambda it: f"机号 {it.text}", ("text",)),
    base.Parameters: (
        "PARAMETERS",
        lambda it: (
            f"机头小数位：升 {it.decimals.volume}，元 {it.decimals.amount}，价 {it.decimals.price}"
        ),
        (),
    ),
    base.Damaged: ("DAMAGED", lambda it: f"损坏：{reason(it.why)}", ("why",)),
    base.Swiped: ("CARD", lambda it: f"刷卡 {it.card}", ("card",)),
    base.CardRemoved: ("CARD", lambda it: "卡已拿开", ()),
    base.Scanned: ("CODE", lambda it: f"扫码 {mask(it.code)}", ()),
}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Condition) else value
