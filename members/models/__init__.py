"""Whom we know. Django needs the models importable from here."""

from members.models.people import Company, Member, Vehicle
from members.models.purchases import Purchase
from members.models.tiers import MemberTier, Tier
from members.models.value import TopUpPlan, ValueAccount, ValueCodeUse, ValueTxn

__all__ = [
    "Company",
    "Member",
    "MemberTier",
    "Purchase",
    "Tier",
    "TopUpPlan",
    "ValueAccount",
    "ValueCodeUse",
    "ValueTxn",
    "Vehicle",
]
