"""A variance over the limits stops no close; pages and papers say that nobody told its cause."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from finance.models import ReportArchive
from finance.queries.closing import readiness
from finance.queries.figures import differences_of, figures_of_facts, frozen_figures
from finance.services.archiving import archive_waiting
from finance.services.closing import close_day
from inventory.models import Dip, VarianceAttribution
from inventory.services.attributions import approve, propose
from inventory.services.dips import record_dip
from station.models import BusinessDay
from tests import make
from tests.finance.days import Site, end_day

D = Decimal
pytestmark = [pytest.mark.req("INV-04"), pytest.mark.req("FIN-01")]


def lost(site: Site, litres: str) -> BusinessDay:
    """A day that sold 400 L and lost so much, cut."""
    tank = site.station.tanks.get()
    make.sale(site.session, [make.fill_at(site.station, "400.00")])
    record_dip(
        tank=tank,
        source=Dip.Source.DIP,
        purpose=Dip.Purpose.HANDOVER,
        net_l=D(20000) - 400 - D(litres),
        shift=site.session.shift,
        day=site.day,
        at=make.at(21),
        actor=site.manager,
    )
    return end_day(site)


def text(site: Site, name: str, *args: object, **query: object) -> str:
    client = make.signed_in(site.owner)
    return client.get(reverse(name, args=args), query).content.decode()


def test_the_close_is_not_stopped_and_everything_says_so_until_it_is_told(site: Site) -> None:
    day = lost(site, "31")
    ready = readiness(day=day, figures=figures_of_facts(day=day))
    assert ready.is_ready and not ready.differences
    words = "未归因：1 号罐（92#）损 31.00 L，损溢率 损 77.50‰"
    assert words in text(site, "finance:day", day.date)
    close_day(day=day, at=make.at(22), actor=site.manager)
    day.refresh_from_db()
    (row,) = VarianceAttribution.objects.all()
    assert (row.status, row.variance_l, row.sold_l) == ("OPEN", D(-31), D(400))
    for name, args, query in (
        ("finance:day", [day.date], {}),
        ("finance:daily", [], {"day": day.date}),
        ("finance:report", ["balance"], {"since": day.date, "until": day.date}),
    ):
        assert words in text(site, name, *args, **query)
    assert "1 项损溢未归因" in text(site, "finance:owner")
    archive_waiting(at=make.at(23))
    bodies = ReportArchive.objects.filter(kind__in=("daily", "balance")).values_list(
        "body", flat=True
    )
    assert [words in str(body) for body in bodies] == [True, True]

    tank = row.tank
    told = propose(
        tank=tank, day=day, cause="METER", evidence="2 号枪自校超差", at=make.at(23),
        actor=site.manager,
    )  # fmt: skip
    assert told.pk == row.pk
    assert "1 项归因待审批" in text(site, "finance:owner")
    approve(attribution=row, at=make.at(23), actor=site.owner)
    assert "已归因：1 号罐" in text(site, "finance:day", day.date)
    report = text(site, "finance:report", "tanks", since=day.date, until=day.date)
    assert "计量" in report
    assert "损溢未归因" not in text(site, "finance:owner")
    # What was told is no part of the frozen figures.
    assert not differences_of(frozen_figures(day), figures_of_facts(day=day))


def test_it_may_be_told_before_the_close(site: Site) -> None:
    day = lost(site, "31")
    tank = site.station.tanks.get()
    row = propose(
        tank=tank, day=day, cause="LEAK", evidence="3 号枪滴漏", at=make.at(22), actor=site.manager
    )
    approve(attribution=row, at=make.at(22), actor=site.owner)
    close_day(day=day, at=make.at(22), actor=site.manager)
    (kept,) = VarianceAttribution.objects.all()
    assert (kept.pk, kept.status) == (row.pk, "APPROVED")


def test_what_is_within_the_limits_asks_for_nothing(site: Site) -> None:
    day = lost(site, "20")  # 50 ‰, but not over 20 L
    close_day(day=day, at=make.at(22), actor=site.manager)
    assert not VarianceAttribution.objects.exists()
    assert "损溢归因" not in text(site, "finance:day", day.date).split("<main", 1)[1]
