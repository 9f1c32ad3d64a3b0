"""Whom we know. Django needs the models importable from here."""

from members.models.earning import EarnRule
from members.models.people import Company, Member, Vehicle
from members.models.points import (
    PointsAccount,
    PointsAlloc,
    PointsLot,
    PointsProgram,
    PointsTxn,
)
from members.models.purchases import Purchase
from members.models.tiers import MemberTier, Tier
from members.models.value import TopUpPlan, ValueAccount, ValueCodeUse, ValueTxn

__all__ = [
    "Company",
    "EarnRule",
    "Member",
    "MemberTier",
    "PointsAccount",
    "PointsAlloc",
    "PointsLot",
    "PointsProgram",
    "PointsTxn",
    "Purchase",
    "Tier",
    "TopUpPlan",
    "ValueAccount",
    "ValueCodeUse",
    "ValueTxn",
    "Vehicle",
]
