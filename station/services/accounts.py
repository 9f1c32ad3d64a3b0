"""Accounts: secrets of people who sign in. Passwords and PINs are stored as argon2 hashes only."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from station.errors import Refusal
from station.models import User
from station.queries.people import home_station
from station.services import audit

PIN_DIGITS = 6
FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)


class WrongSecret(Refusal):
    """Neither the PIN nor the password of that account."""


class SecretLocked(Refusal):
    """Too many wrong tries; the account's PIN rests for a quarter of an hour."""


class BadPassword(Refusal):
    """Too short, too common, too like the name, or the one before."""


class BadPin(Refusal):
    """A PIN that is not six digits, or that anybody would guess."""


@transaction.atomic
def set_pin(*, user: User, pin: str, at: datetime, actor: User) -> None:
    """Set the six-digit PIN by which a person changes in at a till and signs. Refuses with BadPin."""
    if len(pin) != PIN_DIGITS or not pin.isascii() or not pin.isdigit():
        raise BadPin(f"口令必须是 {PIN_DIGITS} 位数字，请重新输入。")
    if len(set(pin)) == 1 or pin in "01234567890" or pin in "09876543210":
        raise BadPin("口令太容易猜到（如 111111、123456），请换一个。")
    User.objects.filter(pk=user.pk).update(
        pin_hash=make_password(pin), pin_failures=0, pin_locked_until=None
    )
    user.refresh_from_db()
    _note(user, "station.pin.set", at, actor)


@transaction.atomic
def change_password(*, user: User, old: str, new: str, at: datetime) -> None:
    """A person changes his own password; every other session of his ends.

    Refuses with WrongSecret (the old one) or BadPassword.
    """
    user.refresh_from_db()
    if not check_password(old, user.password):
        raise WrongSecret("原密码不对，请重新输入。")
    if old == new:
        raise BadPassword("新密码和原密码一样，请换一个。")
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise BadPassword("".join(error.messages)) from None
    user.set_password(new)
    user.password_changed_at = at
    user.must_change_password = False
    user.save(update_fields=["password", "password_changed_at", "must_change_password"])
    _note(user, "station.password.changed", at, user)


def note_sign_in(*, user: User, how: str, at: datetime, address: str | None) -> None:
    """Leave the audit row of a sign-in; `how` is 密码, 口令换班 …"""
    _note(user, "station.sign_in", at, user, reason=how, address=address)


def note_lock(*, username: str, at: datetime, address: str | None) -> None:
    """Leave the audit row of an account locked by wrong passwords. Unknown names leave none."""
    user = User.objects.filter(username=username).first()
    if user:
        words = f"密码连续输错 {FAILURES} 次，锁定 15 分钟"
        _note(user, "station.sign_in.locked", at, None, reason=words, address=address)


def check_pin(*, user: User, pin: str, at: datetime) -> None:
    """Pass only with the right PIN. Refuses with WrongSecret, and with SecretLocked after five.

    Must not run inside another transaction: a wrong try has to be counted whatever becomes of it.
    """
    _check(user, pin, at, password_too=False)


def check_secret(*, user: User, secret: str, at: datetime) -> None:
    """Like `check_pin`, but the password will do as well."""
    _check(user, secret, at, password_too=True)


def _check(user: User, secret: str, at: datetime, *, password_too: bool) -> None:
    user.refresh_from_db(fields=["pin_hash", "pin_locked_until", "is_active", "password"])
    if user.pin_locked_until and at < user.pin_locked_until:
        raise SecretLocked(
            f"{user.name} 的口令连续输错 {FAILURES} 次，已锁定 15 分钟，请稍后再试或请站长重设。"
        )
    right = bool(user.pin_hash) and check_password(secret, user.pin_hash)
    right = right or (password_too and check_password(secret, user.password))
    if not right or not user.is_active:
        _count_failure(user, at)
        raise WrongSecret("账号或口令不对，请重新输入。")
    User.objects.filter(pk=user.pk, pin_failures__gt=0).update(pin_failures=0)


@transaction.atomic(durable=True)
def _count_failure(user: User, at: datetime) -> None:
    User.objects.filter(pk=user.pk).update(pin_failures=F("pin_failures") + 1)
    locked = User.objects.filter(pk=user.pk, pin_failures__gte=FAILURES).update(
        pin_failures=0, pin_locked_until=at + LOCKED_FOR
    )
    if locked:
        words = f"口令连续输错 {FAILURES} 次，锁定 15 分钟"
        _note(user, "station.pin.locked", at, None, reason=words)


def _note(
    user: User,
    action: str,
    at: datetime,
    actor: User | None,
    *,
    reason: str = "",
    address: str | None = None,
) -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=home_station(user),
        document=f"user:{user.username}",
        reason=reason,
        address=address,
    )
