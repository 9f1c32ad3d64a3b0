"""Accounts that sign in, the stations each may see, and the keys that seal personal data."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Role(models.TextChoices):
    """The roles of the matrix in `station.access`. A member is never a User."""

    OWNER = "OWNER", "老板"
    MANAGER = "MANAGER", "站长"
    ACCOUNTANT = "ACCOUNTANT", "会计"
    CASHIER = "CASHIER", "收银员"
    ATTENDANT = "ATTENDANT", "加油员"
    MARKETER = "MARKETER", "营销"
    SERVICE = "SERVICE", "客服"
    SUPPLIER = "SUPPLIER", "供应商"


class UserManager(BaseUserManager["User"]):
    """Makes accounts with a hashed password."""

    def create_user(self, username: str, password: str | None = None, **fields: object) -> User:
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """An account. What it may do is its role in each station, in one table of the code."""

    username = models.CharField("账号", max_length=40, unique=True)
    name = models.CharField("姓名", max_length=40)
    pin_hash = models.CharField("交接口令摘要", max_length=128, blank=True)
    pin_failures = models.PositiveSmallIntegerField("口令连续错误次数", default=0)
    pin_locked_until = models.DateTimeField("口令锁定至", null=True, blank=True)
    password_changed_at = models.DateTimeField("密码修改时间", null=True, blank=True)
    must_change_password = models.BooleanField("下次登录须改密码", default=False)
    is_active = models.BooleanField("在用", default=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name"]

    objects = UserManager()

    def __str__(self) -> str:
        return self.name


class Assignment(models.Model):
    """What a user is at a station. `station` empty means every station."""

    user = models.ForeignKey(User, models.CASCADE, related_name="assignments")
    station = models.ForeignKey(
        "station.Station", models.PROTECT, null=True, blank=True, related_name="assignments"
    )
    role = models.CharField("角色", max_length=12, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "station"], name="one_role_per_user_and_station"
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(station=None), name="one_role_over_all_stations"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()}"


class DataKey(models.Model):
    """The key of one person (or plate, company), wrapped by the site's key; destroyed to forget."""

    wrapped = models.CharField("密钥(密文)", max_length=200, blank=True)
    created_at = models.DateTimeField("生成时间")
    destroyed_at = models.DateTimeField("销毁时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(destroyed_at=None) | Q(wrapped=""),
                name="a_destroyed_key_leaves_nothing",
            ),
        ]

    def __str__(self) -> str:
        return f"密钥 {self.pk}"


class IndexKey(models.Model):
    """The master key of the blind indexes, wrapped by the site's key."""

    name = models.CharField("用途", max_length=20, unique=True)
    wrapped = models.CharField("密钥(密文)", max_length=200)
    created_at = models.DateTimeField("生成时间", db_default=Now())

    def __str__(self) -> str:
        return self.name
