"""A whole probe of one port: listen, ask, propose. Reading only.

`PROBERS` says who probes an entry of the table of protocols: a new kind of entry has a prober of
its own, with the same constructor and `probe() -> bool`, and is added there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from devices.line.probe import findings as told
from devices.line.probe.gauges import GaugeProber
from devices.line.probe.pumps import PumpProber
from devices.line.probe.readers import ReaderProber, found_reader, note_heard, spoken
from devices.line.probe.session import Session, blurred
from devices.line.wire import now
from devices.protocols import table
from devices.protocols.base import Seconds, SerialSettings
from devices.protocols.entry import GaugeProtocol, PumpProtocol, ReaderProtocol
from devices.recorder import JUNK

LISTEN: Seconds = 1.5  # longer than any master leaves its line alone
NOISE = 3  # bytes in one piece that opening a port may bring by itself
Asked = PumpProtocol | GaugeProtocol
HEALTHY = "损坏"  # how a frame that cannot be read begins in words


class Prober(Protocol):
    """Looks for what one entry of the table speaks, and fills the findings."""

    def probe(self) -> bool: ...


PROBERS: Final[dict[type[Any], Callable[..., Prober]]] = {
    PumpProtocol: PumpProber,
    GaugeProtocol: GaugeProber,
    ReaderProtocol: ReaderProber,
}


def probe(session: Session, *, protocol: str = "", address: int | None = None) -> told.Findings:
    """Probe the session's port for one protocol, or for each in turn. Raises PortLost, Cancelled.

    Where somebody else speaks on the line nothing is sent: two masters spoil each other's words.
    """
    entries = probed()
    wanted = [entries[protocol]] if protocol else sorted(entries.values(), key=_waits)
    found = session.findings
    if any(_asks(one) for one in wanted) and _occupied(session, wanted):
        return found
    for entry in wanted:
        if _in_the_way(session, entry, address):
            break
        prober = PROBERS[type(entry)](entry, session, named=bool(protocol), address=address)
        if prober.probe():
            break
    found.words += list(_words(found))
    return found


def _in_the_way(session: Session, entry: Any, address: int | None) -> bool:
    """Whether a make answers that this one's questions would move. Who names an address knows."""
    if address is not None:
        return False
    for key in entry.after:
        if key in session.absent:
            continue
        other = table.PUMPS[key]
        if PumpProber(other, session, named=True, address=None).probe():
            session.findings.words.append(
                f"线上应答的是 {other.label}，没有问 {entry.label}：它的问话会让 {other.label} 油机动作"
            )
            return True
    return False


def probed() -> dict[str, Any]:
    """The entries of the table that somebody can probe: all that hang on a serial port."""
    entries = table.entries().items()
    return {key: one for key, one in entries if type(one) in PROBERS and not table.serves(key)}


def _asks(entry: object) -> bool:
    return not _waits(entry)


def _waits(entry: object) -> bool:
    """For a person; whoever answers by itself is asked before."""
    return isinstance(entry, ReaderProtocol) and not entry.asks


def _occupied(session: Session, wanted: Iterable[Any]) -> bool:
    """Listen before speaking, at each setting once; True where the port spoke by itself."""
    heard: dict[SerialSettings, list[bytes]] = {}
    for serial in dict.fromkeys(entry.serial for entry in wanted if _asks(entry)):
        session.tell(f"先听线上有没有别人说话：{table.serial_in_words(serial)}")
        with session.port(serial) as port:
            heard[serial] = session.heard_of_others(port, LISTEN)
        if _is_traffic(heard[serial]):
            break
    for pieces in heard.values():
        if not _is_traffic(pieces):
            continue
        if not _spoke_by_itself(session, pieces):
            _tell_of_others(session, pieces)
        session.findings.words += list(_words(session.findings))
        return True
    return False


def _is_traffic(pieces: list[bytes]) -> bool:
    return len(pieces) > 1 or any(len(piece) > NOISE for piece in pieces)


def _spoke_by_itself(session: Session, pieces: list[bytes]) -> bool:
    """A card or a code while we listened: the port is a reader's."""
    for entry in table.READERS.values():
        if entry.asks:
            continue  # it never speaks by itself
        listener = entry.listener({})
        for piece in pieces:
            outcome = listener.feed(piece, now())
            spoke = spoken(outcome.events)
            if spoke is not None:
                for heard in outcome.heard:
                    note_heard(session, heard)
                found_reader(session.findings, entry, entry.serial, spoke)
                return True
    return False


def _tell_of_others(session: Session, pieces: list[bytes]) -> None:
    """Another master, or something that we do not know."""
    found = session.findings
    found.outcome = told.OCCUPIED
    size, known = sum(len(piece) for piece in pieces), _known(pieces)
    if known is None:
        words = f"线上有别的通信（{size} 字节），认不出是什么协议，多半是另一台主机正在用这条线"
    else:
        words = f"线上有另一台主机在用 {known.label} 通信（{size} 字节）"
    found.foreign = told.Foreign(size, len(pieces), known.key if known else "", words)
    for piece in pieces[:20]:
        if known is None:
            session.note(blurred(piece), "别人的通信", JUNK)
        else:
            session.note(piece, f"别人的通信：{_said(known, piece)}", JUNK)


def _known(pieces: list[bytes]) -> Asked | None:
    """The protocol whose frames most of these are; one byte alone may be anything."""
    entries: tuple[Asked, ...] = (*table.PUMPS.values(), *table.GAUGES.values())
    for entry in entries:
        good = [piece for piece in pieces if len(piece) > 1 and _reads(entry, piece)]
        if len(good) * 2 > len(pieces):
            return entry
    return None


def _reads(entry: Asked, piece: bytes) -> bool:
    return not _said(entry, piece).startswith(HEALTHY)


def _said(entry: Asked, piece: bytes) -> str:
    ours = entry.describe(piece, from_master=True)
    return entry.describe(piece, from_master=False) if ours.startswith(HEALTHY) else ours


def _words(found: told.Findings) -> Iterable[str]:
    """What came of it and what to set, for people."""
    if found.foreign is not None:
        yield found.foreign.words
        yield "没有发出任何数据。请先断开那台主机，或停掉它的程序，再试"
        return
    if not found.found:
        yield "没有设备应答。请检查电源、接线（A、B 是否接反）、地址拨码和转换器，再试"
        if found.passed_over:
            yield (
                f"为防止误动别的设备，没有试地址 {_spans(found.passed_over)}："
                "确知协议时请写明协议和地址再试"
            )
        return
    assert found.serial is not None
    echo = "，转换器有回显" if found.echo else ""
    yield f"建议设置：协议 {found.label}，{table.serial_in_words(found.serial)}{echo}"
    for one in found.dispensers:
        yield f"地址 {one.address_words}：{_decimals(one)}"
    for tank in found.tanks:
        yield tank.words
    if found.reader is not None:
        yield f"读到 {found.reader.text}"


def _decimals(one: told.Dispenser) -> str:
    by = {
        told.BY_HEAD: "机头所报",
        told.BY_FILL: "由最近一笔推算",
        told.BY_PROTOCOL: "按协议常例，请对照机头显示",
    }
    places = one.decimals
    return (
        f"小数位 升 {places.volume}、元 {places.amount}、价 {places.price}（{by[one.decimals_from]}），"
        f"泵码 {places.totals}（投用前试加一笔核对）"
    )


def _spans(numbers: tuple[int, ...]) -> str:
    """1、3 到 5."""
    out: list[list[int]] = []
    for number in numbers:
        if out and number == out[-1][-1] + 1:
            out[-1].append(number)
        else:
            out.append([number])
    return "、".join(str(one[0]) if len(one) == 1 else f"{one[0]} 到 {one[-1]}" for one in out)
