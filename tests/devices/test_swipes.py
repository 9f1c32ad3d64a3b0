"""Swipes and scans: what a read means, what an unknown or lost card says, codes that nobody keeps."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils.timezone import now

from devices.models import Card, Line, Reader, ReadRule, Swipe
from devices.queries import swipes as asked
from devices.services import cards, reads, whispering
from station.models import AuditEntry
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("DEV-02")]


class Site:
    def __init__(self):
        self.station = make.station()
        self.manager = make.manager(self.station)
        line = Line.objects.create(
            station=self.station, name="读卡器", url="/dev/ttyS1", protocol="RDM6300"
        )
        self.reader = Reader.objects.create(line=line, till=make.till(self.station))
        self.sun = make.attendant(self.station)
        self.count = 0

    def rule(self, position, medium, pattern, meaning, **fields):
        return ReadRule.objects.create(
            station=self.station,
            position=position,
            medium=medium,
            pattern=pattern,
            meaning=meaning,
            **fields,
        )

    def read(self, text, medium="CARD", secret=False, key=""):
        self.count += 1
        return reads.record_read(
            reader=self.reader,
            key=key or f"swipe:{self.count}",
            medium=medium,
            text=text,
            secret=secret,
            at=make.NOW,
        )

    def issue(self, number="0800632AD2"):
        return cards.issue(
            station=self.station, number=number, holder=self.sun, actor=self.manager, at=make.NOW
        )


@pytest.fixture
def site():
    return Site()


def test_the_first_rule_whose_pattern_matches_the_whole_text_decides(site):
    site.rule(10, "CODE", r"69\d{11}", "GOODS")
    site.rule(20, "CODE", r"\d+", "DOCUMENT")
    site.rule(5, "CODE", r"69\d{11}", "MEMBER_CARD", active=False)
    site.rule(1, "CODE", "(", "MEMBER_CARD")  # written past the page, and passed over
    site.rule(30, "CARD", r"[0-9A-F]{10}", "STAFF_CARD")
    read = {text: site.read(text, "CODE") for text in ("6901234567892", "69012345678921", "x69")}
    assert [(one.meaning, one.outcome) for one in read.values()] == [
        ("GOODS", "KNOWN"),
        ("DOCUMENT", "KNOWN"),
        ("UNKNOWN", "UNKNOWN"),
    ]
    assert "没有规则认识这个码" in asked.said(read["x69"])


def test_a_read_told_twice_is_one_event(site):
    assert site.read("0800632AD2", key="a") is not None
    assert site.read("0800632AD2", key="a") is None
    assert Swipe.objects.count() == 1


def test_an_issued_card_says_whose_it_is_and_unknown_and_lost_ones_say_so(site):
    site.rule(10, "CARD", r"[0-9A-F]{10}", "MEMBER_CARD")
    stranger = site.read("0800632AD2")
    assert (stranger.meaning, stranger.outcome) == ("MEMBER_CARD", "UNKNOWN")
    assert "没有登记" in asked.said(stranger)
    card = site.issue()
    known = site.read("0800632AD2")
    assert (known.meaning, known.outcome, known.card) == ("STAFF_CARD", "KNOWN", card)
    assert asked.said(known) == "员工卡：加油员 Sun"
    cards.move(card=card, to=Card.Status.LOST, actor=site.manager, at=make.NOW)
    lost = site.read("0800632AD2")
    assert lost.outcome == "LOST"
    assert "已挂失，请收回" in asked.said(lost)


def test_a_card_number_is_one_persons_until_it_is_cancelled(site):
    card = site.issue()
    with pytest.raises(cards.CardRefused, match="已经发出"):
        site.issue()
    move = {"card": card, "actor": site.manager, "at": make.NOW}
    with pytest.raises(cards.CardRefused, match="未解除挂失"):
        cards.move(to=Card.Status.ACTIVE, **move)
    cards.move(to=Card.Status.LOST, **move)
    with pytest.raises(cards.CardRefused, match="已经发出"):
        site.issue()
    cards.move(to=Card.Status.ACTIVE, **move)
    cards.move(to=Card.Status.CANCELLED, **move)
    assert site.issue().pk != card.pk
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == [
        "devices.card.issued",
        "devices.card.lost",
        "devices.card.active",
        "devices.card.cancelled",
        "devices.card.issued",
    ]


@pytest.mark.req("SEC-03")
def test_a_payment_code_is_masked_in_the_row_and_given_once(site):
    code, masked = "134567890123456789", "13************6789"
    whispering.whisper("pay", code)
    read = site.read(masked, "CODE", secret=True, key="pay")
    assert (read.meaning, read.text, read.outcome) == ("PAYMENT_CODE", masked, "KNOWN")
    kept = cache.get("devices.scan:pay")
    assert kept and code not in kept
    assert whispering.take("pay") == code
    assert whispering.take("pay") == ""
    cache.set("devices.scan:pay", "something else")
    assert whispering.take("pay") == ""


def test_a_pattern_that_is_none_and_a_place_that_is_taken_are_refused(site):
    values = {
        "position": 10,
        "medium": "CODE",
        "pattern": r"69\d{11}",
        "meaning": "GOODS",
        "note": "",
        "active": True,
    }
    told = {"at": make.NOW, "actor": site.manager, "station": site.station}
    rule = cards.save_rule(row=None, values=values, **told)
    with pytest.raises(cards.RuleRefused, match="已有一条规则"):
        cards.save_rule(row=None, values=values, **told)
    with pytest.raises(cards.RuleRefused, match="正则表达式"):
        cards.save_rule(row=rule, values={**values, "pattern": "("}, **told)
    assert cards.save_rule(row=rule, values={**values, "position": 11}, **told).position == 11


def test_the_pages_issue_lose_and_try(site):
    office = make.signed_in(site.manager)
    site.read("0800632AD2")
    form = reverse("devices:card_new")
    assert "0800632AD2" in office.get(form).content.decode()
    typed = {"number": "0800632AD2", "holder": site.sun.pk}
    assert office.post(form, typed).status_code == 302
    assert office.post(form, typed).status_code == 422
    card = Card.objects.get()
    page = reverse("devices:card", args=[card.pk])
    lose = reverse("devices:card_move", args=[card.pk, "LOST"])
    assert office.post(lose).url == page
    assert office.post(lose).status_code == 422
    assert office.post(reverse("devices:card_move", args=[card.pk, "EATEN"])).status_code == 422
    assert "解除挂失" in office.get(page).content.decode()
    assert "0800632AD2" in office.get(reverse("devices:cards")).content.decode()
    listed = office.get(reverse("devices:swipes"), {"outcome": "UNKNOWN"}).content.decode()
    assert "未登记" in listed and "没有登记" in listed
    site.rule(10, "CODE", r"69\d{11}", "GOODS")
    trial = reverse("devices:rule_test")
    tried = office.post(trial, {"medium": "CODE", "sample": "6901234567892"}).content.decode()
    assert "第 10 条规则" in tried and "商品条码" in tried
    assert (
        "没有规则认识它" in office.post(trial, {"medium": "CODE", "sample": "?"}).content.decode()
    )
    assert office.get(trial).status_code == 200
    rules = {"position": 20, "medium": "CODE", "pattern": ")(", "meaning": "GOODS"}
    assert office.post(reverse("devices:rules-new"), rules).status_code == 422
    attendant = make.signed_in(site.sun)
    assert attendant.get(form).status_code == 403


@pytest.mark.req("SEC-15")
def test_cards_and_swipes_of_another_station_are_not_seen(site):
    card = site.issue()
    site.read("0800632AD2")
    stranger = make.signed_in(make.stranger())
    assert stranger.get(reverse("devices:card", args=[card.pk])).status_code == 404
    for name in ("swipes", "cards"):
        assert "0800632AD2" not in stranger.get(reverse(f"devices:{name}")).content.decode()


def test_the_list_is_narrowed_by_date(site):
    site.read("0800632AD2")
    office = make.signed_in(site.manager)
    later = f"{(now() + timedelta(days=1)).date()}"
    assert (
        "0800632AD2" not in office.get(reverse("devices:swipes"), {"since": later}).content.decode()
    )
