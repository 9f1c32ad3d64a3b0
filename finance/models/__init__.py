"""What it adds up to. Django needs the models importable from here."""

from finance.models.days import (
    DayClose,
    DayDifference,
    DayDiscount,
    DayFigures,
    DayHour,
    DayProduct,
    DayTank,
    DayTender,
    ReportArchive,
)
from finance.models.opening import OpeningBalance

__all__ = [
    "DayClose",
    "DayDifference",
    "DayDiscount",
    "DayFigures",
    "DayHour",
    "DayProduct",
    "DayTank",
    "DayTender",
    "OpeningBalance",
    "ReportArchive",
]
