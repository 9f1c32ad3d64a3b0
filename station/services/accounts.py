"""Accounts: secrets of people who sign in. Passwords and PINs are stored as argon2 hashes only."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F

from station.errors import Refusal
from station.models import User
from station.services import audit

PIN_DIGITS = 6
FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)


class WrongSecret(Refusal):
    """Neither the PIN nor the password of that account."""


class SecretLocked(Refusal):
    """Too many wrong tries; the account's PIN rests for a quarter of an hour."""


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
    audit.record(at=at, actor=actor, action="station.pin.set", document=f"user:{user.username}")


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
        audit.record(
            at=at,
            actor=user,
            action="station.pin.locked",
            document=f"user:{user.username}",
            reason=f"口令连续输错 {FAILURES} 次，锁定 15 分钟",
        )
