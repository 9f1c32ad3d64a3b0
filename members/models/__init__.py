"""Whom we know. Django needs the models importable from here."""

from members.models.consents import Channel, Consent
from members.models.earning import EarnRule
from members.models.files import ImportBatch, ImportTrouble, MemberExport
from members.models.kiosk import KioskVisit
from members.models.merging import DuplicatePair, Merge
from members.models.notices import MemberNotice
from members.models.people import Company, Member, Vehicle
from members.models.points import (
    PointsAccount,
    PointsAlloc,
    PointsLot,
    PointsProgram,
    PointsTxn,
)
from members.models.presences import Presence
from members.models.profiles import ProfileChange
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
from members.models.signins import MemberSession, SignInCode
from members.models.tier_measures import TierMeasureDaily, TierNotice
from members.models.tier_rules import TierBenefit, TierRule, TierThreshold
from members.models.tiers import MemberTier, Tier
from members.models.value import TopUpPlan, ValueAccount, ValueCodeUse, ValueTxn

__all__ = [
    "Channel",
    "Company",
    "Consent",
    "DuplicatePair",
    "EarnRule",
    "ImportBatch",
    "ImportTrouble",
    "KioskVisit",
    "Member",
    "MemberExport",
    "MemberNotice",
    "MemberSession",
    "MemberTier",
    "Merge",
    "PartnerOrder",
    "PointsAccount",
    "PointsAlloc",
    "PointsLot",
    "PointsProgram",
    "PointsTxn",
    "Presence",
    "ProfileChange",
    "Purchase",
    "Redemption",
    "RedemptionEvent",
    "Reward",
    "RewardCategory",
    "RewardCoupon",
    "RewardTopUp",
    "SignInCode",
    "Tier",
    "TierBenefit",
    "TierMeasureDaily",
    "TierNotice",
    "TierRule",
    "TierThreshold",
    "TopUpPlan",
    "ValueAccount",
    "ValueCodeUse",
    "ValueTxn",
    "Vehicle",
]
