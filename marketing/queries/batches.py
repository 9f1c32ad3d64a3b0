"""What became of a batch: counts that always add up, because each coupon is in one state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from marketing.models import Coupon, CouponBatch, OfferUse
from station.fields import YuanField
from station.models import Station
from station.money import ZERO, Yuan

State = Coupon.State


@dataclass(frozen=True)
class Counts:
    """Coupons of a batch. `issued` = free + returned + locked + used + expired + void.

    `claimed` of the issued were claimed by their members; `returned` came back from a refund and
    are free again; `times_returned` counts every return.
    """

    quota: int
    issued: int
    claimed: int
    free: int
    returned: int
    locked: int
    used: int
    expired: int
    void: int
    times_returned: int
    taken_off: Yuan

    @property
    def adds_up(self) -> bool:
        """Whether every issued coupon is in one of the columns."""
        parts = (self.free, self.returned, self.locked, self.used, self.expired, self.void)
        return sum(parts) == self.issued

    @property
    def rate(self) -> Decimal | None:
        """核销率: used of those issued; None while none is."""
        return Decimal(self.used) / self.issued if self.issued else None


def counts_of(*, batch: CouponBatch) -> Counts:
    """The counts of a batch now, from its coupons. Two statements."""
    live = Q(state=State.ISSUED)
    found = Coupon.objects.filter(batch=batch).aggregate(
        all=Count("pk"),
        claimed=Count("pk", filter=Q(source=Coupon.Source.CLAIMED)),
        free=Count("pk", filter=live & Q(returned=0)),
        back=Count("pk", filter=live & Q(returned__gt=0)),
        locked=Count("pk", filter=Q(state=State.LOCKED)),
        used=Count("pk", filter=Q(state=State.USED)),
        expired=Count("pk", filter=Q(state=State.EXPIRED)),
        void=Count("pk", filter=Q(state=State.VOID)),
        times=Coalesce(Sum("returned"), 0),
    )
    off = OfferUse.objects.filter(coupon__batch=batch).aggregate(
        off=Coalesce(Sum("amount"), ZERO, output_field=YuanField())
    )["off"]
    return Counts(
        quota=batch.quota,
        issued=found["all"],
        claimed=found["claimed"],
        free=found["free"],
        returned=found["back"],
        locked=found["locked"],
        used=found["used"],
        expired=found["expired"],
        void=found["void"],
        times_returned=found["times"],
        taken_off=off,
    )


def batches_of(stations: Iterable[Station]) -> QuerySet[CouponBatch]:
    """The batches of some stations, each with how many of it were used."""
    rows = CouponBatch.objects.filter(station__in=list(stations)).select_related("template")
    return rows.annotate(used=Count("coupons", filter=Q(coupons__state=State.USED)))
