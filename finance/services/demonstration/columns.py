"""The tables that the demo history copies into, and their columns, in an order that the guards like.

A guard asks for the day, the shift and the session of a row, so these come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import models

from devices.models import Fill, TotalizerGap, TotalizerReading
from inventory.models import (
    Delivery,
    DeliveryTank,
    Dip,
    FuelCost,
    StockMove,
    TankBook,
    TankMovement,
)
from members.models import PointsAlloc, PointsLot, PointsTxn, Purchase
from sales.models import (
    CashMovement,
    Deposit,
    DepositLine,
    DriveOff,
    FillClaim,
    FillUse,
    LateEntry,
    Payment,
    PriceDownload,
    Sale,
    SaleLine,
    SessionCount,
    SessionTender,
    ShiftNozzle,
    ShiftSignature,
    TopUp,
)
from station.models import (
    BusinessDay,
    Crew,
    PriceCeiling,
    PriceChange,
    PriceLine,
    Shift,
    TillSession,
)


def whole(*tables: type[models.Model]) -> dict[type[models.Model], Sequence[str]]:
    """Tables that are copied from whole instances."""
    return {
        model: tuple(str(field.column) for field in model._meta.concrete_fields) for model in tables
    }


# The many: their rows are queued as bare values.
MANY: Mapping[type[models.Model], Sequence[str]] = {
    Fill: ("id", "station_id", "nozzle_id", "tank_id", "grade_id", "day_id", "shift_id", "source", "litres",
           "unit_price", "amount", "meter_epoch", "totalizer_after", "transaction_id", "lifted_at", "started_at",
           "occurred_at", "recorded_at", "flags", "frames"),
    TotalizerReading: ("id", "nozzle_id", "meter_epoch", "litres", "amount", "occurred_at", "recorded_at", "kind",
                       "document"),
    Sale: ("id", "station_id", "number", "kind", "source", "day_id", "shift_id", "session_id", "till_id",
           "cashier_id", "member_id", "client_key", "list_amount", "discount", "rounding", "due", "tax", "reason", "occurred_at",
           "recorded_at"),
    SaleLine: ("id", "sale_id", "position", "station_id", "day_id", "shift_id", "kind", "fill_id", "grade_id",
               "item_id", "original_id", "name", "quantity", "unit_price", "list_amount", "discount", "net",
               "discount_reason", "tax_rate", "tax", "cost", "attendant_id"),
    Payment: ("id", "station_id", "number", "document", "sale_id", "kind", "tender_id", "amount", "status",
              "reference", "session_id", "day_id", "shift_id", "occurred_at", "recorded_at"),
    FillClaim: ("id", "station_id", "fill_id", "kind", "document", "day_id", "claimed_at", "attendant_id",
                "released_at", "released_day_id", "released_by_document"),
    StockMove: ("id", "station_id", "place_id", "item_id", "day_id", "kind", "quantity", "balance_after", "unit_cost",
                "document", "line", "occurred_at", "recorded_at", "actor_id", "reason"),
    Purchase: ("id", "station_id", "member_id", "day_id", "document", "line", "occurred_at", "kind", "product",
               "category", "quantity", "net", "points", "tenders", "attendant_id", "original", "cashier_id",
               "nozzle_id", "plate_index"),
    ShiftNozzle: ("id", "shift_id", "day_id", "nozzle_id", "tank_id", "grade_id", "opening", "closing",
                  "meter_adjustment", "run", "passed_in", "passed_on", "fills_litres", "tests", "own_use", "sold",
                  "sold_amount", "claimed", "claimed_amount", "explained", "difference", "segments", "reason"),
    PointsTxn: ("id", "account_id", "kind", "delta", "amount", "debt_delta", "forgiven", "balance_after", "idem",
                "document", "reverses_id", "station_id", "actor_id", "approver_id", "place_id", "reason", "breakdown",
                "date", "occurred_at", "recorded_at"),
    PointsLot: ("id", "account_id", "txn_id", "root_id", "regained_id", "station_id", "issued", "remaining",
                "expired", "pending", "active_from", "expires_at"),
}  # fmt: skip

TABLES: Mapping[type[models.Model], Sequence[str]] = {
    **whole(BusinessDay, Shift, Crew, TillSession, PriceChange, PriceLine, PriceCeiling),
    **MANY,
    Dip: ("id", "station_id", "tank_id", "day_id", "shift_id", "source", "purpose", "total_height_mm",
          "water_height_mm", "temp_c", "total_l", "water_l", "net_l", "v20_l", "document", "occurred_at",
          "recorded_at", "actor_id", "note"),
    TankMovement: ("id", "station_id", "tank_id", "day_id", "shift_id", "kind", "litres", "unit_cost", "document",
                   "occurred_at", "recorded_at", "actor_id", "reason"),
    **whole(Delivery, DeliveryTank, FuelCost, PriceDownload, SessionCount, Deposit, DepositLine),
    **whole(DriveOff, TotalizerGap, LateEntry, TopUp),
    PointsAlloc: ("id", "txn_id", "lot_id", "qty"),
    FillUse: ("id", "station_id", "number", "kind", "fill_id", "day_id", "shift_id", "reason", "actor_id",
              "approved_by_id", "occurred_at", "recorded_at"),
    CashMovement: ("id", "station_id", "number", "session_id", "day_id", "kind", "amount", "reason", "client_key",
                   "actor_id", "witness_id", "occurred_at", "recorded_at"),
    SessionTender: ("id", "session_id", "tender_id", "day_id", "expected", "counted", "difference", "reason"),
    TankBook: ("id", "tank_id", "day_id", "shift_id", "opening_l", "opening_is_physical", "received_l", "pumped_l",
               "returned_l", "other_l", "sold_l", "book_l", "dip_id", "physical_l", "variance_l", "reason",
               "frozen_at"),
    ShiftSignature: ("id", "shift_id", "role", "user_id", "signed_at"),
}  # fmt: skip
