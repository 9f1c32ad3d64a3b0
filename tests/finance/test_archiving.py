"""Reports are archived at the day's end and reprinted to the byte."""

from __future__ import annotations

import hashlib

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from finance.models import ReportArchive
from finance.services.archiving import archive_waiting
from finance.services.closing import close_day
from finance.tasks import archive_reports
from station.models import BusinessDay
from tests import make
from tests.finance.days import Site, end_day


@pytest.fixture
def closed(site: Site) -> BusinessDay:
    make.sale(site.session, [make.fill_at(site.station)], [(make.item(on_hand="5"), 1)])
    day = end_day(site)
    close_day(day=day, at=make.at(22, 30), actor=site.manager)
    return day


@pytest.mark.req("RPT-05")
def test_a_closed_days_reports_are_archived_once(closed: BusinessDay) -> None:
    assert archive_waiting(at=make.at(23)) == 1
    assert archive_waiting(at=make.at(23)) == 0
    kept = ReportArchive.objects.filter(day=closed).order_by("pk")
    assert [row.kind for row in kept] == ["daily", "balance", "tenders", "shift"]
    for row in kept:
        assert bytes(row.pdf or b"").startswith(b"%PDF")
        assert row.sha256 == hashlib.sha256(bytes(row.pdf or b"")).hexdigest()


@pytest.mark.req("RPT-05")
def test_a_reprint_is_the_archived_paper_to_the_byte(site: Site, closed: BusinessDay) -> None:
    archive_waiting(at=make.at(23))
    kept = ReportArchive.objects.get(day=closed, kind="daily")
    client = make.signed_in(site.manager)
    address = reverse("finance:archive", args=[kept.pk])
    first, second = client.get(address), client.get(address)
    assert first.content == second.content == bytes(kept.pdf or b"")
    stranger = make.signed_in(make.stranger())
    assert stranger.get(address).status_code == 404


@pytest.mark.req("RPT-05")
def test_an_archived_report_never_changes(closed: BusinessDay) -> None:
    archive_waiting(at=make.at(23))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ReportArchive.objects.filter(day=closed).update(title="改")


def test_the_worker_finds_nothing_where_no_day_was_closed_lately(closed: BusinessDay) -> None:
    archive_reports()  # the day was closed in April of a year long gone for the worker's clock
    assert not ReportArchive.objects.exists()


def test_a_day_that_is_open_is_not_archived(site: Site) -> None:
    assert archive_waiting(at=make.at(23)) == 0
