"""What a member is told: the message, how he wants it, the text that waits, and what became of each attempt."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class MemberNotice(models.Model):
    """One message to a member. No personal data in its words. Not `shown`: not in his inbox."""

    class Kind(models.TextChoices):
        ACCOUNT = "ACCOUNT", "账户与安全"
        POINTS_EXPIRY = "POINTS_EXPIRY", "积分到期"
        POINTS_REACHED = "POINTS_REACHED", "积分够兑换"
        COUPON_EXPIRY = "COUPON_EXPIRY", "优惠券到期"
        TIER = "TIER", "等级变化"

    member = models.ForeignKey("members.Member", models.PROTECT, related_name="notices")
    key = models.CharField("去重键", max_length=120)
    kind = models.CharField("类别", max_length=14, choices=Kind.choices, default=Kind.ACCOUNT)
    subject = models.CharField("标题", max_length=60)
    text = models.TextField("正文")
    url = models.CharField("链接", max_length=200, blank=True)
    shown = models.BooleanField("在站内消息里", default=True)
    created_at = models.DateTimeField("时间")
    read_at = models.DateTimeField("已读时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "key"], name="a_member_is_told_once_by_key")
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="notices_of_a_member"),
            models.Index(fields=["member"], condition=Q(read_at=None), name="unread_notices"),
        ]

    def __str__(self) -> str:
        return self.subject


class NoticeChoice(models.Model):
    """How a member wants one kind of message; without a row it goes to his inbox."""

    class Way(models.TextChoices):
        INBOX = "INBOX", "站内"
        SMS = "SMS", "短信"
        BOTH = "BOTH", "都要"
        NONE = "NONE", "不要"

    member = models.ForeignKey("members.Member", models.PROTECT, related_name="notice_choices")
    kind = models.CharField("类别", max_length=14, choices=MemberNotice.Kind.choices)
    way = models.CharField("方式", max_length=5, choices=Way.choices)
    changed_at = models.DateTimeField("修改时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "kind"], name="one_way_for_a_kind_of_message")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.get_way_display()}"


class NoticeText(models.Model):
    """The text message of a notice: it waits, is claimed before it goes out, and ends once.

    What was claimed and never ended (a worker was killed) is not known to have gone out or not; it
    ends as UNKNOWN and is not sent again.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", "待发"
        SENDING = "SENDING", "发送中"
        SENT = "SENT", "已发出"
        FAILED = "FAILED", "没有发出"
        SKIPPED = "SKIPPED", "不发"
        UNKNOWN = "UNKNOWN", "结果不明"

    notice = models.OneToOneField(MemberNotice, models.PROTECT, related_name="sms")
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    due_at = models.DateTimeField("最早发送时间")
    claimed_at = models.DateTimeField("取走时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="SENDING") | Q(claimed_at__isnull=False, attempts__gt=0),
                name="a_text_is_claimed_before_it_goes_out",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["WAITING", "SENDING"]),
                name="texts_to_be_sent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id} {self.get_state_display()}"


class NoticeDelivery(models.Model):
    """What became of one attempt to bring a message to a member by one channel. Append-only."""

    class Channel(models.TextChoices):
        INBOX = "INBOX", "站内"
        SMS = "SMS", "短信"

    class State(models.TextChoices):
        SENT = "SENT", "已送出"
        FAILED = "FAILED", "没有送出"
        SKIPPED = "SKIPPED", "没有发"
        UNKNOWN = "UNKNOWN", "结果不明"

    notice = models.ForeignKey(MemberNotice, models.PROTECT, related_name="deliveries")
    channel = models.CharField("渠道", max_length=5, choices=Channel.choices)
    attempt = models.PositiveSmallIntegerField("第几次")
    state = models.CharField("结果", max_length=8, choices=State.choices)
    reason = models.CharField("说明", max_length=200, blank=True)
    at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["notice", "channel", "attempt"], name="one_record_of_an_attempt"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.get_state_display()}"
