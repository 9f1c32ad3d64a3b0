"""Alarms: raised once, counted, seen, cleared by the machine or handled with a word."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.urls import reverse

from devices.models import Alarm
from devices.services import alarms
from station.models import Alert, AuditEntry, Crew, Message
from tests import make

pytestmark = pytest.mark.django_db


def raised(station, text="1 号机 3 次没有应答", **fields):
    told = {"kind": "SILENCE", "subject": "1 号机", "text": text, "at": make.NOW, **fields}
    return alarms.raise_alarm(station=station, **told)


def test_an_alarm_is_raised_once_and_counted_while_it_lives():
    station = make.station()
    first = raised(station)
    again = raised(station, text="1 号机仍没有应答", at=make.at(11))
    assert first.pk == again.pk
    assert (again.count, again.text, again.last_at) == (2, "1 号机仍没有应答", make.at(11))
    alert = Alert.objects.get()
    assert (alert.level, alert.url) == ("WARNING", reverse("devices:alarm", args=[first.pk]))
    assert raised(station, subject="2 号机").pk != first.pk
    assert raised(station, kind="LINE", subject="1 号线").pk != first.pk
    assert Alert.objects.filter(level="CRITICAL").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_alarm_that_is_raised_and_cleared_at_once_is_never_twice_and_never_an_error():
    station = make.station()

    def swing(act):
        try:
            for _ in range(40):
                act()
        finally:
            connections.close_all()

    def clear():
        alarms.clear_alarm(station=station, kind="SILENCE", subject="1 号机", at=make.NOW)

    acts = [lambda: raised(station), lambda: raised(station), clear]
    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(swing, acts))
    assert Alarm.objects.filter(status__in=alarms.LIVE).count() <= 1
    assert sum(Alarm.objects.values_list("count", flat=True)) == 80


@pytest.mark.req("DEV-03")
def test_whoever_is_on_duty_gets_one_message_of_an_alarm():
    station = make.station()
    shift = make.shift(station)
    on_duty, at_home = make.attendant(station), make.manager(station)
    Crew.objects.create(shift=shift, user=on_duty, post=Crew.Post.ATTENDANT)
    first = raised(station)
    raised(station)
    message = Message.objects.get()
    assert (message.recipient, message.text) == (on_duty, first.text)
    assert message.url == reverse("devices:alarm", args=[first.pk])
    Crew.objects.update(user=at_home)
    raised(station, kind="LINE", subject="1 号线")
    assert Message.objects.latest("pk").recipient == at_home


def test_a_machine_that_recovers_clears_its_alarm_and_its_alert():
    station = make.station()
    first = raised(station)
    assert alarms.clear_alarm(station=station, kind="SILENCE", subject="1 号机", at=make.at(11))
    assert not alarms.clear_alarm(station=station, kind="SILENCE", subject="1 号机", at=make.NOW)
    first.refresh_from_db()
    assert (first.status, first.cleared_at) == ("CLEARED", make.at(11))
    assert Alert.objects.get().status == "CLEARED"
    assert raised(station).pk != first.pk


def test_an_alarm_is_seen_and_handled_with_a_word_once():
    station = make.station()
    actor, alarm = make.attendant(station), raised(station)
    alarms.see(alarm=alarm, actor=actor, at=make.NOW)
    alarms.see(alarm=alarm, actor=actor, at=make.NOW)
    with pytest.raises(alarms.WordMissing):
        alarms.handle(alarm=alarm, word="  ", actor=actor, at=make.NOW)
    alarms.handle(alarm=alarm, word="换了通讯线", actor=actor, at=make.NOW)
    with pytest.raises(alarms.AlarmOver, match="已经由别人处理"):
        alarms.handle(alarm=alarm, word="再来", actor=actor, at=make.NOW)
    with pytest.raises(alarms.AlarmOver, match="不需要再接手"):
        alarms.see(alarm=alarm, actor=actor, at=make.NOW)
    alarm.refresh_from_db()
    assert (alarm.status, alarm.word, alarm.handled_by) == ("HANDLED", "换了通讯线", actor)
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "devices.alarm.seen",
        "devices.alarm.handled",
    ]
    assert not Alert.objects.filter(status__in=["OPEN", "SEEN"]).exists()


def test_the_list_opens_on_what_is_live_and_the_page_works_it_off():
    station = make.station()
    browser = make.signed_in(make.attendant(station))
    alarm, over = raised(station), raised(station, subject="2 号机", text="早已恢复")
    alarms.clear_alarm(station=station, kind="SILENCE", subject="2 号机", at=make.NOW)
    page = browser.get(reverse("devices:alarms")).content.decode()
    assert alarm.text in page and over.text not in page
    page = browser.get(reverse("devices:alarms"), {"status": "CLEARED"}).content.decode()
    assert over.text in page and alarm.text not in page
    where = {
        name: reverse(f"devices:{name}", args=[alarm.pk])
        for name in ("alarm", "alarm_see", "alarm_handle")
    }
    assert browser.post(where["alarm_see"]).status_code == 302
    assert browser.post(where["alarm_handle"], {"word": ""}).status_code == 422
    assert browser.post(where["alarm_handle"], {"word": "好了"}).url == reverse("devices:alarms")
    refused = browser.post(where["alarm_see"])
    assert refused.status_code == 422
    assert "不需要再接手" in refused.content.decode()
    assert "好了" in browser.get(where["alarm"]).content.decode()
    assert make.signed_in(make.stranger()).get(where["alarm"]).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_of_alarms_stays_at_eight_statements(rows, django_assert_max_num_queries):
    station = make.station()
    for number in range(rows):
        raised(station, subject=f"{number} 号机")
    browser = make.signed_in(make.attendant(station))
    with django_assert_max_num_queries(8):
        browser.get(reverse("devices:alarms"))
