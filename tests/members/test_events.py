"""Events: seats by the order of signing up, a line behind them, and points for who came."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread

import pytest
from django.db import DatabaseError, connections, transaction
from django.urls import reverse
from django.utils.timezone import localtime, now

from members.models import ClubEvent, MemberNotice, PointsAccount, PointsTxn, SignUp
from members.services import events, freezing, points_adjusting
from members.services.events import EventRefused
from members.services.points_adjusting import AdjustmentRefused
from station.models import AuditEntry
from tests import make
from tests.members.points import violations

pytestmark = [pytest.mark.django_db, pytest.mark.req("MEM-08")]


def lecture(station, capacity=2, points=0, at=make.NOW, **more):
    values = {
        "name": "车主讲堂",
        "place": "会议室",
        "words": "",
        "starts_at": at + timedelta(days=7),
        "ends_at": at + timedelta(days=7, hours=2),
        "capacity": capacity,
        "points": points,
        **more,
    }
    return events.save(
        event=None,
        values=values,
        station=station,
        actor=make.marketer(station),
        at=at,
        approver=make.manager(station) if points > 100 else None,
    )


def signed(event, member, at=make.NOW):
    return events.sign_up(event=event, member=member, at=at)


def states(event):
    return list(SignUp.objects.filter(event=event).order_by("pk").values_list("state", flat=True))


def test_seats_go_first_then_a_line_and_who_withdraws_makes_room():
    station = make.station()
    event = lecture(station)
    people = [make.member(station) for _ in range(4)]
    rows = [signed(event, one) for one in people]
    assert states(event) == ["SEATED", "SEATED", "WAITING", "WAITING"]
    assert signed(event, people[0]).pk == rows[0].pk  # twice is once
    events.withdraw(sign_up=rows[0], at=make.NOW)
    events.withdraw(sign_up=rows[0], at=make.NOW)
    assert states(event) == ["CANCELLED", "SEATED", "SEATED", "WAITING"]
    assert MemberNotice.objects.filter(member=people[2]).count() == 1
    events.withdraw(sign_up=rows[3], at=make.NOW)
    events.withdraw(sign_up=rows[2], at=make.NOW)
    event.refresh_from_db()
    assert event.taken == 1
    assert signed(event, people[0]).state == "SEATED"


def test_more_seats_are_given_to_who_waits_and_fewer_than_taken_are_refused():
    station = make.station()
    event = lecture(station, capacity=1)
    people = [make.member(station) for _ in range(3)]
    for one in people:
        signed(event, one)
    values = {name: getattr(event, name) for name in events.FIELDS}

    def change(**more):
        return events.save(
            event=event,
            values={**values, **more},
            station=station,
            actor=make.manager(station),
            at=make.NOW,
        )

    assert change(capacity=2).taken == 2
    assert states(event) == ["SEATED", "SEATED", "WAITING"]
    with pytest.raises(EventRefused):
        change(capacity=1)
    with pytest.raises(EventRefused):
        change(ends_at=event.starts_at)


def test_who_comes_is_checked_in_once_gets_his_points_and_only_in_its_time():
    station = make.station()
    event = lecture(station, capacity=1, points=200)
    first, second = make.member(station), make.member(station)
    seat, place = signed(event, first), signed(event, second)
    clerk = make.cashier(station)

    def check(code, at):
        return events.check_in(event=event, code=code, actor=clerk, at=at)

    with pytest.raises(EventRefused):
        check(seat.code, event.starts_at - timedelta(hours=4))
    with pytest.raises(EventRefused):
        check(place.code, event.starts_at)
    with pytest.raises(EventRefused):
        check("NOBODY", event.starts_at)
    for _ in range(2):
        assert check(seat.code.lower(), event.starts_at).state == "ATTENDED"
    assert PointsAccount.objects.get(member=first).balance == 200
    assert PointsTxn.objects.get().actor == clerk
    noted = AuditEntry.objects.get(action="members.event.checked_in")
    assert (noted.actor, noted.after["积分"]) == (clerk, "200")
    with pytest.raises(EventRefused):
        events.withdraw(sign_up=seat, at=event.starts_at)
    with pytest.raises(EventRefused):
        signed(event, make.member(station), at=event.ends_at)
    assert not violations()


@pytest.mark.req("SEC-08")
def test_a_withdrawal_by_the_staff_is_audited_once_and_a_members_own_is_not():
    station = make.station()
    event = lecture(station)
    seat, own = signed(event, make.member(station)), signed(event, make.member(station))
    lead = make.signed_in(make.manager(station))
    for _ in range(2):
        lead.post(reverse("members:event_withdraw", args=[event.pk, seat.pk]))
    events.withdraw(sign_up=own, at=make.NOW)
    [noted] = AuditEntry.objects.filter(action="members.event.withdrawn")
    assert noted.document == f"event:{event.pk}"
    assert noted.after == {"会员": seat.member.number, "原来": "已报名"}
    assert noted.actor is not None
    page = lead.get(reverse("members:event", args=[event.pk])).content.decode()
    assert "代会员取消报名" in page


@pytest.mark.req("MEM-08", "PTS-05")
def test_nobody_checks_in_himself_and_who_is_frozen_gets_no_points():
    station = make.station()
    event = lecture(station, capacity=2, points=50)
    mine, frozen = make.member(station), make.member(station)
    own, seat = signed(event, mine), signed(event, frozen)
    clerk = make.cashier(station)
    points_adjusting.name_staff(member=mine, user=clerk, at=make.NOW, actor=make.manager(station))
    with pytest.raises(EventRefused, match="本人"):
        events.check_in(event=event, code=own.code, actor=clerk, at=event.starts_at)
    assert SignUp.objects.get(pk=own.pk).state == "SEATED"
    freezing.freeze(member=frozen, reason="卡被盗用", at=make.NOW, actor=None)
    row = events.check_in(event=event, code=seat.code, actor=clerk, at=event.starts_at)
    assert (row.state, events.points_of(row)) == ("ATTENDED", 0)
    assert not PointsTxn.objects.exists()
    other = make.cashier(station)
    events.check_in(event=event, code=own.code, actor=other, at=event.starts_at)
    assert PointsTxn.objects.get().amount == 50


@pytest.mark.req("MEM-08", "PTS-05")
def test_an_event_with_many_points_wants_a_second_person_on_its_form():
    station = make.station()
    boss, maker = make.manager(station), make.marketer(station)
    client = make.signed_in(maker)
    starts = localtime(now() + timedelta(hours=1))
    form = {
        "name": "抽奖日",
        "starts_at": f"{starts:%Y-%m-%dT%H:%M}",
        "ends_at": f"{starts + timedelta(hours=2):%Y-%m-%dT%H:%M}",
        "capacity": "1",
        "points": "101",
    }
    new = reverse("members:event_new")
    assert "审批人账号" in client.get(new).content.decode()
    for signed_by in ({}, {"approver": maker.username, "approver_secret": make.PASSWORD}):
        refused = client.post(new, {**form, **signed_by})
        assert refused.status_code == 422
    assert "审批" in refused.content.decode()
    assert not ClubEvent.objects.exists()
    by_boss = {"approver": boss.username, "approver_secret": make.PASSWORD}
    assert client.post(new, {**form, **by_boss}).status_code == 302
    event = ClubEvent.objects.get()
    noted = AuditEntry.objects.get(action="members.event.saved")
    assert (noted.actor, noted.after["审批"]) == (maker, boss.name)
    values = {name: getattr(event, name) for name in events.FIELDS}
    with pytest.raises(AdjustmentRefused):
        events.save(
            event=event, values=values, station=station, actor=boss, at=now(), approver=boss
        )


def test_an_event_that_is_called_off_tells_everybody():
    station = make.station()
    event = lecture(station, capacity=1)
    people = [make.member(station) for _ in range(2)]
    for one in people:
        signed(event, one)
    lead = make.manager(station)
    with pytest.raises(EventRefused):
        events.cancel(event=event, reason="", actor=lead, at=make.NOW)
    events.cancel(event=event, reason="台风", actor=lead, at=make.NOW)
    assert states(event) == ["CANCELLED", "CANCELLED"]
    assert MemberNotice.objects.filter(text__contains="台风").count() == 2
    with pytest.raises(EventRefused):
        signed(event, people[0])


def test_the_database_refuses_one_seat_too_many():
    event = lecture(make.station(), capacity=1)
    with pytest.raises(DatabaseError), transaction.atomic():
        ClubEvent.objects.filter(pk=event.pk).update(taken=2)


@pytest.mark.django_db(transaction=True)
def test_of_fifty_who_want_the_last_seat_one_has_it():
    station = make.station()
    event = lecture(station, capacity=1)
    people = [make.member(station) for _ in range(50)]

    def go(member):
        try:
            signed(event, member)
        finally:
            connections.close_all()

    threads = [Thread(target=go, args=[one]) for one in people]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    found = states(event)
    assert (found.count("SEATED"), found.count("WAITING")) == (1, 49)
    event.refresh_from_db()
    assert event.taken == 1


def test_the_staffs_pages_and_the_members_phone():
    station = make.station()
    make.session(station)
    member = make.member(station)
    lead = make.signed_in(make.manager(station))
    starts = localtime(now() + timedelta(hours=1))
    form = {
        "name": "洗车日",
        "starts_at": f"{starts:%Y-%m-%dT%H:%M}",
        "ends_at": f"{starts + timedelta(hours=2):%Y-%m-%dT%H:%M}",
        "capacity": "1",
        "points": "10",
    }
    bad = lead.post(reverse("members:event_new"), {**form, "ends_at": form["starts_at"]})
    assert bad.status_code == 422
    assert lead.post(reverse("members:event_new"), form).status_code == 302
    event = ClubEvent.objects.get()
    assert "洗车日" in lead.get(reverse("members:events")).content.decode()
    phone = make.phone_of(member)
    url = reverse("phone:events")
    assert "报名" in phone.get(url).content.decode()
    assert phone.post(url, {"event": "x" * 40}).status_code == 422
    assert phone.post(url, {"event": str(event.pk)}).status_code == 302
    row = SignUp.objects.get()
    assert row.code in phone.get(url).content.decode()
    assert phone.post(url, {"event": str(event.pk), "act": "withdraw"}).status_code == 302
    page = reverse("members:event", args=[event.pk])
    add = reverse("members:event_sign_up", args=[event.pk])
    assert lead.post(add, {"number": "M0"}).status_code == 422
    added = lead.post(add, {"number": member.number}, follow=True).content.decode()
    row = SignUp.objects.latest("pk")
    assert "签到码只在会员手机" in added
    assert row.code not in added
    assert AuditEntry.objects.filter(action="members.event.signed_up").count() == 1
    check = reverse("members:event_check_in", args=[event.pk])
    assert lead.post(check, {"code": "????"}).status_code == 422
    assert lead.post(check, {"code": row.code}).status_code == 302
    assert PointsAccount.objects.get(member=member).balance == 10
    assert "已签到" in lead.get(page).content.decode()
    assert lead.get(reverse("members:event_change", args=[event.pk])).status_code == 200
    off = reverse("members:event_cancel", args=[event.pk])
    assert lead.post(off, {"reason": ""}).status_code == 422
    assert lead.post(off, {"reason": "下雨"}).status_code == 302
