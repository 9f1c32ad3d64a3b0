"""Commands that a codec turns into bytes: what may be asked of a pump, whatever its protocol."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    address: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorise(Command):
    """Let fuel flow at these nozzles, up to a limit in litres or in yuan, or without one."""

    nozzles: tuple[int, ...]
    limit_litres: Decimal | None = None
    limit_yuan: Decimal | None = None
    price: Decimal | None = None  # yuan per litre, where the protocol takes it along


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Command):
    """Stop delivery, or take an authorisation back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend(Command):
    nozzle: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Command):
    nozzle: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPrices(Command):
    """Prices of all nozzles of the address, in the order of its nozzle numbers."""

    prices: tuple[tuple[int, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStatus(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPrices(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTotals(Command):
    nozzle: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTransaction(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTransaction(Command):
    """The head may forget the finished fill. Only after the fill lies in the spool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadIdentity(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadParameters(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOff(Command):
    pass
