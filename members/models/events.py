"""会员活动: an event with seats, who has one, and who waits for one."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class ClubEvent(models.Model):
    """会员活动. `taken` is kept for its lock: it equals the seats given, and never passes `capacity`."""

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="club_events"
    )
    name = models.CharField("名称", max_length=40)
    place = models.CharField("地点", max_length=60, blank=True)
    words = models.CharField("说明", max_length=300, blank=True)
    starts_at = models.DateTimeField("开始")
    ends_at = models.DateTimeField("结束")
    capacity = models.PositiveIntegerField("名额")
    taken = models.PositiveIntegerField("已占", default=0)
    points = models.PositiveIntegerField("到场积分", default=0)
    cancelled_at = models.DateTimeField("取消时间", null=True, blank=True)
    made_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField("建立时间")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(taken__lte=F("capacity")), name="an_event_is_not_overbooked"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="an_event_ends_after_it_began"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SignUp(models.Model):
    """报名 of one member for one event: a seat, or a place in the line behind it."""

    class State(models.TextChoices):
        SEATED = "SEATED", "已报名"
        WAITING = "WAITING", "候补"
        CANCELLED = "CANCELLED", "已取消"
        ATTENDED = "ATTENDED", "已签到"

    event = models.ForeignKey(ClubEvent, models.PROTECT, related_name="sign_ups")
    member = models.ForeignKey("members.Member", models.PROTECT, related_name="sign_ups")
    state = models.CharField("状态", max_length=9, choices=State.choices)
    code = models.CharField("签到码", max_length=12, unique=True)
    signed_at = models.DateTimeField("报名时间")
    seated_at = models.DateTimeField("占位时间", null=True, blank=True)
    attended_at = models.DateTimeField("签到时间", null=True, blank=True)
    checked_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event", "member"],
                condition=~Q(state="CANCELLED"),
                name="a_member_signs_up_once",
            ),
            models.CheckConstraint(
                condition=~Q(state="ATTENDED")
                | Q(attended_at__isnull=False, seated_at__isnull=False),
                name="who_attended_had_a_seat",
            ),
        ]
        indexes = [
            models.Index(
                fields=["event", "id"], condition=Q(state="WAITING"), name="who_waits_for_a_seat"
            )
        ]

    def __str__(self) -> str:
        return self.code
