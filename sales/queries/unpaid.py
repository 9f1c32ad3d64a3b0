"""待付款: fills that no document has claimed. What a prepay ran under is its own and not unpaid."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from devices.models import Fill
from sales.models import FillClaim, FillLease, Prepay
from sales.queries.fleet import company_of_leave
from station.models import BusinessDay, Crew, Station

# A fill older than this was claimed, carried or put on 待处理 long ago; the bound keeps the
# question cheap with ten years of fills behind it.
LOOK_BACK = timedelta(days=7)


def unpaid_fills(*, station: Station) -> QuerySet[Fill]:
    """Fills of the last days that wait for payment, oldest first.

    Each carries `held_by` (the session that leases it, or None), `held_until`, `company` (for which
    its pump was let loose) and `attendant_id` (who stands at its island in its shift). One statement with its joins.
    """
    newest = (
        BusinessDay.objects.filter(station=station).order_by("-date").values_list("date", flat=True)
    )[:1]
    first = newest.first()
    fills = Fill.objects.filter(station=station)
    if first is not None:
        fills = fills.filter(day__date__gte=first - LOOK_BACK)
    return _with_holder(
        fills.exclude(Exists(live_claims())).exclude(Exists(live_prepays()))
    ).order_by("occurred_at", "pk")


def live_claims() -> QuerySet[FillClaim]:
    """The claim that holds the outer fill now."""
    return FillClaim.objects.filter(fill=OuterRef("pk"), released_at=None)


def live_prepays() -> QuerySet[Prepay]:
    """The prepay under whose authorisation the outer fill ran, until it is settled or cancelled."""
    return Prepay.objects.filter(
        number=OuterRef("authorisation__document"),
        status__in=[Prepay.Status.OPEN, Prepay.Status.FUELLING],
    )


def _with_holder(fills: QuerySet[Fill]) -> QuerySet[Fill]:
    leases = FillLease.objects.filter(fill=OuterRef("pk"))
    return fills.select_related("nozzle", "grade").annotate(
        held_by=Subquery(leases.values("session_id")),
        held_till=Subquery(leases.values("session__till__number")),
        held_until=Subquery(leases.values("expires_at")),
        company=company_of_leave(),
        attendant_id=Subquery(on_duty_at_the_island().values("user_id")[:1]),
    )


def on_duty_at_the_island() -> QuerySet[Crew]:
    """The attendant of the outer fill's island in its shift."""
    return Crew.objects.filter(
        shift=OuterRef("shift"),
        island=OuterRef("nozzle__dispenser__island"),
        post=Crew.Post.ATTENDANT,
    ).order_by("pk")
