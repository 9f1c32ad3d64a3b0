"""A printer that says how it stands: receipts wait, come out once, and a torn one says so."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.db import connections
from django.urls import reverse

from devices.models import Alarm, Printer, PrinterState
from devices.queries.health import checks
from devices.services import printers, wiring
from devices.simulator.ends import TcpEnd
from devices.simulator.peripherals import FULL, OUT, Plugged, Roll
from sales.models import Receipt
from sales.services import slips
from sales.services.papers import NotPrintable
from sales.services.printing import print_waiting
from sales.tasks import watch_printers
from station.models import AuditEntry
from tests import make
from tests.devices.poller.kit import until

pytestmark = [pytest.mark.django_db, pytest.mark.req("DEV-03", "SAL-10")]
SOON = timedelta(seconds=3)


class Desk:
    """A till with a simulated network printer and its drawer."""

    def __init__(self) -> None:
        self.roll = Roll()
        self.wire = Plugged(self.roll, TcpEnd(0))
        self.wire.start()
        self.session = make.session()
        end = self.wire.end
        assert isinstance(end, TcpEnd)
        self.printer = make.printer(
            self.session.till, kind="NETWORK", target=f"127.0.0.1:{end.port}", columns=32
        )

    def sell(self, tender: str = "CASH") -> str:
        fill = make.fill_at(self.session.station)
        reference = ("004711",) if tender == "CARD" else ()
        tenders = [(tender, str(fill.amount), *reference)]
        return make.sale(self.session, fills=[fill], tenders=tenders).number

    def paper(self, state: str, lines: int | None = None) -> None:
        with self.wire.lock:
            self.roll.paper, self.roll.last_lines = state, lines

    @property
    def condition(self) -> str:
        return PrinterState.objects.get(printer=self.printer).condition

    def live(self, kind: str) -> int:
        return Alarm.objects.filter(kind=kind, status="OPEN").count()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr("devices.line.paper.DONE", 1.0)
    made = Desk()
    yield made
    made.wire.end_it()


def test_a_receipt_comes_out_whole_and_kicks_the_drawer_of_a_cash_sale(desk: Desk) -> None:
    Printer.objects.update(drawer_pin=5, drawer_times=2)
    number = desk.sell()
    desk.sell("CARD")
    assert print_waiting(at=make.NOW) == 2
    assert number in desk.roll.receipts[0] and desk.roll.kicks == 2
    assert desk.roll.strange == [] and desk.condition == "READY"
    assert Receipt.objects.filter(status="PRINTED", interrupted=0).count() == 2


def test_without_paper_the_receipt_waits_the_drawer_opens_and_it_prints_once_when_paper_is_back(
    desk: Desk,
) -> None:
    desk.paper(OUT)
    number = desk.sell()
    for turn in range(30):  # more often than a printer that fails is tried
        assert print_waiting(at=make.NOW + turn * SOON) == 0
    receipt = Receipt.objects.get()
    assert (receipt.status, receipt.attempts, receipt.begun_at) == ("WAITING", 0, None)
    assert "缺纸" in receipt.last_error and desk.roll.kicks == 1
    assert (desk.condition, desk.live("PAPER")) == ("PAPER_END", 1)
    desk.paper(FULL)
    watch_printers()
    assert Receipt.objects.get().status == "PRINTED"
    assert [number in text for text in desk.roll.receipts] == [True]
    assert "重打" not in desk.roll.receipts[0] and desk.roll.kicks == 1
    assert (desk.condition, desk.live("PAPER")) == ("READY", 0)
    watch_printers()
    assert len(desk.roll.receipts) == 1


def test_a_receipt_that_tore_off_comes_again_and_says_that_the_first_is_void(desk: Desk) -> None:
    desk.paper(FULL, lines=4)
    number = desk.sell()
    assert print_waiting(at=make.NOW) == 0
    receipt = Receipt.objects.get()
    assert receipt.status == "WAITING" and receipt.begun_at is not None
    assert "打到一半" in receipt.last_error and desk.live("PAPER") == 1
    desk.paper(FULL)
    watch_printers()
    assert Receipt.objects.get().status == "PRINTED"
    assert Receipt.objects.get().interrupted == 1
    until(lambda: len(desk.roll.receipts) == 2, what="the rest of the first and the second")
    first, second = desk.roll.receipts
    assert "重打" not in first and "前一张没有打完" in second and number in second
    assert desk.roll.kicks == 1  # the drawer was opened by the first


def test_a_worker_killed_half_way_leaves_a_receipt_that_is_printed_again_as_such(
    desk: Desk,
) -> None:
    desk.sell()
    Receipt.objects.update(begun_at=make.NOW)
    assert print_waiting(at=make.NOW) == 1
    assert "重打" in desk.roll.receipts[0]


@pytest.mark.parametrize(
    ("turn", "condition", "kind"),
    [
        ("cover", "COVER_OPEN", "PRINTER"),
        ("unplug", "OFFLINE", "PRINTER"),
        ("paper", "PAPER_END", "PAPER"),
    ],
)
def test_each_trouble_is_seen_alarmed_shown_and_over_by_itself(
    desk: Desk, turn: str, condition: str, kind: str
) -> None:
    def trouble(on: bool) -> None:
        if turn == "unplug":
            desk.wire.plug(not on)
        elif turn == "cover":
            desk.roll.cover_open = on
        else:
            desk.paper(OUT if on else FULL)

    watch_printers()
    assert desk.condition == "READY" and not Alarm.objects.exists()
    trouble(True)
    for _ in range(2):
        watch_printers()
    assert (desk.condition, desk.live(kind)) == (condition, 1)
    state = PrinterState.objects.get()
    [check] = [one for one in checks(at=state.checked_at) if "printer" in one.name]
    assert check.state.name == "WARNING"
    page = make.signed_in(desk.session.cashier)
    word = state.get_condition_display()
    for name in ("devices:status", "sales:receipts"):
        assert word in page.get(reverse(name)).content.decode()
    assert page.get(reverse("sales:till_pulse")).json()["badges"]["printer"] == word
    trouble(False)
    watch_printers()
    assert desk.condition == "READY" and not Alarm.objects.filter(status="OPEN").exists()
    assert page.get(reverse("sales:till_pulse")).json()["badges"]["printer"] == ""


def test_an_unplugged_printer_keeps_its_receipts_until_it_is_back(desk: Desk) -> None:
    desk.wire.plug(False)
    desk.sell()
    for _ in range(25):
        assert print_waiting(at=make.NOW) == 0
    assert Receipt.objects.get().status == "WAITING"
    desk.wire.plug(True)
    watch_printers()
    assert Receipt.objects.get().status == "PRINTED"


def test_a_printer_that_answered_once_and_is_silent_now_is_away(desk: Desk) -> None:
    watch_printers()
    server = socket.create_server(("127.0.0.1", 0))  # takes the call and says nothing
    Printer.objects.update(target=f"127.0.0.1:{server.getsockname()[1]}")
    desk.sell()
    assert print_waiting(at=make.NOW) == 0
    assert desk.condition == "OFFLINE"
    # Saved on the page: another machine may stand there. One that never answered is printed on blind.
    values = {"kind": "NETWORK", "target": Printer.objects.get().target, "active": True}
    wiring.save_printer(
        row=desk.printer,
        values=values,
        at=make.NOW,
        actor=make.manager(desk.session.station),
        station=desk.session.station,
    )
    assert print_waiting(at=make.NOW) == 1
    assert desk.condition == "MUTE" and desk.live("PRINTER") == 0
    server.close()


def test_a_model_without_gs_r_is_waited_for_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Roll._ARGUMENTS, b"\x1dr", 1)
    obey = desk.roll._obey
    monkeypatch.setattr(
        desk.roll, "_obey", lambda name, more: b"" if name == b"\x1dr" else obey(name, more)
    )
    desk.sell()
    assert print_waiting(at=make.NOW) == 1
    assert PrinterState.objects.get().confirms is False
    asked: list[object] = []
    monkeypatch.setattr("devices.line.paper.is_done", asked.append)
    desk.sell()
    assert print_waiting(at=make.NOW) == 1
    assert asked == []


def test_the_drawer_opens_by_a_button_once_and_audited(desk: Desk) -> None:
    page = make.signed_in(desk.session.cashier)
    assert "开钱箱" in page.get(reverse("sales:till")).content.decode()
    for _ in range(2):
        answer = page.post(reverse("sales:till_drawer"), {"key": "0123456789abcdef"})
        assert answer.status_code == 200
    assert print_waiting(at=Receipt.objects.get().asked_at) == 1
    assert desk.roll.kicks == 1 and not desk.roll.receipts
    entry = AuditEntry.objects.get(action="sales.drawer.opened")
    assert entry.actor == desk.session.cashier
    assert page.post(reverse("sales:till_drawer"), {"key": "x"}).status_code == 422
    attendant = make.signed_in(make.attendant(desk.session.station))
    assert attendant.post(reverse("sales:till_drawer")).status_code == 403
    assert "D-" in page.get(reverse("sales:receipts")).content.decode()


def test_the_drawer_opens_without_paper_and_never_later(desk: Desk) -> None:
    desk.paper(OUT)
    cashier = desk.session.cashier
    slips.open_drawer(session=desk.session, key="a" * 16, actor=cashier, at=make.NOW)
    assert print_waiting(at=make.NOW) == 1
    assert desk.roll.kicks == 1
    desk.wire.plug(False)
    late = slips.open_drawer(session=desk.session, key="b" * 16, actor=cashier, at=make.NOW)
    assert print_waiting(at=make.NOW) == 0
    desk.wire.plug(True)
    desk.paper(FULL)
    assert print_waiting(at=make.NOW + timedelta(minutes=1)) == 0
    late.refresh_from_db()
    assert late.status == "FAILED" and desk.roll.kicks == 1
    Printer.objects.update(opens_drawer=False)
    with pytest.raises(NotPrintable, match="用钥匙"):
        slips.open_drawer(session=desk.session, key="c" * 16, actor=cashier, at=make.NOW)


def test_a_file_has_no_state_and_is_not_asked(papers: Path) -> None:
    till = make.session()
    make.printer(till.till, target=str(papers / "paper"))
    assert printers.watch(at=make.NOW) is False
    assert not PrinterState.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_four_workers_and_the_watch_at_once_print_every_receipt_once(desk: Desk) -> None:
    numbers = [desk.sell() for _ in range(6)]
    acts: list[Callable[[], object]] = [lambda: print_waiting(at=make.NOW)] * 4
    acts.append(lambda: printers.watch(at=make.NOW))
    barrier = Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        try:
            barrier.wait()
            act()
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Receipt.objects.filter(status="PRINTED", interrupted=0).count() == 6
    assert sorted(n for text in desk.roll.receipts for n in numbers if n in text) == sorted(numbers)
