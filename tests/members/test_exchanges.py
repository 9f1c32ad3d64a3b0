"""积分互通: exchanged once per the partner's number, taken back whole and once, and seen in both ledgers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils.timezone import localdate, now

from members.models import (
    ExchangeCall,
    ExchangeOrder,
    Member,
    PartnerProgram,
    PointsAccount,
    PointsTxn,
    RiskCase,
)
from members.queries.exchanges import ledger_sum, statement
from members.queries.points_report import points_report
from members.queries.present_codes import code_for
from members.services import exchange_calls, exchanges, points, points_sweeping, profiles
from members.services.exchange_partners import PartnerRefused, approve, plan, withdraw
from members.services.exchanges import Asked
from members.services.points import Cause
from station.models import AuditEntry
from tests import make
from tests.members.exchange_partner import counterpart, program
from tests.members.points import violations
from tests.members.points_histories import default_rules

pytestmark = [pytest.mark.django_db, pytest.mark.req("PAR-01")]
Kind = PointsTxn.Kind
_drawn: set[tuple[int, datetime]] = set()


def rich(have: int = 1000) -> Member:
    member = make.member()
    terms, at = default_rules(), now()
    with transaction.atomic():
        points.issue(
            account=points.locked_account(member_id=member.pk),
            points=have,
            program=terms,
            cause=Cause(key=f"earn:{member.pk}", at=at, date=localdate(at)),
        )
    return member


def code(member: Member) -> str:
    """Another code each time: the phone draws one a second at most."""
    made = now().replace(microsecond=0)
    while (member.pk, made) in _drawn:
        made -= timedelta(seconds=1)
    _drawn.add((member.pk, made))
    return code_for(member_id=member.pk, at=made)


def balance(member: Member) -> int:
    return PointsAccount.objects.get(member=member).balance


# ------------------------------------------------------------------------- out, in, back


def test_out_and_in_move_points_at_the_programmes_ratio():
    member, (_, kino) = rich(), counterpart(fee=5)
    out = kino.ask("out", "T-1", code(member), 101)
    assert (out.status_code, out.json()["points"], out.json()["fee"]) == (200, 202, 5)
    assert balance(member) == 1000 - 207
    into = kino.ask("in", "T-2", member.number, 50)
    assert (into.json()["points"], into.json()["state"]) == (50, "DONE")
    assert balance(member) == 1000 - 207 + 50
    kinds = set(PointsTxn.objects.exclude(kind="EARN").values_list("kind", flat=True))
    assert kinds == {"EXIN", "EXOUT"}
    assert not violations()


@pytest.mark.parametrize("act", ["out", "in"])
def test_a_number_asked_again_is_the_same_order_and_moves_nothing(act):
    member, (_, kino) = rich(), counterpart()
    shown = code(member)
    first = kino.ask(act, "T-1", shown, 100)
    before = (balance(member), PointsTxn.objects.count())
    for _ in range(2):
        assert kino.ask(act, "T-1", shown, 100).json() == first.json()
    assert kino.ask("query", "T-1").json() == first.json()
    assert (balance(member), PointsTxn.objects.count()) == before
    other = kino.ask(act, "T-1", shown, 101)
    assert (other.status_code, other.json()["error"]) == (409, "OTHER_ORDER")


@pytest.mark.parametrize("act", ["out", "in"])
def test_an_exchange_is_taken_back_whole_and_once(act):
    member, (_, kino) = rich(), counterpart(fee=3)
    kino.ask(act, "T-1", code(member), 100)
    for _ in range(2):
        back = kino.ask("reverse", "T-1", reason="顾客退票")
        assert (back.status_code, back.json()["state"]) == (200, "REVERSED")
    assert balance(member) == 1000
    assert kino.ask(act, "T-1", code(member), 100).json()["state"] == "REVERSED"  # and stays so
    assert not violations()
    order = ExchangeOrder.objects.get()
    assert order.back_txn is not None
    assert order.back_txn.reverses_id == order.txn_id
    assert AuditEntry.objects.filter(
        action="members.exchange.reversed", document=order.number
    ).exists()


def test_points_that_came_in_and_were_spent_are_owed_when_it_is_taken_back():
    member, (_, kino) = rich(10), counterpart()
    kino.ask("in", "T-1", member.number, 100)
    kino.ask("out", "T-2", code(member), 50)
    kino.ask("reverse", "T-1", reason="对方撤销")
    account = PointsAccount.objects.get(member=member)
    assert (account.balance, account.debt) == (0, 90)
    kino.ask("reverse", "T-2", reason="对方撤销")
    account.refresh_from_db()
    assert (account.balance, account.debt) == (10, 0)
    assert not violations()


def test_points_that_expired_meanwhile_come_back_for_the_grace_and_are_not_owed():
    member, (partner, kino) = rich(100), counterpart()
    kino.ask("out", "T-1", code(member), 50)
    later = now() + timedelta(days=800)
    points_sweeping.expire_all(at=later)
    order = ExchangeOrder.objects.get()
    exchanges.reverse(order=order, reason="退票", at=later, actor=None)
    assert balance(member) == 100
    into = exchanges.exchange(asked=Asked(partner, "T-2", "IN", member.number, 40), at=now())
    points_sweeping.expire_all(at=later + timedelta(days=900))
    exchanges.reverse(order=into, reason="退票", at=later + timedelta(days=900), actor=None)
    account = PointsAccount.objects.get(member=member)
    assert (account.balance, account.debt) == (0, 0)
    assert not violations()


# -------------------------------------------------------------------------- what is refused


def test_the_programmes_bounds_hold_per_exchange_member_and_day():
    member, (_, kino) = rich(), counterpart(least=10, most=300, daily=500, daily_all=700)
    for number, theirs, words in (("a", 4, "一次应为"), ("b", 151, "一次应为")):
        answer = kino.ask("out", number, code(member), theirs)
        assert (answer.status_code, words in answer.json()["words"]) == (422, True)
    assert kino.ask("out", "c", code(member), 150).status_code == 200
    assert "今天还可兑 200 分" in kino.ask("in", "d", member.number, 201).json()["words"]
    assert kino.ask("in", "e", member.number, 200).status_code == 200
    other = rich()
    assert kino.ask("in", "f", other.number, 200).status_code == 200
    assert "额度已用完" in kino.ask("in", "g", other.number, 10).json()["words"]
    kino.ask("reverse", "e", reason="顾客退货")  # what is taken back is free again
    assert kino.ask("in", "h", other.number, 10).status_code == 200


def test_only_an_approved_programme_within_its_days_counts_and_the_newest_of_them():
    member, (partner, kino) = rich(), counterpart()
    program(partner, ratio_out=300)
    assert kino.ask("out", "a", code(member), 10).json()["points"] == 30
    newest = PartnerProgram.objects.get(partner=partner, version=2)
    withdraw(program=newest, at=now(), actor=make.manager(partner.station))
    assert kino.ask("out", "b", code(member), 10).json()["points"] == 20
    first = PartnerProgram.objects.get(partner=partner, version=1)
    withdraw(program=first, at=now(), actor=make.manager(partner.station))
    day = localdate(now())
    program(partner, valid_from=day + timedelta(days=1))
    program(partner, valid_until=day - timedelta(days=1))
    planned = plan(
        partner=partner,
        values={name: getattr(first, name) for name in
                ("ratio_out", "ratio_in", "least", "most", "daily", "daily_all", "fee",
                 "valid_from", "valid_until")},
        at=now(),
        actor=make.manager(partner.station),
    )  # fmt: skip
    assert "没有生效" in kino.ask("out", "c", code(member), 10).json()["words"]
    with pytest.raises(PartnerRefused, match="两个人"):
        approve(program=planned, at=now(), actor=planned.planned_by)
    with pytest.raises(IntegrityError, match="four_eyes"), transaction.atomic():
        PartnerProgram.objects.filter(pk=planned.pk).update(
            approved_by=planned.planned_by, approved_at=now()
        )


@pytest.mark.req("PTS-05", "PAR-01")
def test_a_new_phone_lets_no_points_out_for_a_day_and_its_case_stays():
    member, (_, kino) = rich(), counterpart()
    profiles.change(
        member=member,
        phone="13900001234",
        at=now() - timedelta(hours=1),
        actor=make.manager(member.home_station),
    )
    refused = kino.ask("out", "T-1", code(member), 100)
    assert refused.status_code == 422
    assert "换过手机号" in refused.json()["words"]
    case = RiskCase.objects.get()
    assert (case.metric, case.member) == ("PHONE_CHANGED", member)
    assert balance(member) == 1000
    assert kino.ask("in", "T-2", code(member), 100).status_code == 200


def test_out_wants_the_member_himself_and_enough_points():
    member, (_, kino) = rich(50), counterpart()
    assert "会员码" in kino.ask("out", "a", member.number, 10).json()["words"]
    assert kino.ask("out", "b", code(member), 26).status_code == 422
    shown = code(member)
    assert kino.ask("out", "c", shown, 10).status_code == 200
    assert "已经用过" in kino.ask("out", "d", shown, 10).json()["words"]
    Member.objects.filter(pk=member.pk).update(status="FROZEN")
    assert kino.ask("in", "e", member.number, 10).status_code == 422
    assert balance(member) == 30


RUBBISH = [
    b"", b"null", b"[]", b"{", b'"x"', b"\xff\xfe", b"[" * 3000, b"9" * 3000, b'{"act": "out"}',
    b'{"act": "fly", "no": "1"}', b'{"act": "in", "no": "1", "points": 1e9}',
    b'{"act": "in", "no": "1", "points": -5, "member": "x"}',
    b'{"act": "in", "no": "1", "points": true}', b'{"act": "in", "no": "1", "points": NaN}',
    b'{"act": "in", "no": "../..", "points": 5}', b'{"act": "in", "no": ["1"], "points": 5}',
    b'{"act": "in", "no": "1", "points": 5, "member": "\\u0000"}',
    b'{"act": "in", "no": "1", "points": 5, "member": "\\ud800"}',
    b'{"act": "in", "no": "1", "points": 5, "member": {"a": 1}}',
    b'{"act": "query", "no": "none"}', b'{"act": "reverse", "no": "none"}', b"x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("body", RUBBISH)
def test_rubbish_is_refused_in_words_and_moves_nothing(body):
    _, kino = counterpart()
    answer = kino.send(body)
    assert answer.status_code in {400, 422}
    assert set(answer.json()) == {"error", "words"}
    assert not PointsTxn.objects.exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"sign": ""},
        {"sign": "0" * 64},
        {"sign": "张"},
        {"stamp": "0"},
        {"stamp": "x"},
        {"stamp": "9" * 40},
        {"nonce": "short"},
        {"nonce": "x" * 200},
        {"nonce": "a b c d e f g h"},
    ],
)
def test_who_does_not_sign_right_and_now_is_not_let_in(changed):
    member, (_, kino) = rich(), counterpart()
    body = json.dumps({"act": "in", "no": "1", "member": member.number, "points": 10}).encode()
    answer = kino.send(
        body, **{name: text.encode().decode("latin-1") for name, text in changed.items()}
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "NOT_SIGNED")
    assert balance(member) == 1000


def test_a_request_sent_again_byte_by_byte_or_to_another_or_an_unknown_partner_is_not_let_in():
    member, (_, kino), (_, books) = rich(), counterpart(), counterpart()
    body = json.dumps({"act": "in", "no": "1", "member": member.number, "points": 10}).encode()
    assert kino.send(body, nonce="once-and-only").status_code == 200
    assert kino.send(body, nonce="once-and-only").status_code == 401
    books.secret = kino.secret
    assert books.send(body).status_code == 401
    kino.path = "/members/exchange-door/NOBODY/"
    assert kino.send(body).status_code == 401
    assert Client().get(kino.path).status_code == 405
    assert ExchangeCall.objects.count() == 1
    assert exchange_calls.forget_calls(at=now() + timedelta(days=2)) == 1


def test_a_partner_who_is_stopped_or_has_another_secret_is_refused():
    member, (partner, kino) = rich(), counterpart()
    client = make.signed_in(make.manager(partner.station))
    page = client.post(f"/members/partners/{partner.code}/secret/").text
    assert kino.ask("in", "a", member.number, 10).status_code == 401
    kino.secret = page.partition('form-control code" value="')[2].partition('"')[0]
    assert kino.ask("in", "b", member.number, 10).status_code == 200
    assert kino.secret not in client.get(f"/members/partners/{partner.code}/").text
    client.post(f"/members/partners/{partner.code}/active/")
    assert "已停用" in kino.ask("in", "c", member.number, 10).json()["words"]


def test_a_stopped_partner_only_asks_how_his_orders_stand():
    member, (partner, kino) = rich(), counterpart()
    kino.ask("out", "T-1", code(member), 100)
    make.signed_in(make.manager(partner.station)).post(f"/members/partners/{partner.code}/active/")
    asked = [
        kino.ask("reverse", "T-1", reason="退票"),
        kino.ask("out", "T-2", code(member), 10),
        kino.ask("in", "T-3", member.number, 10),
    ]
    assert [one.status_code for one in asked] == [422] * 3
    assert all("已停用" in one.json()["words"] for one in asked)
    assert kino.ask("query", "T-1").json()["state"] == "DONE"
    assert balance(member) == 800


@pytest.mark.parametrize(("age", "status"), [(29, 200), (31, 422)])
def test_a_partner_takes_back_what_is_a_month_old_and_no_more(age, status):
    member, (partner, kino) = rich(), counterpart()
    before = now() - timedelta(days=age)
    order = exchanges.exchange(asked=Asked(partner, "T-1", "IN", member.number, 10), at=before)
    back = kino.ask("reverse", "T-1", reason="退票")
    assert back.status_code == status
    if status == 422:
        assert "30 天" in back.json()["words"]
        lead = make.manager(partner.station)
        exchanges.reverse(order=order, reason="对方来函", at=now(), actor=lead)
    assert balance(member) == 1000


def test_what_was_exchanged_is_not_rewritten():
    member, (_, kino) = rich(), counterpart()
    kino.ask("in", "a", member.number, 10)
    for sql in (
        "UPDATE members_exchangeorder SET points = 9",
        "DELETE FROM members_exchangeorder",
        "UPDATE members_partnerprogram SET ratio_in = 900",
    ):
        with pytest.raises(Exception), transaction.atomic(), connection.cursor() as cursor:  # noqa: B017
            cursor.execute(sql)


# ---------------------------------------------------------------------------------- races


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bound", ["daily", "daily_all"])
def test_fifty_at_once_never_pass_a_days_limit(bound):
    people = [rich() for _ in range(1 if bound == "daily" else 5)]
    partner, _ = counterpart(**{"daily": 6000, bound: 100})

    def ask(turn: int) -> bool:
        who = people[turn % len(people)].number
        try:
            exchanges.exchange(asked=Asked(partner, f"T{turn}", "IN", who, 15), at=now())
            return True
        except exchanges.ExchangeRefused:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as tills:
        done = list(tills.map(ask, range(50)))
    assert sum(done) == 6  # 6 × 15 = 90 of 100
    assert sum(balance(one) for one in people) == 1000 * len(people) + 90
    assert not violations()


@pytest.mark.django_db(transaction=True)
def test_one_number_twenty_times_at_once_is_one_exchange_and_one_reversal():
    member, (partner, _) = rich(), counterpart()
    asked = Asked(partner, "T-1", "IN", member.number, 100)

    def act(turn: int) -> str:
        try:
            order = exchanges.exchange(asked=asked, at=now())
            if turn % 2:
                exchanges.reverse(order=order, reason="顾客退货", at=now(), actor=None)
            return order.number
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as tills:
        assert len(set(tills.map(act, range(20)))) == 1
    assert balance(member) == 1000
    assert not violations()


# ---------------------------------------------------------------------------------- pages


def test_a_months_statement_agrees_with_the_ledger_line_by_line():
    member, (partner, kino) = rich(), counterpart(fee=5)
    kino.ask("out", "a", code(member), 100)
    kino.ask("in", "b", member.number, 60)
    kino.ask("out", "c", code(member), 20)
    kino.ask("reverse", "c", reason="退票")
    day = localdate(now())
    lines = statement(partner=partner, since=day, until=day)
    assert [(one.points, one.fee, one.reversal) for one in lines] == [
        (-200, -5, False), (60, 0, False), (-40, -5, False), (40, 5, True),
    ]  # fmt: skip
    assert all(one.agrees for one in lines)
    assert sum(one.points + one.fee for one in lines) == -145
    assert ledger_sum(partner=partner, since=day, until=day) == -145
    assert points_report(since=day, until=day).exchanged == -145
    client = make.signed_in(make.accountant(partner.station))
    path = f"/members/partners/{partner.code}/statement/"
    page = client.get(path).text
    assert "不符" not in page
    assert "相符" in page
    file = b"".join(client.get(path, {"export": "csv"}))  # type: ignore[arg-type]
    assert ExchangeOrder.objects.first().number in file.decode("utf-8-sig")


def test_partners_are_made_planned_approved_by_another_and_an_order_is_reversed():
    station = make.station()
    maker, boss = make.signed_in(make.marketer(station)), make.signed_in(make.manager(station))
    bad = {"code": "k!", "name": "影院"}
    assert maker.post("/members/partners/new/", bad).status_code == 422
    page = maker.post("/members/partners/new/", {"code": "KINO", "name": "星光影院"}).text
    assert "只显示这一次" in page
    terms = {
        "ratio_out": 200, "ratio_in": 100, "least": 10, "most": 500, "daily": 900, "fee": 0,
        "daily_all": "", "valid_from": "2020-01-01", "valid_until": "2099-12-31",
    }  # fmt: skip
    path = "/members/partners/KINO/"
    assert maker.post(f"{path}program/", {**terms, "most": 5}).status_code == 422
    assert maker.post(f"{path}program/", terms).status_code == 302
    planned = PartnerProgram.objects.get()
    approving = f"/members/partners/programs/{planned.pk}/approve/"
    assert maker.post(approving).status_code == 403
    assert "待审批" in maker.get(path).text
    assert boss.post(approving).status_code == 302
    assert "生效中" in boss.get(path).text
    member = rich()
    order = exchanges.exchange(
        asked=Asked(planned.partner, "T-1", "IN", member.number, 100), at=now()
    )
    assert order.number in boss.get("/members/exchanges/").text
    page = f"/members/exchanges/{order.number}/"
    assert boss.post(f"{page}reverse/", {"reason": ""}).status_code == 422
    assert boss.post(f"{page}reverse/", {"reason": "顾客退货"}).status_code == 302
    assert "已冲回" in boss.get(page).text
    assert make.signed_in(make.stranger()).get(path).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_command_signs_as_a_partner_does(live_server, capsys, monkeypatch):
    member, (partner, kino) = rich(), counterpart()
    asked = {"no": "T-1", "member": member.number, "points": 100, "url": live_server.url}
    with pytest.raises(CommandError, match="PARTNER_SECRET"):
        call_command("partner_call", partner.code, "in", **asked)
    monkeypatch.setenv("PARTNER_SECRET", kino.secret)
    call_command("partner_call", partner.code, "in", **asked)
    assert json.loads(capsys.readouterr().out)["points"] == 100
    with pytest.raises(CommandError, match="409"):
        call_command("partner_call", partner.code, "in", **{**asked, "points": 7})
