"""员工手机: claimed by one, paid once, by the till's own rules; and the money he holds is his session."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection
from django.test import Client
from django.utils.timezone import localdate, now

from marketing.models import CodeTry
from members.models import Presence
from members.queries.present_codes import code_for
from members.services import redemptions, value_accounts, value_codes
from sales.models import FillClaim, FillLease, Receipt, Sale
from sales.queries import attending
from sales.services import refunds
from sales.services.printing import print_waiting
from station.models import AuditEntry, Crew, TillSession
from tests import make
from tests.members import rewards as mall

pytestmark = [pytest.mark.django_db, pytest.mark.req("CHN-05")]
HERE = "/sales/attendant/"


def ground(station=None, fills: int = 1):
    """A station with a shift, an attendant with a session of his own on a phone's till, and fills."""
    station = station or today()
    sun = make.attendant(station)
    session = make.session(station, cashier=sun, till=make.till(station, name="手机 1"))
    make.tenders()
    made = [make.fill_at(station) for _ in range(fills)]
    return session, made, make.signed_in(sun)


def today():
    """A station that rounds cash to jiao, on a day of today: the pumps look back a week."""
    station = make.station(rounding_step="0.1")
    make.day(station, date=localdate())
    return station


def at_the_till(station):
    """Another session, of a cashier at a till of her own."""
    return make.session(station, till=make.till(station))


def claimed(client: Client, fill) -> None:
    answer = client.post(f"{HERE}fills/{fill.pk}/claim/")
    assert answer["Location"] == f"{HERE}fills/{fill.pk}/"


def paying(page: str, code: str = "CASH", **more: object) -> dict[str, object]:
    """The fields of the form of a tender, as they stand on the page."""
    form = next(
        one
        for one in re.findall(r"<form class=\"hand-pay\".*?</form>", page, re.S)
        if f'name="tender" value="{code}"' in one
    )
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form)) | more


def bill(client: Client, fill, **fields: object) -> str:
    return client.post(
        f"{HERE}fills/{fill.pk}/", fields, headers={"HX-Request": "true"}
    ).content.decode()


def named(page: str, at: int = 0) -> str:
    """The sealed member of a page: the first, or a later one where several are to choose from."""
    return list(dict.fromkeys(re.findall(r'name="member" value="([^"]+)"', page)))[at]


def pay(client: Client, fill, page: str, code: str = "CASH", **more: object):
    return client.post(f"{HERE}fills/{fill.pk}/settle/", paying(page, code, **more))


# ------------------------------------------------------------------------------ where he stands


def test_the_phone_shows_the_island_that_the_shift_gave_him_and_keeps_another_one():
    station = make.station()
    here, there = make.island(station), make.island(station)
    near = make.nozzle(station, dispenser=make.dispenser(station))
    near.dispenser.island = here
    near.dispenser.save()
    far = make.nozzle(station, dispenser=make.dispenser(station))
    far.dispenser.island = there
    far.dispenser.save()
    shift, sun = make.shift(station), make.attendant(station)
    Crew.objects.create(shift=shift, user=sun, post="ATTENDANT", island=here)
    client = make.signed_in(sun)
    page = client.get(HERE).content.decode()
    assert f"{near.number} 号枪" in page
    assert f"{far.number} 号枪" not in page
    client.post(f"{HERE}place/", {"island": there.pk})
    page = client.get(HERE).content.decode()
    assert f"{far.number} 号枪" in page
    assert f"{near.number} 号枪" not in page
    client.post(f"{HERE}place/", {"island": "all"})
    page = client.get(HERE).content.decode()
    assert f"{near.number} 号枪" in page
    assert f"{far.number} 号枪" in page
    client.post(f"{HERE}place/", {"island": "²"})
    assert client.get(HERE).status_code == 200


def test_pumps_that_did_not_change_are_not_sent_again():
    session, (fill,), client = ground()
    page = client.get(HERE).content.decode()
    seen = re.search(r"pumps/\?seen=([^\"]+)\"", page)[1]
    assert client.get(f"{HERE}pumps/?seen={seen}").status_code == 204
    make.fill(fill.nozzle)
    changed = client.get(f"{HERE}pumps/?seen={seen}")
    assert changed.status_code == 200
    assert changed.content.decode().count("hand-fill") == 2
    assert session.till.name == "手机 1"


def test_it_is_the_home_of_an_attendant_and_nobodys_elses_business():
    station = make.station()
    assert make.signed_in(make.attendant(station)).get("/")["Location"] == HERE
    assert make.signed_in(make.marketer(station)).get(HERE).status_code == 403
    other = make.station()
    fill = make.fill_at(other)
    client = make.signed_in(make.attendant(station))
    assert client.post(f"{HERE}fills/{fill.pk}/claim/").status_code == 404


# ------------------------------------------------------------------------------ cash


def test_a_fill_is_claimed_and_paid_in_cash_into_his_own_session():
    session, (fill,), client = ground()
    claimed(client, fill)
    assert FillLease.objects.get().session == session
    page = client.get(f"{HERE}fills/{fill.pk}/").content.decode()
    done = pay(client, fill, page, given="300")
    sale = Sale.objects.get()
    assert done["Location"] == f"{HERE}sales/{sale.number}/"
    assert (sale.session, sale.cashier) == (session, session.cashier)
    assert sale.due == Decimal("200.00")  # 200.02, rounded to jiao
    assert sale.payments.filter(kind="CHANGE").get().amount == Decimal("-100.00")
    receipt = client.get(done["Location"]).content.decode()
    assert sale.number in receipt
    again = client.get(f"{HERE}fills/{fill.pk}/")
    assert again["Location"] == done["Location"]
    stranger = make.signed_in(make.attendant(session.station))
    assert stranger.get(done["Location"]).status_code == 404


def test_without_a_session_nothing_is_claimed():
    station = make.station()
    make.shift(station)
    fill, client = make.fill_at(station), make.signed_in(make.attendant(station))
    answer = client.post(f"{HERE}fills/{fill.pk}/claim/", follow=True)
    assert "还没有开收银班" in answer.content.decode()
    assert client.get(f"{HERE}fills/{fill.pk}/")["Location"] == f"{HERE}session/"
    assert client.post(f"{HERE}fills/{fill.pk}/settle/")["Location"] == f"{HERE}session/"
    assert not FillLease.objects.exists()


def test_what_was_not_claimed_is_not_paid_and_can_be_given_back():
    session, (fill,), client = ground()
    page = client.get(f"{HERE}fills/{fill.pk}/", follow=True).content.decode()
    assert "还没有认领" in page
    claimed(client, fill)
    client.post(f"{HERE}fills/{fill.pk}/let-go/")
    assert not FillLease.objects.exists()
    make.sale(at_the_till(session.station), [fill])
    told = client.get(f"{HERE}fills/{fill.pk}/", follow=True).content.decode()
    assert Sale.objects.get().number in told


def test_a_price_that_moved_is_said_before_anything_is_taken():
    _, (fill,), client = ground()
    claimed(client, fill)
    page = client.get(f"{HERE}fills/{fill.pk}/").content.decode()
    answer = pay(client, fill, page, due="1.00")
    assert answer.status_code == 422
    assert "屏幕上是 1.00 元" in answer.content.decode()
    assert not Sale.objects.exists()


def test_a_card_wants_its_slip_and_the_rubbish_of_a_form_is_refused():
    _, (fill,), client = ground()
    claimed(client, fill)
    page = client.get(f"{HERE}fills/{fill.pk}/").content.decode()
    card = next(
        one
        for one in re.findall(r'name="tender" value="(\w+)"', page)
        if one not in ("CASH", "MEMBER")
    )
    answer = pay(client, fill, page, card)
    assert "凭证号" in answer.content.decode()
    for broken in ({"tender": "X"}, {"due": "abc"}, {"member": "9" * 40}, {"given": "1e9"}):
        assert client.post(f"{HERE}fills/{fill.pk}/settle/", paying(page) | broken).status_code in (
            409,
            422,
        )
    for text in ("", "x", "²", "9" * 60, "HY" + "A" * 28):
        assert (
            client.post(f"{HERE}fills/{fill.pk}/", {"find": text, "code": text}).status_code < 500
        )
        assert client.post(f"{HERE}verify/", {"code": text}).status_code < 500
    assert not Sale.objects.exists()
    done = pay(client, fill, page, card, reference="004711")
    assert done.status_code == 302
    assert Sale.objects.get().due == fill.amount


def test_what_was_reversed_is_paid_anew():
    session, (fill,), client = ground()
    claimed(client, fill)
    pay(client, fill, client.get(f"{HERE}fills/{fill.pk}/").content.decode())
    first = Sale.objects.get()
    refunds.reverse(
        sale=first,
        session=session,
        reason="加错",
        actor=make.manager(session.station),
        at=now(),
        key="r1",
    )
    claimed(client, fill)
    pay(client, fill, client.get(f"{HERE}fills/{fill.pk}/").content.decode())
    assert Sale.objects.filter(kind="SALE").count() == 2


# ------------------------------------------------------------------------------ one wins


def both(*acts):
    """Run two acts on threads of their own, begun together."""
    start, answers = threading.Barrier(len(acts)), []

    def run(act) -> None:
        start.wait()
        answers.append(act())
        connection.close()

    threads = [threading.Thread(target=run, args=(one,)) for one in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_two_attendants_on_one_fill_one_has_it_and_the_other_is_told():
    first, (fill,), one = ground()
    second, _, other = ground(first.station, fills=0)
    claim = f"{HERE}fills/{fill.pk}/claim/"
    answers = both(lambda: one.post(claim), lambda: other.post(claim))
    assert sorted(one["Location"] for one in answers) == [HERE, f"{HERE}fills/{fill.pk}/"]
    winner = FillLease.objects.get().session
    loser = other if winner == first else one
    told = loser.get(HERE).content.decode()
    assert f"{winner.till.number} 号收银台" in told
    assert first != second


@pytest.mark.django_db(transaction=True)
def test_two_attendants_who_both_take_money_make_one_sale():
    """A lease that ran out while the first was counting: the claim decides in the database."""
    first, (fill,), one = ground()
    _, _, other = ground(first.station, fills=0)
    claimed(one, fill)
    page = one.get(f"{HERE}fills/{fill.pk}/").content.decode()
    FillLease.objects.update(expires_at=make.NOW)
    claimed(other, fill)
    hers = other.get(f"{HERE}fills/{fill.pk}/").content.decode()
    answers = both(lambda: pay(one, fill, page), lambda: pay(other, fill, hers))
    sale = Sale.objects.get()
    assert FillClaim.objects.filter(released_at=None).count() == 1
    assert sorted(one["Location"] for one in answers) == [HERE, f"{HERE}sales/{sale.number}/"]


@pytest.mark.django_db(transaction=True)
def test_a_double_tap_is_one_sale():
    _, (fill,), client = ground()
    claimed(client, fill)
    page = client.get(f"{HERE}fills/{fill.pk}/").content.decode()
    twin = Client()
    twin.cookies = client.cookies
    answers = both(lambda: pay(client, fill, page), lambda: pay(twin, fill, page))
    sale = Sale.objects.get()
    assert {one["Location"] for one in answers} == {f"{HERE}sales/{sale.number}/"}
    assert sale.payments.count() == 1


# ------------------------------------------------------------------------------ the member


def test_a_member_is_known_by_his_phones_code_and_what_to_say_stands_there():
    session, (fill,), client = ground()
    member = make.member(session.station, name="张建国", plate="云A12345")
    mall.give(member, 2000)
    usual = make.grade("95#")
    mall.reward("机油", 90000)
    gun, hers = make.nozzle(session.station, usual), at_the_till(session.station)
    for _ in range(2):
        make.sale(hers, [make.fill(gun, at=now())], member=member.pk, at=now())
    claimed(client, fill)
    page = bill(client, fill, find=code_for(member_id=member.pk, at=now()))
    assert "张*国" in page
    assert "积分 2" in page
    assert "常加 95#" in page
    assert "这次是 92#，请核对" in page
    assert "分可换「机油」" in page
    assert Presence.objects.get().seen_by == session.cashier
    by_tail = bill(client, fill, find=member.number)
    assert "张*国" in by_tail
    assert "没有找到会员" in bill(client, fill, find="9999")
    several = (
        make.member(session.station, phone="13900015678"),
        make.member(session.station, phone="13800015678"),
    )
    listed = bill(client, fill, find="5678")
    assert listed.count("hand-hit") == len(several)
    chosen = bill(client, fill, member=named(listed))
    assert "139****5678" in chosen
    assert "换会员" not in bill(client, fill, member=named(listed), drop="1")
    assert "138****5678" in bill(client, fill, member=named(listed, 1))


def test_points_pay_a_part_and_the_sale_is_the_members():
    session, (fill,), client = ground()
    member = make.member(session.station)
    mall.give(member, 5000)
    claimed(client, fill)
    page = bill(client, fill, find=member.number)
    page = bill(client, fill, member=named(page), with_points="1")
    assert "积分抵" in page
    refused = pay(client, fill, page)  # who knows his number only spends no more than a little
    assert refused.status_code == 422
    assert "2000 分以上要会员本人在场" in refused.content.decode()
    page = bill(client, fill, find=code_for(member_id=member.pk, at=now()))
    page = bill(client, fill, member=named(page), with_points="1")
    done = pay(client, fill, page)
    assert done.status_code == 302
    sale = Sale.objects.get()
    assert sale.member == member
    assert sale.due < fill.amount
    assert mall.balance(member) < 5000


@pytest.mark.req("SEC-02")
def test_only_a_member_who_was_found_for_this_fill_by_this_person_is_named():
    session, fills, client = ground(fills=2)
    second, (other,), hers = ground(session.station)
    member = make.member(session.station)
    fill, page = fills[0], ""
    for one in fills:
        claimed(client, one)
    claimed(hers, other)
    good = named(bill(client, fill, find=member.number))
    assert "换会员" in bill(client, fill, member=good)
    sealed = partial(attending.named, member_id=member.pk, fill_id=fill.pk)
    old = sealed(session=session, at=now() - attending.NAMED_LIFE - timedelta(seconds=1))
    for told in (
        member.pk,
        good[:-1],
        f"{good}x",
        old,
        "²",
        "a:b",
        sealed(session=second, at=now()),
    ):
        page = bill(client, fill, member=told)
        assert "会员没有选上" in page
        assert "换会员" not in page
        refused = pay(
            client, fill, client.get(f"{HERE}fills/{fill.pk}/").content.decode(), member=told
        )
        assert refused.status_code == 422
        assert "会员没有选上" in refused.content.decode()
    assert "会员没有选上" in bill(client, fills[1], member=good)
    assert "会员没有选上" in bill(hers, other, member=good)
    assert not Sale.objects.exists()
    assert pay(client, fill, bill(client, fill, member=good)).status_code == 302
    assert Sale.objects.get().member == member


def test_codes_in_the_hidden_field_are_counted_too():
    session, (fill,), client = ground()
    claimed(client, fill)
    page = bill(client, fill, codes="ABCDEFGHJKMNPQ,ABCDEFGHJKMNPR")
    assert "没有这张券" in page
    assert sum(CodeTry.objects.values_list("wrong", flat=True)) == 2
    assert session.pk


def test_stored_value_pays_by_the_code_of_its_holder_once():
    session, fills, client = ground(fills=2)
    member = make.member(session.station)
    account = make.value_account(member)
    make.top_up(at_the_till(session.station), account, "1000.00")
    code = value_codes.issue(account=account, at=now())
    for fill in fills:
        claimed(client, fill)
    page = client.get(f"{HERE}fills/{fills[0].pk}/").content.decode()
    assert pay(client, fills[0], page, "MEMBER").status_code == 422
    done = pay(client, fills[0], page, "MEMBER", pay_code=code)
    assert done.status_code == 302
    account.refresh_from_db()
    assert account.balance == Decimal(1000) - fills[0].amount
    page = client.get(f"{HERE}fills/{fills[1].pk}/").content.decode()
    again = pay(client, fills[1], page, "MEMBER", pay_code=code)
    assert "已付过" in again.content.decode()
    value_accounts.set_pin(
        account=account, pin="482913", at=now(), actor=make.manager(session.station)
    )
    page = bill(client, fills[1], find=member.number)
    assert "支付密码" in page
    wrong = pay(client, fills[1], page, "MEMBER", pin="111222")
    assert "支付密码不对" in wrong.content.decode()
    assert pay(client, fills[1], page, "MEMBER", pin="482913").status_code == 302


# ------------------------------------------------------------------------------ afterwards


def test_the_receipt_comes_out_of_a_printer_of_the_station_once():
    session, (fill,), client = ground()
    printer = make.printer(make.till(session.station, name="店里"))
    claimed(client, fill)
    pay(client, fill, client.get(f"{HERE}fills/{fill.pk}/").content.decode())
    number = Sale.objects.get().number
    assert printer.name in client.get(f"{HERE}sales/{number}/").content.decode()
    for told in ("", "²", "0", printer.pk, printer.pk):
        client.post(f"{HERE}sales/{number}/print/", {"printer": told})
    assert Receipt.objects.get().printer == printer
    assert print_waiting(at=now()) == 1


def test_a_service_code_is_used_once_and_wrong_ones_are_counted():
    session, _, client = ground(fills=0)
    member = make.member(session.station)
    mall.give(member, 5000)
    order = redemptions.redeem(
        wish=mall.wish(member, mall.reward("洗车", 500, "SERVICE", days_valid=30), session.station),
        presence=mall.seen(),
        at=now(),
        actor=session.cashier,
    )
    done = client.post(f"{HERE}verify/", {"code": order.code}, follow=True)
    assert "已核销：洗车" in done.content.decode()
    again = client.post(f"{HERE}verify/", {"code": order.code})
    assert again.status_code == 422
    for _ in range(40):
        last = client.post(f"{HERE}verify/", {"code": "ZZZZZZZZ"})
    assert "输错太多次" in last.content.decode()


def test_the_code_of_a_nozzle_opens_its_fill_for_who_is_signed_in():
    _, (fill,), client = ground()
    address = f"{HERE}nozzles/{fill.nozzle_id}/"
    assert Client().get(address)["Location"].startswith("/sign-in/?next=")
    page = client.get(address).content.decode()
    assert f"/fills/{fill.pk}/claim/" in page
    sheet = client.get(f"{HERE}nozzles/").content.decode()
    assert sheet.count("<figure") == 1
    assert "支付通道" in sheet
    claimed(client, fill)
    pay(client, fill, client.get(f"{HERE}fills/{fill.pk}/").content.decode())
    assert "没有待付款" in client.get(address).content.decode()


# ------------------------------------------------------------------------------ his own session


def test_he_opens_ends_counts_blind_and_hands_over():
    station = today()
    make.shift(station)
    make.tenders()
    phone = make.till(station, name="手机 1")
    make.printer(make.till(station, name="店里"))
    sun, li = make.attendant(station), make.cashier(station)
    for one in (sun, li):
        one.set_password("a good secret 1")
        one.save()
    client = make.signed_in(sun)
    page = client.get(f"{HERE}session/").content.decode()
    assert page.index("手机 1") < page.index("店里")  # a phone's till first
    told = {"till": phone.pk, "float_amount": "100", "secret": "wrong"}
    assert client.post(f"{HERE}session/open/", told).status_code == 422
    told["secret"] = "a good secret 1"
    assert client.post(f"{HERE}session/open/", told)["Location"] == HERE
    client.post(f"{HERE}session/open/", told)
    session = TillSession.objects.get()
    assert (session.cashier, session.till) == (sun, phone)
    fill = make.fill_at(station)
    claimed(client, fill)
    pay(client, fill, client.get(f"{HERE}fills/{fill.pk}/").content.decode())
    assert "200.00" not in client.get(f"{HERE}session/").content.decode()  # blind
    client.post(f"{HERE}session/end/")
    counting = client.get(f"{HERE}session/").content.decode()
    assert "300.00" not in counting
    assert client.post(f"{HERE}session/count/", {"n_100": "-1"}).status_code == 422
    client.post(f"{HERE}session/count/", {"n_100": "3"})
    counted = client.get(f"{HERE}session/").content.decode()
    assert "平" in counted
    bad = client.post(
        f"{HERE}session/hand-over/", {"receiver": li.username, "receiver_secret": "no"}
    )
    assert bad.status_code == 422
    done = client.post(
        f"{HERE}session/hand-over/",
        {"receiver": li.username, "receiver_secret": "a good secret 1"},
    )
    assert done["Location"] == HERE
    session.refresh_from_db()
    assert session.status == "CLOSED"
    acts = AuditEntry.objects.filter(action__startswith="sales.session").values_list(
        "action", flat=True
    )
    assert set(acts) >= {"sales.session.opened", "sales.session.ended", "sales.session.counted"}
    for name in ("end", "count", "hand-over"):
        assert client.post(f"{HERE}session/{name}/")["Location"] == f"{HERE}session/"
