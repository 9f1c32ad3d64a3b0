"""Everything that is kept of one person on this floor, in full, as tables: for himself alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from members.models import Consent, Member, ProfileChange, Vehicle
from members.queries.cards import card_of
from members.queries.history import KINDS, purchases_of
from members.queries.merged import ids_of, one_person
from members.queries.plastic import cards_of
from station.queries.wording import local
from station.services.sealing import unseal


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of the zip: its name, its head, its rows."""

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]


def sheets_of(member: Member) -> list[Sheet]:
    """Profile, vehicles, cards, consents, changes and purchases of a member and his merged ones."""
    return [
        _profile(member),
        _vehicles(member),
        _cards(member),
        _consents(member),
        _changes(member),
        _purchases(member),
    ]


def _profile(member: Member) -> Sheet:
    rows = []
    for one in one_person(member).select_related("key", "home_station").order_by("pk"):
        card = card_of(one, full=True)
        told = (card.name, card.phone, card.id_number, card.birthday, card.guardian)
        rows.append((one.number, *told, card.preferences, local(one.joined_at)))
    head = ("会员号", "姓名", "手机号", "身份证号", "生日", "监护人", "偏好", "入会时间")
    return Sheet("资料", head, rows)


def _vehicles(member: Member) -> Sheet:
    rows = Vehicle.objects.filter(member__in=ids_of(member)).select_related("member__key", "grade")
    told = [
        (
            unseal(row.member.key, row.plate_sealed) if row.member else "",
            row.model,
            row.grade.code if row.grade else "",
            "在用" if row.active else "已移除",
        )
        for row in rows.order_by("pk")
    ]
    return Sheet("车辆", ("车牌", "车型", "油品", "状态"), told)


def _cards(member: Member) -> Sheet:
    told = [
        (row.number, row.get_medium_display(), row.get_status_display(), local(row.issued_at))
        for row in cards_of(member)
    ]
    return Sheet("会员卡", ("卡号", "种类", "状态", "发卡时间"), told)


def _consents(member: Member) -> Sheet:
    rows = Consent.objects.filter(member__in=ids_of(member)).order_by("given_at", "pk")
    told = [
        (
            row.get_purpose_display(),
            row.policy_version,
            local(row.given_at),
            row.get_given_channel_display(),
            local(row.withdrawn_at) if row.withdrawn_at else "",
        )
        for row in rows
    ]
    return Sheet("同意", ("用途", "政策版本", "同意时间", "途径", "撤回时间"), told)


def _changes(member: Member) -> Sheet:
    rows = ProfileChange.objects.filter(member__in=ids_of(member)).select_related("member__key")
    told = [
        (
            local(row.at),
            row.get_field_display(),
            unseal(row.member.key, row.old_sealed),
            unseal(row.member.key, row.new_sealed),
            row.get_channel_display(),
        )
        for row in rows.order_by("at", "pk")
    ]
    return Sheet("资料变更", ("时间", "资料项", "原值", "新值", "途径"), told)


def _purchases(member: Member) -> Sheet:
    words = dict(KINDS)
    told = [
        (
            local(row.occurred_at),
            row.station.name,
            row.document,
            words.get(row.kind, row.kind),
            row.product,
            row.quantity,
            row.net,
            row.points,
        )
        for row in purchases_of(member).order_by("occurred_at", "id")
    ]
    head = ("时间", "油站", "单号", "类型", "商品", "数量", "实收(元)", "积分")
    return Sheet("消费", head, told)
