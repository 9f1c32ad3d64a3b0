"""Limits against abuse, and what went over them: rules as versions, cases as facts with a state."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Metric(models.TextChoices):
    """What is counted. The order is that of the page."""

    FILLS = "FILLS", "一人加油次数"
    LITRES = "LITRES", "一人加油量与油箱之比"
    PLATES = "PLATES", "一张卡的车牌数"
    OTHER_PUMP = "OTHER_PUMP", "紧接着另一把枪的消费"
    POINTS_MEMBER = "POINTS_MEMBER", "一人得分"
    POINTS_PLATE = "POINTS_PLATE", "一个车牌得分"
    STAFF = "STAFF", "员工当班时本人账户得分"
    PHONE_CHANGED = "PHONE_CHANGED", "换手机号后用积分"
    ADJUSTS = "ADJUSTS", "一人经手的积分调整"
    REFUNDS = "REFUNDS", "一位收银员的带积分退款"
    NEW_COUPON = "NEW_COUPON", "新会员券按手机、车牌、设备"
    SHARE_MEMBER = "SHARE_MEMBER", "员工的销售集中在一位会员"
    SHARE_OWN = "SHARE_OWN", "员工的销售集中在自己登记的会员"


class Action(models.TextChoices):
    """What is done with what goes over the limit."""

    BLOCK = "BLOCK", "不给"
    HOLD = "HOLD", "待核实"
    NOTIFY = "NOTIFY", "只记录"


class RiskRule(models.Model):
    """风控规则: one version of a limit. Append-only; the newest version of a metric is in force.

    `window` is in seconds and reaches back from the act; None is its local day. Over the limit is
    more than it. `least` is how many there must be before a share says anything.
    """

    metric = models.CharField("项目", max_length=14, choices=Metric.choices)
    version = models.PositiveIntegerField("版本")
    active = models.BooleanField("启用", default=True)
    window = models.PositiveIntegerField("时间窗(秒)", null=True, blank=True)
    limit = models.PositiveIntegerField("限额")
    least = models.PositiveIntegerField("至少几笔才算", default=0)
    action = models.CharField("超过时", max_length=6, choices=Action.choices)
    saved_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    saved_at = models.DateTimeField("保存时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "version"], name="one_version_of_a_limit_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(window=None) | Q(window__gte=1), name="a_window_is_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_metric_display()} {self.limit}"


class RiskCase(models.Model):
    """异常: one hit of a limit, kept as it was; only its state moves, and each move is a step.

    `points` are those that were not given, or that wait for somebody to decide; `held` is then the
    row of the ledger that they came by.
    """

    class State(models.TextChoices):
        NEW = "NEW", "新"
        SEEN = "SEEN", "处理中"
        CLEARED = "CLEARED", "已排除"
        CONFIRMED = "CONFIRMED", "已确认"

    rule = models.ForeignKey(RiskRule, models.PROTECT, related_name="cases")
    metric = models.CharField("项目", max_length=14, choices=Metric.choices)
    action = models.CharField("处置", max_length=6, choices=Action.choices)
    key = models.CharField("幂等键", max_length=120, unique=True)
    station = models.ForeignKey(
        "station.Station", models.PROTECT, null=True, blank=True, related_name="+"
    )
    member = models.ForeignKey(
        "members.Member", models.PROTECT, null=True, blank=True, related_name="risk_cases"
    )
    staff = models.ForeignKey(
        "station.User",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="经手人",
    )
    document = models.CharField("单据", max_length=60, blank=True)
    value = models.BigIntegerField("数值")
    limit = models.PositiveIntegerField("限额")
    points = models.BigIntegerField("积分", default=0)
    held = models.ForeignKey(
        "members.PointsTxn", models.PROTECT, null=True, blank=True, related_name="risk_cases"
    )
    words = models.CharField("说明", max_length=200)
    state = models.CharField("状态", max_length=9, choices=State.choices, default=State.NEW)
    date = models.DateField("日期")
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["date", "-id"], name="risk_cases_by_date"),
            models.Index(
                fields=["state"], condition=Q(state__in=["NEW", "SEEN"]), name="open_risk_cases"
            ),
            models.Index(
                fields=["document"], condition=~Q(document=""), name="risk_cases_of_a_document"
            ),
        ]

    def __str__(self) -> str:
        return self.words


class RiskStep(models.Model):
    """What somebody decided about a case, and why. Append-only, each state once."""

    case = models.ForeignKey(RiskCase, models.PROTECT, related_name="steps")
    state = models.CharField("状态", max_length=9, choices=RiskCase.State.choices)
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    at = models.DateTimeField("时间")
    reason = models.CharField("理由", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "state"], name="a_case_has_each_state_once"),
            models.CheckConstraint(
                condition=Q(state="SEEN") | ~Q(reason=""), name="a_decision_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.get_state_display()}"
