"""家庭积分 and 单位积分: one account that several members fill and spend, and who may do what with it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Pool(models.Model):
    """积分池: a family's with its head, or a company's, whose terms the office sets. Owns an account.

    `heir`: whom the head of a family has asked to take his place, until he says yes or no.
    """

    class Kind(models.TextChoices):
        FAMILY = "FAMILY", "家庭"
        COMPANY = "COMPANY", "单位"

    number = models.CharField("编号", max_length=20, unique=True)
    kind = models.CharField("类别", max_length=7, choices=Kind.choices)
    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    head = models.ForeignKey(
        "members.Member", models.PROTECT, null=True, blank=True, related_name="headed_pools"
    )
    heir = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        verbose_name="待接任户主",
        null=True,
        blank=True,
        related_name="+",
    )
    offered_at = models.DateTimeField("请人接任时间", null=True, blank=True)
    company = models.ForeignKey(
        "members.Company", models.PROTECT, null=True, blank=True, related_name="pools"
    )
    account = models.OneToOneField("members.PointsAccount", models.PROTECT, related_name="pool")
    opened_at = models.DateTimeField("建立时间")
    closed_at = models.DateTimeField("解散时间", null=True, blank=True)
    closed_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField("解散原因", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="FAMILY", head__isnull=False, company=None)
                | Q(kind="COMPANY", head=None, company__isnull=False),
                name="a_pool_is_a_familys_or_a_companys",
            ),
            models.CheckConstraint(
                condition=Q(heir=None, offered_at=None)
                | Q(heir__isnull=False, offered_at__isnull=False, kind="FAMILY", closed_at=None)
                & ~Q(heir=F("head")),
                name="an_heir_is_another_of_an_open_family",
            ),
            models.UniqueConstraint(
                fields=["company"], condition=Q(closed_at=None), name="one_open_pool_per_company"
            ),
            models.UniqueConstraint(
                fields=["head"], condition=Q(closed_at=None), name="one_open_pool_per_head"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}积分 {self.number}"

    @property
    def is_family(self) -> bool:
        """A family's gives back what a leaver brought; a company's keeps what its plates earned."""
        return self.kind == self.Kind.FAMILY


class PoolMember(models.Model):
    """Who is in a pool on which terms; a row ends and is never used again.

    `share_pct` of what he earns later goes to the pool. `cap_month` bounds what he spends of it in a
    calendar month; None: no bound. `free_from`: when he may be in another pool. `headed`: that he was
    the head when he went with a merge.
    """

    class State(models.TextChoices):
        INVITED = "INVITED", "待确认"
        ACTIVE = "ACTIVE", "在池中"
        DECLINED = "DECLINED", "未加入"
        LEFT = "LEFT", "已离开"

    class Why(models.TextChoices):
        HIMSELF = "SELF", "自己退出"
        REMOVED = "REMOVED", "被移出"
        DISSOLVED = "DISSOLVED", "积分池解散"
        CLOSED = "CLOSED", "会员注销"
        MERGED = "MERGED", "会员合并"
        UNMERGED = "UNMERGED", "撤销会员合并"

    pool = models.ForeignKey(Pool, models.PROTECT, related_name="members")
    member = models.ForeignKey("members.Member", models.PROTECT, related_name="pool_places")
    vehicle = models.ForeignKey(
        "members.Vehicle", models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField("状态", max_length=8, choices=State.choices)
    share_pct = models.PositiveSmallIntegerField("入池比例(%)", default=100)
    can_spend = models.BooleanField("可以使用", default=True)
    cap_month = models.PositiveIntegerField("每月最多用(分)", null=True, blank=True)
    invited_at = models.DateTimeField("邀请时间")
    joined_at = models.DateTimeField("加入时间", null=True, blank=True)
    left_at = models.DateTimeField("离开时间", null=True, blank=True)
    why = models.CharField("离开原因", max_length=9, choices=Why.choices, blank=True)
    free_from = models.DateTimeField("何时可入别的池", null=True, blank=True)
    merge = models.ForeignKey(
        "members.Merge", models.PROTECT, null=True, blank=True, related_name="pool_places"
    )
    headed = models.BooleanField("合并时是户主", default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(share_pct__lte=100), name="a_share_is_at_most_all"),
            models.UniqueConstraint(
                fields=["member"], condition=Q(state="ACTIVE"), name="one_pool_per_member"
            ),
            models.UniqueConstraint(
                fields=["pool", "member"],
                condition=Q(state="INVITED"),
                name="one_open_invitation_per_pool_and_member",
            ),
            models.UniqueConstraint(
                fields=["vehicle"], condition=Q(state="ACTIVE"), name="one_driver_per_pooled_plate"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["INVITED", "DECLINED"], joined_at=None)
                | Q(state="ACTIVE", joined_at__isnull=False, left_at=None, why="")
                | (Q(state="LEFT", joined_at__isnull=False, left_at__isnull=False) & ~Q(why="")),
                name="a_place_in_a_pool_says_how_it_stands",
            ),
        ]
        indexes = [models.Index(fields=["member", "-left_at"], name="places_of_a_member")]

    def __str__(self) -> str:
        return f"{self.pool_id}/{self.member_id}"
