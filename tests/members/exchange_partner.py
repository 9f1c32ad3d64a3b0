"""A partner at the other end: keeps his secret, signs as the docs say, and knows nothing of our code."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils.timezone import now

from members.models import ExchangePartner, PartnerProgram
from members.services import exchange_partners
from station.models import Station
from tests import make

_serial = itertools.count(1)


class CounterPart:
    """Signs and sends; `code`, `secret` are what he was given."""

    def __init__(self, code: str, secret: str) -> None:
        self.code, self.secret = code, secret
        self.path = f"/members/exchange-door/{code}/"

    def ask(self, act: str, number: str, member: str = "", points: Any = None, **more: Any) -> Any:
        told = {"act": act, "no": number, "member": member, "points": points, **more}
        body = {name: value for name, value in told.items() if value not in ("", None)}
        return self.send(json.dumps(body).encode())

    def send(self, body: bytes, **changed: str) -> HttpResponse:
        stamp = changed.get("stamp", str(int(now().timestamp())))
        nonce = changed.get("nonce", f"nonce-{next(_serial):08d}")
        text = f"{stamp}\n{nonce}\n{self.path}\n".encode() + body
        signed = hmac.new(self.secret.encode(), text, hashlib.sha256).hexdigest()
        return Client().post(
            self.path,
            body,
            content_type="application/json",
            headers={
                "X-Partner-Time": stamp,
                "X-Partner-Nonce": nonce,
                "X-Partner-Sign": changed.get("sign", signed),
            },
        )


def counterpart(
    station: Station | None = None, **terms: Any
) -> tuple[ExchangePartner, CounterPart]:
    """A cinema with an approved programme: 200 of ours for 100 of theirs, and 100 back for 100."""
    where = station or make.station()
    made, secret = exchange_partners.add_partner(
        station=where,
        code=f"KINO{next(_serial)}",
        name="星光影院",
        at=make.NOW,
        actor=make.marketer(where),
    )
    program(made, **terms)
    return made, CounterPart(made.code, secret)


def program(partner: ExchangePartner, **terms: Any) -> PartnerProgram:
    """A version of the programme, approved by another one."""
    values = {
        "ratio_out": 200,
        "ratio_in": 100,
        "least": 10,
        "most": 5000,
        "daily": 6000,
        "daily_all": None,
        "fee": 0,
        "valid_from": date(2020, 1, 1),
        "valid_until": now().date() + timedelta(days=400),
        **terms,
    }
    made = exchange_partners.plan(
        partner=partner, values=values, at=make.NOW, actor=make.marketer(partner.station)
    )
    exchange_partners.approve(program=made, at=make.NOW, actor=make.manager(partner.station))
    return made
