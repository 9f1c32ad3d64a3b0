"""Whom we know. Django needs the models importable from here."""

from members.models.people import Company, Member, Vehicle
from members.models.purchases import Purchase

__all__ = ["Company", "Member", "Purchase", "Vehicle"]
