"""The tables that the demo history copies into, and their columns, in foreign-key order."""

from __future__ import annotations

from devices.models import Fill, TotalizerReading
from inventory.models import Dip, StockMove, TankBook, TankMovement
from members.models import Purchase
from sales.models import (
    CashMovement,
    FillClaim,
    FillUse,
    Payment,
    Sale,
    SaleLine,
    SessionTender,
    ShiftSignature,
)

TABLES = (
    (Fill, ("id", "station_id", "nozzle_id", "tank_id", "grade_id", "day_id", "shift_id", "source", "litres",
            "unit_price", "amount", "meter_epoch", "totalizer_after", "transaction_id", "lifted_at", "started_at",
            "occurred_at", "recorded_at", "flags", "frames")),
    (TotalizerReading, ("id", "nozzle_id", "meter_epoch", "litres", "amount", "occurred_at", "recorded_at", "kind",
                        "document")),
    (Dip, ("id", "station_id", "tank_id", "day_id", "shift_id", "source", "purpose", "total_height_mm",
           "water_height_mm", "temp_c", "total_l", "water_l", "net_l", "v20_l", "document", "occurred_at",
           "recorded_at", "actor_id", "note")),
    (TankMovement, ("id", "station_id", "tank_id", "day_id", "shift_id", "kind", "litres", "unit_cost", "document",
                    "occurred_at", "recorded_at", "actor_id", "reason")),
    (Sale, ("id", "station_id", "number", "kind", "source", "day_id", "shift_id", "session_id", "till_id",
            "cashier_id", "client_key", "list_amount", "discount", "rounding", "due", "tax", "reason", "occurred_at",
            "recorded_at")),
    (SaleLine, ("id", "sale_id", "position", "station_id", "day_id", "shift_id", "kind", "fill_id", "grade_id",
                "item_id", "original_id", "name", "quantity", "unit_price", "list_amount", "discount", "net",
                "discount_reason", "tax_rate", "tax", "cost", "attendant_id")),
    (Payment, ("id", "station_id", "number", "document", "sale_id", "kind", "tender_id", "amount", "status",
               "reference", "session_id", "day_id", "shift_id", "occurred_at", "recorded_at")),
    (FillClaim, ("id", "station_id", "fill_id", "kind", "document", "day_id", "claimed_at", "attendant_id",
                 "released_at", "released_day_id", "released_by_document")),
    (FillUse, ("id", "station_id", "number", "kind", "fill_id", "day_id", "shift_id", "reason", "actor_id",
               "approved_by_id", "occurred_at", "recorded_at")),
    (StockMove, ("id", "station_id", "item_id", "day_id", "kind", "quantity", "balance_after", "unit_cost",
                 "document", "line", "occurred_at", "recorded_at", "actor_id", "reason")),
    (Purchase, ("id", "station_id", "member_id", "day_id", "document", "line", "occurred_at", "kind", "product",
                "category", "quantity", "net", "points", "tenders", "attendant_id")),
    (CashMovement, ("id", "station_id", "number", "session_id", "day_id", "kind", "amount", "reason", "client_key",
                    "actor_id", "witness_id", "occurred_at", "recorded_at")),
    (SessionTender, ("id", "session_id", "tender_id", "day_id", "expected", "counted", "difference", "reason")),
    (TankBook, ("id", "tank_id", "day_id", "shift_id", "opening_l", "opening_is_physical", "received_l", "pumped_l",
                "returned_l", "other_l", "sold_l", "book_l", "dip_id", "physical_l", "variance_l", "reason",
                "frozen_at")),
    (ShiftSignature, ("id", "shift_id", "role", "user_id", "signed_at")),
)  # fmt: skip
