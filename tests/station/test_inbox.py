"""收件箱: what is told once, to whom, and that reading it is his alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse

from station.models import Message
from station.services import alerts, jobs, messages, people
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("CHN-06")]


def tell(to, key="m:1", **fields):
    told = {"subject": "月报做完了", "text": "可以下载了。", "at": make.NOW, **fields}
    messages.tell(recipient=to, key=key, **told)


def test_a_message_of_one_key_is_told_once_and_not_at_all_if_its_cause_failed():
    li = make.cashier(make.station())
    for _ in range(2):
        tell(li)
    assert Message.objects.get().recipient == li

    def fail():
        with transaction.atomic():
            tell(li, "m:2")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert Message.objects.count() == 1


def test_the_frame_counts_what_a_person_has_not_read_at_any_station():
    here = make.station()
    li, sun = make.cashier(here), make.attendant(here)
    tell(li)
    tell(li, "m:2", station=make.station())
    tell(sun, "m:3")
    page = make.signed_in(li).get(reverse("station:inbox"))
    assert page.context["frame"].unread == 2
    assert "2 条未读" in page.text and "月报做完了" in page.text
    messages.mark_all_read(user=li, at=make.NOW)
    page = make.signed_in(li).get(reverse("station:inbox"))
    assert page.context["frame"].unread == 0 and "条未读" not in page.text
    assert page.text.count("月报做完了") == 2
    unread = make.signed_in(li).get(reverse("station:inbox"), {"unread": "1"}).text
    assert "月报做完了" not in unread
    assert Message.objects.get(recipient=sun).read_at is None


def test_the_open_inbox_asks_for_its_table_alone_every_five_seconds():
    li = make.cashier(make.station())
    client = make.signed_in(li)
    assert 'hx-trigger="every 5s"' in client.get(reverse("station:inbox")).text
    tell(li)
    part = client.get(reverse("station:inbox"), headers={"HX-Target": "list"}).text
    assert "月报做完了" in part and "<html" not in part


def test_a_message_is_read_by_going_where_it_leads_and_only_by_its_owner():
    station = make.station()
    li = make.cashier(station)
    tell(li, url=reverse("station:account"))
    sent = Message.objects.get()
    client = make.signed_in(li)
    assert "未读" in client.get(reverse("station:message", args=[sent.pk])).text
    sent.refresh_from_db()
    assert sent.read_at is None  # looking changes nothing; a click does
    read = reverse("station:message_read", args=[sent.pk])
    assert client.get(read).status_code == 405
    stranger = make.signed_in(make.owner(station))
    assert stranger.post(read).status_code == 404
    assert stranger.get(reverse("station:message", args=[sent.pk])).status_code == 404
    assert client.post(read).url == reverse("station:account")
    sent.refresh_from_db()
    first = sent.read_at
    client.post(read)
    sent.refresh_from_db()
    assert first is not None and sent.read_at == first
    tell(li, "m:2")
    assert client.post(reverse("station:messages_read")).url == reverse("station:inbox")
    assert not Message.objects.filter(read_at=None).exists()


def test_the_inbox_shows_the_alerts_of_the_station_to_who_may_see_them():
    station = make.station()
    alerts.raise_alert(
        station=station, key="k", kind="x", level="WARNING", text="2 号罐水高", at=make.NOW
    )
    page = make.signed_in(make.manager(station)).get(reverse("station:inbox")).text
    assert "2 号罐水高" in page
    supplier = make.signed_in(make.supplier(station)).get(reverse("station:inbox"))
    assert supplier.status_code == 200 and "2 号罐水高" not in supplier.text


def test_the_inbox_costs_the_same_for_one_message_and_for_many(django_assert_max_num_queries):
    li = make.cashier(make.station())
    client = make.signed_in(li)
    for number in range(4):
        tell(li, f"m:{number}", at=make.NOW + timedelta(minutes=number))
        with django_assert_max_num_queries(8):
            client.get(reverse("station:inbox"))


# --------------------------------------------------------------------------- who is told


def test_whose_account_another_changes_hears_of_it_and_of_whom():
    station = make.station()
    li, chen = make.cashier(station), make.owner()
    people.change_roles(user=li, roles=[(station.pk, "ATTENDANT")], at=make.NOW, actor=chen)
    people.reset_password(user=li, at=make.NOW, actor=chen)
    told = list(Message.objects.filter(recipient=li).order_by("pk"))
    assert [one.subject for one in told] == ["您的角色已更改", "您的密码已重设"]
    assert chen.name in told[0].text and f"{station.name}：加油员" in told[0].text
    assert not Message.objects.exclude(recipient=li).exists()


def done(*, job, at):
    return {"rows": 3}


def broken(*, job, at):
    raise RuntimeError("no paper")


def test_whoever_asked_for_long_work_hears_how_it_ended(settings):
    settings.JOBS = {
        "t.done": ("月报", f"{__name__}.done"),
        "t.broken": ("年报", f"{__name__}.broken"),
    }
    li = make.cashier(make.station())
    for kind in ("t.done", "t.broken"):
        jobs.start(kind=kind, station=None, asked_by=li, at=make.NOW)
    jobs.start(kind="t.done", station=None, asked_by=None, at=make.NOW)
    jobs.run_next(at=make.NOW)
    for _ in range(jobs.ATTEMPTS):
        assert not Message.objects.filter(subject="年报没有做成").exists()
        with pytest.raises(RuntimeError):
            jobs.run_next(at=make.NOW)
    jobs.run_next(at=make.NOW)
    assert list(Message.objects.order_by("pk").values_list("recipient", "subject")) == [
        (li.pk, "月报做完了"),
        (li.pk, "年报没有做成"),
    ]
