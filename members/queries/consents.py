"""What a member agreed to: asked before every message, recommendation and use of a place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from members.models import Consent, Member
from station.models import Station
from station.queries import settings

# What a member may give and withdraw on a page; a guardian's consent ends with the account.
OPEN = (
    Consent.Purpose.POLICY,
    Consent.Purpose.SMS,
    Consent.Purpose.PERSONAL,
    Consent.Purpose.LOCATION,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One purpose as it stands: the living consent, or when it was withdrawn last, or neither."""

    purpose: str
    title: str
    given_at: datetime | None
    channel: str
    version: str
    withdrawn_at: datetime | None

    @property
    def living(self) -> bool:
        return self.given_at is not None and self.withdrawn_at is None


def allows(member: Member | int, purpose: str) -> bool:
    """Whether a member's consent to a purpose (`Consent.Purpose`) lives now. One statement.

    Never for a closed or merged member: his consents ended, or are not the other's.
    """
    pk = member if isinstance(member, int) else member.pk
    rows = Consent.objects.filter(member=pk, purpose=purpose, withdrawn_at=None)
    return rows.filter(member__status__in=[Member.Status.ACTIVE, Member.Status.FROZEN]).exists()


def standings(member: Member) -> list[Standing]:
    """Every purpose with the last word on it. One statement."""
    last: dict[str, Consent] = {}
    for row in Consent.objects.filter(member=member).order_by("given_at", "pk"):
        last[row.purpose] = row
    return [_standing(purpose, last.get(purpose)) for purpose in OPEN] + [
        _standing(row.purpose, row) for row in last.values() if row.purpose not in OPEN
    ]


def _standing(purpose: str, row: Consent | None) -> Standing:
    title = str(Consent.Purpose(purpose).label)
    if row is None:
        return Standing(purpose, title, None, "", "", None)
    return Standing(
        purpose,
        title,
        row.given_at,
        row.get_given_channel_display(),
        row.policy_version,
        row.withdrawn_at,
    )


def history(member: Member) -> list[Consent]:
    """Every consent given and withdrawn, newest first. One statement."""
    rows = Consent.objects.filter(member=member).select_related("given_by", "withdrawn_by")
    return list(rows.order_by("-given_at", "-pk"))


def policy_version(station: Station) -> str:
    """The version of the privacy policy that is agreed to now."""
    return settings.text("members.policy_version", station)[:20]
