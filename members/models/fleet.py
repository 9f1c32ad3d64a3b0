"""The drivers of a company. What identifies them and its vehicles are cards of `devices`."""

from __future__ import annotations

from django.db import models


class Driver(models.Model):
    """A person who drives for a company; his card says so at the pump."""

    company = models.ForeignKey("members.Company", models.PROTECT, related_name="drivers")
    name_sealed = models.CharField("姓名(密文)", max_length=300)
    vehicle = models.ForeignKey(
        "members.Vehicle",
        models.PROTECT,
        verbose_name="只开这辆车",
        null=True,
        blank=True,
        related_name="drivers",
    )
    active = models.BooleanField("在用", default=True)

    def __str__(self) -> str:
        return f"司机 {self.pk}"
