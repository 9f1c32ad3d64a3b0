"""付款码: who shows it is the holder of an account, for a minute and for one payment.

The code names the account and the second it was made at, under a keyed fingerprint that nobody
without the site's keys can make. What was paid with it is remembered, so that it is taken once.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta

from members.models import ValueAccount, ValueCodeUse
from members.queries.value import accounts_anywhere
from members.services.value_keeping import ValueRefused
from station.services.sealing import blind_indexes

PREFIX = "YV"
LIFE = timedelta(seconds=60)
AHEAD = timedelta(seconds=5)  # by which clocks of two machines may differ
CODE = re.compile(r"YV(\d{10})(\d{10})\d{4}(\d{10})")


class CodeRefused(ValueRefused):
    """The code is no code of ours, too old, or was used."""


def issue(*, account: ValueAccount, at: datetime) -> str:
    """A code for the account's holder to show; the member's page asks for a new one each minute."""
    body = f"{account.pk:010d}{int(at.timestamp()):010d}{secrets.randbelow(10**4):04d}"
    return f"{PREFIX}{body}{_fingerprints(body)[0]}"


def is_code(text: str) -> bool:
    """Whether a text reads as one of our codes, good or not."""
    return CODE.fullmatch(text.strip()) is not None


def account_of(*, code: str, at: datetime) -> ValueAccount:
    """The account of a code that was made in the last minute. Two statements.

    Refuses CodeRefused. Whether it was used is asked by `refuse_used`, under the account's lock.
    """
    found = CODE.fullmatch(code.strip())
    if found is None or not secrets.compare_digest(
        _fingerprints(code.strip()[len(PREFIX) : -10])[0], found[3]
    ):
        raise CodeRefused("没有收款：付款码不对。请顾客打开储值付款码重新扫。")
    made = datetime.fromtimestamp(int(found[2]), tz=UTC)
    if at - made > LIFE or made - at > AHEAD:
        raise CodeRefused(
            f"没有收款：付款码超过 {LIFE.seconds} 秒，已失效。请顾客刷新付款码重新扫。"
        )
    account = accounts_anywhere().filter(pk=int(found[1])).first()
    if account is None:
        raise CodeRefused("没有收款：付款码的账户不存在。请换一种付款方式。")
    return account


def refuse_used(*, code: str) -> None:
    """Refuses CodeRefused a code that paid before. The account is locked. Two statements."""
    known = ValueCodeUse.objects.filter(fingerprint=_fingerprints(code)[1]).first()
    if known is not None:
        raise CodeRefused(f"没有收款：这个付款码已付过 {known.document}。请顾客刷新付款码。")


def use(*, account: ValueAccount, code: str, document: str, at: datetime) -> None:
    """Remember what a code paid for; the database takes each once."""
    ValueCodeUse.objects.create(
        account=account, fingerprint=_fingerprints(code)[1], document=document, used_at=at
    )


def _fingerprints(text: str) -> tuple[str, str]:
    """What proves a code, and what it is remembered by. One statement."""
    found = blind_indexes({"value_code": text, "value_code:used": text})
    return f"{int(found['value_code'][:15], 16) % 10**10:010d}", found["value_code:used"]
