"""Simulated heads by protocol: whoever adds one to `devices.protocols.table` adds its head here."""

from collections.abc import Callable

from devices.protocols import table
from devices.protocols.base import Decimals
from devices.simulator.azt import AztOptions, AztPump
from devices.simulator.electronics import Head
from devices.simulator.gaskit import GasKitOptions, GasKitPump
from devices.simulator.ifsf import IfsfOptions, IfsfPump
from devices.simulator.pump import Options, Pump
from devices.simulator.twowire import TwoWireOptions, TwoWirePump
from devices.simulator.zhengxing import ZhengxingOptions, ZhengxingPump


def _dart(address: int, nozzles: int, decimals: Decimals, serial: str) -> Head:
    return Pump(address, nozzles, Options(decimals=decimals, serial=serial))


def _gaskit(address: int, nozzles: int, decimals: Decimals, serial: str) -> Head:
    return GasKitPump(address, nozzles, GasKitOptions(decimals=decimals, serial=serial))


def _twowire(address: int, nozzles: int, decimals: Decimals, serial: str) -> Head:
    return TwoWirePump(address, nozzles, TwoWireOptions(decimals=decimals, serial=serial))


def _azt(address: int, nozzles: int, decimals: Decimals, serial: str) -> Head:
    return AztPump(address, AztOptions(decimals=decimals, serial=serial))


def _zhengxing(address: int, nozzles: int, decimals: Decimals, serial: str) -> Head:
    return ZhengxingPump(address, ZhengxingOptions(decimals=decimals, serial=serial))


def _ifsf(address: int, nozzles: int, decimals: Decimals, serial: str) -> Head:
    return IfsfPump(address, nozzles, IfsfOptions(decimals=decimals, serial=serial))


HEADS: dict[str, Callable[[int, int, Decimals, str], Head]] = {
    table.DART: _dart,
    table.GASKIT: _gaskit,
    table.TWOWIRE: _twowire,
    table.AZT: _azt,
    table.ZHENGXING: _zhengxing,
    table.IFSF: _ifsf,
}
