"""Readers that type like a keyboard: the same rules, one event whatever the ways it comes."""

import json
import threading
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse

from devices.models import Card, Line, Reader, ReadRule, Swipe
from devices.queries import swipes as asked
from devices.services import cards, reads
from station.models import AuditEntry
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("DEV-02")]
WECHAT, BARCODE = "134567890123456789", "6901234567892"
OWN = "YV" + "1" * 34
RULES = (
    ("CODE", r"\d{13}", "GOODS"),
    ("CODE", r"YZ\d+-\d+-\d{8}-\d+", "DOCUMENT"),
    ("CODE", r"HY[A-Z2-7]{28}", "MEMBER_CODE"),
    ("CARD", r"\d{10}", "MEMBER_CARD"),
)


class Site:
    def __init__(self):
        self.station = make.station()
        self.manager = make.manager(self.station)
        self.li = make.cashier(self.station)
        self.till = make.till(self.station)
        line = Line.objects.create(
            station=self.station, name="读卡器", url="/dev/ttyS1", protocol="RDM6300"
        )
        self.reader = Reader.objects.create(line=line, till=self.till)
        for position, (medium, pattern, meaning) in enumerate(RULES, 1):
            ReadRule.objects.create(
                station=self.station,
                position=position,
                medium=medium,
                pattern=pattern,
                meaning=meaning,
            )
        self.count = 0

    def typed(self, text, *, key="", after=0.0, till="own"):
        self.count += 1
        return reads.record_typed(
            station=self.station,
            till=self.till if till == "own" else till,
            actor=self.li,
            key=key or f"typed:{self.count}",
            text=text,
            at=make.NOW + timedelta(seconds=after),
        )

    def heard(self, text, medium="CODE", *, after=0.0):
        self.count += 1
        return reads.record_read(
            reader=self.reader,
            key=f"swipe:{self.count}",
            medium=medium,
            text=text,
            secret=False,
            at=make.NOW + timedelta(seconds=after),
        )


@pytest.fixture
def site():
    return Site()


def test_what_is_typed_and_what_a_line_brings_mean_the_same(site):
    cards.issue(
        station=site.station, number="0006499026", holder=site.li, actor=site.manager, at=make.NOW
    )
    for text, medium, meaning in (
        (BARCODE, "CODE", "GOODS"),
        ("YZ01-1-20260422-7", "CODE", "DOCUMENT"),
        ("HY" + "A" * 28, "CODE", "MEMBER_CODE"),
        ("1234567890", "CARD", "MEMBER_CARD"),
        ("0006499026", "CARD", "STAFF_CARD"),
        ("what", "CODE", "UNKNOWN"),
    ):
        typed = site.typed(text).swipe
        heard = site.heard(text, medium, after=10)
        tried = asked.decide(station=site.station, text=text)
        assert (typed.medium, typed.meaning) == (medium, meaning)
        assert (heard.medium, heard.meaning, heard.outcome) == (medium, meaning, typed.outcome)
        assert (tried.medium, tried.meaning, tried.outcome) == (medium, meaning, typed.outcome)


@pytest.mark.parametrize("code", [WECHAT, "2812345678901234", OWN])
def test_a_payment_code_that_is_typed_is_stored_as_its_mask_whatever_the_rules_say(site, code):
    ReadRule.objects.create(
        station=site.station, position=99, medium="CODE", pattern=".*", meaning="GOODS"
    )
    swipe = site.typed(code).swipe
    assert swipe.meaning == "PAYMENT_CODE"
    assert swipe.text == code[:2] + "*" * (len(code) - 6) + code[-4:]


def test_one_read_that_comes_both_ways_is_one_event_and_two_bottles_stay_two(site):
    assert site.heard(BARCODE)
    assert site.typed(BARCODE, after=0.4).again
    assert not site.typed(BARCODE, after=0.9).again  # the second bottle
    assert site.heard(BARCODE, after=1.1) is None
    assert Swipe.objects.count() == 2
    assert site.heard(BARCODE, after=20) and site.heard(BARCODE, after=21)
    assert Swipe.objects.count() == 4


def test_another_till_and_a_later_moment_are_other_reads(site):
    other = make.till(site.station, number=2)
    site.heard(BARCODE)
    assert not site.typed(BARCODE, till=other).again
    assert not site.typed(BARCODE, after=3.5).again


def test_a_card_that_lies_on_a_typing_reader_is_one_event(site):
    assert not site.typed("1234567890").again
    assert site.typed("1234567890", after=1).again
    assert not site.typed("1234567890", after=5).again


def test_the_same_request_twice_is_one_event(site):
    first, second = site.typed(BARCODE, key="k"), site.typed(BARCODE, key="k")
    assert second.again and second.swipe == first.swipe


@pytest.mark.django_db(transaction=True)
def test_both_ways_in_the_same_instant_are_one_event():
    site = Site()
    start = threading.Barrier(2)

    def go(do):
        try:
            start.wait()
            do()
        finally:
            connection.close()

    for _ in range(5):
        Swipe.objects.all().delete()
        both = [
            threading.Thread(target=go, args=(do,))
            for do in (lambda: site.typed(BARCODE), lambda: site.heard(BARCODE))
        ]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert Swipe.objects.count() == 1


def test_the_page_is_told_what_was_read_but_never_a_payment_code(site):
    client = make.signed_in(site.li)
    url = reverse("devices:typed_read")

    def send(text, **fields):
        site.count += 1
        return client.post(url, {"text": text, "key": f"0000000{site.count}", **fields})

    said = send(BARCODE, till=site.till.pk).json()
    assert (said["meaning"], said["secret"], said["again"]) == ("GOODS", False, False)
    paid = send(WECHAT)
    assert paid.json()["secret"] and WECHAT not in paid.content.decode()
    assert "no-store" in paid["Cache-Control"]
    assert send("").status_code == 422
    assert send("1" * 400).status_code == 422
    assert client.post(url, {"text": BARCODE, "key": "'; --"}).status_code == 422
    assert send("69\x0201234567892").json()["meaning"] == "GOODS"
    assert send(BARCODE, till="²").status_code == 200
    stranger = make.till(make.station(code="YZ02"), number=1)
    assert send(BARCODE, till=stranger.pk).status_code == 404
    assert client.get(url, {"text": WECHAT}).status_code == 405
    listed = make.signed_in(site.manager).get(reverse("devices:swipes")).content.decode()
    assert "键盘式" in listed and WECHAT not in listed
    kept = json.dumps(list(Swipe.objects.values()) + list(AuditEntry.objects.values()), default=str)
    assert WECHAT not in kept


def test_a_members_card_opens_his_page_for_whom_it_is_open(site):
    member = make.member(site.station)
    Card.objects.create(
        station=site.station,
        number="1234567890",
        meaning="MEMBER_CARD",
        document=member.number,
        issued_at=make.NOW,
    )
    url, body = reverse("devices:typed_read"), {"text": "1234567890"}
    said = make.signed_in(site.li).post(url, {**body, "key": "aaaaaaaa"}).json()
    assert said["open"] == reverse("members:member", args=[member.number])
    attendant = make.signed_in(make.attendant(site.station))
    assert attendant.post(url, {**body, "key": "bbbbbbbb"}).json()["open"] == ""


def test_a_trial_of_a_payment_code_shows_its_mask_and_keeps_nothing(site):
    office = make.signed_in(site.manager)
    shown = office.post(reverse("devices:rule_test"), {"medium": "", "sample": WECHAT})
    assert "付款码" in shown.content.decode() and WECHAT not in shown.content.decode()
    assert not Swipe.objects.exists()


@pytest.mark.req("SAL-02")
def test_the_till_is_told_the_code_itself_once_and_afterwards_its_mask():
    from devices.services import whispering

    cache.clear()
    session = make.session()
    line = Line.objects.create(
        station=session.station, name="枪", url="/dev/ttyS2", protocol="SCANNER"
    )
    reader = Reader.objects.create(line=line, till=session.till)
    whispering.whisper("swipe:9", WECHAT)
    reads.record_read(
        reader=reader, key="swipe:9", medium="CODE", text="13************6789", secret=True,
        at=make.NOW,
    )  # fmt: skip
    client = make.signed_in(session.cashier)
    pulse = reverse("sales:till_pulse")
    first, second = (client.get(pulse).json()["scans"] for _ in range(2))
    assert [one["text"] for one in first + second] == [WECHAT, "13************6789"]
    assert "key" not in first[0]
