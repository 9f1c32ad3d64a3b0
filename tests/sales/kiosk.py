"""A kiosk for tests: paired, and a customer who touches it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils.timezone import now

from devices.models import Kiosk
from devices.services import kiosks
from members.models import KioskVisit, Member, SignInCode
from members.queries.present_codes import code_for
from sales.views.kiosk_guard import TERMINAL
from station.channels import texts
from station.models import Station
from tests import make

PHONE = "13887654321"


def kiosk(at: Station, name: str = "门口终端", **fields: object) -> tuple[Kiosk, str]:
    """A registered terminal, and its token."""
    asking = kiosks.ask(at=now())
    made = kiosks.pair(
        station=at,
        name=name,
        code=asking.code,
        printer=fields.get("printer"),
        reader=fields.get("reader"),
        at=now(),
        actor=make.manager(at),
    )
    return made, asking.token


class Screen:
    """A terminal with somebody before it."""

    def __init__(self, at: Station, **fields: object) -> None:
        self.kiosk, self.token = kiosk(at, **fields)
        self.client = Client()
        self.client.cookies[TERMINAL] = self.token

    def touch(self, name: str, **fields: object) -> HttpResponse:
        return self.client.post(f"/kiosk/{name}/", fields)

    def shows(self, member: Member, at: datetime | None = None, **fields: object) -> HttpResponse:
        """The member holds the code of his phone before the scanner."""
        return self.touch("scan", code=code_for(member_id=member.pk, at=at or now()), **fields)

    def code_to(self, phone: str) -> tuple[str, str]:
        """Ask for a code: the ticket of the page, and the code that was sent."""
        cache.delete(texts.KEY)
        # A minute between two codes to a phone is another test's matter.
        SignInCode.objects.update(asked_at=now() - timedelta(minutes=2))
        answer = self.touch("phone", phone=phone)
        return hidden(answer, "ticket"), sent()

    @property
    def visit(self) -> KioskVisit | None:
        return KioskVisit.objects.filter(kiosk=self.kiosk, ended_at=None).first()


def hidden(answer: HttpResponse, name: str) -> str:
    """What goes along unseen in a form of a screen."""
    found = re.search(rf'name="{name}" value="([^"]+)"', answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


def sent() -> str:
    return re.search(r"验证码 (\d{6})", texts.lately()[0].text)[1]
