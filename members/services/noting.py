"""What the audit keeps of members and companies: under their number, in the log of their station."""

from __future__ import annotations

from members.models import Company, Member
from station.services.audit import SYSTEM, Subject

HIMSELF = "会员本人"


def about(owner: Member | Company, *, by_himself: bool = False) -> Subject:
    """The subject of an act on a member or a company; `by_himself`: on the member's own phone."""
    station = owner.home_station if isinstance(owner, Member) else owner.station
    return Subject(station, owner.number, HIMSELF if by_himself else SYSTEM)
