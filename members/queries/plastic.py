"""The cards of a member, of those who were merged into him too."""

from __future__ import annotations

from django.db.models import QuerySet

from devices.models import Card
from members.models import Member
from members.queries.merged import numbers_of


def cards_of(member: Member) -> QuerySet[Card]:
    """Cards issued to a member, newest first. One statement beside the numbers."""
    rows = Card.objects.filter(document__in=numbers_of(member), meaning="MEMBER_CARD")
    return rows.select_related("station", "replaces").order_by("-issued_at", "-pk")
