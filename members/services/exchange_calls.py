"""A partner's signed request: whose it is, that it is fresh and new, and what it says.

HMAC-SHA256 over time, nonce, path and body, a line each, under the partner's secret. Everything that
is wrong with it is refused in words; the words never tell whether a partner exists.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from members.models import ExchangeCall, ExchangePartner
from members.queries.exchanges import Way
from members.services.exchanges import Asked
from station.errors import Refusal
from station.services import sealing

SKEW = timedelta(minutes=5)
LONGEST = 4096  # bytes of a body
NONCE = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
NUMBER = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
STAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class BadCall(Refusal):
    """The request cannot be read, or says something that makes no sense."""


class NotSigned(Refusal):
    """The request is not the partner's: wrong signature, too old, or sent before."""


@dataclass(frozen=True)
class Call:
    """A request that is let in."""

    act: str
    number: str
    who: str = ""
    theirs: int = 0
    reason: str = ""

    def asked(self, partner: ExchangePartner) -> Asked:
        """What an exchange is asked as."""
        return Asked(partner, self.number, self.act, self.who, self.theirs)


def signature(*, secret: str, stamp: str, nonce: str, path: str, body: bytes) -> str:
    """What a partner writes into X-Partner-Sign."""
    text = f"{stamp}\n{nonce}\n{path}\n".encode() + body
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def let_in(
    *, code: str, headers: Mapping[str, str], path: str, body: bytes, at: datetime
) -> ExchangePartner:
    """The partner whose request it is; its nonce is used up. Refuses NotSigned."""
    stamp, nonce = headers.get("X-Partner-Time", ""), headers.get("X-Partner-Nonce", "")
    told = headers.get("X-Partner-Sign", "")
    partner = ExchangePartner.objects.select_related("key").filter(code=code[:20]).first()
    if partner is None or not STAMP.fullmatch(stamp) or not NONCE.fullmatch(nonce):
        raise NotSigned("签名不对。")
    secret = sealing.unseal(partner.key, partner.secret_sealed)
    wanted = signature(secret=secret, stamp=stamp, nonce=nonce, path=path, body=body)
    if not hmac.compare_digest(wanted.encode(), told.encode("utf-8", "replace")):
        raise NotSigned("签名不对。")
    if abs(int(stamp) - int(at.timestamp())) > SKEW.total_seconds():
        raise NotSigned("请求的时间与本系统相差超过五分钟，请校准时钟后重发。")
    try:
        with transaction.atomic():
            ExchangeCall.objects.create(partner=partner, nonce=nonce, at=at)
    except IntegrityError:
        raise NotSigned("这个请求已经收到过。重试请换随机数，单号不变。") from None
    return partner


def read(body: bytes) -> Call:
    """What a request says. Refuses BadCall."""
    if len(body) > LONGEST:
        raise BadCall("内容太长。")
    try:
        told = json.loads(body, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise BadCall("内容不是 JSON。") from error
    if not isinstance(told, dict):
        raise BadCall("内容应为一个 JSON 对象。")
    act, number = _text(told, "act").upper(), _text(told, "no")
    if act not in {*Way.values, "REVERSE", "QUERY"}:
        raise BadCall("act 应为 out、in、reverse 或 query。")
    if not NUMBER.fullmatch(number):
        raise BadCall("no 应为 1 至 40 位字母、数字、- 或 _。")
    if act == "QUERY":
        return Call(act, number)
    if act == "REVERSE":
        return Call(act, number, reason=_text(told, "reason"))
    theirs = told.get("points")
    if isinstance(theirs, bool) or not isinstance(theirs, int) or not 0 < theirs <= 10**8:
        raise BadCall("points 应为正整数。")
    return Call(act, number, who=_text(told, "member"), theirs=theirs)


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name, "")
    if not isinstance(value, str) or len(value) > 100 or "\x00" in value or not _encodes(value):
        raise BadCall(f"{name} 应为文字。")
    return value.strip()


def _encodes(value: str) -> bool:
    """A lone half of a surrogate pair is JSON, and no text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def forget_calls(*, at: datetime) -> int:
    """Drop the nonces of requests that are too old to be sent again; how many."""
    gone, _ = ExchangeCall.objects.filter(at__lt=at - timedelta(days=1)).delete()
    return gone
