"""归因: over both limits, said with evidence, approved by another person, also after the close."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from inventory.models import VarianceAttribution
from inventory.queries.attributions import Limits, told_of, waiting
from inventory.services.attributions import (
    AlreadyAttributed,
    WithinLimits,
    approve,
    open_attributions,
    propose,
    send_back,
)
from station.errors import Refusal
from station.models import AuditEntry, BusinessDay, Tank, User
from tests import make
from tests.inventory.ledger import frozen

D = Decimal
pytestmark = [pytest.mark.django_db, pytest.mark.req("INV-04")]
DAY = make.TODAY - timedelta(days=1)
WORDS = "查 3 号枪自校 +0.28%，班长在场"


@pytest.fixture
def tank() -> Tank:
    return make.tank(make.station(), make.grade("92#"))


def lost(tank: Tank, litres: str = "31", sold: str = "3610") -> BusinessDay:
    """A closed day that lost so much."""
    left = D(20000) - D(sold) - D(litres)
    frozen(tank, DAY, opening="20000", pumped=sold, physical=f"{left}", reason="雨天")
    return BusinessDay.objects.select_related("station").get(station=tank.station, date=DAY)


def said(tank: Tank, day: BusinessDay, actor: User, **changes: str) -> VarianceAttribution:
    told = {"cause": "METER", "evidence": WORDS, **changes}
    return propose(tank=tank, day=day, at=make.NOW, actor=actor, **told)


@pytest.mark.parametrize(
    ("variance", "sold", "over"),
    [
        ("-31", "3610", True),
        ("31", "3610", True),
        ("-20", "1000", False),  # not over the litres
        ("-20.001", "1000", True),
        ("-30", "10000", False),  # 3.00 ‰ is not over 3 ‰
        ("-30", "9999", False),  # 3.00 ‰ as it is shown
        ("-30.1", "9999", True),
        ("-25", "9000000", False),  # a rate that rounds to nought is none
        ("-25", "0", True),  # nothing sold: the litres alone decide
        ("-5.89", "322", False),  # 18 ‰ of hardly anything
        (None, "1000", False),
    ],
)
def test_over_the_limits_is_over_both(variance: str | None, sold: str, over: bool) -> None:
    bounds = Limits(D(3), D(20))
    assert bounds.passed_by(None if variance is None else D(variance), D(sold)) is over


def test_a_cause_is_said_by_one_and_approved_by_another(tank: Tank) -> None:
    day, clerk, boss = lost(tank), make.accountant(tank.station), make.manager(tank.station)
    first = said(tank, day, clerk)
    assert said(tank, day, clerk) == first and VarianceAttribution.objects.count() == 1
    assert (first.variance_l, first.sold_l, first.status) == (D(-31), D(3610), "PROPOSED")
    with pytest.raises(AlreadyAttributed):
        said(tank, day, boss, evidence="别的话")
    with pytest.raises(Refusal, match="另一人"):
        approve(attribution=first, at=make.NOW, actor=clerk)
    for _ in range(2):
        approve(attribution=first, at=make.NOW, actor=boss, word="同意")
    first.refresh_from_db()
    assert (first.status, first.decided_by) == ("APPROVED", boss)
    acts = AuditEntry.objects.filter(document=first.number).values_list("action", flat=True)
    assert sorted(acts) == ["inventory.attribution.approve", "inventory.attribution.propose"]
    with pytest.raises(AlreadyAttributed):
        said(tank, day, clerk, cause="LEAK")
    with pytest.raises(AlreadyAttributed):
        send_back(attribution=first, reason="再查", at=make.NOW, actor=boss)


def test_sent_back_it_waits_again(tank: Tank) -> None:
    day, clerk, boss = lost(tank), make.accountant(tank.station), make.manager(tank.station)
    row = said(tank, day, clerk)
    with pytest.raises(Refusal, match="缺什么"):
        send_back(attribution=row, reason=" ", at=make.NOW, actor=boss)
    send_back(attribution=row, reason="缺自校记录", at=make.NOW, actor=boss)
    assert (waiting(tank.station).open, waiting(tank.station).since) == (1, DAY)
    row = said(tank, day, boss, cause="OPERATION")
    assert (row.status, row.proposed_by, row.word) == ("PROPOSED", boss, "")
    assert (waiting(tank.station).open, waiting(tank.station).proposed) == (0, 1)


def test_nothing_within_the_limits_and_nothing_without_words(tank: Tank) -> None:
    day, clerk = lost(tank, "19"), make.accountant(tank.station)
    with pytest.raises(WithinLimits):
        said(tank, day, clerk)
    for wrong in ({"cause": "X"}, {"evidence": "  "}):
        with pytest.raises(Refusal, match="归因"):
            said(tank, day, clerk, **wrong)
    assert not VarianceAttribution.objects.exists()


def test_a_day_with_an_open_shift_is_not_settled(tank: Tank) -> None:
    shift = make.shift(tank.station)
    with pytest.raises(Refusal, match="没有班结"):
        said(tank, shift.day, make.accountant(tank.station))


def test_the_close_opens_what_is_over_once(tank: Tank) -> None:
    day = lost(tank)
    books = list(tank.books.filter(day=day))
    for _ in range(2):
        assert open_attributions(station=tank.station, books=books, at=make.NOW) == 1
    (row,) = VarianceAttribution.objects.all()
    assert (row.status, row.number) == ("OPEN", f"GY{tank.station.code}-20260421-1")


def test_the_papers_say_what_was_not_attributed(tank: Tank) -> None:
    day, clerk, boss = lost(tank), make.accountant(tank.station), make.manager(tank.station)
    asked = {"station": tank.station, "tanks": [(DAY, 1, "92#", D(-31), D(3610))]}
    (one,) = told_of(**asked)
    assert (one.text, one.is_done) == ("未归因：1 号罐（92#）损 31.00 L，损溢率 损 8.59‰", False)
    row = said(tank, day, clerk)
    assert told_of(**asked)[0].text.startswith("未归因（待审批）")
    approve(attribution=row, at=make.NOW, actor=boss)
    (one,) = told_of(**asked)
    assert one.is_done and one.text.startswith("已归因") and "站长 Wang审批" in one.text


def test_the_database_keeps_what_was_said(tank: Tank) -> None:
    day, clerk, boss = lost(tank), make.accountant(tank.station), make.manager(tank.station)
    row = said(tank, day, clerk)
    rows = VarianceAttribution.objects.filter(pk=row.pk)
    for wrong in (
        {"variance_l": 0},
        {"status": "APPROVED"},
        {"status": "APPROVED", "decided_by": clerk},
        {"evidence": ""},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**wrong)
    approve(attribution=row, at=make.NOW, actor=boss)
    for act in (lambda: rows.update(word="改"), rows.delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            act()


@pytest.mark.django_db(transaction=True)
def test_two_who_say_it_at_once_make_one_row() -> None:
    tank = make.tank(make.station(), make.grade("92#"))
    day = lost(tank)
    people = [make.accountant(tank.station), make.manager(tank.station)]
    gate, told = threading.Barrier(2), []

    def say(who: User) -> None:
        try:
            gate.wait(10)
            told.append(said(tank, day, who, evidence=who.username).proposed_by_id)
        except AlreadyAttributed:
            told.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=say, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(told) == 2 and told.count(None) == 1
    assert VarianceAttribution.objects.count() == 1


# --------------------------------------------------------------------------------- pages


def address(name: str, tank: Tank) -> str:
    return reverse(f"inventory:{name}", args=[tank.number, DAY])


def test_from_the_list_to_the_approval(tank: Tank) -> None:
    day = lost(tank)
    open_attributions(station=tank.station, books=tank.books.filter(day=day), at=make.NOW)
    clerk = make.signed_in(make.accountant(tank.station))
    page = clerk.get(reverse("inventory:attributions")).content.decode()
    assert "未归因" in page and "损 31.00 L" in page and address("attribution", tank) in page
    page = clerk.get(address("attribution", tank)).content.decode()
    for words in ("损 8.59‰", "3.00‰ 且 20.00 升", "雨天", "提交，等审批", "附件"):
        assert words in page
    wrong = clerk.post(address("attribution-propose", tank), {"cause": "METER", "evidence": ""})
    assert wrong.status_code == 422
    told = {"cause": "METER", "evidence": WORDS}
    for _ in range(2):
        assert clerk.post(address("attribution-propose", tank), told).status_code == 302
    assert clerk.post(address("attribution-approve", tank)).status_code == 403
    boss = make.signed_in(make.manager(tank.station))
    refused = boss.post(address("attribution-send-back", tank), {"word": ""})
    assert refused.status_code == 422 and "缺什么证据" in refused.content.decode()
    assert boss.post(address("attribution-approve", tank), {"word": "同意"}).status_code == 302
    page = boss.get(address("attribution", tank)).content.decode()
    assert "已归因" in page and "同意" in page and "提交，等审批" not in page
    assert "没有等着归因的损溢" in boss.get(reverse("inventory:attributions")).content.decode()
    every = boss.get(reverse("inventory:attributions"), {"status": "ALL", "cause": "METER"})
    assert WORDS in every.content.decode()
    analysis = boss.get(
        reverse("inventory:reconciliation"), {"since": DAY, "until": DAY}
    ).content.decode()
    assert "已归因" in analysis and "计量" in analysis


def test_what_needs_no_cause_says_so_and_strangers_see_nothing(tank: Tank) -> None:
    lost(tank, "3")
    clerk = make.signed_in(make.accountant(tank.station))
    assert "不需要归因" in clerk.get(address("attribution", tank)).content.decode()
    refused = clerk.post(
        address("attribution-propose", tank), {"cause": "METER", "evidence": WORDS}
    )
    assert refused.status_code == 422
    stranger = make.signed_in(make.stranger())
    assert stranger.get(address("attribution", tank)).status_code == 404
    assert stranger.post(address("attribution-approve", tank)).status_code == 404
    cashier = make.signed_in(make.cashier(tank.station))
    assert cashier.get(reverse("inventory:attributions")).status_code == 403
