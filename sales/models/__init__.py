"""What was sold. Django needs the models importable from here."""

from sales.models.cash import CashMovement, Deposit, DepositLine, SessionCount, SessionTender
from sales.models.claims import DriveOff, FillClaim, FillLease, FillUse, LateEntry
from sales.models.fleet import FleetLeave
from sales.models.kiosk import KioskOrder
from sales.models.prepays import Prepay, PrepayChange
from sales.models.prices import PriceDownload, SignStep
from sales.models.sales import (
    ParkedTicket,
    Payment,
    Receipt,
    Sale,
    SaleLine,
    Tender,
)
from sales.models.shifts import (
    ShiftAdvance,
    ShiftCorrection,
    ShiftExplanation,
    ShiftNozzle,
    ShiftSignature,
)
from sales.models.topups import TopUp
from sales.models.uploads import Discrepancy, OfflineUpload

__all__ = [
    "CashMovement",
    "Deposit",
    "DepositLine",
    "Discrepancy",
    "DriveOff",
    "FillClaim",
    "FillLease",
    "FillUse",
    "FleetLeave",
    "KioskOrder",
    "LateEntry",
    "OfflineUpload",
    "ParkedTicket",
    "Payment",
    "Prepay",
    "PrepayChange",
    "PriceDownload",
    "Receipt",
    "Sale",
    "SaleLine",
    "SessionCount",
    "SessionTender",
    "ShiftAdvance",
    "ShiftCorrection",
    "ShiftExplanation",
    "ShiftNozzle",
    "ShiftSignature",
    "SignStep",
    "Tender",
    "TopUp",
]
