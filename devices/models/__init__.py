"""What machines say. Django needs the models importable from here."""

from devices.models.cameras import Camera, PlateImage, PlateRead
from devices.models.cards import Card, ReadRule, Swipe
from devices.models.commands import Authorisation, Command
from devices.models.equipment import Certificate, Equipment, Seal, SealBreak
from devices.models.facts import Fill, MeterChange, TotalizerGap, TotalizerReading
from devices.models.gauges import GaugeDelivery, GaugeReading, GaugeTank, TankHold
from devices.models.kiosks import Kiosk, KioskPairing
from devices.models.meter_tests import MeterTest, MeterTestRun
from devices.models.probes import Probe
from devices.models.repairs import Repair
from devices.models.signs import DisplayState, PoleDisplay, PriceSign, SignRow
from devices.models.state import Alarm, LineState, NozzleState, PollerState, PrinterState
from devices.models.wiring import DispenserWiring, Line, Printer, Reader

__all__ = [
    "Alarm",
    "Authorisation",
    "Camera",
    "Card",
    "Certificate",
    "Command",
    "DispenserWiring",
    "DisplayState",
    "Equipment",
    "Fill",
    "GaugeDelivery",
    "GaugeReading",
    "GaugeTank",
    "Kiosk",
    "KioskPairing",
    "Line",
    "LineState",
    "MeterChange",
    "MeterTest",
    "MeterTestRun",
    "NozzleState",
    "PlateImage",
    "PlateRead",
    "PoleDisplay",
    "PollerState",
    "PriceSign",
    "Printer",
    "PrinterState",
    "Probe",
    "ReadRule",
    "Reader",
    "Repair",
    "Seal",
    "SealBreak",
    "SignRow",
    "Swipe",
    "TankHold",
    "TotalizerGap",
    "TotalizerReading",
]
