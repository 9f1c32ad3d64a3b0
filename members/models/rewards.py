"""The mall: rewards for points, and the orders that take them.

An order is taken once: points, stock and state change together. What another part of the house has
to give (a coupon, a top-up, a partner's service) is a waiting row beside the order.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from station.fields import YuanField


class RewardCategory(models.Model):
    """礼品分类."""

    name = models.CharField("名称", max_length=20, unique=True)
    position = models.PositiveSmallIntegerField("排序", default=0)

    def __str__(self) -> str:
        return self.name


class Reward(models.Model):
    """What points buy. `value` is what a coupon or top-up is worth, else what the reward costs us.

    A window is half open: from its first instant to the one at which it is over. Limits count orders
    that stand; those cancelled or expired do not.
    """

    class Kind(models.TextChoices):
        GOODS = "GOODS", "实物"
        SERVICE = "SERVICE", "服务"
        COUPON = "COUPON", "优惠券"
        TOP_UP = "TOP_UP", "充值"
        PARTNER = "PARTNER", "合作方"

    code = models.CharField("编码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=60)
    pinyin = models.CharField("拼音", max_length=120, blank=True)
    kind = models.CharField("类型", max_length=8, choices=Kind.choices)
    category = models.ForeignKey(
        RewardCategory, models.PROTECT, verbose_name="分类", related_name="rewards"
    )
    words = models.CharField("说明", max_length=300, blank=True)
    cost_points = models.PositiveIntegerField("积分")
    surcharge_item = models.ForeignKey(
        "inventory.Item",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="加价款（服务商品）",
    )
    item = models.ForeignKey(
        "inventory.Item",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rewards",
        verbose_name="出库商品",
    )
    value = YuanField("面值或成本(元)", default=0)
    template = models.CharField("券模板代码", max_length=40, blank=True)
    partner = models.CharField("合作方", max_length=12, blank=True)
    days_valid = models.PositiveSmallIntegerField("几天内有效", default=30)
    returns_points = models.BooleanField("过期退回积分", default=True)
    limit_total = models.PositiveIntegerField("总共", null=True, blank=True)
    limit_day = models.PositiveIntegerField("每天", null=True, blank=True)
    limit_member = models.PositiveIntegerField("每人总共", null=True, blank=True)
    limit_member_day = models.PositiveIntegerField("每人每天", null=True, blank=True)
    visible_from = models.DateTimeField("上架", null=True, blank=True)
    visible_until = models.DateTimeField("下架", null=True, blank=True)
    usable_from = models.DateTimeField("开始兑换", null=True, blank=True)
    usable_until = models.DateTimeField("停止兑换", null=True, blank=True)
    active = models.BooleanField("在架", default=True)
    added_at = models.DateTimeField("新增时间")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(cost_points__gt=0), name="a_reward_costs_points"),
            models.CheckConstraint(
                condition=Q(kind="GOODS", item__isnull=False) | (~Q(kind="GOODS") & Q(item=None)),
                name="goods_and_only_goods_leave_the_shelf",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["COUPON", "TOP_UP"], value__gt=0)
                | (~Q(kind__in=["COUPON", "TOP_UP"]) & Q(value__gte=0)),
                name="a_coupon_or_top_up_is_worth_something",
            ),
            models.CheckConstraint(
                condition=(Q(kind="PARTNER") & ~Q(partner=""))
                | (~Q(kind="PARTNER") & Q(partner="")),
                name="a_partners_reward_names_him",
            ),
            models.CheckConstraint(condition=Q(days_valid__gt=0), name="an_order_lives_a_day"),
            models.CheckConstraint(
                condition=Q(visible_from=None)
                | Q(visible_until=None)
                | Q(visible_until__gt=F("visible_from")),
                name="a_reward_is_shown_before_it_is_not",
            ),
            models.CheckConstraint(
                condition=Q(usable_from=None)
                | Q(usable_until=None)
                | Q(usable_until__gt=F("usable_from")),
                name="a_reward_begins_before_it_ends",
            ),
        ]
        indexes = [
            models.Index(
                fields=["cost_points", "id"], condition=Q(active=True), name="rewards_by_points"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_rationed(self) -> bool:
        """Whether somebody else's order may leave none for this member."""
        return self.limit_total is not None or self.limit_day is not None


class Redemption(models.Model):
    """兑换单: one reward for one member. Points, surcharge and kind are as they were when it was taken."""

    class State(models.TextChoices):
        REQUESTED = "REQUESTED", "已申请"
        RESERVED = "RESERVED", "待领取"
        FULFILLED = "FULFILLED", "已完成"
        CANCELLED = "CANCELLED", "已取消"
        EXPIRED = "EXPIRED", "已过期"

    class Channel(models.TextChoices):
        TILL = "TILL", "收银台"
        OFFICE = "OFFICE", "后台"
        KIOSK = "KIOSK", "自助终端"
        APP = "APP", "手机"

    class Presence(models.TextChoices):
        CARD = "CARD", "刷会员卡"
        PHONE = "PHONE", "会员手机码"
        CODE = "CODE", "尾号加验证码"
        VOUCHED = "VOUCHED", "另一人核验"
        APP = "APP", "本人手机登录"

    number = models.CharField("单号", max_length=40, unique=True)
    client_key = models.CharField("客户端键", max_length=60, unique=True)
    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    till = models.ForeignKey(
        "station.Till", models.PROTECT, null=True, blank=True, related_name="+"
    )
    member = models.ForeignKey("members.Member", models.PROTECT, related_name="redemptions")
    reward = models.ForeignKey(Reward, models.PROTECT, related_name="redemptions")
    kind = models.CharField("类型", max_length=8, choices=Reward.Kind.choices)
    points = models.PositiveIntegerField("积分")
    surcharge = YuanField("加价(元)", default=0)
    item = models.ForeignKey(
        "inventory.Item", models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField("状态", max_length=9, choices=State.choices, default=State.REQUESTED)
    channel = models.CharField("渠道", max_length=6, choices=Channel.choices)
    presence = models.CharField("本人核验", max_length=7, choices=Presence.choices, blank=True)
    presence_ref = models.CharField("核验依据", max_length=60, blank=True)
    points_txn = models.OneToOneField(
        "members.PointsTxn", models.PROTECT, null=True, blank=True, related_name="+"
    )
    returned_txn = models.OneToOneField(
        "members.PointsTxn", models.PROTECT, null=True, blank=True, related_name="+"
    )
    code = models.CharField("核销码", max_length=12, blank=True)
    paid_document = models.CharField("加价款单号", max_length=60, blank=True)
    reference = models.CharField("凭证", max_length=60, blank=True)
    requested_at = models.DateTimeField("申请时间")
    requested_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    expires_at = models.DateTimeField("到期")
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code"], condition=~Q(code=""), name="a_service_code_is_one_orders"
            ),
            models.UniqueConstraint(
                fields=["presence_ref"],
                condition=Q(presence__in=["CARD", "PHONE"]),
                name="a_swipe_proves_presence_once",
            ),
            models.UniqueConstraint(
                fields=["paid_document"],
                condition=~Q(paid_document=""),
                name="a_sale_pays_one_surcharge",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["RESERVED", "FULFILLED"]) | Q(points_txn__isnull=False),
                name="an_order_that_stands_took_points",
            ),
            models.CheckConstraint(
                condition=~Q(state="CANCELLED")
                | Q(points_txn=None)
                | Q(returned_txn__isnull=False),
                name="a_cancelled_order_gave_its_points_back",
            ),
            models.CheckConstraint(
                condition=Q(returned_txn=None) | Q(state__in=["CANCELLED", "EXPIRED"]),
                name="an_order_that_stands_gave_nothing_back",
            ),
            models.CheckConstraint(
                condition=~Q(state="FULFILLED") | Q(surcharge=0) | ~Q(paid_document=""),
                name="a_surcharge_is_paid_before_the_gift_goes",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["REQUESTED", "RESERVED"], ended_at=None)
                | Q(state__in=["FULFILLED", "CANCELLED", "EXPIRED"], ended_at__isnull=False),
                name="an_order_that_ended_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="redemptions_of_a_member"),
            models.Index(fields=["reward", "-requested_at"], name="redemptions_of_a_reward"),
            models.Index(fields=["station", "-id"], name="redemptions_of_a_station"),
            models.Index(
                fields=["expires_at"],
                condition=Q(state__in=["REQUESTED", "RESERVED"]),
                name="redemptions_to_expire",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class RedemptionEvent(models.Model):
    """A state that an order came into. Append-only; each state once."""

    redemption = models.ForeignKey(Redemption, models.PROTECT, related_name="events")
    state = models.CharField("状态", max_length=9, choices=Redemption.State.choices)
    at = models.DateTimeField("时间")
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField("说明", max_length=200, blank=True)
    recorded_at = models.DateTimeField("入库时间", db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["redemption", "state"], name="an_order_comes_into_a_state_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.redemption_id} {self.get_state_display()}"


class Waiting(models.Model):
    """Something that another part gives for an order: it waits, and ends once."""

    class Status(models.TextChoices):
        PENDING = "PENDING", "等待"
        SUCCEEDED = "SUCCEEDED", "成功"
        FAILED = "FAILED", "失败"
        VOID = "VOID", "作废"

    redemption = models.OneToOneField(Redemption, models.PROTECT, related_name="%(class)s")
    status = models.CharField("状态", max_length=9, choices=Status.choices, default=Status.PENDING)
    reference = models.CharField("凭证", max_length=60, blank=True)
    words = models.CharField("说明", max_length=200, blank=True)
    made_at = models.DateTimeField("时间")
    done_at = models.DateTimeField("结束时间", null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.redemption_id} {self.get_status_display()}"


class RewardCoupon(Waiting):
    """A coupon that marketing is to issue to the order's member, of a template, worth `value` yuan."""

    template = models.CharField("券模板代码", max_length=40, blank=True)
    value = YuanField("面值(元)")

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(status="PENDING"), name="reward_coupons_waiting"
            )
        ]


class RewardTopUp(Waiting):
    """An amount that is to be put on the order's member's stored value."""

    amount = YuanField("金额(元)")

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(status="PENDING"), name="reward_top_ups_waiting"
            )
        ]


class PartnerOrder(Waiting):
    """An order at a partner, asked for through his adapter until he says yes or no."""

    partner = models.CharField("合作方", max_length=12)
    attempts = models.PositiveSmallIntegerField("次数", default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(status="PENDING"), name="partner_orders_waiting"
            )
        ]
