"""Whom we know. Django needs the models importable from here."""

from members.models.people import Company, Member, Vehicle
from members.models.purchases import Purchase
from members.models.tier_measures import TierMeasureDaily, TierNotice
from members.models.tier_rules import TierBenefit, TierRule, TierThreshold
from members.models.tiers import MemberTier, Tier

__all__ = [
    "Company",
    "Member",
    "MemberTier",
    "Purchase",
    "Tier",
    "TierBenefit",
    "TierMeasureDaily",
    "TierNotice",
    "TierRule",
    "TierThreshold",
    "Vehicle",
]
