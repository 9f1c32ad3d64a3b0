"""第二验证: a code of the phone's authenticator, or a recovery code, after the password.

Owner and manager need it, at whatever station. Recovery codes are stored as digests only.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime

from django.db import transaction
from django_otp.models import Device
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from station.errors import Refusal
from station.models import User
from station.queries.people import home_station
from station.services import audit

RECOVERY_CODES = 10
PHONE, PAPER = "手机动态码", "恢复码"
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that is misread on paper


class WrongCode(Refusal):
    """Neither the code of this half minute nor an unused recovery code."""


class AlreadyEnrolled(Refusal):
    """A phone is bound already; only a reset by somebody else makes room for another."""


@transaction.atomic
def begin(*, user: User) -> TOTPDevice:
    """The device about to be bound, the same one until it is confirmed. Refuses AlreadyEnrolled."""
    if TOTPDevice.objects.filter(user=user, confirmed=True).exists():
        raise AlreadyEnrolled("已绑定动态码，要换手机请先由站长或老板重设第二验证。")
    User.objects.select_for_update().get(pk=user.pk)
    device, _ = TOTPDevice.objects.get_or_create(user=user, confirmed=False, name=PHONE)
    return device


def confirm(*, user: User, code: str, at: datetime) -> tuple[TOTPDevice, list[str]]:
    """Bind the phone with its first right code; returns the device and fresh recovery codes.

    The codes are shown this once. Refuses with WrongCode or AlreadyEnrolled.
    """
    device = begin(user=user)
    if not device.verify_token(_digits(code)):
        raise WrongCode("动态码不对。请核对手机时间是否准确，再输入现在显示的 6 位数字。")
    with transaction.atomic():
        TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
        device.confirmed = True
        codes = _fresh_codes(user)
        _note(user, "station.second_factor.bound", user, at)
    return device, codes


def verify(*, user: User, code: str) -> Device:
    """The device that vouches for a code of the phone or of paper. Refuses with WrongCode.

    Each wrong code makes the next wait longer; each right one is good once.
    """
    typed = code.strip().upper().replace(" ", "").replace("-", "")
    for device in TOTPDevice.objects.filter(user=user, confirmed=True):
        if typed.isdigit() and device.verify_token(typed):
            return device
    for paper in StaticDevice.objects.filter(user=user, confirmed=True):
        if not typed.isdigit() and paper.verify_token(_digest(typed)):
            return paper
    raise WrongCode("验证码不对，或输错后太快重试。请等动态码换新后再输入，或使用恢复码。")


@transaction.atomic
def renew_recovery_codes(*, user: User, at: datetime) -> list[str]:
    """Ten fresh recovery codes; the old ones are void. Shown this once."""
    codes = _fresh_codes(user)
    _note(user, "station.second_factor.codes_renewed", user, at)
    return codes


@transaction.atomic
def reset(*, user: User, at: datetime, actor: User) -> None:
    """Unbind phone and recovery codes (lost phone); the person binds anew at the next sign-in."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    _note(user, "station.second_factor.reset", actor, at)


def phone_of(user: User) -> TOTPDevice | None:
    """The phone bound to an account."""
    device: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    return device


def recovery_codes_left(user: User) -> int:
    """How many recovery codes are still unused."""
    return int(StaticToken.objects.filter(device__user=user).count())


def code_now(device: TOTPDevice) -> str:
    """The code a phone shows now: for the demo station, whose seeds everybody may know."""
    return f"{totp(device.bin_key, device.step, device.t0, device.digits):06d}"


def seed_of(device: TOTPDevice) -> str:
    """The secret as people type it into a phone: base32 in groups of four."""
    text = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _fresh_codes(user: User) -> list[str]:
    paper, _ = StaticDevice.objects.get_or_create(user=user, name=PAPER)
    paper.token_set.all().delete()
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    paper.token_set.bulk_create(
        [paper.token_set.model(device=paper, token=_digest(code)) for code in codes]
    )
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _digest(code: str) -> str:
    return hashlib.sha256(f"recovery:{code}".encode()).hexdigest()[:16]


def _digits(code: str) -> str:
    return "".join(code.split())


def _note(user: User, action: str, actor: User, at: datetime) -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=home_station(user),
        document=f"user:{user.username}",
    )
