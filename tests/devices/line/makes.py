"""What differs from one make of head to the next where all of them are told the same story."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from devices.line.wiring import LineWiring
from devices.protocols import table
from devices.protocols.base import Abilities
from devices.protocols.gaskit import messages as gaskit
from devices.protocols.ifsf import messages as ifsf
from devices.protocols.twowire import messages as twowire
from devices.simulator.panel import Phase
from tests.devices.line import kit

D = Decimal


@dataclass(frozen=True, slots=True)
class Make:
    """One make. `other` is a second nozzle, of the same head or of the next where an address is one."""

    key: str
    addresses: tuple[int, ...]
    other: int
    rests: Callable[[Any], bool]  # nothing runs, and nothing waits to be closed
    words: tuple[str, ...]  # of a fill, as its frames read
    sends_price: bool = True

    def line(self, **more: Any) -> LineWiring:
        return kit.line_of(self.key, *self.addresses, **more)

    @property
    def abilities(self) -> Abilities:
        made = table.PUMPS[self.key].codec([], table.PUMPS[self.key].timing)
        return made.abilities

    @property
    def closes(self) -> bool:
        """Its heads wait to be told that they may forget a fill."""
        return self.abilities.closes_transactions

    @property
    def digits(self) -> int:
        """Of a totalizer before the point."""
        return table.PUMPS[self.key].totalizer_digits - self.places.totals

    @property
    def places(self) -> Any:
        return kit.PLACES_OF.get(self.key, kit.PLACES)

    def metered(self, pumps: Any, nozzle: int = 1) -> Decimal:
        """Litres by the head's own totalizer."""
        index, position = divmod(nozzle - 1, 4)
        return D(pumps[index].meters[position + 1].volume).scaleb(-self.places.totals)

    def price_in(self, pump: Any) -> int:
        """What the head itself would sell nozzle 1 at."""
        held = pump.prices[1] if hasattr(pump, "prices") else pump.price
        return held[0] if isinstance(held, list) else held


MAKES = {
    one.key: one
    for one in (
        Make(
            table.GASKIT,
            (1,),
            2,
            lambda pump: pump.status in (gaskit.IDLE, gaskit.CALLING),
            ("1 M1;999999;0752 授权并预置", "1 T 问交易", "1 C1;"),
            sends_price=False,
        ),
        Make(
            table.TWOWIRE,
            (1,),
            2,
            lambda pump: pump.status in (twowire.OFF, twowire.CALL) and not pump._leave,
            ("1 授权", "1 加油中", "交易 B1002", "泵码"),
        ),
        Make(
            table.AZT,
            (1, 17),
            5,
            lambda pump: pump.phase is Phase.RESTS,
            ("1 Q0752 改价", "1 S999999 预置金额", "1 2 授权", "1 5 问交易", "1 6", "1 8 结束交易"),
        ),
        Make(
            table.ZHENGXING,
            (1, 2),
            5,
            lambda pump: pump.phase is Phase.RESTS,
            (
                "1 01 预置金额 99 99 99 00 00 00",
                "1 06 授权",
                "1 15 状态 13 升数",
                "1 0C 状态",
                "1 17 结束交易 00 01",
            ),
        ),
        Make(
            table.IFSF,
            (1,),
            2,
            lambda pump: pump.status in (ifsf.IDLE, ifsf.CALLING) and not pump.payable,
            (
                "节点 1 加油点 1 写 授权",
                "节点 1 加油点 1 答 状态",
                "节点 1 加油点 1 交易 0001 答 金额",
                "节点 1 加油点 1 枪 1 答 泵码",
                "节点 1 加油点 1 交易 0001 写 结束交易",
            ),
        ),
    )
}
