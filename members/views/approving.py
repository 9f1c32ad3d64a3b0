"""Who signs beside the actor on a form that gives points above the limit of adjustments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from station.models import Station, User
from station.services.approval import check_approver


def points_approver(
    *, typed: Mapping[str, Any], station: Station, actor: User, at: datetime
) -> User | None:
    """The second person of an `approver` and `approver_secret`; None where nobody was typed."""
    if not typed["approver"].strip():
        return None
    return check_approver(
        username=typed["approver"],
        secret=typed["approver_secret"],
        right="members.points.approve",
        station=station,
        not_user=actor,
        at=at,
    )
