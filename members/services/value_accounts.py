"""储值账户: opened, frozen, reported lost, issued anew; its PIN set and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.timezone import localtime

from members.models import Member, ValueAccount
from members.queries.value import account_by_number, account_of_member
from members.queries.value_expiry import last_day_from
from members.services.value_keeping import (
    Kind,
    Status,
    ValueRefused,
    locked_one,
    post,
)
from station.models import BusinessDay, Station, User
from station.money import Yuan
from station.services.audit import Subject
from station.services.numbering import next_in
from station.services.sealing import normal

FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
CARD = re.compile(r"[A-Z0-9]{6,30}")
MOBILE = re.compile(r"1[3-9]\d{9}")


class WrongPin(ValueRefused):
    """The PIN is wrong, missing, or locked."""


def about(account: ValueAccount) -> Subject:
    """What the audit keeps of an account: under its number, in the log of its station."""
    return Subject(account.station, account.number)


def open_named(
    *, member: Member, station: Station, at: datetime, actor: User | None
) -> ValueAccount:
    """The member's account, opened where he has none. Twice is the same one.

    Refuses a member who is frozen or gone.
    """
    if member.status != Member.Status.ACTIVE:
        raise ValueRefused(
            f"没有开户：会员 {member.number} {member.get_status_display()}。请先恢复会员。"
        )
    known = account_of_member(member.pk)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            account = ValueAccount.objects.create(
                number=next_in(f"V{station.code}", width=6),
                kind=ValueAccount.Kind.NAMED,
                station=station,
                member=member,
                opened_at=at,
            )
            about(account).note("members.value.opened", at, actor, after={"会员号": member.number})
    except IntegrityError:  # another till was faster
        known = account_of_member(member.pk)
        if known is None:
            raise
        return known
    return account


def open_bearer(*, card: str, station: Station, at: datetime, actor: User) -> ValueAccount:
    """The account of a bearer card by the number on it, opened where there is none. Twice is once.

    Refuses a number that is none, and one that is a named account's.
    """
    number = normal(card)
    if not CARD.fullmatch(number):
        raise ValueRefused("没有开卡：卡号应为 6 至 30 位字母或数字，请刷卡或核对后重输。")
    if MOBILE.fullmatch(number):
        raise ValueRefused(
            f"没有开卡：{number} 像是手机号，没有这个会员。请先登记会员，或核对卡号。"
        )
    known = account_by_number(number)
    if known is None:
        try:
            with transaction.atomic():
                known = ValueAccount.objects.create(
                    number=number,
                    kind=ValueAccount.Kind.BEARER,
                    station=station,
                    opened_at=at,
                    expires_on=last_day_from(station=station, at=at),
                )
                about(known).note("members.value.opened", at, actor, after={"类别": "不记名"})
        except IntegrityError:
            known = account_by_number(number)
            if known is None:
                raise
    if known.kind != ValueAccount.Kind.BEARER:
        raise ValueRefused(f"没有开卡：{number} 是记名账户。请按会员充值。")
    return known


def freeze(*, account: ValueAccount, reason: str, at: datetime, actor: User) -> None:
    """Nothing can be topped up or spent until `release`. Twice is once. Refuses without a reason."""
    _move(account, Status.ACTIVE, Status.FROZEN, "members.value.frozen", reason, at, actor)


def release(*, account: ValueAccount, reason: str, at: datetime, actor: User) -> None:
    """A frozen or lost account is as before. Twice is once. Refuses without a reason."""
    _move(account, account.status, Status.ACTIVE, "members.value.released", reason, at, actor)


def report_loss(*, account: ValueAccount, reason: str, at: datetime, actor: User) -> None:
    """挂失: from now on nothing is spent; the balance waits for `reissue`. Twice is once.

    Refuses a bearer card, which anybody may hold.
    """
    if account.kind == ValueAccount.Kind.BEARER:
        raise ValueRefused(
            f"没有挂失：{account.number} 是不记名卡，不记名、不挂失。"
            "确有购卡凭证的，请站长“冻结”后核实。"
        )
    _move(account, Status.ACTIVE, Status.LOST, "members.value.lost", reason, at, actor)


@transaction.atomic
def _move(
    account: ValueAccount,
    old: str,
    new: str,
    action: str,
    reason: str,
    at: datetime,
    actor: User,
) -> None:
    if not reason.strip():
        raise ValueRefused("没有办理：请写明原因。")
    held = locked_one(account)
    if held.status == new:
        account.status = held.status
        return
    if held.status in (Status.CLOSED,) or (held.status != old):
        raise ValueRefused(f"没有办理：账户 {held.number} 现在是“{held.get_status_display()}”。")
    before = held.get_status_display()
    held.status = new
    held.save(update_fields=["status"])
    account.status = new
    about(held).note(
        action,
        at,
        actor,
        reason=reason.strip(),
        before={"状态": before},
        after={"状态": held.get_status_display()},
    )


@transaction.atomic
def reissue(
    *, account: ValueAccount, card: str, day: BusinessDay, at: datetime, actor: User
) -> ValueAccount:
    """补卡: what a lost or frozen account holds moves to a new one; the old one is closed for good.

    A named account gets the next number, or the number on the new card; a bearer card needs one.
    Twice is the same new account. Refuses an account that is neither lost nor frozen, nor a bearer
    card that is over.
    """
    held = locked_one(account)
    if held.replaced_by is not None:
        return held.replaced_by
    if held.status not in (Status.LOST, Status.FROZEN) and not held.is_over(localtime(at).date()):
        raise ValueRefused(f"没有补卡：{held.number} 没有挂失或冻结。请先挂失。")
    fresh = _successor(held, card, at)
    principal, bonus = held.principal, held.bonus
    if held.balance:
        _carry(held, fresh, -1, principal, bonus, day, at, actor)
    held.status = Status.CLOSED
    held.replaced_by = fresh
    held.save(update_fields=["status", "replaced_by"])
    fresh.member = held.member
    fresh.kind = held.kind
    if held.kind == ValueAccount.Kind.NAMED:
        fresh.expires_on = None
    fresh.save(update_fields=["member", "kind", "expires_on"])
    if principal or bonus:
        _carry(held, fresh, 1, principal, bonus, day, at, actor)
    about(held).note(
        "members.value.reissued",
        at,
        actor,
        after={"新账号": fresh.number, "本金": str(principal), "赠金": str(bonus)},
    )
    return fresh


def _carry(
    old: ValueAccount,
    new: ValueAccount,
    sign: int,
    principal: Yuan,
    bonus: Yuan,
    day: BusinessDay,
    at: datetime,
    actor: User,
) -> None:
    """One half of a move between accounts: out of the old one (−1), or into the new one (1)."""
    is_in = sign > 0
    post(
        account=new if is_in else old,
        kind=Kind.IN if is_in else Kind.OUT,
        document=old.number,
        idem=f"{'in' if is_in else 'out'}:{old.pk}",
        principal=sign * principal,
        bonus=sign * bonus,
        day=day,
        at=at,
        actor=actor,
        words=f"从 {old.number} 转来" if is_in else f"转到 {new.number}",
    )


def _successor(held: ValueAccount, card: str, at: datetime) -> ValueAccount:
    """A new empty account that takes the old one's place once that is closed."""
    number = normal(card)
    if number and not CARD.fullmatch(number):
        raise ValueRefused("没有补卡：新卡号应为 6 至 30 位字母或数字。")
    if not number and held.kind == ValueAccount.Kind.BEARER:
        raise ValueRefused("没有补卡：不记名卡请填新卡上的卡号。")
    if number and ValueAccount.objects.filter(number=number).exists():
        raise ValueRefused(f"没有补卡：卡号 {number} 已有账户。请换一张新卡。")
    return ValueAccount.objects.create(
        number=number or next_in(f"V{held.station.code}", width=6),
        kind=ValueAccount.Kind.BEARER,  # its member follows when the old account is closed
        station=held.station,
        pin_hash=held.pin_hash,
        opened_at=at,
        expires_on=last_day_from(station=held.station, at=at),
    )


@transaction.atomic
def set_pin(*, account: ValueAccount, pin: str, at: datetime, actor: User) -> None:
    """Set the six figures that spending asks for. Audited, without them. Refuses anything else."""
    if not re.fullmatch(r"\d{6}", pin) or len(set(pin)) == 1 or pin in "0123456789876543210":
        raise WrongPin("没有设置：支付密码应为 6 位数字，不能全相同或连号。")
    account.pin_hash = make_password(pin)
    account.pin_failures, account.pin_locked_until = 0, None
    account.save(update_fields=["pin_hash", "pin_failures", "pin_locked_until"])
    about(account).note("members.value.pin_set", at, actor)


def prove(*, secrets: Mapping[str, str], at: datetime) -> frozenset[int]:
    """The accounts whose PIN was typed rightly, by the number each PIN was typed for.

    Call it in the view, before the service's transaction: a wrong try is counted whatever becomes
    of the rest. Refuses WrongPin.
    """
    proven = set()
    for number, pin in secrets.items():
        account = account_by_number(number)
        if account is not None and pin:
            check_pin(account=account, pin=pin, at=at)
            proven.add(account.pk)
    return frozenset(proven)


def check_pin(*, account: ValueAccount, pin: str, at: datetime) -> None:
    """Refuses WrongPin a wrong PIN, an account without one, and one locked after five wrong ones."""
    if account.pin_locked_until and at < account.pin_locked_until:
        raise WrongPin(
            f"没有收款：账户 {account.number} 支付密码连续输错 {FAILURES} 次，锁定 15 分钟。"
            "请用其他方式付款，或凭证件重设密码。"
        )
    if not account.pin_hash:
        raise WrongPin(f"没有收款：账户 {account.number} 还没有设支付密码。请先设置密码。")
    if not check_password(pin, account.pin_hash):
        _count_failure(account, at)
        raise WrongPin("没有收款：支付密码不对。请重新输入。")
    ValueAccount.objects.filter(pk=account.pk, pin_failures__gt=0).update(pin_failures=0)


@transaction.atomic
def _count_failure(account: ValueAccount, at: datetime) -> None:
    mine = ValueAccount.objects.filter(pk=account.pk)
    mine.update(pin_failures=F("pin_failures") + 1)
    mine.filter(pin_failures__gte=FAILURES).update(pin_failures=0, pin_locked_until=at + LOCKED_FOR)


def refuse_with_value(*, member: Member) -> None:
    """Refuses to forget a member who still has stored value: the money is his."""
    account = account_of_member(member.pk)
    if account is not None and account.balance:
        raise ValueRefused(
            f"没有注销：会员还有储值 {account.balance} 元（账户 {account.number}）。"
            "请先退款或转给本人的新账户。"
        )
