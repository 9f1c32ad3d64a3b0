"""What no page sends, sent to a member's pages by a member: never a 500."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.handlers import wsgi
from django.http import request as django_request

from members.services import notices
from station.channels import texts
from tests import make
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
    make.sale(make.session(station), [make.fill_at(station)], member=member.pk)
    notices.tell(member=member, key="n", subject="消息", text="", at=make.NOW)
    names = {one.name for one in addresses() if one.path.startswith("/m/")}
    walker = MembersWalker(member, names.__contains__)  # type: ignore[arg-type]
    walker.look_around()
    walker.all_at_once(times=2)
    walker.one_at_a_time(most=6)
    walker.addresses()
    assert len(walker.forms) >= 8
    assert not walker.failures, "\n".join(sorted(set(walker.failures)))
