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
from members.models.rewards import (
    PartnerOrder,
    Redemption,
    RedemptionEvent,
    Reward,
    RewardCategory,
    RewardCoupon,
    RewardTopUp,
)
from members.models.tiers import MemberTier, Tier

__all__ = [
    "Company",
    "EarnRule",
    "Member",
    "MemberTier",
    "PartnerOrder",
    "PointsAccount",
    "PointsAlloc",
    "PointsLot",
    "PointsProgram",
    "PointsTxn",
    "Purchase",
    "Redemption",
    "RedemptionEvent",
    "Reward",
    "RewardCategory",
    "RewardCoupon",
    "RewardTopUp",
    "Tier",
    "Vehicle",
]
