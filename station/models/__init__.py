"""What the ground floor remembers. Django needs the models importable from here."""

from station.models.audit import AuditEntry
from station.models.calendar import (
    BusinessDay,
    CalendarDay,
    Crew,
    Shift,
    ShiftPattern,
    ShiftSlot,
    TillSession,
)
from station.models.people import (
    Assignment,
    DataKey,
    IndexKey,
    User,
)
from station.models.practice import PracticeAttempt, PracticeEntry, PracticeResult
from station.models.prices import PriceCeiling, PriceChange, PriceLine
from station.models.site import (
    Dispenser,
    Grade,
    Island,
    Nozzle,
    Station,
    StrappingPoint,
    StrappingTable,
    Tank,
    Till,
)
from station.models.work import Alert, Attachment, Job, Message, NumberSeries, Setting

__all__ = [
    "Alert",
    "Assignment",
    "Attachment",
    "AuditEntry",
    "BusinessDay",
    "CalendarDay",
    "Crew",
    "DataKey",
    "Dispenser",
    "Grade",
    "IndexKey",
    "Island",
    "Job",
    "Message",
    "Nozzle",
    "NumberSeries",
    "PracticeAttempt",
    "PracticeEntry",
    "PracticeResult",
    "PriceCeiling",
    "PriceChange",
    "PriceLine",
    "Setting",
    "Shift",
    "ShiftPattern",
    "ShiftSlot",
    "Station",
    "StrappingPoint",
    "StrappingTable",
    "Tank",
    "Till",
    "TillSession",
    "User",
]
