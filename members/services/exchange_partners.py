"""合作商家 and the versions of what is exchanged with them: planned by one, approved by another."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from members.models import ExchangePartner, PartnerProgram
from station.errors import Refusal
from station.models import Station, User
from station.services import sealing
from station.services.audit import Subject

CODE = re.compile(r"[A-Z0-9]{2,12}", re.ASCII)
TERMS = (
    "ratio_out",
    "ratio_in",
    "least",
    "most",
    "daily",
    "daily_all",
    "fee",
    "valid_from",
    "valid_until",
)


class PartnerRefused(Refusal):
    """What cannot be done with a partner now."""


def _about(partner: ExchangePartner) -> Subject:
    return Subject(partner.station, f"partner:{partner.code}")


@transaction.atomic
def add_partner(
    *, station: Station, code: str, name: str, at: datetime, actor: User
) -> tuple[ExchangePartner, str]:
    """A partner with a fresh secret, which is told this once. Refuses a code that is taken."""
    code = code.strip().upper()
    if not CODE.fullmatch(code):
        raise PartnerRefused("没有保存：代码应为 2 至 12 位大写字母或数字。")
    key, secret = sealing.new_key(at=at), secrets.token_hex(32)
    made = ExchangePartner(code=code, name=name.strip(), station=station, key=key, created_at=at)
    made.secret_sealed = sealing.seal(key, secret)
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError as error:
        raise PartnerRefused(f"没有保存：代码 {code} 已经有了。") from error
    _about(made).note("members.partner.added", at, actor, after={"名称": made.name})
    return made, secret


@transaction.atomic
def new_secret(*, partner: ExchangePartner, at: datetime, actor: User) -> str:
    """Another secret from now on; the old one opens nothing any more. Told this once. Audited."""
    secret = secrets.token_hex(32)
    sealed = sealing.seal(partner.key, secret)
    ExchangePartner.objects.filter(pk=partner.pk).update(secret_sealed=sealed)
    _about(partner).note("members.partner.secret", at, actor)
    return secret


@transaction.atomic
def set_active(*, partner: ExchangePartner, active: bool, at: datetime, actor: User) -> None:
    """Stop the exchange with a partner, or go on. Twice is once."""
    if ExchangePartner.objects.filter(pk=partner.pk, active=not active).update(active=active):
        action = "members.partner.started" if active else "members.partner.stopped"
        _about(partner).note(action, at, actor)


@transaction.atomic
def plan(
    *, partner: ExchangePartner, values: Mapping[str, Any], at: datetime, actor: User
) -> PartnerProgram:
    """A version of the programme; it counts from its approval by somebody else. Refuses nonsense."""
    told = {name: values[name] for name in TERMS}
    if told["most"] < told["least"] or told["daily"] < told["least"]:
        raise PartnerRefused("没有提交：一次最多、每天最多都不能小于一次最少。")
    if told["valid_until"] < told["valid_from"]:
        raise PartnerRefused("没有提交：最后一天在生效日之前。")
    ExchangePartner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    last = PartnerProgram.objects.filter(partner=partner).aggregate(n=Max("version"))["n"] or 0
    made = PartnerProgram.objects.create(
        partner=partner, version=last + 1, planned_by=actor, planned_at=at, **told
    )
    _about(partner).note("members.partner.planned", at, actor, after=words_of(made))
    return made


@transaction.atomic
def approve(*, program: PartnerProgram, at: datetime, actor: User) -> None:
    """A second person says yes; it counts from then on, within its days. Twice is once."""
    if program.planned_by_id == actor.pk:
        raise PartnerRefused("没有审批：提交和审批要两个人。")
    rows = PartnerProgram.objects.filter(pk=program.pk, approved_at=None, withdrawn_at=None)
    if rows.update(approved_by=actor, approved_at=at):
        _about(program.partner).note(
            "members.partner.approved", at, actor, after={"版本": program.version}
        )


@transaction.atomic
def withdraw(*, program: PartnerProgram, at: datetime, actor: User) -> None:
    """A version counts no longer; the newest of the others does. Twice is once."""
    rows = PartnerProgram.objects.filter(pk=program.pk, withdrawn_at=None)
    if rows.update(withdrawn_at=at):
        _about(program.partner).note(
            "members.partner.withdrawn", at, actor, after={"版本": program.version}
        )


def words_of(program: PartnerProgram) -> dict[str, str]:
    """A version for the audit and the page."""
    return {
        "版本": str(program.version),
        "换出": f"我方 {program.ratio_out} 分换对方 100 分，手续费 {program.fee} 分",
        "换入": f"对方 100 分换我方 {program.ratio_in} 分",
        "一次": f"{program.least} 至 {program.most} 分",
        "每天": f"每人 {program.daily} 分"
        + (f"，合计 {program.daily_all} 分" if program.daily_all is not None else ""),
        "有效": f"{program.valid_from:%Y-%m-%d} 至 {program.valid_until:%Y-%m-%d}",
    }
