"""The controller's end of CENSTAR GasKitLink: which question does what, and what answers it."""

from typing import Any

from devices.protocols import asks, base
from devices.protocols.base import Condition, Event, Malformed
from devices.protocols.cutting import Deframer
from devices.protocols.gaskit import messages as m
from devices.protocols.gaskit.frames import ANSWERS, Frame, deframer, encode
from devices.protocols.gaskit.reading import GasKitPoint, state_of
from devices.protocols.limits import limit_of
from devices.protocols.turns import Doing, Turns

TIMING = base.Timing(
    window=0.100,
    turnaround=0.010,
    reply_turnaround=0.010,
    idle_poll=0.450,
    busy_poll=0.100,
    misses_until_offline=10,
)
SERIAL = base.SerialSettings(baud=9600, bits=8, parity="N", stop=1)
ABILITIES = base.Abilities(
    sets_prices=False,
    reads_prices=False,
    amount_totals=False,
    closes_transactions=True,
    transaction_ids=True,
)

_PAUSABLE = frozenset({m.STARTED, m.FUELLING})
_SUSPENDED = frozenset({m.SUSPENDED_STARTED, m.SUSPENDED_FUELLING})
_ONE_LETTER: dict[type[asks.Command], m.Question] = {
    asks.Stop: m.Ask("B"),
    asks.Suspend: m.Ask("B"),
    asks.Resume: m.Ask("G"),
    asks.CloseTransaction: m.Ask("N"),
    asks.ReadTransaction: m.Ask("T"),
}


class GasKitCodec(Turns):
    """One line of GasKitLink heads."""

    settings = SERIAL
    abilities = ABILITIES
    usual = TIMING
    status = m.Ask("S")
    round = (status, m.Ask("L"), m.Ask("R"))
    point = GasKitPoint

    def deframer(self) -> Deframer[Frame]:
        return deframer(ANSWERS)

    def write(self, address: int, question: m.Question) -> bytes:
        return encode(m.ask_frame(address, question))

    def read(self, frame: Frame, question: m.Question, point: GasKitPoint) -> Any:
        if frame.address != point.settings.address:
            raise Malformed(base.FOREIGN)
        said = m.read_answer(frame)
        match question, said:
            case m.Ask("L" | "R" as letter), m.Live() if said.letter == letter:
                return said
            case m.Ask("T"), m.Transaction():
                return said
            case m.AskTotalizer(nozzle), m.Totalizer() if said.nozzle == nozzle:
                return said
            case m.Preset() | m.Ask("S" | "N" | "B" | "G"), m.State():
                return state_of(said)
        raise Malformed(f"{frame.command} is no answer to this question")

    def steps(self, command: asks.Command, point: GasKitPoint) -> tuple[m.Question, ...]:
        match command:
            case asks.Authorise():
                most = m.MOST_VALUE
                places = point.settings.decimals
                limit = limit_of(command, places, most_volume=most, most_amount=most)
                letter = m.VOLUME if limit.litres else m.MONEY
                return (m.Preset(letter, command.nozzles[0], limit.value, limit.price),)
            case asks.ReadTotals(nozzle=nozzle):
                return (m.AskTotalizer(nozzle),)
        if type(command) not in _ONE_LETTER:
            raise base.Unsupported(f"GasKitLink has no {type(command).__name__}")
        return (_ONE_LETTER[type(command)],)

    def figure(self, command: asks.Command, point: GasKitPoint, read: list[Any]) -> Event:
        return point.figures(read[0])

    def over(self, doing: Doing, point: GasKitPoint) -> bool:
        state = point.known.raw
        match doing.command:
            case asks.Suspend():
                return state in _SUSPENDED or (doing.tries > 0 and state == m.STOPPED)
            case asks.Resume():
                return state in (m.AUTHORISED, m.STARTED, m.FUELLING)
        return super().over(doing, point)

    def possible(self, doing: Doing, point: GasKitPoint) -> bool:
        match doing.command:
            case asks.Suspend():
                return point.known.raw in _PAUSABLE
            case asks.Resume():
                return point.known.raw in _SUSPENDED or point.paused
        return super().possible(doing, point)

    def done(self, doing: Doing, point: GasKitPoint) -> None:
        """Some heads answer a pause with 8, and go on from there."""
        if isinstance(doing.command, asks.Suspend | asks.Stop):
            stopped = point.known.condition is Condition.ENDED
            point.paused = isinstance(doing.command, asks.Suspend) and stopped
