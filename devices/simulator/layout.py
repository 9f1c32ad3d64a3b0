"""The demo forecourt: 8 dispensers of 4 nozzles on two lines, a card reader, a scanner, a tank gauge;
at the main till a receipt printer and a customer's display, at the entrance a price sign.

Both lines speak DART unless the simulator is told otherwise.

Line 1 is a pseudo-terminal, line 2 a serial-to-TCP converter. Paths are below the folder that
the simulator is given; the port is on loopback, and another where that one is taken. Nozzle numbers run through: dispenser n has
4n−3 … 4n, its positions 1-4 draw 92#, 95#, 98# and 0# from tanks 1-4.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.protocols import table

TANK_OF_POSITION = (1, 2, 3, 4)
NOZZLES = len(TANK_OF_POSITION)
# The simulated heads count millilitres, so that 200 yuan is 200.00 on the display and litres times
# price still agrees to the fen. A dispenser's wiring has to say the same.
VOLUME_DECIMALS, AMOUNT_DECIMALS, PRICE_DECIMALS, TOTALS_DECIMALS = 3, 2, 2, 3
HERE = "socket://127.0.0.1:"


@dataclass(frozen=True)
class SimulatedLine:
    """One line: its name, its protocol and where it is reached (`pty` below the folder, or a TCP port)."""

    name: str
    protocol: str
    pty: str = ""
    port: int = 0
    baud: int = 9600
    parity: str = "O"

    def url(self, folder: str) -> str:
        """What the poller opens; `folder` is where the simulator links its pseudo-terminals."""
        return f"{folder}/{self.pty}" if self.pty else f"{HERE}{self.port}"


@dataclass(frozen=True)
class SimulatedDispenser:
    """One dispenser: its number, line, address on the line, and island."""

    number: int
    line: str
    address: int
    island: int


def address_of(number: int, protocol: str = table.DART) -> int:
    """Where a dispenser answers on its line: the addresses of a protocol in order."""
    return table.PUMPS[protocol].addresses[(number - 1) % 4]


LINES = (
    SimulatedLine("一号线", table.DART, pty="line-1"),
    SimulatedLine("二号线", table.DART, port=40552),
)
READERS = (
    SimulatedLine("读卡器", table.RDM6300, pty="reader-1", parity="N"),
    SimulatedLine("扫码枪", table.SCANNER, pty="scanner-1", parity="N"),
)
GAUGE = SimulatedLine("液位仪", table.VEEDER_ROOT, pty="gauge-1", parity="N")
TANKS = tuple(sorted(set(TANK_OF_POSITION)))  # the gauge counts them as the station does
LABELS = {1: "92# GASOLINE", 2: "95# GASOLINE", 3: "98# GASOLINE", 4: "0# DIESEL"}
WATER_MM = "4"
DISPLAY = SimulatedLine("主收银台客显", table.CD5220_CHINESE, pty="display-1", parity="N")
SIGN = SimulatedLine("进站口价格牌", table.PRICESIGN, pty="sign-1", parity="N")
PRINTER = "主收银台小票机"
PRINTER_PORT = 40560  # or a free one where that is taken
DISPENSERS = tuple(
    SimulatedDispenser(
        number=number,
        line=LINES[(number - 1) // 4].name,
        address=address_of(number),
        island=(number + 1) // 2,
    )
    for number in range(1, 9)
)
