"""Members, companies and their vehicles. Personal data is ciphertext under the person's own key.

`*_sealed` columns hold ciphertext, `*_index` keyed blind indexes for exact search, `*_tail_index`
the same for the last four characters. `station.services.sealing` makes and opens them.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Company(models.Model):
    """单位客户: a fleet or a house-account customer."""

    number = models.CharField("编号", max_length=20, unique=True)
    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="开户油站", related_name="companies"
    )
    name = models.CharField("名称", max_length=80)
    tax_no = models.CharField("税号", max_length=30, blank=True)
    key = models.ForeignKey("station.DataKey", models.PROTECT, related_name="+")
    contact_sealed = models.CharField("联系人(密文)", max_length=300, blank=True)
    phone_sealed = models.CharField("电话(密文)", max_length=300, blank=True)
    phone_index = models.CharField("电话索引", max_length=64, blank=True, db_index=True)
    bank_account_sealed = models.CharField("银行账号(密文)", max_length=300, blank=True)
    bank_account_index = models.CharField("账号索引", max_length=64, blank=True, db_index=True)
    # Seconds within which vehicle and driver are identified before a pump is let loose; 0: not used.
    pair_seconds = models.PositiveSmallIntegerField("双重识别(秒)", default=0)
    active = models.BooleanField("在用", default=True)

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """会员."""

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", "正常"
        FROZEN = "FROZEN", "冻结"
        MERGED = "MERGED", "已并入"
        CLOSED = "CLOSED", "已注销"

    number = models.CharField("会员号", max_length=20, unique=True)
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.ACTIVE)
    home_station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="入会油站", related_name="members"
    )
    key = models.ForeignKey("station.DataKey", models.PROTECT, related_name="+")
    name_sealed = models.CharField("姓名(密文)", max_length=300, blank=True)
    name_index = models.CharField("姓名索引", max_length=64, blank=True, db_index=True)
    phone_sealed = models.CharField("手机号(密文)", max_length=300, blank=True)
    phone_index = models.CharField("手机号索引", max_length=64, blank=True, db_index=True)
    phone_tail_index = models.CharField("手机尾号索引", max_length=64, blank=True, db_index=True)
    id_number_sealed = models.CharField("身份证号(密文)", max_length=300, blank=True)
    id_number_index = models.CharField("身份证索引", max_length=64, blank=True, db_index=True)
    birthday_sealed = models.CharField("生日(密文)", max_length=300, blank=True)
    birthday_index = models.CharField("生日(月日)索引", max_length=64, blank=True, db_index=True)
    guardian_name_sealed = models.CharField("监护人姓名(密文)", max_length=300, blank=True)
    guardian_phone_sealed = models.CharField("监护人电话(密文)", max_length=300, blank=True)
    preferences_sealed = models.CharField("偏好(密文)", max_length=500, blank=True)
    merged_into = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        verbose_name="并入",
        null=True,
        blank=True,
        related_name="merged_ones",
    )
    batch = models.ForeignKey(
        "members.ImportBatch",
        models.PROTECT,
        verbose_name="导入批次",
        null=True,
        blank=True,
        related_name="members",
    )
    joined_at = models.DateTimeField("入会时间")
    confirmed_at = models.DateTimeField("资料核对时间", null=True, blank=True)
    confirm_asked_at = models.DateTimeField("上次请其核对时间", null=True, blank=True)
    closed_at = models.DateTimeField("注销时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["phone_index"],
                condition=~Q(phone_index="") & ~Q(status="CLOSED"),
                name="one_active_member_per_phone",
            ),
            models.CheckConstraint(
                condition=~Q(status="CLOSED")
                | Q(
                    closed_at__isnull=False,
                    phone_index="",
                    id_number_index="",
                    name_index="",
                    birthday_index="",
                ),
                name="a_closed_member_is_found_by_nothing",
            ),
            models.CheckConstraint(
                condition=Q(status="MERGED", merged_into__isnull=False)
                | (~Q(status="MERGED") & Q(merged_into=None)),
                name="a_merged_member_names_whom_he_became",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Vehicle(models.Model):
    """A plate, and whose it is: a member's or a company's."""

    member = models.ForeignKey(
        Member, models.CASCADE, null=True, blank=True, related_name="vehicles"
    )
    company = models.ForeignKey(
        Company, models.CASCADE, null=True, blank=True, related_name="vehicles"
    )
    plate_sealed = models.CharField("车牌(密文)", max_length=300)
    plate_index = models.CharField("车牌索引", max_length=64)
    plate_tail_index = models.CharField("车牌尾号索引", max_length=64, db_index=True)
    model = models.CharField("车型", max_length=40, blank=True)
    grade = models.ForeignKey(
        "station.Grade", models.PROTECT, null=True, blank=True, related_name="+"
    )
    tank_litres = models.PositiveSmallIntegerField("油箱(升)", null=True, blank=True)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["plate_index"], condition=Q(active=True), name="one_owner_per_plate"
            ),
            models.CheckConstraint(
                condition=Q(member=None, company__isnull=False)
                | Q(member__isnull=False, company=None),
                name="a_plate_is_a_members_or_a_companys",
            ),
        ]

    def __str__(self) -> str:
        return f"车辆 {self.pk}"
