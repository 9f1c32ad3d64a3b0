"""Balances taken over at cut-over that no other ledger opens: floats and receivables."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import YuanField


class OpeningBalance(models.Model):
    """开账余额: what the station owned or was owed on the day it began with this system. Append-only."""

    class Kind(models.TextChoices):
        FLOAT = "FLOAT", "备用金"
        RECEIVABLE = "RECEIVABLE", "应收账款"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="opening_balances")
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    name = models.CharField("对方或存放处", max_length=60)
    amount = YuanField("金额(元)")
    as_of = models.DateField("截止日")
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField("录入时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["station", "kind", "name"], name="one_opening_balance_per_name"
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="an_opening_balance_is_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name} {self.amount}"
