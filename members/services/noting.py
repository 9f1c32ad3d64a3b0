"""What the audit keeps of members and companies: under their number, in the log of their station."""

from __future__ import annotations

from members.models import Company, Member
from station.services.audit import Subject


def about(owner: Member | Company) -> Subject:
    """The subject of an act on a member or a company."""
    station = owner.home_station if isinstance(owner, Member) else owner.station
    return Subject(station, owner.number)
