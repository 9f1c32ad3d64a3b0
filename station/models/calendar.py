"""When and who: calendar, business day, shift, crew on duty, till session.

A shift has nozzles, tanks and crew; a till session has a cashier, a till, a float and a blind
count. A fill carries the shift, a payment the session; a shift closes when its sessions have.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from station.fields import YuanField


class CalendarDay(models.Model):
    """A public holiday or make-up working day; filled from libraries, editable."""

    class Kind(models.TextChoices):
        STATUTORY = "STATUTORY", "法定节假日"
        REST = "REST", "调休放假"
        MAKE_UP = "MAKE_UP", "调休上班"
        ORDINARY = (
            "ORDINARY",
            "按平日",
        )  # struck out by a person; else the library would bring it back

    class Source(models.TextChoices):
        LIBRARY = "LIBRARY", "日历库"
        TYPED = "TYPED", "手工"

    date = models.DateField("日期", unique=True)
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    name = models.CharField("名称", max_length=30, blank=True)
    source = models.CharField("来源", max_length=8, choices=Source.choices)

    def __str__(self) -> str:
        return f"{self.date} {self.name}"


class BusinessDay(models.Model):
    """营业日, the accounting date. OPEN takes new facts; CUT awaits its close; CLOSED is frozen."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "营业中"
        CUT = "CUT", "待日结"
        CLOSED = "CLOSED", "已日结"

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="days"
    )
    date = models.DateField("营业日")
    status = models.CharField("状态", max_length=6, choices=Status.choices, default=Status.OPEN)
    opened_at = models.DateTimeField("开始时间")
    cut_at = models.DateTimeField("截止时间", null=True, blank=True)
    closed_at = models.DateTimeField("日结时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "date"], name="one_business_day_per_date"),
            models.UniqueConstraint(
                fields=["station"], condition=Q(status="OPEN"), name="one_open_day"
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN", cut_at=None, closed_at=None)
                | Q(status="CUT", cut_at__isnull=False, closed_at=None)
                | Q(status="CLOSED", cut_at__isnull=False, closed_at__isnull=False),
                name="a_days_times_follow_its_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date}"


class ShiftPattern(models.Model):
    """班次制度: the named slots of a day, such as 早班/中班/夜班."""

    name = models.CharField("名称", max_length=30, unique=True)

    def __str__(self) -> str:
        return self.name


class ShiftSlot(models.Model):
    """One slot of a pattern; a slot whose end is not after its start runs past midnight."""

    pattern = models.ForeignKey(ShiftPattern, models.CASCADE, related_name="slots")
    ordinal = models.PositiveSmallIntegerField("序")
    name = models.CharField("班名", max_length=12)
    starts_at = models.TimeField("开始")
    ends_at = models.TimeField("结束")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pattern", "ordinal"], name="one_slot_per_ordinal")
        ]

    def __str__(self) -> str:
        return self.name


class Shift(models.Model):
    """班次. OPEN works; HANDED_OVER has its readings and is being counted; CLOSED is frozen."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "当班"
        HANDED_OVER = "HANDED_OVER", "已交班待班结"
        CLOSED = "CLOSED", "已班结"

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="shifts"
    )
    day = models.ForeignKey(
        BusinessDay, models.PROTECT, verbose_name="营业日", related_name="shifts"
    )
    ordinal = models.PositiveSmallIntegerField("班序")
    name = models.CharField("班名", max_length=12)
    status = models.CharField("状态", max_length=12, choices=Status.choices, default=Status.OPEN)
    opened_at = models.DateTimeField("接班时间")
    handed_over_at = models.DateTimeField("交班时间", null=True, blank=True)
    closed_at = models.DateTimeField("班结时间", null=True, blank=True)
    leader = models.ForeignKey(
        "station.User", models.PROTECT, verbose_name="班长", related_name="+"
    )
    receiver = models.ForeignKey(
        "station.User",
        models.PROTECT,
        verbose_name="接班人",
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "ordinal"], name="one_shift_per_ordinal_of_a_day"
            ),
            models.UniqueConstraint(
                fields=["station"], condition=Q(status="OPEN"), name="one_open_shift"
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN", handed_over_at=None, closed_at=None)
                | Q(status="HANDED_OVER", handed_over_at__isnull=False, closed_at=None)
                | Q(status="CLOSED", handed_over_at__isnull=False, closed_at__isnull=False),
                name="a_shifts_times_follow_its_status",
            ),
            models.CheckConstraint(
                condition=Q(handed_over_at=None) | Q(handed_over_at__gte=F("opened_at")),
                name="a_shift_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def number(self) -> str:
        """班次号: yyyymmdd and two digits, as the trade writes it."""
        return f"{self.day.date:%Y%m%d}{self.ordinal:02d}"


class Crew(models.Model):
    """Who is on duty in a shift, at which post."""

    class Post(models.TextChoices):
        LEADER = "LEADER", "班长"
        CASHIER = "CASHIER", "收银员"
        ATTENDANT = "ATTENDANT", "加油员"

    shift = models.ForeignKey(Shift, models.CASCADE, related_name="crew")
    user = models.ForeignKey("station.User", models.PROTECT, verbose_name="人员", related_name="+")
    post = models.CharField("岗位", max_length=10, choices=Post.choices)
    island = models.ForeignKey(
        "station.Island",
        models.PROTECT,
        verbose_name="加油岛",
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shift", "user"], name="one_post_per_person_in_a_shift")
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_post_display()}"


class TillSession(models.Model):
    """收银班: one cashier at one till with one float, from its opening to its blind count."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "收银中"
        ENDED = "ENDED", "待点款"
        COUNTED = "COUNTED", "已点款"
        CLOSED = "CLOSED", "已交接"

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="sessions"
    )
    shift = models.ForeignKey(Shift, models.PROTECT, verbose_name="班次", related_name="sessions")
    till = models.ForeignKey(
        "station.Till", models.PROTECT, verbose_name="收银台", related_name="sessions"
    )
    cashier = models.ForeignKey(
        "station.User", models.PROTECT, verbose_name="收银员", related_name="sessions"
    )
    float_amount = YuanField("备用金")
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.OPEN)
    opened_at = models.DateTimeField("开始时间")
    ended_at = models.DateTimeField("结束收银时间", null=True, blank=True)
    counted_at = models.DateTimeField("点款时间", null=True, blank=True)
    closed_at = models.DateTimeField("交接时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["till"], condition=Q(status="OPEN"), name="one_open_session_per_till"
            ),
            models.UniqueConstraint(
                fields=["cashier"], condition=Q(status="OPEN"), name="one_open_session_per_cashier"
            ),
            models.CheckConstraint(
                condition=Q(float_amount__gte=0), name="a_float_is_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.till} {self.cashier}"
