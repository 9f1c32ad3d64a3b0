"""Whom we know. Django needs the models importable from here."""

from members.models.consents import Channel, Consent
from members.models.earning import EarnRule
from members.models.events import ClubEvent, SignUp
from members.models.exchanges import (
    ExchangeCall,
    ExchangeOrder,
    ExchangePartner,
    PartnerProgram,
)
from members.models.files import ImportBatch, ImportTrouble, MemberExport
from members.models.fleet import Driver
from members.models.gifts import Gift, GiftCall, GiftPlan, Occasion, PersonMark
from members.models.kiosk import KioskVisit
from members.models.merging import DuplicatePair, Merge
from members.models.notices import MemberNotice, NoticeChoice, NoticeDelivery, NoticeText
from members.models.people import Company, Member, Vehicle
from members.models.points import (
    PointsAccount,
    PointsAlloc,
    PointsLot,
    PointsProgram,
    PointsTxn,
)
from members.models.pools import Pool, PoolMember
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
from members.models.risk import Action, Metric, RiskCase, RiskRule, RiskStep
from members.models.signins import MemberSession, SignInCode
from members.models.statements import (
    Move,
    PartnerBill,
    PartnerStatement,
    PartnerStatementLine,
)
from members.models.targets import MemberTarget
from members.models.tier_measures import TierMeasureDaily, TierNotice
from members.models.tier_rules import TierBenefit, TierRule, TierThreshold
from members.models.tiers import MemberTier, Tier
from members.models.value import TopUpPlan, ValueAccount, ValueCodeUse, ValueTxn

__all__ = [
    "Action",
    "Channel",
    "ClubEvent",
    "Company",
    "Consent",
    "Driver",
    "DuplicatePair",
    "EarnRule",
    "ExchangeCall",
    "ExchangeOrder",
    "ExchangePartner",
    "Gift",
    "GiftCall",
    "GiftPlan",
    "ImportBatch",
    "ImportTrouble",
    "KioskVisit",
    "Member",
    "MemberExport",
    "MemberNotice",
    "MemberSession",
    "MemberTarget",
    "MemberTier",
    "Merge",
    "Metric",
    "Move",
    "NoticeChoice",
    "NoticeDelivery",
    "NoticeText",
    "Occasion",
    "PartnerBill",
    "PartnerOrder",
    "PartnerProgram",
    "PartnerStatement",
    "PartnerStatementLine",
    "PersonMark",
    "PointsAccount",
    "PointsAlloc",
    "PointsLot",
    "PointsProgram",
    "PointsTxn",
    "Pool",
    "PoolMember",
    "Presence",
    "ProfileChange",
    "Purchase",
    "Redemption",
    "RedemptionEvent",
    "Reward",
    "RewardCategory",
    "RewardCoupon",
    "RewardTopUp",
    "RiskCase",
    "RiskRule",
    "RiskStep",
    "SignInCode",
    "SignUp",
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
