"""Receipts: what is on the paper, and that a printer never blocks a sale."""

from __future__ import annotations

import socket
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from devices.models import Printer
from devices.protocols import escpos
from sales.models import Receipt, Sale
from sales.queries.receipts import Row, paper_of, sale_for_paper, set_out, width_of, wrapped
from sales.services import printing
from sales.services.papers import NotPrintable
from sales.services.printing import print_one, print_waiting, render, reprint
from station.models import Alert, AuditEntry
from tests import make

pytestmark = pytest.mark.django_db


def text_of(sale: Sale, **fields: object) -> str:
    loaded = sale_for_paper(document=sale.number)
    assert loaded
    return "\n".join(
        line for row in paper_of(sale=loaded, **fields).rows for line in set_out(row, 48)
    )


@pytest.mark.req("SAL-10")
def test_the_receipt_shows_station_pump_grade_litres_price_discount_and_payments() -> None:
    till = make.session()
    fill = make.fill_at(till.station, "25.00", "8.00")
    water = make.item("农夫山泉", price="2.00", on_hand="10")
    sale = make.sale(
        till,
        fills=[fill],
        items=[(water, 1)],
        discount="2.00",
        reason="会员日",
        tenders=[("CARD", "100.00", "004711"), ("CASH", "150.00")],
    )
    text = text_of(sale)
    for words in (
        till.station.name,
        sale.number,
        "92# 车用汽油 1 号枪",
        "25.00L × 8.00",
        "农夫山泉",
        "1瓶 × 2.00" if water.unit == "瓶" else "1件 × 2.00",
        "会员日",
        "-1.98",
        "-0.02",
        "¥200.00",
        "凭证 004711",
        "找零",
        "50.00",
        till.cashier.name,
    ):
        assert words in text, words
    assert all(width_of(line) <= 48 for line in text.splitlines())


def test_chinese_takes_two_columns_and_is_never_cut_in_half() -> None:
    assert wrapped("加油a", 3) == ["加", "油a"]
    assert set_out(Row("左", "右"), 8) == ["左    右"]
    assert set_out(Row("很长很长的名称", "12.00"), 12) == ["很长很长的名", "称", "       12.00"]


@pytest.mark.req("SAL-10")
def test_the_bytes_are_gb18030_with_a_code_and_kick_the_drawer_first() -> None:
    till = make.session()
    sale = make.sale(till, fills=[make.fill_at(till.station)])
    loaded = sale_for_paper(document=sale.number)
    assert loaded
    data = render(paper_of(sale=loaded), columns=32, kick=escpos.kick(2))
    assert data.startswith(b"\x1b@\x1bp\x00")
    assert till.station.name.encode("gb18030")[:8] in data
    assert sale.number.encode() in data.split(b"\x1d(k")[-2]
    assert b"\x1bp" not in render(paper_of(sale=loaded), columns=32)


@pytest.mark.req("SAL-10")
def test_a_waiting_receipt_comes_out_once(papers: Path) -> None:
    till = make.session()
    make.printer(till.till, target=str(papers / "paper"))
    make.sale(till, fills=[make.fill_at(till.station)])
    assert print_waiting(at=make.NOW) == 1
    assert print_waiting(at=make.NOW) == 0
    once = (papers / "paper").read_bytes()
    assert once.count(b"\x1b@") == 1


def test_a_network_printer_gets_the_bytes() -> None:
    till = make.session()
    server = socket.create_server(("127.0.0.1", 0))
    got = bytearray()

    def listen() -> None:
        line, _ = server.accept()
        with line:
            while part := line.recv(4096):
                got.extend(part)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    make.printer(till.till, kind="NETWORK", target=f"127.0.0.1:{server.getsockname()[1]}")
    make.sale(till, fills=[make.fill_at(till.station)])
    assert print_waiting(at=make.NOW) == 1
    thread.join(5)
    server.close()
    assert got.startswith(
        b"\x10\x04\x01\x1b@"
    )  # asked first; it does not answer, so it is printed on blind


def test_a_dead_printer_costs_a_try_and_an_alert_and_never_the_sale(papers: Path) -> None:
    till = make.session()
    gone = make.printer(till.till, target=str(papers / "none" / "paper"))
    sale = make.sale(till, fills=[make.fill_at(till.station)])
    for _ in range(3):
        assert print_waiting(at=make.NOW) == 0
    receipt = Receipt.objects.get(document=sale.number)
    assert (receipt.status, receipt.attempts) == ("WAITING", 3)
    assert "找不到" in receipt.last_error
    assert Alert.objects.get(key=f"printer:{gone.pk}").status == "OPEN"
    Printer.objects.update(target=str(papers / "paper"))
    assert print_waiting(at=make.NOW) == 1
    assert Alert.objects.get(key=f"printer:{gone.pk}").status == "CLEARED"


@pytest.mark.parametrize(
    ("kind", "target", "words"),
    [
        ("FILE", "/etc/motd", "receipts 文件夹"),
        ("FILE", "../site_key.txt", "receipts 文件夹"),
        ("SERIAL", "spy:///dev/ttyS0?file=/etc/motd", "串口写得不对"),
    ],
)
def test_a_printer_of_old_whose_address_is_no_longer_allowed_says_so_at_once(
    papers: Path, kind: str, target: str, words: str
) -> None:
    till = make.session()
    old = make.printer(till.till, kind=kind, target=target)
    make.sale(till, fills=[make.fill_at(till.station)])
    assert print_waiting(at=make.NOW) == 0
    receipt = Receipt.objects.get()
    assert (receipt.status, receipt.attempts) == ("FAILED", 1)
    assert words in receipt.last_error
    assert Alert.objects.get(key=f"printer:{old.pk}").status == "OPEN"
    assert not (papers.parent / "site_key.txt").exists()


def test_a_receipt_gives_up_after_many_tries_or_without_a_printer(papers: Path) -> None:
    till = make.session()
    gone = make.printer(till.till, target=str(papers / "none" / "paper"))
    make.sale(till, fills=[make.fill_at(till.station)])
    Receipt.objects.update(attempts=printing.TRIES - 1)
    assert print_waiting(at=make.NOW) == 0
    assert Receipt.objects.get().status == "FAILED"
    Receipt.objects.update(status="WAITING", attempts=0)
    Printer.objects.filter(pk=gone.pk).update(active=False)
    assert not print_one(receipt_id=Receipt.objects.get().pk, at=make.NOW)
    assert "没有在用的打印机" in Receipt.objects.get().last_error


@pytest.mark.req("SAL-10")
def test_a_reprint_is_marked_numbered_and_logged(papers: Path) -> None:
    till = make.session()
    paper = papers / "paper"
    make.printer(till.till, target=str(paper))
    sale = make.sale(till, fills=[make.fill_at(till.station)])
    print_waiting(at=make.NOW)
    for _ in range(2):
        reprint(sale=sale, actor=till.cashier, at=make.NOW)
    assert print_waiting(at=make.NOW) == 2
    text = paper.read_bytes().decode("gb18030", errors="replace")
    assert "补打 第 1 次" in text
    assert "补打 第 2 次" in text
    assert AuditEntry.objects.filter(action="sales.reprint", document=sale.number).count() == 2


def test_a_reprint_needs_a_printer() -> None:
    till = make.session()
    sale = make.sale(till, fills=[make.fill_at(till.station, amount=Decimal("10.00"))])
    with pytest.raises(NotPrintable, match="可在屏幕上看"):
        reprint(sale=sale, actor=till.cashier, at=make.NOW)
