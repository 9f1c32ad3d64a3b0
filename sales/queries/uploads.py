"""断网补传: what has arrived and waits to be booked."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from sales.models import Discrepancy, OfflineUpload

UNREADABLE = "ticket"  # the subject under which 待处理 holds an upload that is no ticket


def uploads_waiting() -> QuerySet[OfflineUpload]:
    """Uploads without a sale, except those that no row can hold: they are on 待处理 as a whole."""
    set_aside = Discrepancy.objects.filter(
        document=OuterRef("client_key"), kind=Discrepancy.Kind.AMOUNT_DIFFERS, subject=UNREADABLE
    )
    return OfflineUpload.objects.filter(~Exists(set_aside), sale=None)
