"""The audit log: one row per act, in the transaction of the act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from station.models import AuditEntry, Station, User

SYSTEM = "系统"


@dataclass(frozen=True)
class Subject:
    """What acts are about: the document they are kept under, and the station in whose log they stand."""

    station: Station | None
    document: str
    nobody: str = SYSTEM  # who acts where no user does

    def note(
        self,
        action: str,
        at: datetime,
        actor: User | None,
        *,
        reason: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """`record` for this subject."""
        record(
            at=at,
            actor=actor,
            action=action,
            station=self.station,
            document=self.document,
            reason=reason,
            before=before,
            after=after,
            nobody=self.nobody,
        )


def record(
    *,
    at: datetime,
    actor: User | None,
    action: str,
    station: Station | None = None,
    document: str = "",
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    address: str | None = None,
    nobody: str = SYSTEM,
) -> None:
    """Write who did what to which document. Values must be JSON; amounts go as strings.

    Personal data is masked by the caller before it comes here. `actor` None is the system itself,
    or whom `nobody` names: a member on his own phone is no user.
    """
    AuditEntry.objects.create(
        station=station,
        at=at,
        actor=actor,
        actor_name=actor.name if actor else nobody,
        action=action,
        document=document,
        reason=reason[:200],
        before=dict(before) if before is not None else None,
        after=dict(after) if after is not None else None,
        address=address,
    )
