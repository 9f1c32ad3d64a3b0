"""Codes to a phone: asked for within limits, tried five times, right once and used once."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F

from members.models import Member, SignInCode
from members.models.signins import MOST_WRONG
from members.queries.signins import (
    CODE_LIFE,
    JOINING_LIFE,
    WRONG_PER_ADDRESS,
    Ticket,
    digest,
    reached,
    read_ticket,
    same,
    signed,
    wrong_from,
)
from members.services.joining import checked_phone
from station.channels import texts
from station.errors import Refusal
from station.services.sealing import blind_index

KEPT = timedelta(days=7)  # long enough for every limit; then nothing is left of who asked


class TooManyCodes(Refusal):
    """The limit of a phone or an address is reached."""


class WrongCode(Refusal):
    """Not the code that was sent, or one that is too old, used, or tried too often."""


def send_code(
    *,
    phone: str,
    purpose: str,
    address: str,
    at: datetime,
    member: Member | None = None,
) -> str:
    """Send a code to a phone; returns the signed ticket of the page that will ask for it.

    The same for a member's phone and a stranger's: nobody learns whose it is. Refuses with BadPhone,
    TooManyCodes or NotSent.
    """
    kept = checked_phone(phone)
    code = f"{secrets.randbelow(10**6):06d}"
    row = _keep(kept, purpose, code, digest("address", address), at, member)
    minutes = int(CODE_LIFE.total_seconds() // 60)
    texts.send(
        phone=kept,
        text=f"【油站管家】验证码 {code}，{minutes} 分钟内有效，用于{row.get_purpose_display()}。请勿告诉任何人。",
    )
    return signed(Ticket(row.pk, kept))


@transaction.atomic
def _keep(
    phone: str, purpose: str, code: str, address: str, at: datetime, member: Member | None
) -> SignInCode:
    index = blind_index("phone", phone)
    with connection.cursor() as cursor:  # two askers for one phone come one after the other
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"signin:{index}"])
    limit = reached(phone_index=index, address=address, at=at)
    if limit:
        raise TooManyCodes(f"没有发送：{limit.words}")
    return SignInCode.objects.create(
        purpose=purpose,
        phone_index=index,
        member=member,
        address=address,
        code_hash=digest("code", f"{index}:{code}"),
        asked_at=at,
        expires_at=at + CODE_LIFE,
    )


def pass_code(
    *,
    ticket: str,
    code: str,
    purpose: str,
    address: str,
    at: datetime,
    member: Member | None = None,
) -> Ticket:
    """Try a code; returns whose ticket it is. Refuses with WrongCode or TooManyCodes.

    The try is counted before the code is looked at, and outside any transaction of the caller's:
    a hundred tries at once are five.
    """
    found = read_ticket(ticket)
    if wrong_from(address=digest("address", address), at=at):
        raise TooManyCodes(f"没有验证：{WRONG_PER_ADDRESS.words}")
    rows = SignInCode.objects.filter(
        pk=found.code_id if found else 0, purpose=purpose, member=member, passed_at=None
    )
    if not found or not rows.filter(expires_at__gt=at, tries__lt=MOST_WRONG).update(
        tries=F("tries") + 1
    ):
        raise WrongCode("验证码已失效：过了五分钟、用过或输错太多次。请重新获取。")
    row = rows.first()
    offered = digest("code", f"{row.phone_index if row else ''}:{code.strip()}")
    if row is None or not same(row.code_hash, offered) or not rows.update(passed_at=at):
        left = MOST_WRONG - row.tries if row else 0
        more = f"还可以试 {left} 次。" if left > 0 else "请重新获取。"
        raise WrongCode(f"验证码不对，{more}")
    return found


def spend(*, ticket: Ticket, at: datetime) -> None:
    """Use a code that was right, once. Refuses with WrongCode. In the transaction of what it is for."""
    used = SignInCode.objects.filter(
        pk=ticket.code_id, spent_at=None, passed_at__gt=at - JOINING_LIFE
    ).update(spent_at=at)
    if not used:
        raise WrongCode("这次验证已经用过或过了十五分钟，没有再做一次。请重新获取验证码。")


def forget_codes(*, before: datetime) -> int:
    """Delete codes that no limit counts any more; returns how many."""
    return SignInCode.objects.filter(asked_at__lt=before - KEPT).delete()[0]
