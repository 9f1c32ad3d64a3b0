"""What was bought: a declared copy of the sale, handed down at settling; a test holds it equal."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import LitresField, YuanField


class Purchase(models.Model):
    """One sold line as loyalty and marketing see it; a refund is a negative row."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    member = models.ForeignKey(
        "members.Member", models.PROTECT, null=True, blank=True, related_name="purchases"
    )
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    document = models.CharField("单据", max_length=60)
    line = models.PositiveSmallIntegerField("行")
    original = models.CharField("原单", max_length=60, blank=True)  # what a refund takes back
    occurred_at = models.DateTimeField("时间")
    kind = models.CharField("类别", max_length=8)
    product = models.CharField("商品", max_length=20)
    category = models.CharField("类别名", max_length=30, blank=True)
    quantity = LitresField("数量")
    net = YuanField("实收(元)")
    points = models.BigIntegerField("积分", default=0)
    tenders = models.JSONField("付款方式", default=list)
    attendant = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    cashier = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Of the plate that stood on a member's ticket, as a keyed index: what a plate may earn is limited.
    plate_index = models.CharField("车牌索引", max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "line"], name="one_purchase_per_sold_line")
        ]
        indexes = [
            models.Index(fields=["member", "-occurred_at"], name="purchases_of_a_member"),
            models.Index(
                fields=["original"], condition=~Q(original=""), name="purchases_taken_back"
            ),
            models.Index(
                fields=["plate_index", "-occurred_at"],
                condition=~Q(plate_index=""),
                name="purchases_of_a_plate",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document}/{self.line}"
