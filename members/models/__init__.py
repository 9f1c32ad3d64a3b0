"""Whom we know. Django needs the models importable from here."""

from members.models.consents import Channel, Consent
from members.models.files import ImportBatch, ImportTrouble, MemberExport
from members.models.merging import DuplicatePair, Merge
from members.models.people import Company, Member, Vehicle
from members.models.profiles import ProfileChange
from members.models.purchases import Purchase
from members.models.tiers import MemberTier, Tier

__all__ = [
    "Channel",
    "Company",
    "Consent",
    "DuplicatePair",
    "ImportBatch",
    "ImportTrouble",
    "Member",
    "MemberExport",
    "MemberTier",
    "Merge",
    "ProfileChange",
    "Purchase",
    "Tier",
    "Vehicle",
]
