"""Whom we know. Django needs the models importable from here."""

from members.models.notices import MemberNotice
from members.models.people import Company, Member, Vehicle
from members.models.presences import Presence
from members.models.purchases import Purchase
from members.models.signins import MemberSession, SignInCode
from members.models.tiers import MemberTier, Tier

__all__ = [
    "Company",
    "Member",
    "MemberNotice",
    "MemberSession",
    "MemberTier",
    "Presence",
    "Purchase",
    "SignInCode",
    "Tier",
    "Vehicle",
]
