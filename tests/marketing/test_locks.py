"""锁价 from the grant to the sale and back: litres that are counted, taken once, returned, over."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from marketing.models import OfferUse, PriceLock, PriceLockMove
from marketing.services import locks
from marketing.services.locks import LockDecided, LockRefused
from marketing.tasks import expire_locks
from members.models import PointsAccount
from members.services import closing, merging
from sales.models import Sale
from sales.queries.offers import reductions_of
from sales.queries.receipts import paper_of, sale_for_paper
from sales.services import offering, refunds, settling
from sales.services.refunds import RefundLine
from station.doors import DOSSIERS
from station.models import AuditEntry
from tests import make
from tests.marketing.offers import lock, promotion

pytestmark = pytest.mark.django_db
Kind = PriceLockMove.Kind


def ground(**fields):
    """A till, a member with 50 litres of 92# at 7.20, and the posted price 8.00."""
    till = make.session()
    zhang = make.member(till.station)
    return till, zhang, lock(till.station, zhang, **fields)


def sell(till, member, paid: str, litres: str = "30.00", price: str = "8.00", **fields) -> Sale:
    fill = make.fill_at(till.station, litres, price)
    who = member.pk if member else None
    return make.sale(till, fills=[fill], member=who, tenders=[("CASH", paid)], **fields)


def correct(sale: Sale, key: str, amount: str = "", at=make.NOW) -> Sale:
    """Money back of the one line, or the whole sale reversed."""
    said = {
        "sale": sale, "reason": "客人有异议", "session": sale.session,
        "actor": make.manager(sale.station), "at": at, "key": key,
    }  # fmt: skip
    if not amount:
        return refunds.reverse(**said)
    return refunds.refund(lines=[RefundLine(1, amount=D(amount))], **said)


def left(one: PriceLock) -> D:
    """What is left, which is always what came less what went."""
    one.refresh_from_db()
    assert one.left == (one.moves.aggregate(s=Sum("litres"))["s"] or 0)
    return one.left


# ------------------------------------------------------------------------------ given


@pytest.mark.req("SAL-17")
def test_the_database_refuses_a_lock_that_is_not_what_its_moves_make_and_other_facts_of_it():
    station = make.station()
    one = lock(station, make.member(station))
    for change in ('"left" = 49', "price = 1.00", "litres = 60"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE marketing_pricelock SET {change} WHERE id = {one.pk};"
                " SET CONSTRAINTS ALL IMMEDIATE"
            )

    def move_alone() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            PriceLockMove.objects.create(lock=one, kind=Kind.USED, litres=D(-1), at=make.NOW)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(DatabaseError):
        move_alone()


@pytest.mark.req("SAL-17")
def test_what_is_given_in_parts_counts_together_for_the_limits_of_one_person():
    station = make.station()
    giver = make.marketer(station)

    def give(litres: int, **fields) -> str:
        return lock(station, make.member(station), litres=D(litres), actor=giver, **fields).status

    assert [give(400), give(400), give(200), give(100)] == [
        "APPROVED", "PLANNED", "APPROVED", "PLANNED",
    ]  # fmt: skip
    assert give(400, at=make.NOW + timedelta(days=1)) == "APPROVED"
    assert lock(station, make.member(station), litres=D(400)).status == "APPROVED"


@pytest.mark.req("SAL-17")
def test_what_is_within_one_persons_limits_is_in_force_at_once_and_twice_is_once():
    station = make.station()
    zhang = make.member(station)
    one = lock(station, zhang, key="once")
    assert (one.status, one.left, one.list_price) == ("APPROVED", D(50), D("8.00"))
    assert lock(station, zhang, key="once") == one
    assert PriceLock.objects.count() == PriceLockMove.objects.count() == 1
    assert left(one) == 50
    [trail] = AuditEntry.objects.filter(document=one.number)
    assert (trail.action, trail.reason) == ("marketing.lock.granted", "春耕锁价")


@pytest.mark.req("SAL-17")
@pytest.mark.parametrize(("price", "litres"), [("7.20", "626"), ("8.00", "1001")])
def test_more_waits_for_another_person(price, litres):
    station = make.station()
    one = lock(station, make.member(station), price=price, litres=litres)
    assert (one.status, one.left) == ("PLANNED", 0)
    with pytest.raises(LockRefused, match="换一人"):
        locks.approve(lock=one, actor=one.granted_by, at=make.NOW)
    wang = make.manager(station)
    locks.approve(lock=one, actor=wang, at=make.NOW)
    assert left(one) == D(litres)
    with pytest.raises(LockDecided, match="已生效"):
        locks.approve(lock=one, actor=wang, at=make.NOW)
    with pytest.raises(LockDecided):
        locks.reject(lock=one, actor=wang, at=make.NOW, reason="迟了")


def test_nobody_gives_or_approves_litres_of_his_own():
    station = make.station()
    wang, his = make.manager(station), make.member(station)
    one = lock(station, his, litres="1001")
    PointsAccount.objects.create(member=his, staff=wang)
    with pytest.raises(LockRefused, match="你本人账户"):
        locks.approve(lock=one, actor=wang, at=make.NOW)
    wish = locks.Wish(one.grade, D("7.20"), D(1), one.valid_until, reason="老客户")
    for members in ([his], [make.member(station), his]):
        with pytest.raises(LockRefused, match="你本人的账户"):
            locks.grant(
                station=station, wish=wish, members=members, actor=wang, at=make.NOW, key="own"
            )
    assert PriceLock.objects.count() == 1


def test_what_is_sent_back_gives_nothing_and_what_is_over_is_not_approved():
    station = make.station()
    wang, zhang = make.manager(station), make.member(station)
    one = lock(station, zhang, litres="2000")
    with pytest.raises(LockRefused, match="原因"):
        locks.reject(lock=one, actor=wang, at=make.NOW, reason=" ")
    locks.reject(lock=one, actor=wang, at=make.NOW, reason="太多")
    assert (left(one), one.status) == (0, "REJECTED")
    with pytest.raises(LockDecided):
        locks.stop(lock=one, actor=wang, at=make.NOW, reason="停")
    late = lock(station, zhang, litres="2000")
    with pytest.raises(LockRefused, match="已过到期时间"):
        locks.approve(lock=late, actor=wang, at=late.valid_until)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"price": "0"}, "锁定单价"),
        ({"price": "8.01"}, "高于现在的挂牌价"),
        ({"litres": "0"}, "升数"),
        ({"valid_until": make.NOW - timedelta(days=1)}, "已经过了"),
        ({"valid_until": make.NOW.replace(year=2100)}, "年份"),
    ],
)
def test_what_is_no_lock_is_refused(fields, words):
    station = make.station()
    with pytest.raises(LockRefused if words != "年份" else Exception, match=words):
        lock(station, make.member(station), **fields)
    assert not PriceLock.objects.exists()


def test_without_a_posted_price_nobody_knows_what_it_costs_so_another_looks():
    station = make.station()
    wish = locks.Wish(make.grade("98#"), D("8.50"), D(10), make.NOW + timedelta(days=1), "试")
    [one] = locks.grant(
        station=station, wish=wish, members=[make.member(station)],
        actor=make.manager(station), at=make.NOW, key="a",
    )  # fmt: skip
    assert (one.status, one.list_price) == ("PLANNED", None)
    with pytest.raises(LockRefused, match="没有会员"):
        locks.grant(station=station, wish=wish, members=[], actor=make.manager(station),
                    at=make.NOW, key="b")  # fmt: skip


@pytest.mark.req("SAL-17")
def test_the_database_keeps_the_balance_between_none_and_all_and_the_ledger_for_ever():
    _, _, one = ground()
    rows = PriceLock.objects.filter(pk=one.pk)
    for change in ({"left": D("-0.001")}, {"left": D("50.001")}, {"status": "STOPPED"},
                   {"approved_by": one.granted_by}, {"price": 0}):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
    for refused in (
        lambda: PriceLockMove.objects.update(litres=1),
        lambda: PriceLockMove.objects.all().delete(),
        lambda: connection.cursor().execute("DELETE FROM marketing_pricelock"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            refused()


# ------------------------------------------------------------------------------ sold


@pytest.mark.req("SAL-17")
def test_a_sale_takes_his_litres_and_says_so_on_the_receipt():
    till, zhang, one = ground()
    sale = sell(till, zhang, "216.00")
    line = sale.lines.get()
    assert (line.list_amount, line.quantity, line.unit_price) == (D("240.00"), D(30), D("8.00"))
    assert (sale.discount, sale.due) == (D("24.00"), D("216.00"))
    assert left(one) == 20
    move = one.moves.get(kind=Kind.USED)
    assert (move.document, move.line, move.litres) == (sale.number, 1, D(-30))
    use = OfferUse.objects.get()
    assert (use.lock, use.campaign, use.amount) == (one, "锁价", D("24.00"))
    paper = sale_for_paper(document=sale.number)
    words = "锁价 ¥7.20 × 30.00 升（余 20.00 升）"
    assert [one.name for one in reductions_of(paper)[1]] == [words]
    assert any(words in row.left for row in paper_of(sale=paper).rows)
    assert sell(till, zhang, "224.00").discount == D("16.00")  # the last twenty
    assert sell(till, zhang, "240.00").discount == 0


def test_the_same_ticket_again_takes_them_once():
    till, zhang, one = ground()
    fill = make.fill_at(till.station, "30.00", "8.00")
    ticket = make.ticket(fills=[fill], member=zhang.pk, tenders=[("CASH", "216.00")])
    first = settling.settle(ticket, session=till, actor=till.cashier, at=make.NOW)
    assert settling.settle(ticket, session=till, actor=till.cashier, at=make.NOW) == first
    assert left(one) == 20


def test_nobody_elses_frozen_or_late_ones_are_used():
    till, zhang, one = ground()
    assert sell(till, None, "240.00").discount == 0
    assert sell(till, make.member(till.station), "240.00").discount == 0
    late = one.valid_until
    assert sell(till, zhang, "240.00", at=late).discount == 0
    zhang.status = "FROZEN"
    zhang.save()
    assert sell(till, zhang, "240.00").discount == 0
    assert left(one) == 50


def test_it_goes_together_with_a_promotion_on_the_other_litres():
    till, zhang, one = ground(litres="20")
    promotion(till.station, amount=D("0.30"))
    sale = sell(till, zhang, "221.00")
    assert sorted(OfferUse.objects.values_list("amount", flat=True)) == [D("3.00"), D("16.00")]
    assert (sale.discount, left(one)) == (D("19.00"), 0)


def test_the_quote_of_the_till_says_how_it_stands():
    till, zhang, _ = ground()
    fill = make.fill_at(till.station, "30.00", "8.00")
    ticket = make.ticket(fills=[fill], member=zhang.pk)
    offer = offering.quote(ticket=ticket, session=till, actor=till.cashier, at=make.NOW).offer
    [told] = offer.locks
    assert (told.name, told.litres, told.left) == ("锁价 92# ¥7.20", D(30), D(20))


def test_a_member_without_locks_asks_nothing_of_them():
    till = make.session()
    zhang = make.member(till.station)
    make.tenders()
    fill = make.fill_at(till.station, "30.00", "8.00")
    ticket = make.ticket(fills=[fill], member=zhang.pk, tenders=[("CASH", "240.00")])
    with CaptureQueriesContext(connection) as seen:
        settling.settle(ticket, session=till, actor=till.cashier, at=make.NOW)
    asked = [one["sql"] for one in seen if "pricelock" in one["sql"]]
    assert len(asked) == 1  # the statement that locks the session, which asks whether there are any
    assert "sales_sale" in asked[0]


# ------------------------------------------------------------------------------ back


@pytest.mark.req("SAL-17")
def test_a_refund_gives_them_back_in_proportion_and_all_of_them_with_the_whole():
    till, zhang, one = ground()
    sale = sell(till, zhang, "216.00")
    correct(sale, "r1", "72.00")
    correct(sale, "r1", "72.00")  # twice is once
    assert left(one) == 30  # a third of the money, a third of the thirty litres
    correct(sale, "r2", "0.01")
    assert left(one) == D("30.001")
    correct(sale, "r3", "143.99")
    assert left(one) == 50
    back = one.moves.filter(kind=Kind.RETURNED).order_by("pk")
    assert [move.litres for move in back] == [D(10), D("0.001"), D("19.999")]
    assert {move.original.document for move in back} == {sale.number}


@pytest.mark.req("SAL-17")
def test_a_reversal_gives_them_back_and_the_next_sale_takes_them_again():
    till, zhang, one = ground()
    sale = sell(till, zhang, "216.00")
    correct(sale, "x1")
    assert left(one) == 50
    assert sum(use.amount for use in OfferUse.objects.all()) == 0
    assert sell(till, zhang, "216.00").discount == D("24.00")
    assert left(one) == 20


def test_what_comes_back_after_its_time_is_good_for_some_days_and_the_rest_is_over():
    till, zhang, one = ground()
    sale = sell(till, zhang, "216.00")
    late = one.valid_until + timedelta(days=1)
    correct(sale, "x1", at=late)
    assert left(one) == 30  # the twenty that were over stay over
    assert one.valid_until == late + timedelta(days=7)
    assert one.moves.get(kind=Kind.EXPIRED).litres == D(-20)


def test_a_lock_that_was_stopped_gets_nothing_back():
    till, zhang, one = ground()
    sale = sell(till, zhang, "216.00")
    wang = make.manager(till.station)
    with pytest.raises(LockRefused, match="原因"):
        locks.stop(lock=one, actor=wang, at=make.NOW, reason="")
    locks.stop(lock=one, actor=wang, at=make.NOW, reason="发错了")
    assert (left(one), one.status) == (0, "STOPPED")
    correct(sale, "x1")
    assert left(one) == 0
    assert sell(till, zhang, "240.00").discount == 0


def test_what_is_over_is_taken_back_once():
    _, _, one = ground(valid_until=make.NOW + timedelta(minutes=1))
    assert locks.expire(at=make.NOW + timedelta(hours=24)) == 0
    assert locks.expire(at=make.NOW + timedelta(hours=24, minutes=1)) == 1
    assert locks.expire(at=make.NOW + timedelta(hours=24, minutes=1)) == 0
    assert left(one) == 0
    expire_locks()


def test_they_go_with_the_member_when_two_become_one_and_back():
    till, zhang, one = ground()
    stays = make.member(till.station)
    row = merging.merge(survivor=stays, merged=zhang, reason="一个人", at=make.NOW,
                        actor=make.manager(till.station))  # fmt: skip
    one.refresh_from_db()
    assert one.member == stays
    assert sell(till, zhang, "216.00").member == stays  # the old number is read at the till
    assert left(one) == 20
    merging.undo(merge=row, reason="弄错了", at=make.NOW, actor=make.manager(till.station))
    one.refresh_from_db()
    assert (one.member, left(one)) == (zhang, 20)


def test_they_end_with_the_membership_and_stand_in_his_file():
    till, zhang, one = ground()
    told = {part.name: part for path in DOSSIERS for part in import_string(path)(member=zhang)}
    assert told["锁价"].rows[0][:3] == (one.number, "92#", D("7.20"))
    closing.forget(member=zhang, reason="本人要求", at=make.NOW, actor=make.manager(till.station))
    assert (left(one), one.status) == (0, "STOPPED")


def test_a_discount_by_hand_is_told_apart_though_the_reasons_are_longer_than_the_line_keeps():
    till, zhang, _ = ground(litres="10")
    lock(till.station, zhang, price="7.30", litres="10")
    promotion(
        till.station, name="满二百减二十", benefit="THRESHOLD", amount=D(20), threshold=D(200)
    )
    sale = sell(till, zhang, "203.00", discount="2.00", reason="老客户")  # 240 − 8 − 7 − 20 − 2
    line = sale.lines.get()
    assert len(line.discount_reason) == 60
    told = reductions_of(sale_for_paper(document=sale.number))[1]
    assert [one.amount for one in told] == [D("8.00"), D("7.00"), D("20.00"), D("2.00")]
    assert told[-1].name == "优惠"
