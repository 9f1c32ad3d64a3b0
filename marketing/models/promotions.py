"""Promotions: what the station takes off by itself, and the litres that a daily cap has used."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketing.models.terms import Status, Terms
from station.fields import LitresField


class Promotion(Terms):
    """促销 of a version, between two instants (the end is exclusive)."""

    valid_from = models.DateTimeField("开始")
    valid_until = models.DateTimeField("结束")
    cap_litres_day = LitresField("每位会员每天最多升数", null=True, blank=True)
    ended_at = models.DateTimeField("停止时间", null=True, blank=True)

    class Meta(Terms.Meta):
        abstract = False
        constraints = [
            *Terms.Meta.constraints,
            models.CheckConstraint(
                condition=Q(valid_until__gt=F("valid_from")), name="a_promotion_ends_after_it_began"
            ),
            models.CheckConstraint(
                condition=Q(cap_litres_day=None) | Q(members_only=True),
                name="a_daily_cap_is_a_members",
            ),
        ]
        indexes = [
            models.Index(
                fields=["station"],
                condition=Q(status=Status.APPROVED),
                name="promotions_in_force",
            ),
        ]


class DayLitres(models.Model):
    """How many litres a member had at a capped promotion on a date. Never above the cap."""

    promotion = models.ForeignKey(Promotion, models.PROTECT, related_name="day_litres")
    member = models.ForeignKey("members.Member", models.PROTECT, related_name="+")
    date = models.DateField("日期")
    litres = LitresField("升数")
    cap = LitresField("上限")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "member", "date"], name="one_count_of_litres_a_day"
            ),
            models.CheckConstraint(
                condition=Q(litres__gte=0, litres__lte=F("cap")), name="litres_stay_under_the_cap"
            ),
        ]
