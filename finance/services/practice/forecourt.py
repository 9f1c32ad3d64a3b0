"""The virtual forecourt of the practice station, as scenes use it. It is asked, never trusted."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any, Final

from devices.services import simulated
from finance.queries.practice.scene import Scene
from station.errors import Refusal

LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


class ForecourtAway(Refusal):
    """The simulator does not answer."""


def wish(do: str, **asked: Any) -> None:
    """Ask for something. Refuses ForecourtAway."""
    try:
        simulated.tell({"do": do, **asked})
    except simulated.SimulatorAway as away:
        raise ForecourtAway(
            "模拟的加油现场没有应答，练习没有继续。请等几秒再试；一直这样就请技术人员看练习站的日志。"
        ) from away


def car(scene: Scene, *, litres: str = "", yuan: str = "", pays: bool = True) -> str:
    """A car comes to the nozzle of the scene; returns its plate."""
    plate = "云A" + "".join(random.choice(LETTERS) for _ in range(5))
    nozzle = scene.nozzle
    amount: dict[str, str] = {"litres": litres} if litres else {"yuan": yuan}
    wish(
        "fill",
        dispenser=nozzle.dispenser.number,
        nozzle=nozzle.position,
        plate=plate,
        pays=pays,
        **amount,
    )
    return plate


def next_hundred(amount: Decimal) -> Decimal:
    """The notes that a customer hands over for an amount."""
    return (amount // 100 + 1) * Decimal("100.00")
