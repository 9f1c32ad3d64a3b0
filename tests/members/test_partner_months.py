"""The month with a partner: beside what he says of it, closed once, and then the same for ever."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, InternalError, connection, transaction
from django.utils.timezone import localdate, now

from members.models import (
    ExchangeOrder,
    ExchangePartner,
    PartnerBill,
    PartnerStatement,
    PartnerStatementLine,
)
from members.queries.import_files import Unreadable
from members.queries.partner_bills import read_bill
from members.queries.partner_months import last_of, month_of
from members.services import exchanges, partner_months
from members.services.exchanges import Asked, ExchangeRefused
from members.services.partner_months import MonthRefused
from station.errors import Refusal
from station.models import AuditEntry
from tests import make
from tests.members import rewards as mall
from tests.members.exchange_partner import counterpart
from tests.members.points import violations

pytestmark = [pytest.mark.django_db, pytest.mark.req("PAR-01")]
APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
IN_MAY = make.at(10, day=date(2026, 5, 3))
HEAD = "对方单号,事由,对方积分\n"


def april() -> tuple[ExchangePartner, object]:
    """In April: 100 in twice, one of them taken back in April, and 60 in that are taken back in May."""
    partner, _ = counterpart(fee=5)
    member = make.member(partner.station)
    mall.give(member, 1000)

    def ask(number: str, points: int):
        asked = Asked(partner, number, "IN", member.number, points)
        return exchanges.exchange(asked=asked, at=make.NOW)

    ask("T-1", 100)
    back, later = ask("T-2", 100), ask("T-3", 60)
    boss = make.manager(partner.station)
    exchanges.reverse(order=back, reason="退票", at=make.at(11), actor=boss)
    exchanges.reverse(order=later, reason="退票", at=IN_MAY, actor=boss)
    return partner, boss


def csv(*lines: str) -> bytes:
    return (HEAD + "".join(f"{one}\n" for one in lines)).encode()


WHOLE = ("T-1,换入,100", "T-2,换入,100", "T-2,冲回换入,100", "T-3,换入,60")


def told(partner: ExchangePartner, boss, *lines: str, month: date = APRIL) -> PartnerBill:
    return partner_months.tell_file(
        partner=partner, month=month, name="a.csv", content=csv(*lines), at=IN_MAY, actor=boss
    )


def closed(partner: ExchangePartner, boss, words: str = "", month: date = APRIL, at=IN_MAY):
    return partner_months.close(partner=partner, month=month, words=words, at=at, actor=boss)


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2026, 2, 1), date(2026, 2, 28)), (date(2024, 2, 1), date(2024, 2, 29)),
     (date(2026, 12, 1), date(2026, 12, 31)), (APRIL, date(2026, 4, 30))],
)  # fmt: skip
def test_a_month_ends_on_its_last_day(first: date, last: date):
    assert last_of(first) == last


def test_a_month_that_agrees_is_closed_once_and_stays_as_it_was():
    partner, boss = april()
    told(partner, boss, *WHOLE)
    live = month_of(partner=partner, month=APRIL)
    assert (live.exchanges, live.out, live.into, live.points_in) == (4, 0, 160, 160)
    assert (live.differences, live.is_booked, live.booked) == (0, True, 160)
    made = closed(partner, boss)
    assert closed(partner, boss, "又一次").pk == made.pk
    assert (made.differences, made.words, made.booked) == (0, "", 160)
    after = month_of(partner=partner, month=APRIL)
    assert [(one.partner_no, one.move, one.theirs, one.told) for one in after.lines] == [
        (one.partner_no, one.move, one.theirs, one.told) for one in live.lines
    ]
    assert (after.differences, after.closed) == (0, made)
    may = month_of(partner=partner, month=MAY)  # what was taken back in May is of May
    assert [(one.partner_no, one.move) for one in may.lines] == [("T-3", "IN_BACK")]
    assert (may.into, may.points_in, may.booked) == (-60, -60, -60)
    assert AuditEntry.objects.filter(action="members.partner.closed").count() == 1
    assert not violations()


def test_differences_are_shown_one_by_one_and_need_words():
    partner, boss = april()
    told(partner, boss, "T-1,换入,90", "T-2,换入,100", "T-2,冲回换入,100", "X-9,换出,30")
    live = month_of(partner=partner, month=APRIL)
    words = {(one.partner_no, one.move): one.words for one in live.lines}
    assert words == {
        ("T-1", "IN"): "对方 90 分",
        ("T-2", "IN"): "相符",
        ("T-2", "IN_BACK"): "相符",
        ("T-3", "IN"): "对方没有这一笔",
        ("X-9", "OUT"): "我方没有这一笔",
    }
    assert live.differences == 3
    with pytest.raises(MonthRefused, match="3 处不同"):
        closed(partner, boss)
    made = closed(partner, boss, "对方系统漏记，已来函确认")
    assert (made.differences, made.into) == (3, 160)
    assert month_of(partner=partner, month=APRIL).differences == 3
    lone = PartnerStatementLine.objects.get(partner_no="X-9")
    assert (lone.theirs, lone.told, lone.order_id) == (None, 30, None)


def test_three_figures_do_where_there_is_no_file():
    partner, boss = april()
    figures = {"partner": partner, "month": APRIL, "at": IN_MAY, "actor": boss}
    for into in (150, 160):
        for _ in range(2):
            partner_months.tell_figures(exchanges=4, out=0, into=into, **figures)
    assert PartnerBill.objects.count() == 2  # the same again is the same
    assert month_of(partner=partner, month=APRIL).differences == 0
    partner_months.tell_figures(exchanges=4, out=0, into=150, **figures)
    assert month_of(partner=partner, month=APRIL).differences == 1
    with pytest.raises(MonthRefused, match="1 处不同"):
        closed(partner, boss)
    with pytest.raises(MonthRefused):
        partner_months.tell_figures(exchanges=-1, out=0, into=0, **figures)


def test_what_cannot_be_closed_or_noted():
    partner, boss = april()
    with pytest.raises(MonthRefused, match="还没有登记对方的账单"):
        closed(partner, boss)
    with pytest.raises(MonthRefused, match="还没有过完"):
        closed(partner, boss, "好的", month=MAY)
    with pytest.raises(MonthRefused, match="没有积分互换"):
        closed(partner, boss, "好的", month=date(2026, 3, 1))
    with pytest.raises(MonthRefused, match="还没有开始"):
        told(partner, boss, *WHOLE, month=date(2026, 6, 1))
    closed(partner, boss, "对方不出账单")
    with pytest.raises(MonthRefused, match="已经结账"):
        told(partner, boss, *WHOLE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "空的"),
        (HEAD.encode(), "只有表头"),
        ("单号,积分\n1,2\n".encode(), "事由"),
        (csv("1,飞,2"), "看不懂"),
        (csv("1,换入,x"), "不对"),
        (csv("1,换入,²"), "不对"),
        (csv("1,换入,1.5"), "不对"),
        (csv("1,换入,5", "1,换入,5"), "重复"),
        (b"\xff\xfe\x00rubbish\x81", "读不出|缺少列"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(content: bytes, words: str):
    with pytest.raises(Unreadable, match=words):
        read_bill("a.csv", content)
    with pytest.raises(Unreadable):
        read_bill("a.xlsx", content)


def test_a_file_is_read_with_other_heads_signs_and_sums():
    rows = '日期,单号,对方单号,事由,对方积分\n,JH1,A,换出,"-1,200"\n,JH2,B,冲回换出,+30\n合计,,,,1170\n'
    assert read_bill("a.csv", rows.encode("gb18030")) == [("A", "OUT", 1200), ("B", "OUT_BACK", 30)]
    assert read_bill("a.csv", b"no,way,points\nA,out,5\n") == [("A", "OUT", 5)]


def test_a_closed_month_takes_no_exchange_and_no_reversal_and_nothing_of_it_is_rewritten():
    partner, boss = april()
    told(partner, boss, *WHOLE)
    closed(partner, boss)
    member = make.member(partner.station)
    with pytest.raises(ExchangeRefused, match="已经结账"):
        exchanges.exchange(asked=Asked(partner, "T-9", "IN", member.number, 10), at=make.at(23))
    order = ExchangeOrder.objects.get(partner_no="T-1")
    with pytest.raises(ExchangeRefused, match="已经结账"):
        exchanges.reverse(order=order, reason="退票", at=make.at(23), actor=boss)
    with pytest.raises(IntegrityError, match="is closed with partner"), transaction.atomic():
        ExchangeOrder.objects.filter(pk=order.pk).update(
            state="REVERSED", reversed_at=make.NOW, reversed_day=make.TODAY, back_txn=order.txn
        )
    for sql in (
        "UPDATE members_partnerstatement SET booked = 1",
        "DELETE FROM members_partnerstatementline",
        "UPDATE members_partnerbill SET exchanges = 1",
    ):
        refused = pytest.raises((IntegrityError, InternalError))
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    again = exchanges.reverse(order=order, reason="退票", at=IN_MAY, actor=boss)
    assert again.reversed_day == date(2026, 5, 3)  # of May, which is open


@pytest.mark.django_db(transaction=True)
def test_an_exchange_against_the_close_is_in_the_statement_or_refused():
    partner, boss = april()
    told(partner, boss, *WHOLE)
    people = [make.member(partner.station) for _ in range(6)]
    gate, said = threading.Barrier(8), []

    def run(act) -> None:
        gate.wait()
        try:
            act()
        except Refusal as refusal:
            said.append(str(refusal))
        finally:
            connection.close()

    def ask(turn: int) -> None:
        asked = Asked(partner, f"R-{turn}", "IN", people[turn].number, 20)
        exchanges.exchange(asked=asked, at=make.at(23))

    acts = [lambda turn=turn: ask(turn) for turn in range(6)]
    acts += [lambda: closed(partner, boss, "同时")] * 2
    threads = [threading.Thread(target=run, args=(one,)) for one in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    made = PartnerStatement.objects.get()
    done = ExchangeOrder.objects.filter(partner_no__startswith="R-").count()
    assert made.exchanges == 4 + done
    assert len(said) == 6 - done
    assert all("已经结账" in one for one in said)
    assert made.booked == 160 + 20 * done
    assert not violations()


def test_the_month_on_its_page():
    partner, _ = counterpart()
    member = make.member(partner.station)
    mall.give(member, 1000)
    first = (localdate().replace(day=1) - timedelta(days=1)).replace(day=1)
    before = now() - timedelta(days=localdate().day)
    exchanges.exchange(asked=Asked(partner, "T-1", "IN", member.number, 100), at=before)
    books = make.signed_in(make.accountant(partner.station))
    service = make.signed_in(make.service(partner.station))
    page = f"/members/partners/{partner.code}/months/{first:%Y-%m}/"
    assert page in books.get(f"/members/partners/{partner.code}/").text
    assert "还没有登记对方的账单" in books.get(page).text
    assert "结账</button>" not in service.get(page).text
    assert service.post(f"{page}close/").status_code == 403
    assert books.post(f"{page}close/", {"reason": ""}).status_code == 422
    assert books.post(f"{page}bill/", {"exchanges": "1"}).status_code == 422
    rubbish = SimpleUploadedFile("a.csv", b"rubbish")
    assert books.post(f"{page}bill/", {"file": rubbish}).status_code == 422
    file = SimpleUploadedFile("star.csv", csv("T-1,换入,90"))
    assert books.post(f"{page}bill/", {"file": file}).status_code == 302
    shown = books.get(page).text
    assert "1 处不同" in shown
    assert "对方 90 分" in shown
    assert "star.csv" in shown
    assert books.post(f"{page}close/", {"reason": "对方少记，下月补"}).status_code == 302
    shown = books.get(page).text
    assert "已结账" in shown
    assert "对方少记，下月补" in shown
    assert "已结，有 1 处不同" in books.get(f"/members/partners/{partner.code}/").text
    answer = books.post(f"{page}bill/", {"exchanges": "1", "out": "0", "into": "100"})
    assert (answer.status_code, "已经结账" in answer.text) == (422, True)
    export = b"".join(books.get(page, {"export": "csv"}))  # type: ignore[arg-type]
    assert "对方 90 分" in export.decode("utf-8-sig")
    for odd in ("2026-13", "2026-4", "x", "9999-01", "²026-01"):
        assert books.get(f"/members/partners/{partner.code}/months/{odd}/").status_code == 404
    other = make.signed_in(make.stranger())
    assert other.get(page).status_code == 404
