"""A member with those who were merged into him: one person, several numbers."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from members.models import Member


def one_person(member: Member) -> QuerySet[Member]:
    """The member and everybody who was merged into him."""
    return Member.objects.filter(Q(pk=member.pk) | Q(merged_into=member.pk))


def ids_of(member: Member) -> list[int]:
    """Their ids. One statement."""
    return list(one_person(member).order_by("pk").values_list("pk", flat=True))


def numbers_of(member: Member) -> list[str]:
    """Their numbers. One statement."""
    return list(one_person(member).order_by("pk").values_list("number", flat=True))
