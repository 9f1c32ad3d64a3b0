"""班结单, 打印队列, 试打: what is on the paper, that it comes out once, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse

from devices.models import Printer
from sales.models import Receipt
from sales.queries.receipts import set_out, width_of
from sales.queries.shifts import shift_report
from sales.queries.slips import slip_of, trial_paper
from sales.services import slips
from sales.services.papers import NotPrintable
from sales.services.printing import print_waiting, render
from sales.services.shifts import document_of
from station.models import Alert, AuditEntry
from tests import make
from tests.sales.test_worked_shift import Day, closed, handed_over, worked

pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-06", "SAL-10")]


def closed_with_printer(target: Path, **fields: object) -> tuple[Day, Printer]:
    day = worked()
    printer = make.printer(day.session.till, target=str(target), **fields)
    Receipt.objects.all().delete()  # the sales of the shift were made before the printer came
    closed(day)
    return day, printer


def slip_lines(day: Day, columns: int, copy: int = 1) -> list[str]:
    paper = slip_of(told=shift_report(day.shift), document=document_of(day.shift), copy=copy)
    return [line for row in paper.rows for line in set_out(row, columns)]


@pytest.mark.parametrize("columns", [32, 48])
def test_the_slip_says_what_was_frozen_within_its_columns(columns: int) -> None:
    day = worked()
    closed(day)
    lines = slip_lines(day, columns)
    text = "\n".join(lines)
    assert all(width_of(line) <= columns for line in lines)
    for words in (
        day.shift.station.name,
        f"班次号 {day.shift.number}",
        day.leader.name,
        day.receiver.name,
        day.manager.name,
        "现金（含备用金）",
        "1384.50",
        "1364.50",
        "2553.88",
        "92# 320.00 升",
        "2534.00",
        "0# 380.25 升",
        "2851.88",
        "付油合计 700.25 升",
        "首班，罐存未建账",
        "找错零钱，已调监控",
        document_of(day.shift),
    ):
        assert words in text.replace("\n", "") or words in text, words
    rows = [line.split() for line in lines]
    assert (
        ["长款合计", "2.00"] in rows and ["短款合计", "20.00"] in rows and ["短款", "20.00"] in rows
    )
    assert "-20.00" not in text
    assert "补打" not in text


def test_the_close_prints_one_slip_with_its_number_as_the_code(papers: Path) -> None:
    day, printer = closed_with_printer(papers / "paper", columns=32)
    receipt = Receipt.objects.get(kind="SHIFT")
    assert (receipt.document, receipt.copy) == (document_of(day.shift), 1)
    assert receipt.printer == printer
    assert print_waiting(at=make.NOW) == 1
    assert print_waiting(at=make.NOW) == 0
    data = (papers / "paper").read_bytes()
    assert "班结单".encode("gb18030") in data
    assert document_of(day.shift).encode() in data.split(b"\x1d(k")[-2]
    assert b"\x1bp" not in data  # a slip opens no drawer


def test_a_shift_closes_without_a_printer_and_prints_its_first_slip_later(papers: Path) -> None:
    day = worked()
    closed(day)
    assert not Receipt.objects.filter(kind="SHIFT").exists()
    with pytest.raises(NotPrintable, match="没有在用的打印机"):
        slips.print_shift(shift=day.shift, actor=day.leader, at=make.NOW)
    make.printer(day.session.till, target=str(papers / "paper"))
    slips.print_shift(shift=day.shift, actor=day.leader, at=make.NOW)
    assert print_waiting(at=make.NOW) == 1
    assert "补打".encode("gb18030") not in (papers / "paper").read_bytes()


def test_the_button_prints_a_copy_that_is_marked_audited_and_never_doubled(papers: Path) -> None:
    day, _ = closed_with_printer(papers / "paper")
    client = make.signed_in(day.leader)
    page = reverse("sales:shift_report", args=[day.shift.pk])
    shown = client.get(page).content.decode()
    assert "补打班结单" in shown and 'name="copy" value="2"' in shown
    for _ in range(2):
        answer = client.post(reverse("sales:shift_print", args=[day.shift.pk]), {"copy": 2})
        assert answer.status_code == 302
    assert print_waiting(at=make.NOW) == 2
    text = (papers / "paper").read_bytes().decode("gb18030", errors="replace")
    assert text.count("补打 第 1 次") == 1
    entry = AuditEntry.objects.get(action="sales.shift.printed")
    assert (entry.document, entry.actor) == (document_of(day.shift), day.leader)


def test_a_slip_is_refused_before_the_close_and_without_its_copy(papers: Path) -> None:
    day = worked()
    make.printer(day.session.till, target=str(papers / "paper"))
    handed_over(day)
    client = make.signed_in(day.leader)
    assert (
        "打印班结单"
        not in client.get(reverse("sales:shift_report", args=[day.shift.pk])).content.decode()
    )
    for asked, words in (
        ({"copy": 1}, "还没有班结"),
        ({"copy": "x"}, "页面过期"),
        ({}, "页面过期"),
    ):
        answer = client.post(reverse("sales:shift_print", args=[day.shift.pk]), asked)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert not Receipt.objects.filter(kind="SHIFT").exists()


@pytest.mark.parametrize("bare", [True, False])
def test_the_code_of_a_slip_opens_its_shift_from_the_search_field(bare: bool) -> None:
    day = worked()
    closed(day)
    query = day.shift.number if bare else document_of(day.shift)
    answer = make.signed_in(day.leader).get(reverse("station:search"), {"q": query})
    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse("sales:shift_report", args=[day.shift.pk])


@pytest.mark.parametrize(
    "query", ["2026999901", "2026042299", "１２３４５６７８９０", "XX-2026042201", "--------"]
)
def test_what_is_no_shift_number_finds_no_shift(query: str) -> None:
    day = worked()
    answer = make.signed_in(day.leader).get(reverse("station:search"), {"q": query})
    assert answer.status_code == 200


def test_another_stations_shift_is_not_found_by_its_number() -> None:
    day = worked()
    elsewhere = make.cashier(make.station())
    answer = make.signed_in(elsewhere).get(reverse("station:search"), {"q": document_of(day.shift)})
    assert answer.status_code == 200
    assert reverse("sales:shift_report", args=[day.shift.pk]) not in answer.content.decode()


@pytest.mark.parametrize("columns", [32, 48])
def test_a_trial_page_fills_a_line_and_is_gb18030(columns: int) -> None:
    till = make.session()
    printer = make.printer(till.till, columns=columns)
    paper = trial_paper(printer=printer, document="T-1", by="李四", at=make.NOW)
    lines = [line for row in paper.rows for line in set_out(row, columns)]
    assert all(width_of(line) <= columns for line in lines)
    assert columns in [width_of(line) for line in lines if line.startswith("12345")]
    assert "囍".encode("gb18030") in render(paper, columns=columns)


def test_a_printer_is_tried_from_the_queue_once_for_a_double_click(papers: Path) -> None:
    till = make.session()
    printer = make.printer(till.till, target=str(papers / "paper"))
    client = make.signed_in(till.cashier)
    for _ in range(2):
        answer = client.post(reverse("sales:printer_try", args=[printer.pk]), {"copy": 1})
        assert answer.status_code == 302
    assert print_waiting(at=make.NOW) == 1
    data = (papers / "paper").read_bytes()
    assert data.count("试打人".encode("gb18030")) == 1 and b"\x1bp" not in data
    assert AuditEntry.objects.get(action="sales.printer.tried").actor == till.cashier
    page = client.get(reverse("sales:receipts")).content.decode()
    assert "已打印" in page and 'name="copy" value="2"' in page


def test_a_printer_out_of_use_or_of_another_station_is_not_tried() -> None:
    till = make.session()
    printer = make.printer(till.till, active=False)
    client = make.signed_in(till.cashier)
    asked = reverse("sales:printer_try", args=[printer.pk])
    answer = client.post(asked, {"copy": 1})
    assert answer.status_code == 422 and "已停用" in answer.content.decode()
    assert client.post(asked, {"copy": "99999999999"}).status_code == 422
    elsewhere = make.signed_in(make.cashier(make.station()))
    assert elsewhere.post(asked, {"copy": 1}).status_code == 404
    assert not Receipt.objects.exists()


def test_a_trial_whose_printer_was_taken_out_of_use_fails_with_its_reason() -> None:
    till = make.session()
    printer = make.printer(till.till)
    slips.print_trial(printer=printer, copy=1, actor=till.cashier, at=make.NOW)
    Printer.objects.update(active=False)
    assert print_waiting(at=make.NOW) == 0
    receipt = Receipt.objects.get()
    assert receipt.status == "FAILED" and "已停用" in receipt.last_error


def test_a_failed_receipt_is_tried_again_without_the_drawer_and_the_alert_rests(
    papers: Path,
) -> None:
    till = make.session()
    printer = make.printer(till.till, target=str(papers / "none" / "paper"))
    sale = make.sale(till, fills=[make.fill_at(till.station)])
    Receipt.objects.update(attempts=19)
    print_waiting(at=make.NOW)
    receipt = Receipt.objects.get()
    assert (receipt.status, receipt.printer, receipt.opens_drawer) == ("FAILED", printer, True)
    assert Alert.objects.get(key=f"printer:{printer.pk}").status == "OPEN"
    client = make.signed_in(till.cashier)
    page = client.get(reverse("sales:receipts")).content.decode()
    assert sale.number in page and "找不到" in page and "重试" in page
    Printer.objects.update(target=str(papers / "paper"))
    asked = reverse("sales:receipt_retry", args=[receipt.pk])
    assert client.post(asked).status_code == 302
    assert client.post(asked).status_code == 422  # it waits already
    assert print_waiting(at=make.NOW) == 1
    assert b"\x1bp" not in (papers / "paper").read_bytes()
    assert Alert.objects.get(key=f"printer:{printer.pk}").status == "CLEARED"
    assert AuditEntry.objects.filter(action="sales.receipt.retried").count() == 1


def test_another_stations_receipt_is_not_tried_again() -> None:
    till = make.session()
    make.sale(till, fills=[make.fill_at(till.station)])
    make.printer(till.till)
    make.sale(till, fills=[make.fill_at(till.station)])
    Receipt.objects.update(status="FAILED")
    elsewhere = make.signed_in(make.cashier(make.station()))
    receipt = Receipt.objects.get()
    assert elsewhere.post(reverse("sales:receipt_retry", args=[receipt.pk])).status_code == 404
    assert receipt.document not in elsewhere.get(reverse("sales:receipts")).content.decode()


def test_the_queue_costs_the_same_for_one_receipt_and_for_many(
    django_assert_num_queries, django_assert_max_num_queries
) -> None:
    till = make.session()
    printer = make.printer(till.till)
    client = make.signed_in(till.cashier)
    page = reverse("sales:receipts")
    slips.print_trial(printer=printer, copy=1, actor=till.cashier, at=make.NOW)
    Receipt.objects.update(status="FAILED")
    client.get(page)
    with django_assert_max_num_queries(40) as first:
        client.get(page)
    for copy in range(2, 6):
        slips.print_trial(printer=printer, copy=copy, actor=till.cashier, at=make.NOW)
        make.sale(till, fills=[make.fill_at(till.station)])
    Receipt.objects.filter(kind="TRIAL").update(status="FAILED")
    with django_assert_num_queries(len(first)):
        shown = client.get(page).content.decode()
    assert shown.count("重试 ") >= 5


def test_the_queue_is_read_on_page_by_page() -> None:
    till = make.session()
    Receipt.objects.bulk_create(
        Receipt(station=till.station, kind="TRIAL", document=f"T-{n:03}", asked_at=make.NOW)
        for n in range(60)
    )
    client = make.signed_in(till.cashier)
    page = client.get(reverse("sales:receipts"))
    assert "T-059" in page.content.decode() and "T-009" not in page.content.decode()
    answer = client.get(reverse("sales:receipts"), {"after": page.context["page"].after})
    assert "T-009" in answer.content.decode() and "T-010" not in answer.content.decode()


def test_the_queue_is_filtered_and_bad_filters_are_no_error() -> None:
    till = make.session()
    printer = make.printer(till.till)
    slips.print_trial(printer=printer, copy=1, actor=till.cashier, at=make.NOW)
    client = make.signed_in(till.cashier)
    page = reverse("sales:receipts")
    document = Receipt.objects.get().document
    assert document in client.get(page, {"kind": "TRIAL"}).content.decode()
    assert document not in client.get(page, {"status": "FAILED"}).content.decode()
    assert client.get(page, {"status": "x", "since": "y", "kind": "z"}).status_code == 200
