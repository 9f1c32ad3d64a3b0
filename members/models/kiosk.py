"""A member at a kiosk: from being known to the start page again, a minute after the last touch."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from members.models.rewards import Redemption


class KioskVisit(models.Model):
    """One member at one kiosk. `proof` is what showed him to be there himself, for one spending."""

    class Known(models.TextChoices):
        CODE = "CODE", "会员手机码"
        CARD = "CARD", "会员卡"
        TEXT = "TEXT", "短信验证码"
        JOINED = "JOINED", "刚入会"

    class End(models.TextChoices):
        BUTTON = "BUTTON", "点了结束"
        IDLE = "IDLE", "无人操作"
        NEXT = "NEXT", "回到首页"

    kiosk = models.ForeignKey("devices.Kiosk", models.PROTECT, related_name="visits")
    member = models.ForeignKey("members.Member", models.PROTECT, related_name="kiosk_visits")
    token_hash = models.CharField("令牌摘要", max_length=64, unique=True)
    known_by = models.CharField("识别方式", max_length=6, choices=Known.choices)
    origin = models.CharField("识别依据", max_length=40, unique=True)
    proof = models.CharField(
        "本人核验", max_length=7, choices=Redemption.Presence.choices, blank=True
    )
    proof_ref = models.CharField("核验依据", max_length=60, blank=True)
    proof_at = models.DateTimeField("核验时间", null=True, blank=True)
    opened_at = models.DateTimeField("开始时间")
    idle_until = models.DateTimeField("闲置到期")
    expires_at = models.DateTimeField("到期")
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)
    ended_by = models.CharField("结束原因", max_length=6, choices=End.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kiosk"], condition=Q(ended_at=None), name="one_member_at_a_kiosk"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("opened_at")), name="a_visit_ends_after_it_began"
            ),
            models.CheckConstraint(
                condition=Q(proof="", proof_at=None) | Q(proof_at__isnull=False) & ~Q(proof=""),
                name="a_proof_has_its_time",
            ),
        ]
        indexes = [models.Index(fields=["member", "-opened_at"], name="kiosk_visits_of_a_member")]

    def __str__(self) -> str:
        return f"{self.kiosk_id} {self.pk}"
