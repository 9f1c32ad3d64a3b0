"""How a member comes to his own pages: a code to his phone, then a session of his own.

No member is a `station.User`: these rows are all that opens the phone's pages, and they open nothing
else. Codes and tokens are kept as keyed digests.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

MOST_WRONG = 5


class SignInCode(models.Model):
    """A code of six digits sent to a phone: tried a few times, right once, and used once."""

    class Purpose(models.TextChoices):
        SIGN_IN = "SIGN_IN", "登录或入会"
        PHONE = "PHONE", "换手机号"
        KIOSK = "KIOSK", "自助终端"

    purpose = models.CharField("用途", max_length=8, choices=Purpose.choices)
    phone_index = models.CharField("手机号索引", max_length=64)
    member = models.ForeignKey(
        "members.Member", models.PROTECT, null=True, blank=True, related_name="+"
    )
    address = models.CharField("来源摘要", max_length=64)
    code_hash = models.CharField("验证码摘要", max_length=64)
    asked_at = models.DateTimeField("索取时间")
    expires_at = models.DateTimeField("失效时间")
    tries = models.PositiveSmallIntegerField("试过次数", default=0)
    passed_at = models.DateTimeField("验证时间", null=True, blank=True)
    spent_at = models.DateTimeField("使用时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(tries__lte=MOST_WRONG), name="a_code_is_tried_five_times_at_most"
            ),
            models.CheckConstraint(
                condition=Q(spent_at=None) | Q(passed_at__isnull=False),
                name="only_a_right_code_is_used",
            ),
        ]
        indexes = [
            models.Index(fields=["phone_index", "-asked_at"], name="codes_to_a_phone"),
            models.Index(fields=["address", "-asked_at"], name="codes_from_an_address"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.pk}"


class MemberSession(models.Model):
    """One phone that is signed in: until signed out, left alone too long, or too old."""

    member = models.ForeignKey("members.Member", models.PROTECT, related_name="sessions")
    token_hash = models.CharField("令牌摘要", max_length=64, unique=True)
    device = models.CharField("设备", max_length=60, blank=True)
    opened_at = models.DateTimeField("登录时间")
    seen_at = models.DateTimeField("最近使用")
    idle_until = models.DateTimeField("闲置到期")
    expires_at = models.DateTimeField("到期")
    ended_at = models.DateTimeField("退出时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("opened_at")), name="a_session_ends_after_it_began"
            ),
        ]
        indexes = [models.Index(fields=["member", "-opened_at"], name="sessions_of_a_member")]

    def __str__(self) -> str:
        return f"{self.device} {self.pk}"
