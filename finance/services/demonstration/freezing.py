"""Close a day of the demo's past as the wizard would have."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from station.models import BusinessDay


@transaction.atomic
def freeze_demo_day(*, day: BusinessDay, at: datetime) -> None:
    """Freeze a cut day whose shifts are closed."""
    BusinessDay.objects.filter(pk=day.pk).update(status=BusinessDay.Status.CLOSED, closed_at=at)
