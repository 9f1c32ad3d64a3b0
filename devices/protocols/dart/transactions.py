"""The transactions inside a DART block, both directions, as raw integers of the wire.

A block is a row of TRANS, LNG, DATA. The same TRANS means one thing from the controller (CD) and
another from the pump (DC), so each direction has its own reader. Decimals are not known here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from devices.protocols.base import Malformed, bcd, from_bcd
from devices.protocols.dart.body import byte, sized, split

RETURN_STATUS, RETURN_PARAMETERS, RETURN_IDENTITY, RETURN_FILLING = 0x00, 0x02, 0x03, 0x04
RESET, AUTHORIZE, STOP, SWITCH_OFF = 0x05, 0x06, 0x08, 0x0A
SUSPEND, RESUME, RETURN_PRICES = 0x0D, 0x0E, 0x0F

_PARAMETERS_SIZE, _DECIMALS_AT, _MAX_AMOUNT_AT, _GRADES_AT = 51, 22, 30, 36


# ------------------------------------------------------------------ controller to pump


@dataclass(frozen=True, slots=True)
class Do:
    """CD1: one of the command codes above."""

    code: int


@dataclass(frozen=True, slots=True)
class AllowNozzles:
    """CD2."""

    nozzles: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PresetVolume:
    """CD3."""

    volume: int


@dataclass(frozen=True, slots=True)
class PresetAmount:
    """CD4."""

    amount: int


@dataclass(frozen=True, slots=True)
class PriceUpdate:
    """CD5: prices of logical nozzles 1 to n, none left out."""

    prices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetParameters:
    """CD9; also what DC7 answers."""

    volume_decimals: int
    amount_decimals: int
    price_decimals: int
    max_amount: int
    grades: tuple[int, ...] = ()  # only from the pump


@dataclass(frozen=True, slots=True)
class FillingType:
    """CD13."""

    credit: bool


@dataclass(frozen=True, slots=True)
class SuspendNozzle:
    """CD14, and DC14 as its reply."""

    nozzle: int


@dataclass(frozen=True, slots=True)
class ResumeNozzle:
    """CD15, and DC15 as its reply."""

    nozzle: int


@dataclass(frozen=True, slots=True)
class AskVolumeTotals:
    """CD101: counter 1 is nozzle 1."""

    counter: int


@dataclass(frozen=True, slots=True)
class AskAmountTotals:
    """CD102."""

    counter: int


@dataclass(frozen=True, slots=True)
class AskTemperature:
    """CD103."""

    counter: int


@dataclass(frozen=True, slots=True)
class AskTag:
    """CD104."""

    counter: int


# ------------------------------------------------------------------ pump to controller


@dataclass(frozen=True, slots=True)
class PumpStatus:
    """DC1."""

    code: int


@dataclass(frozen=True, slots=True)
class Filled:
    """DC2."""

    volume: int
    amount: int


@dataclass(frozen=True, slots=True)
class NozzlePrice:
    """DC3: the selected nozzle, whether it is out, and its price."""

    price: int
    nozzle: int
    out: bool


@dataclass(frozen=True, slots=True)
class Alarm:
    """DC5."""

    code: int


@dataclass(frozen=True, slots=True)
class PumpIdentity:
    """DC9."""

    text: str


@dataclass(frozen=True, slots=True)
class VolumeTotals:
    """DC101. Domestic card heads send the amount in place of the two meters."""

    counter: int
    volume: int
    amount: int | None = None
    meters: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class AmountTotals:
    """DC102."""

    counter: int
    amounts: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """DC103: prices of nozzles 1 to n, in answer to RETURN_PRICES."""

    prices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A transaction that we have no use for. It is acknowledged and passed over."""

    code: int
    data: bytes


FromMaster: TypeAlias = (
    Do
    | AllowNozzles
    | PresetVolume
    | PresetAmount
    | PriceUpdate
    | SetParameters
    | FillingType
    | SuspendNozzle
    | ResumeNozzle
    | AskVolumeTotals
    | AskAmountTotals
    | AskTemperature
    | AskTag
    | Unknown
)
FromPump: TypeAlias = (
    PumpStatus
    | Filled
    | NozzlePrice
    | Alarm
    | SetParameters
    | PumpIdentity
    | SuspendNozzle
    | ResumeNozzle
    | VolumeTotals
    | AmountTotals
    | UnitPrices
    | Unknown
)


# ------------------------------------------------------------------ writing


def _parameters(it: SetParameters) -> bytes:
    out = bytearray(_PARAMETERS_SIZE)
    decimals = (it.volume_decimals, it.amount_decimals, it.price_decimals)
    out[_DECIMALS_AT : _DECIMALS_AT + 3] = bytes(decimals)
    out[_MAX_AMOUNT_AT : _MAX_AMOUNT_AT + 4] = bcd(it.max_amount, 4)
    out[_GRADES_AT : _GRADES_AT + len(it.grades)] = bytes(it.grades)
    return bytes(out)


def _volume_totals(it: VolumeTotals) -> bytes:
    if it.amount is not None:
        return bytes((it.counter,)) + bcd(it.volume, 6) + bcd(it.amount, 6)
    first, second = it.meters or (it.volume, 0)
    return bytes((it.counter,)) + bcd(it.volume, 5) + bcd(first, 5) + bcd(second, 5)


def _amount_totals(it: AmountTotals) -> bytes:
    return bytes((it.counter,)) + b"".join(bcd(amount, 5) for amount in it.amounts)


_Writer: TypeAlias = tuple[int, Callable[..., bytes]]
_MASTER: dict[type, _Writer] = {
    Do: (0x01, lambda it: bytes((it.code,))),
    AllowNozzles: (0x02, lambda it: bytes(it.nozzles)),
    PresetVolume: (0x03, lambda it: bcd(it.volume, 4)),
    PresetAmount: (0x04, lambda it: bcd(it.amount, 4)),
    PriceUpdate: (0x05, lambda it: b"".join(bcd(price, 3) for price in it.prices)),
    SetParameters: (0x09, _parameters),
    FillingType: (0x0D, lambda it: bytes((int(it.credit),))),
    SuspendNozzle: (0x0E, lambda it: bytes((it.nozzle,))),
    ResumeNozzle: (0x0F, lambda it: bytes((it.nozzle,))),
    AskVolumeTotals: (0x65, lambda it: bytes((it.counter,))),
    AskAmountTotals: (0x66, lambda it: bytes((it.counter,))),
    AskTemperature: (0x67, lambda it: bytes((it.counter,))),
    AskTag: (0x68, lambda it: bytes((it.counter,))),
}
_PUMP: dict[type, _Writer] = {
    PumpStatus: (0x01, lambda it: bytes((it.code,))),
    Filled: (0x02, lambda it: bcd(it.volume, 4) + bcd(it.amount, 4)),
    NozzlePrice: (0x03, lambda it: bcd(it.price, 3) + bytes((it.nozzle | it.out << 4,))),
    Alarm: (0x05, lambda it: bytes((it.code,))),
    SetParameters: (0x07, _parameters),
    PumpIdentity: (0x09, lambda it: bytes.fromhex(it.text)),
    SuspendNozzle: (0x0E, lambda it: bytes((it.nozzle,))),
    ResumeNozzle: (0x0F, lambda it: bytes((it.nozzle,))),
    VolumeTotals: (0x65, _volume_totals),
    AmountTotals: (0x66, _amount_totals),
    UnitPrices: (0x67, lambda it: b"".join(bcd(price, 3) for price in it.prices)),
}


def _pack(writers: dict[type, _Writer], items: Iterable[object]) -> bytes:
    out = bytearray()
    for it in items:
        if isinstance(it, Unknown):
            code, data = it.code, it.data
        else:
            code, write = writers[type(it)]
            data = write(it)
        out += bytes((code, len(data))) + data
    return bytes(out)


def pack_for_pump(*items: FromMaster) -> bytes:
    """The body of a block that the controller sends."""
    return _pack(_MASTER, items)


def pack_for_master(*items: FromPump) -> bytes:
    """The body of a block that the pump sends."""
    return _pack(_PUMP, items)


# ------------------------------------------------------------------ reading


def _prices(data: bytes) -> tuple[int, ...]:
    if not data or len(data) % 3:
        raise Malformed(f"{len(data)} bytes are no row of prices")
    return tuple(from_bcd(data[at : at + 3]) for at in range(0, len(data), 3))


def _read_parameters(data: bytes) -> SetParameters:
    if len(data) < _MAX_AMOUNT_AT + 4:
        raise Malformed("parameters too short")
    volume, amount, price = data[_DECIMALS_AT : _DECIMALS_AT + 3]
    max_amount = from_bcd(data[_MAX_AMOUNT_AT : _MAX_AMOUNT_AT + 4])
    return SetParameters(volume, amount, price, max_amount, tuple(data[_GRADES_AT:]))


def _read_filled(data: bytes) -> Filled:
    sized(data, 8)
    return Filled(from_bcd(data[:4]), from_bcd(data[4:]))


def _read_nozzle(data: bytes) -> NozzlePrice:
    sized(data, 4)
    return NozzlePrice(from_bcd(data[:3]), data[3] & 0x0F, bool(data[3] & 0x10))


def _read_volume_totals(data: bytes) -> VolumeTotals:
    if len(data) == 13:  # each number is six bytes of which the first is not used
        return VolumeTotals(data[0], from_bcd(data[2:7]), from_bcd(data[8:13]))
    sized(data, 16)
    meters = from_bcd(data[6:11]), from_bcd(data[11:16])
    return VolumeTotals(data[0], from_bcd(data[1:6]), None, meters)


def _read_amount_totals(data: bytes) -> AmountTotals:
    sized(data, 16)
    return AmountTotals(data[0], (from_bcd(data[1:6]), from_bcd(data[6:11]), from_bcd(data[11:16])))


_READ_MASTER: dict[int, Callable[[bytes], FromMaster]] = {
    0x01: lambda data: Do(byte(data)),
    0x02: lambda data: AllowNozzles(tuple(data)),
    0x03: lambda data: PresetVolume(from_bcd(sized(data, 4))),
    0x04: lambda data: PresetAmount(from_bcd(sized(data, 4))),
    0x05: lambda data: PriceUpdate(_prices(data)),
    0x09: _read_parameters,
    0x0D: lambda data: FillingType(bool(byte(data))),
    0x0E: lambda data: SuspendNozzle(byte(data)),
    0x0F: lambda data: ResumeNozzle(byte(data)),
    0x65: lambda data: AskVolumeTotals(byte(data)),
    0x66: lambda data: AskAmountTotals(byte(data)),
    0x67: lambda data: AskTemperature(byte(data)),
    0x68: lambda data: AskTag(byte(data)),
}
_READ_PUMP: dict[int, Callable[[bytes], FromPump]] = {
    0x01: lambda data: PumpStatus(byte(data)),
    0x02: _read_filled,
    0x03: _read_nozzle,
    0x05: lambda data: Alarm(byte(data)),
    0x07: _read_parameters,
    0x09: lambda data: PumpIdentity(sized(data, 5).hex()),
    0x0E: lambda data: SuspendNozzle(byte(data)),
    0x0F: lambda data: ResumeNozzle(byte(data)),
    0x65: _read_volume_totals,
    0x66: _read_amount_totals,
    0x67: lambda data: UnitPrices(_prices(data)),
}


def read_from_master(body: bytes) -> list[FromMaster]:
    """What the controller's block says. Raises Malformed when any part makes no sense."""
    return [
        _READ_MASTER[code](data) if code in _READ_MASTER else Unknown(code, data)
        for code, data in split(body)
    ]


def read_from_pump(body: bytes) -> list[FromPump]:
    """What the pump's block says. Raises Malformed when any part makes no sense."""
    return [
        _READ_PUMP[code](data) if code in _READ_PUMP else Unknown(code, data)
        for code, data in split(body)
    ]
