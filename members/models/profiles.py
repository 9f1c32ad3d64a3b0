"""What a profile said before: every change keeps the old value, sealed under the person's key."""

from __future__ import annotations

from django.db import models

from members.models.consents import Channel


class ProfileChange(models.Model):
    """One field of a profile changed. Append-only; unreadable once the key is destroyed."""

    class Field(models.TextChoices):
        NAME = "NAME", "姓名"
        PHONE = "PHONE", "手机号"
        ID_NUMBER = "ID_NUMBER", "身份证号"
        BIRTHDAY = "BIRTHDAY", "生日"
        PREFERENCES = "PREFERENCES", "偏好"
        PLATE = "PLATE", "车牌"
        GUARDIAN = "GUARDIAN", "监护人"

    member = models.ForeignKey("members.Member", models.PROTECT, related_name="changes")
    field = models.CharField("资料项", max_length=12, choices=Field.choices)
    old_sealed = models.CharField("原值(密文)", max_length=500, blank=True)
    new_sealed = models.CharField("新值(密文)", max_length=500, blank=True)
    at = models.DateTimeField("时间")
    channel = models.CharField("途径", max_length=8, choices=Channel.choices)
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = [models.Index(fields=["member", "-at"], name="changes_of_a_member")]

    def __str__(self) -> str:
        return f"{self.get_field_display()} {self.member_id}"
