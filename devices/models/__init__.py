"""What machines say. Django needs the models importable from here."""

from devices.models.cards import Card, ReadRule, Swipe
from devices.models.commands import Authorisation, Command
from devices.models.facts import Fill, MeterChange, TotalizerGap, TotalizerReading
from devices.models.kiosks import Kiosk, KioskPairing
from devices.models.state import Alarm, LineState, NozzleState
from devices.models.wiring import DispenserWiring, Line, Printer, Reader

__all__ = [
    "Alarm",
    "Authorisation",
    "Card",
    "Command",
    "DispenserWiring",
    "Fill",
    "Kiosk",
    "KioskPairing",
    "Line",
    "LineState",
    "MeterChange",
    "NozzleState",
    "Printer",
    "ReadRule",
    "Reader",
    "Swipe",
    "TotalizerGap",
    "TotalizerReading",
]
