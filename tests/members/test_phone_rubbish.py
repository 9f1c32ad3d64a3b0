"""What no page sends, sent to a member's pages by a member: never a 500."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.handlers import wsgi
from django.http import request as django_request
from django.utils.timezone import now

from members.services import notices
from station.channels import texts
from tests import make
from tests.marketing.offers import coupon
from tests.members import rewards as mall
from tests.station.garbage import Listening, Walker
from tests.test_role_matrix import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.req("CHN-02")]


class MembersWalker(Walker):
    """The walker as a member on his phone."""

    def _sign_in(self) -> None:
        self.client = make.phone_of(self._who)  # type: ignore[arg-type]
        self.client.raise_request_exception = False
        self._cookies = self.client.cookies.copy()


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(wsgi, "QueryDict", Listening)
    monkeypatch.setattr(django_request, "QueryDict", Listening)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_a_members_pages_answer_rubbish_with_a_refusal(settings: Any, listening: None) -> None:
    settings.DEMO, settings.TEXT_CHANNEL = True, "local"
    cache.delete(texts.KEY)
    station = make.station()
    member = make.member(station, plate="云A7K3M9")
    make.price(station, make.grade("92#"))
    session = make.session(station)
    make.sale(session, [make.fill_at(station)], member=member.pk)
    make.top_up(session, make.value_account(member))
    mall.give(member, 2000, at=now() - timedelta(hours=1))
    wash = mall.reward("洗车", 600, "SERVICE")
    mall.order(member, wash, station, at=now())
    coupon(station, member, valid_until=now() + timedelta(days=3))
    notices.tell(member=member, key="n", subject="消息", text="", at=make.NOW)
    names = {one.name for one in addresses() if one.path.startswith("/m/")}
    walker = MembersWalker(member, names.__contains__)  # type: ignore[arg-type]
    walker.look_around()
    walker.all_at_once(times=2)
    walker.one_at_a_time(most=6)
    walker.addresses()
    assert len(walker.forms) >= 12
    assert not walker.failures, "\n".join(sorted(set(walker.failures)))
