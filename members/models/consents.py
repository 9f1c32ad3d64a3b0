"""What a member agreed to, when, by which channel, and when he took it back."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Channel(models.TextChoices):
    """By which way a member told us something of himself."""

    TILL = "TILL", "收银台"
    STATION = "STATION", "站内办理"
    PHONE = "PHONE", "电话"
    SMS = "SMS", "短信回复"
    WECHAT = "WECHAT", "微信"
    APP = "APP", "会员端"
    KIOSK = "KIOSK", "自助终端"
    IMPORT = "IMPORT", "导入"


class Consent(models.Model):
    """One consent: given once, withdrawn at most once; given again it is another row.

    The database lets nothing of it change but the withdrawal, and no row go: it is the proof.
    """

    class Purpose(models.TextChoices):
        POLICY = "POLICY", "隐私政策"
        SMS = "SMS", "优惠短信"
        PERSONAL = "PERSONAL", "个性化推荐"
        LOCATION = "LOCATION", "位置与到站识别"
        GUARDIAN = "GUARDIAN", "监护人同意"

    member = models.ForeignKey("members.Member", models.PROTECT, related_name="consents")
    purpose = models.CharField("用途", max_length=10, choices=Purpose.choices)
    policy_version = models.CharField("政策版本", max_length=20)
    given_at = models.DateTimeField("同意时间")
    given_channel = models.CharField("同意途径", max_length=8, choices=Channel.choices)
    given_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    evidence = models.CharField("凭据", max_length=200, blank=True)
    withdrawn_at = models.DateTimeField("撤回时间", null=True, blank=True)
    withdrawn_channel = models.CharField(
        "撤回途径", max_length=8, choices=Channel.choices, blank=True
    )
    withdrawn_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member", "purpose"],
                condition=Q(withdrawn_at=None),
                name="one_living_consent_per_purpose",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_channel="")
                | (Q(withdrawn_at__gte=F("given_at")) & ~Q(withdrawn_channel="")),
                name="a_withdrawal_has_time_and_channel",
            ),
        ]
        indexes = [models.Index(fields=["member", "-given_at"], name="consents_of_a_member")]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.policy_version}"
