"""The member side of the demo: litres at a locked price, in force and waiting."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils.timezone import now

from finance.services.demonstration import club
from finance.services.demonstration.site import Site
from marketing.models import PriceLock
from tests import make

pytestmark = pytest.mark.django_db


@pytest.mark.req("SAL-17")
def test_some_members_of_the_demo_have_locked_litres_and_one_waits(monkeypatch) -> None:
    monkeypatch.setattr(club, "LOCKS", 2)
    till = make.session()
    site = Site(
        station=till.station,
        grades={"92#": make.grade("92#")},
        users={"zhanzhang": make.manager(till.station)},
    )
    club._locks(site, now())
    assert not PriceLock.objects.exists()  # no price is posted
    make.price(till.station, site.grades["92#"], "8.00")
    for _ in range(3):
        fill = make.fill_at(till.station)
        make.sale(till, fills=[fill], member=make.member(till.station).pk)
    at = now()
    club._locks(site, at)
    club._locks(site, at)  # twice is once
    rows = PriceLock.objects.order_by("pk").values_list("price", "left", "status")
    assert list(rows) == [
        (Decimal("7.75"), Decimal(80), "APPROVED"),
        (Decimal("7.75"), Decimal(80), "APPROVED"),
        (Decimal("7.75"), Decimal(0), "PLANNED"),
    ]
