"""Rewards and their categories: what the mall shows, each change audited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from inventory.models import Item
from inventory.services.items import pinyin_of
from members.models import Reward, RewardCategory
from members.services.partners import PARTNERS
from station.errors import Refusal
from station.models import Station, User
from station.services import audit

Kind = Reward.Kind


class RewardNotSaved(Refusal):
    """What was typed does not make a reward; the words say what to mend."""


@transaction.atomic
def save_category(
    *,
    row: RewardCategory | None,
    values: Mapping[str, Any],
    at: datetime,
    actor: User,
    station: Station,
) -> RewardCategory:
    """Add or rename a category. Refuses a name that is there already."""
    category = row or RewardCategory()
    category.name, category.position = values["name"], values["position"]
    try:
        with transaction.atomic():
            category.save()
    except IntegrityError as error:
        raise RewardNotSaved(f"没有保存：分类「{category.name}」已有。请换一个名称。") from error
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="members.reward_category.saved",
        document=category.name,
        after={"名称": category.name},
    )
    return category


@transaction.atomic
def save_reward(
    *, row: Reward | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Reward:
    """Add or change a reward; orders that were taken keep what they cost. Audited.

    Refuses RewardNotSaved: a code that another has, goods without an item, a partner nobody knows.
    """
    reward = row or Reward(added_at=at)
    before = _said(reward) if row else None
    for name, value in values.items():
        setattr(reward, name, value)
    reward.pinyin = pinyin_of(reward.name)
    _check(reward)
    try:
        with transaction.atomic():
            reward.save()
    except IntegrityError as error:
        raise RewardNotSaved(
            f"没有保存：编码「{reward.code}」已被别的礼品使用。请换一个。"
        ) from error
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="members.reward.saved",
        document=document_of(reward),
        before=before,
        after=_said(reward),
    )
    return reward


def document_of(reward: Reward) -> str:
    """Under what the audit and the pictures of a reward are kept."""
    return f"reward:{reward.code}"


def _check(reward: Reward) -> None:
    goods, paid = reward.item, reward.surcharge_item
    problems = (
        (reward.kind == Kind.GOODS and goods is None, "实物须选一件出库商品"),
        (reward.kind != Kind.GOODS and goods is not None, "只有实物才选出库商品"),
        (goods is not None and goods.kind != Item.Kind.GOODS, "出库商品须是商品，不能是服务"),
        (
            paid is not None and paid.kind != Item.Kind.SERVICE,
            "加价款须是服务类商品，如「兑换加价款」",
        ),
        (paid is not None and paid.price <= 0, "加价款商品的售价须大于零"),
        (
            reward.kind in {Kind.COUPON, Kind.TOP_UP} and reward.value <= 0,
            "优惠券和充值须写面值",
        ),
        (reward.kind == Kind.PARTNER and reward.partner not in PARTNERS, "请选合作方"),
        (reward.kind != Kind.PARTNER and reward.partner != "", "只有合作方类才选合作方"),
        (_upside_down(reward.visible_from, reward.visible_until), "下架时间须晚于上架时间"),
        (_upside_down(reward.usable_from, reward.usable_until), "停止兑换须晚于开始兑换"),
    )
    for wrong, words in problems:
        if wrong:
            raise RewardNotSaved(f"没有保存：{words}。")


def _upside_down(since: datetime | None, until: datetime | None) -> bool:
    return since is not None and until is not None and until <= since


def _said(reward: Reward) -> dict[str, str]:
    return {
        "编码": reward.code,
        "名称": reward.name,
        "类型": reward.get_kind_display(),
        "积分": str(reward.cost_points),
        "面值或成本": str(reward.value),
        "在架": "是" if reward.active else "否",
    }
