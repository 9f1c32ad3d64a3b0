"""The demo accounts: a second factor for owner and manager, and the sheet that says how to sign in."""

from __future__ import annotations

import base64
from datetime import datetime

from django.conf import settings
from django_otp.plugins.otp_totp.models import TOTPDevice

from finance.services.demonstration import plan
from station.models import User
from station.models.people import Role

SEED = "6f696c2d73746174696f6e2d64656d6f2d323032"  # hex; published on purpose, demo only


def write_accounts(*, at: datetime) -> None:
    """Give owner and manager the demo's second factor and write var/demo-accounts.txt."""
    for person in plan.PEOPLE:
        if person.role in {Role.OWNER, Role.MANAGER}:
            TOTPDevice.objects.get_or_create(
                user=User.objects.get(username=person.username),
                name="演示",
                defaults={"key": SEED, "confirmed": True},
            )
    lines = [f"演示账号（密码均为 {plan.DEMO_PASSWORD}）  生成于 {at:%Y-%m-%d}", ""]
    lines += [
        f"  {Role(person.role).label:<6} {person.username:<12} {person.name}   交接口令 {person.pin}"
        for person in plan.PEOPLE
    ]
    secret = base64.b32encode(bytes.fromhex(SEED)).decode().rstrip("=")
    lines += ["", f"老板与站长的第二验证：把密钥 {secret} 加到验证器，或运行  make code"]
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    (settings.VAR_DIR / "demo-accounts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
