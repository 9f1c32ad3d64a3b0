"""Members are told once, by the channel they chose, and every attempt is on record."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from members import tasks
from members.models import (
    Member,
    MemberNotice,
    NoticeChoice,
    NoticeDelivery,
    NoticeText,
    PointsAccount,
    PointsLot,
    PointsProgram,
    Tier,
    TierNotice,
)
from members.queries import phone
from members.queries.points_expiry import midnight_after
from members.queries.reminders import days_of, due_on
from members.services import (
    closing,
    consents,
    notices,
    points,
    reminders,
    texting,
    tier_rules,
    tiers,
)
from members.services.points import Cause
from station.channels import texts
from station.models import Setting
from tests import make
from tests.members import rewards as mall
from tests.members.test_redemptions import together

pytestmark = pytest.mark.django_db
TODAY = make.TODAY
NOON = make.at(12)


class Recorder:
    """A channel that keeps what it was given; it refuses while told to."""

    sent: list[tuple[str, str]] = []
    refuses = 0

    def send(self, *, phone: str, text: str) -> None:
        if Recorder.refuses:
            Recorder.refuses -= 1
            raise texts.NotSent("短信没有发出：通道忙。请稍后再试。")
        Recorder.sent.append((phone, text))


class Dying(Recorder):
    """A channel that takes the text and dies before it says so."""

    def send(self, *, phone: str, text: str) -> None:
        super().send(phone=phone, text=text)
        raise KeyboardInterrupt


@pytest.fixture
def channel(settings: Any) -> type[Recorder]:
    settings.TEXT_CHANNEL = f"{__name__}.Recorder"
    Recorder.sent, Recorder.refuses = [], 0
    return Recorder


def wants(member: Member, way: str, kind: str = "TIER") -> None:
    notices.choose(member=member, ways={kind: way}, at=NOON)


def told(member: Member, key: str = "k", kind: str = "TIER") -> MemberNotice:
    notices.tell(member=member, key=key, subject="升级", text="到银卡了", at=NOON, kind=kind)
    return MemberNotice.objects.get(member=member, key=key)


def attempts(notice: MemberNotice) -> list[tuple[str, int, str]]:
    rows = NoticeDelivery.objects.filter(notice=notice).order_by("pk")
    return list(rows.values_list("channel", "attempt", "state"))


def lot(member: Member, count: int, last: date) -> None:
    """So many points whose last day is a date."""
    PointsProgram.objects.update(expiry="DAYS", expiry_n=(last - TODAY).days)
    mall.give(member, count)
    assert PointsLot.objects.latest("pk").expires_at == midnight_after(last)


def words(member: Member, start: str) -> list[str]:
    rows = MemberNotice.objects.filter(member=member, key__startswith=start).order_by("pk")
    return list(rows.values_list("text", flat=True))


# ---------------------------------------------------------------------------- by which channel


@pytest.mark.req("PTS-08", "CHN-06")
@pytest.mark.parametrize(
    ("way", "shown", "sent", "records"),
    [
        ("", True, 0, [("INBOX", 1, "SENT")]),
        ("INBOX", True, 0, [("INBOX", 1, "SENT")]),
        ("BOTH", True, 1, [("INBOX", 1, "SENT"), ("SMS", 1, "SENT")]),
        ("SMS", False, 1, [("SMS", 1, "SENT")]),
        ("NONE", False, 0, [("INBOX", 1, "SKIPPED")]),
    ],
)
def test_a_message_goes_the_way_that_was_chosen(channel, way, shown, sent, records):
    member = make.member(phone="13900001234")
    if way:
        wants(member, way)
    notice = told(member)
    told(member)  # the same key is the same message
    texting.send_waiting(at=NOON)
    texting.send_waiting(at=NOON + timedelta(hours=1))
    assert len(channel.sent) == sent
    if sent:
        assert channel.sent == [("13900001234", "【油站管家】升级：到银卡了")]
    assert attempts(notice) == records
    assert MemberNotice.objects.count() == 1
    assert [one.pk for one in phone.inbox(member=member)] == ([notice.pk] if shown else [])
    assert phone.unread(member=member) == int(shown)


@pytest.mark.req("PTS-08")
def test_what_concerns_the_account_is_not_to_be_chosen_away():
    member = make.member()
    for ways in ({"ACCOUNT": "NONE"}, {"TIER": "PIGEON"}, {"X": "SMS"}):
        with pytest.raises(notices.NoSuchChoice):
            notices.choose(member=member, ways=ways, at=NOON)
    assert not NoticeChoice.objects.exists()


@pytest.mark.req("PTS-08")
def test_a_text_that_is_refused_three_times_goes_to_the_inbox(channel):
    member = make.member()
    wants(member, "SMS")
    notice = told(member)
    channel.refuses = 3
    at = NOON
    for pause in (0, 4, 1, 29, 1, 600):
        at += timedelta(minutes=pause)
        texting.send_waiting(at=at)
    assert attempts(notice) == [
        ("SMS", 1, "FAILED"),
        ("SMS", 2, "FAILED"),
        ("SMS", 3, "FAILED"),
        ("INBOX", 1, "SENT"),
    ]
    assert not channel.sent
    assert phone.unread(member=member) == 1
    assert NoticeText.objects.get().state == "FAILED"


@pytest.mark.req("PTS-08")
def test_a_text_refused_once_goes_out_at_the_second_attempt(channel):
    member = make.member()
    wants(member, "SMS")
    notice = told(member)
    channel.refuses = 1
    texting.send_waiting(at=NOON)
    texting.send_waiting(at=NOON + timedelta(minutes=5))
    assert attempts(notice) == [("SMS", 1, "FAILED"), ("SMS", 2, "SENT")]
    assert phone.unread(member=member) == 0


@pytest.mark.req("PTS-08")
@pytest.mark.parametrize("why", ["policy", "phone", "closed", "none"])
def test_a_text_that_may_not_go_out_is_recorded_and_the_inbox_has_it(channel, settings, why):
    member = make.member()
    boss = make.manager(member.home_station)
    wants(member, "SMS")
    notice = told(member)
    if why == "policy":
        consents.withdraw(member=member, purpose="POLICY", at=NOON, actor=None)
    elif why == "phone":
        Member.objects.filter(pk=member.pk).update(phone_sealed="")
    elif why == "closed":
        closing.forget(member=member, reason="要求", at=NOON, actor=boss)
    else:
        settings.TEXT_CHANNEL = "none"
    texting.send_waiting(at=NOON)
    assert attempts(notice) == [("SMS", 1, "SKIPPED"), ("INBOX", 1, "SENT")]
    assert NoticeDelivery.objects.get(channel="SMS").reason
    assert not channel.sent


@pytest.mark.req("PTS-08")
def test_a_worker_killed_in_the_middle_sends_no_second_text(channel, settings):
    member = make.member()
    wants(member, "SMS")
    notice = told(member)
    settings.TEXT_CHANNEL = f"{__name__}.Dying"
    with pytest.raises(KeyboardInterrupt):
        texting.send_waiting(at=NOON)
    settings.TEXT_CHANNEL = f"{__name__}.Recorder"
    texting.send_waiting(at=NOON + timedelta(minutes=9))
    assert (len(channel.sent), attempts(notice)) == (1, [])  # it may still be at work
    texting.send_waiting(at=NOON + timedelta(minutes=10))
    texting.send_waiting(at=NOON + timedelta(hours=5))
    assert len(channel.sent) == 1
    assert attempts(notice) == [("SMS", 1, "UNKNOWN"), ("INBOX", 1, "SENT")]
    assert phone.unread(member=member) == 1


@pytest.mark.req("PTS-08")
@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_send_each_text_once(channel):
    station = make.station()
    for number in range(6):
        member = make.member(station)
        wants(member, "BOTH")
        told(member, f"k{number}")
    done = together(4, lambda _: texting.send_waiting(at=NOON))
    assert sum(done) == len(channel.sent) == 6  # type: ignore[arg-type]
    assert NoticeDelivery.objects.filter(channel="SMS", state="SENT").count() == 6


@pytest.mark.req("PTS-08")
def test_nobody_is_texted_at_night(channel):
    member = make.member()
    wants(member, "SMS")
    told(member)
    for hour in (22, 23, 0, 7):
        assert texting.send_waiting(at=make.at(hour) + timedelta(days=1)) == 0
    assert texting.send_waiting(at=make.at(8) + timedelta(days=2)) == 1


@pytest.mark.req("PTS-08")
def test_the_record_of_an_attempt_stays_as_it_is():
    told(make.member())
    for change in (
        lambda: NoticeDelivery.objects.update(state="FAILED"),
        lambda: NoticeDelivery.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    with pytest.raises(DatabaseError), transaction.atomic():
        NoticeText.objects.create(
            notice=MemberNotice.objects.get(), state="SENDING", due_at=NOON, attempts=0
        )


# ------------------------------------------------------------------------- points that expire


@given(days=st.lists(st.integers(0, 40), max_size=5), left=st.integers(0, 60))
@pytest.mark.req("PTS-07")
def test_every_last_day_within_reach_has_exactly_the_nearest_reminder(days, left):
    due = {one.left: one for one in due_on(today=TODAY, days=days_of(",".join(map(str, days))))}
    reach = [one for one in days if one >= left]
    assert (left in due) is bool(reach)
    if reach:
        assert (due[left].step, due[left].last) == (min(reach), TODAY + timedelta(days=left))


@pytest.mark.req("PTS-07")
def test_what_a_setting_says_of_days_is_read_or_passed_by():
    assert days_of("30,7,1") == days_of("7， 1、30 天") == (30, 7, 1)
    assert days_of("不提醒") == days_of("9999") == ()
    assert days_of("0") == (0,)
    assert list(due_on(today=TODAY, days=())) == []


@pytest.mark.req("PTS-07")
def test_thirty_seven_and_one_day_before_each_is_told_once_with_amount_and_last_day():
    member, last = make.member(), TODAY + timedelta(days=40)
    lot(member, 120, last)
    counts = []
    for day in range(42):
        at = NOON + timedelta(days=day)
        reminders.remind_expiring(at=at)
        reminders.remind_expiring(at=at + timedelta(hours=2))
        counts.append(len(words(member, "points-expire:")))
    # from the tenth day on there are 30 left, from the 33rd 7, from the 39th 1
    assert [counts.index(number) for number in (1, 2, 3)] == [10, 33, 39]
    assert counts[-1] == 3
    assert words(member, "points-expire:")[0] == (
        f"120 分最后可用日是 {last}（还有 30 天），过后作废。可以到积分商城兑换，或付款时抵现。"
    )
    assert "就是明天" in words(member, "points-expire:")[2]


@pytest.mark.req("PTS-07")
def test_a_day_on_which_nothing_ran_is_made_up_once():
    member, last = make.member(), TODAY + timedelta(days=40)
    lot(member, 120, last)
    for day in (12, 20, 36, 40):  # neither 10 nor 33 nor 39
        reminders.remind_expiring(at=NOON + timedelta(days=day))
    assert [
        text.partition("（")[2].partition("）")[0] for text in words(member, "points-expire:")
    ] == [
        "还有 28 天",
        "还有 4 天",
        "就是今天",
    ]


@pytest.mark.req("PTS-07")
def test_points_used_meanwhile_are_not_announced_and_who_has_none_left_is_not_told():
    member, other = make.member(), make.member()
    last = TODAY + timedelta(days=7)
    lot(member, 120, last)
    lot(other, 50, last)
    for one, count in ((member, 100), (other, 50)):
        with transaction.atomic():
            points.redeem(
                account=points.locked_account(member_id=one.pk),
                points=count,
                cause=Cause(key=f"use:{one.pk}", at=NOON, date=TODAY, document="X"),
            )
    assert reminders.remind_expiring(at=NOON) == 1
    assert words(member, "points-expire:")[0].startswith("20 分")
    assert not words(other, "points-expire:")


@pytest.mark.req("PTS-07")
def test_who_is_frozen_is_not_told_and_the_days_are_the_stations_own():
    frozen, elsewhere = make.member(), make.member()
    last = TODAY + timedelta(days=3)
    for one in (frozen, elsewhere):
        lot(one, 10, last)
    Member.objects.filter(pk=frozen.pk).update(status="FROZEN")
    Setting.objects.create(
        station=elsewhere.home_station, name="members.points_remind_days", value="2"
    )
    assert reminders.remind_expiring(at=NOON) == 0
    assert reminders.remind_expiring(at=NOON + timedelta(days=1)) == 1
    assert words(elsewhere, "points-expire:")[0].startswith("10 分")


@pytest.mark.req("PTS-07", "PTS-15")
def test_many_members_cost_the_statements_of_a_few(monkeypatch):
    station = make.station()
    last = TODAY + timedelta(days=1)

    def cost(more: int) -> int:
        for _ in range(more):
            lot(make.member(station), 10, last)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert reminders.remind_expiring(at=NOON) == more
        return len(seen)

    assert cost(1) == cost(7)
    monkeypatch.setattr(reminders, "BATCH", 2)  # cut into batches, all are told all the same
    for _ in range(5):
        lot(make.member(station), 10, last)
    assert reminders.remind_expiring(at=NOON) == 5


# --------------------------------------------------------------------------- a balance reached


@pytest.mark.req("PTS-06")
def test_a_crossing_upwards_is_told_once_and_again_only_after_it_was_below():
    member, serial = make.member(), iter(range(100))
    keys = []

    def move(count: int) -> int:
        cause = Cause(key=f"m{next(serial)}", at=NOON, date=TODAY, document="X")
        if count > 0:
            mall.give(member, count, at=NOON)
        else:
            with transaction.atomic():
                points.redeem(
                    account=points.locked_account(member_id=member.pk), points=-count, cause=cause
                )
        reminders.remind_reached(at=NOON)
        reminders.remind_reached(at=NOON)
        keys[:] = words(member, "points-reach:")
        return len(keys)

    assert [move(one) for one in (999, 1, 500, -500, 100)] == [0, 1, 1, 1, 1]
    assert "1,000 分可用，已到 1,000 分" in keys[0]
    assert [move(one) for one in (-101, 1, 50, -60)] == [1, 2, 2, 2]
    assert move(3000) == 3


@pytest.mark.req("PTS-06")
def test_what_was_spent_again_before_anybody_looked_is_not_told_and_zero_is_off():
    member = make.member()
    mall.give(member, 1500, at=NOON)
    with transaction.atomic():
        points.redeem(
            account=points.locked_account(member_id=member.pk),
            points=600,
            cause=Cause(key="x", at=NOON, date=TODAY, document="X"),
        )
    assert reminders.remind_reached(at=NOON) == 0
    other = make.member()
    Setting.objects.create(station=other.home_station, name="members.points_remind_at", value="0")
    mall.give(other, 5000, at=NOON)
    assert reminders.remind_reached(at=NOON) == 0


@pytest.mark.req("PTS-06")
def test_up_down_and_up_again_before_anybody_looked_is_one_word():
    member = make.member()
    mall.give(member, 1200, at=NOON)
    with transaction.atomic():
        points.redeem(
            account=points.locked_account(member_id=member.pk),
            points=700,
            cause=Cause(key="x", at=NOON, date=TODAY, document="X"),
        )
    mall.give(member, 600, at=NOON)
    assert [reminders.remind_reached(at=NOON) for _ in range(3)] == [1, 0, 0]


@pytest.mark.req("PTS-06", "CHN-06")
def test_a_sale_that_brings_a_member_to_the_balance_wakes_who_tells_and_no_other_does(
    monkeypatch, django_capture_on_commit_callbacks
):
    woken: list[str] = []
    monkeypatch.setattr(
        "station.services.waking.app.send_task", lambda task, **_: woken.append(task)
    )
    session = make.session()
    member = make.member(session.station)
    make.sale(session, [make.fill_at(session.station)], member=member.pk)
    gained = PointsAccount.objects.get(member=member).balance
    # Nobody; one who stays below; one who comes from below; one who was above already; no balance.
    for who, figure, expected in (
        (None, 1, False),
        (member.pk, 100 * gained, False),
        (member.pk, 3 * gained, True),
        (member.pk, 3 * gained, False),
        (member.pk, 0, False),
    ):
        woken.clear()
        Setting.objects.update_or_create(
            station=session.station,
            name="members.points_remind_at",
            defaults={"value": str(figure)},
        )
        with django_capture_on_commit_callbacks(execute=True):
            make.sale(session, [make.fill_at(session.station)], member=who)
        assert ("members.tasks.remind_reached" in woken) is expected, (who, figure)


@runs(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.integers(-900, 900).filter(bool), min_size=1, max_size=12))
@pytest.mark.req("PTS-06")
def test_by_any_history_as_many_are_told_as_the_balance_crossed_upwards(steps):
    with transaction.atomic():
        member, balance, crossed = make.member(), 0, 0
        for number, step in enumerate(steps):
            after = balance + step
            if after < 0:
                continue
            if step > 0:
                mall.give(member, step, at=NOON)
            else:
                points.redeem(
                    account=points.locked_account(member_id=member.pk),
                    points=-step,
                    cause=Cause(key=f"h{number}", at=NOON, date=TODAY, document="X"),
                )
            crossed += balance < 1000 <= after
            balance = after
            reminders.remind_reached(at=NOON)
        assert len(words(member, "points-reach:")) == crossed
        transaction.set_rollback(True)


# ----------------------------------------------------------------------------------- tiers


@pytest.mark.req("CHN-06")
def test_what_becomes_of_a_tier_reaches_the_phone_once():
    member = make.member()
    for key, kind, said in (("A", "UPGRADE", "升到银卡"), ("B", "WARNING", "保级到月底")):
        TierNotice.objects.create(
            member=member, key=key, kind=kind, words=said, made_at=NOON - timedelta(minutes=1)
        )
    TierNotice.objects.create(
        member=member, key="OLD", kind="UPGRADE", words="早了", made_at=NOON - timedelta(days=4)
    )
    assert reminders.tell_tiers(at=NOON) == 2
    assert reminders.tell_tiers(at=NOON) == 0
    rows = MemberNotice.objects.order_by("pk").values_list("subject", "text", "url")
    assert set(rows) == {
        ("会员等级升级", "升到银卡", "/m/tier/"),
        ("会员等级即将降级", "保级到月底", "/m/tier/"),
    }


@pytest.mark.req("CHN-06")
def test_a_tier_that_moves_wakes_who_tells_of_it(monkeypatch, django_capture_on_commit_callbacks):
    woken: list[str] = []
    monkeypatch.setattr(
        "station.services.waking.app.send_task", lambda task, **_: woken.append(task)
    )
    station = make.station()
    tier_rules.found_tiers(station=station, at=NOON - timedelta(days=1), actor=None)
    member, boss = make.member(station), make.manager(station)
    with django_capture_on_commit_callbacks(execute=True):
        tiers.set_tier(
            member=member,
            tier=Tier.objects.get(name="金卡"),
            locked_until=None,
            reason="老客户",
            at=NOON,
            actor=boss,
        )
    assert "members.tasks.tell_tiers" in woken
    reminders.tell_tiers(at=NOON + timedelta(seconds=1))
    assert MemberNotice.objects.get().member == member


# ------------------------------------------------------------------------- the manager's page


@pytest.mark.req("PTS-08")
def test_the_manager_sees_each_message_and_every_attempt(channel):
    member, stranger = make.member(), make.member()
    wants(member, "SMS")
    notice = told(member)
    told(stranger)
    channel.refuses = 1
    texting.send_waiting(at=NOON)
    client = make.signed_in(make.manager(member.home_station))
    page = client.get("/members/messages/").content.decode()
    assert member.number in page and stranger.number not in page
    assert "待发" in page
    assert member.number in client.get("/members/messages/?queued=WAITING").content.decode()
    assert member.number not in client.get("/members/messages/?queued=SENT").content.decode()
    assert member.number not in client.get("/members/messages/?kind=ACCOUNT").content.decode()
    page = client.get(f"/members/messages/{notice.pk}/").content.decode()
    assert "没有送出" in page and "通道忙" in page
    hers = MemberNotice.objects.get(member=stranger)
    assert client.get(f"/members/messages/{hers.pk}/").status_code == 404


@pytest.mark.req("PTS-08")
def test_the_list_costs_the_same_at_one_and_at_three_messages():
    member = make.member()
    client = make.signed_in(make.manager(member.home_station))

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get("/members/messages/")
        return len(seen)

    told(member, "a")
    cost()
    one = cost()
    told(member, "b")
    told(member, "c")
    assert cost() == one <= 8


@pytest.mark.req("PTS-08", "CHN-02")
def test_a_member_chooses_on_his_phone():
    member = make.member()
    client = make.phone_of(member)
    page = client.get("/m/me/messages/").content.decode()
    assert "积分到期" in page and "账户与安全" not in page
    kinds = dict.fromkeys(["POINTS_EXPIRY", "POINTS_REACHED", "COUPON_EXPIRY", "TIER"], "INBOX")
    answer = client.post("/m/me/messages/", {**kinds, "TIER": "BOTH"})
    assert answer.status_code == 302
    assert NoticeChoice.objects.get(kind="TIER").way == "BOTH"
    assert client.post("/m/me/messages/", {**kinds, "TIER": "PIGEON"}).status_code == 422


@pytest.mark.req("CHN-06")
def test_the_inbox_shows_what_is_there_and_knows_what_was_read():
    member = make.member()
    wants(member, "NONE", "COUPON_EXPIRY")
    told(member, "seen")
    told(member, "hidden", "COUPON_EXPIRY")
    client = make.phone_of(member)
    page = client.get("/m/inbox/").content.decode()
    assert page.count("到银卡了") == 1
    newest = MemberNotice.objects.get(key="seen").pk
    assert client.post("/m/inbox/read/", {"newest": newest}).status_code == 302
    assert MemberNotice.objects.get(key="seen").read_at is not None
    assert phone.unread(member=member) == 0
    told(member, "next")
    assert phone.unread(member=member) == 1


def test_the_tasks_run(channel):
    cache.clear()
    for task in (tasks.remind_expiring, tasks.remind_reached, tasks.tell_tiers, tasks.send_texts):
        task()
