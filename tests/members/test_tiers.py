"""Tiers: gained with the sale that earns them, lost gently, undone by a refund, set by hand."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from members.models import (
    Member,
    MemberTier,
    Purchase,
    Tier,
    TierMeasureDaily,
    TierNotice,
    TierRule,
)
from members.queries.tier_rules import Limit, Terms, terms_at
from members.queries.tiers import tier_at
from members.services import tier_rules, tiers
from members.services.purchases import hand_down
from members.services.tier_measures import measure, rebuild
from sales.services import refunds
from station.models import AuditEntry
from tests import make
from tests.make import SHANGHAI

pytestmark = pytest.mark.django_db

START = date(2026, 1, 1)


def at(day: date, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=SHANGHAI)


def three_tiers() -> dict[str, Tier]:
    for rank, (code, name) in enumerate((("BASE", "普通"), ("SILVER", "银卡"), ("GOLD", "金卡"))):
        Tier.objects.create(code=code, name=name, rank=rank)
    return {one.code: one for one in Tier.objects.all()}


def rule(valid_from: date = START, silver="1000", gold="5000", approver=None, **fields) -> TierRule:
    """365 days, 30 days of grace and of notice, 银卡 from 1000 yuan, 金卡 from 5000."""
    known = {one.code: one for one in Tier.objects.all()} or three_tiers()
    terms = Terms(
        **{
            "window": "ROLLING",
            "days": 365,
            "grace_days": 30,
            "notice_days": 30,
            "visits_a_day": 1,
            "points_per_yuan": Decimal(0),
            "points_per_litre": Decimal(0),
            "points_per_visit": Decimal(0),
            "limits": (
                Limit(known["SILVER"].pk, 1, "银卡", spend=Decimal(silver)),
                Limit(known["GOLD"].pk, 2, "金卡", spend=Decimal(gold)),
            ),
            **fields,
        }
    )
    return tier_rules.set_rule(
        terms=terms,
        valid_from=valid_from,
        station=None,
        at=at(valid_from, 1),
        actor=None,
        approver=approver,
    )


def buy(
    member: Member,
    net: str,
    day: date | datetime,
    document: str = "",
    back: str = "",
    litres: str = "0",
) -> str:
    """A purchase handed down as a sale does it; `back` is the sale that it takes back."""
    number = document or f"D{Purchase.objects.count() + 1}"
    hand_down(
        [
            Purchase(
                station=member.home_station,
                member=member,
                day=make.day(member.home_station),
                document=number,
                line=1,
                original=back,
                occurred_at=day if isinstance(day, datetime) else at(day),
                kind="FUEL",
                product="92#",
                quantity=Decimal(litres),
                net=Decimal(net),
            )
        ]
    )
    return number


def held(member: Member) -> str:
    """The code of the tier that a member holds; BASE without a row."""
    row = MemberTier.objects.filter(member=member, until=None).select_related("tier").first()
    return row.tier.code if row else "BASE"


def night(day: date) -> tiers.Moved:
    """The nightly evaluation, which must have nothing left to do when it runs again."""
    moved = tiers.evaluate_all(at=at(day, 0, 20))
    before = list(MemberTier.objects.order_by("pk").values())
    notices = TierNotice.objects.count()
    assert tiers.evaluate_all(at=at(day, 0, 50)).total == 0
    assert list(MemberTier.objects.order_by("pk").values()) == before
    assert TierNotice.objects.count() == notices
    return moved


def walk(member: Member, since: date, until: date) -> list[tuple[date, str]]:
    """Every night from one date to another; on which the tier changed, and to what."""
    seen, before, day = [], held(member), since
    while day <= until:
        night(day)
        if held(member) != before:
            before = held(member)
            seen.append((day, before))
        day += timedelta(days=1)
    return seen


# ------------------------------------------------------------------------------- upwards


@pytest.mark.req("MEM-03")
def test_a_tier_comes_with_the_sale_that_earns_it_and_not_a_fen_earlier():
    rule()
    member = make.member()
    buy(member, "999.99", date(2026, 4, 1))
    assert held(member) == "BASE"
    buy(member, "0.01", date(2026, 4, 2))
    assert held(member) == "SILVER"
    buy(member, "4000.00", date(2026, 4, 3))
    assert held(member) == "GOLD"
    assert [row.words for row in TierNotice.objects.order_by("pk")] == [
        "近 365 天消费 ¥1,000.00、加油 0.00 升、2 次，升为银卡，保级到 2027-04-02",
        "近 365 天消费 ¥5,000.00、加油 0.00 升、3 次，升为金卡，保级到 2027-04-03",
    ]


@pytest.mark.req("MEM-04")
def test_the_sale_that_earns_a_tier_was_itself_made_under_the_one_before():
    rule()
    member = make.member()
    moment = at(date(2026, 4, 1))
    buy(member, "1000.00", moment)
    assert tier_at(member_id=member.pk, at=moment).code == "BASE"
    assert tier_at(member_id=member.pk, at=moment + timedelta(seconds=1)).code == "SILVER"


@pytest.mark.req("MEM-02")
@pytest.mark.parametrize(
    ("asks", "enough"),
    [
        ({"litres": Decimal("60")}, 3),
        ({"visits": 4}, 4),
        ({"points": Decimal("250")}, 5),
        ({"spend": Decimal("100000"), "visits": 2}, 2),
    ],
)
def test_a_tier_is_reached_by_any_figure_that_it_asks(asks, enough):
    known = three_tiers()
    rule(
        points_per_yuan=Decimal("0.10"),
        points_per_litre=Decimal(1),
        points_per_visit=Decimal(10),
        limits=(Limit(known["SILVER"].pk, 1, "银卡", **asks),),
    )
    member = make.member()
    for number in range(1, enough + 1):
        assert held(member) == "BASE"
        buy(member, "200.00", START + timedelta(days=number), litres="20")
    assert held(member) == "SILVER"


def test_many_small_sales_of_one_day_are_one_visit():
    known = three_tiers()
    rule(limits=(Limit(known["SILVER"].pk, 1, "银卡", visits=3),))
    member = make.member()
    for _ in range(5):
        buy(member, "1.00", date(2026, 4, 1))
    assert TierMeasureDaily.objects.get().visits == 5
    assert held(member) == "BASE"
    buy(member, "1.00", date(2026, 4, 2))
    buy(member, "1.00", date(2026, 4, 3))
    assert held(member) == "SILVER"


def test_before_the_first_rule_purchases_count_and_tiers_wait():
    member = make.member()
    buy(member, "1000.00", date(2026, 4, 1))
    assert night(date(2026, 4, 2)).total == 0
    rule(date(2026, 4, 3))
    assert night(date(2026, 4, 2)).total == 0
    assert night(date(2026, 4, 3)).up == 1
    assert held(member) == "SILVER"


def test_a_sale_without_a_member_costs_nothing_and_a_member_whose_tier_stays_four_statements():
    rule()
    member = make.member()
    make.day(member.home_station)
    row = Purchase(member=None, net=Decimal(1), quantity=1, document="X", occurred_at=make.NOW)
    with CaptureQueriesContext(connection) as asked:
        measure([row])
    assert len(asked) == 0
    row = Purchase(
        member=member, net=Decimal(1), quantity=1, document="X", occurred_at=make.NOW, kind="FUEL"
    )
    with CaptureQueriesContext(connection) as asked:
        measure([row])
    assert len(asked) == 4


# ------------------------------------------------------------------------------ downwards


@pytest.mark.req("MEM-03")
def test_a_tier_falls_after_period_grace_and_notice_one_step_at_a_time():
    rule()
    member = make.member()
    buy(member, "5000.00", date(2026, 4, 1))  # 金卡, held until 2027-04-01
    fell = walk(member, date(2027, 3, 25), date(2027, 5, 3))
    assert fell == [(date(2027, 5, 2), "SILVER")]
    warning = TierNotice.objects.get(kind="WARNING")
    assert warning.made_at.astimezone(SHANGHAI).date() == date(2027, 4, 2)  # 30 days before
    assert warning.words == "等级保留到 2027-05-01，到时没有补足消费将降为银卡"
    row = MemberTier.objects.get(member=member, until=None)
    # 银卡 is held a whole period, though nothing is bought
    assert row.holds_until == date(2028, 4, 30)
    night(date(2028, 5, 1))
    assert walk(member, date(2028, 5, 29), date(2028, 6, 1)) == [(date(2028, 5, 31), "BASE")]


@pytest.mark.req("MEM-03")
@pytest.mark.parametrize(("bought", "kept"), [(date(2027, 5, 1), True), (date(2027, 5, 2), False)])
def test_the_last_day_of_grace_still_keeps_the_tier(bought, kept):
    rule()
    member = make.member()
    buy(member, "1000.00", date(2026, 4, 1))  # 银卡 until 2027-04-01, grace until 2027-05-01
    walk(member, date(2027, 3, 31), date(2027, 5, 1))
    if not kept:
        night(date(2027, 5, 2))
    buy(member, "999.99", bought)
    buy(member, "0.01", at(bought, 23, 59, 59))
    assert held(member) == "SILVER"
    row = MemberTier.objects.get(member=member, until=None)
    assert row.reason == ("UPGRADE")
    assert (row.renewed_on is not None) == kept


def test_who_buys_enough_in_his_period_is_renewed_and_hears_no_warning():
    rule()
    member = make.member()
    buy(member, "1000.00", date(2026, 4, 1))
    buy(member, "1000.00", date(2026, 12, 1))
    assert walk(member, date(2027, 3, 31), date(2027, 4, 4)) == []
    row = MemberTier.objects.get(member=member)
    assert (row.holds_until, row.renewed_on) == (date(2028, 3, 31), date(2027, 4, 2))
    assert not TierNotice.objects.filter(kind="WARNING").exists()


def test_nobody_falls_without_the_notice_though_the_nights_were_missed():
    rule()
    member = make.member()
    buy(member, "1000.00", date(2026, 4, 1))
    assert night(date(2027, 9, 1)).warned == 1  # the machine was off since spring
    assert walk(member, date(2027, 9, 2), date(2027, 10, 1)) == [(date(2027, 10, 1), "BASE")]


def test_a_notice_that_came_late_leaves_its_days_to_buy():
    rule()
    member = make.member()
    buy(member, "1000.00", date(2026, 4, 1))
    night(date(2027, 9, 1))
    buy(member, "1000.00", date(2027, 9, 30))
    assert held(member) == "SILVER"
    assert MemberTier.objects.get(member=member).renewed_on == date(2027, 9, 30)


@pytest.mark.req("MEM-02")
def test_a_calendar_year_ends_at_midnight_in_shanghai():
    rule(window="YEAR")
    early, late = make.member(), make.member()
    buy(early, "999.00", date(2026, 6, 1))
    buy(early, "1.00", at(date(2026, 12, 31), 23, 59, 59))
    buy(late, "999.00", date(2026, 6, 1))
    buy(late, "1.00", at(date(2027, 1, 1), 0, 0, 0))
    assert (held(early), held(late)) == ("SILVER", "BASE")
    row = MemberTier.objects.get(member=early)
    assert row.holds_until == date(2026, 12, 31)
    assert walk(early, date(2026, 12, 31), date(2027, 1, 2)) == []
    row.refresh_from_db()
    assert (row.renewed_on, row.holds_until) == (date(2027, 1, 1), date(2027, 12, 31))
    fell = walk(early, date(2027, 12, 30), date(2028, 1, 31))
    assert fell == [(date(2028, 1, 31), "BASE")]  # 30 days of grace after 31 December


@pytest.mark.req("MEM-02")
def test_a_leap_day_counts_as_a_day_of_its_window():
    rule(date(2024, 1, 1), days=366)
    inside, outside = make.member(), make.member()
    buy(inside, "999.99", date(2024, 2, 29))
    buy(inside, "0.01", date(2025, 2, 28))  # the 366th day
    buy(outside, "999.99", date(2024, 2, 29))
    buy(outside, "0.01", date(2025, 3, 1))
    assert (held(inside), held(outside)) == ("SILVER", "BASE")
    terms = terms_at(date(2024, 2, 29))
    assert terms.counted_from(date(2025, 2, 28)) == date(2024, 2, 29)
    assert terms.period_end(date(2024, 2, 29)) == date(2025, 2, 28)
    assert terms.earned_until(date(2024, 2, 29)) == date(2025, 3, 1)


def test_a_leap_day_in_a_calendar_year():
    rule(date(2024, 1, 1), window="YEAR")
    member = make.member()
    buy(member, "1000.00", date(2024, 2, 29))
    assert MemberTier.objects.get(member=member).holds_until == date(2024, 12, 31)


def test_a_member_without_sales_stays_what_he_is():
    rule()
    member = make.member()
    assert walk(member, date(2026, 4, 1), date(2026, 4, 3)) == []
    assert not MemberTier.objects.exists()
    assert tier_at(member_id=member.pk, at=make.NOW).code == "BASE"


def test_a_forgotten_member_is_not_evaluated():
    rule()
    member = make.member()
    buy(member, "1000.00", date(2026, 4, 1))
    Member.objects.filter(pk=member.pk).update(
        status="CLOSED", closed_at=make.NOW, phone_index="", id_number_index=""
    )
    night(date(2027, 5, 1))
    assert not TierNotice.objects.filter(kind="WARNING").exists()


# -------------------------------------------------------------------------------- refunds


@pytest.mark.req("MEM-03")
def test_a_refund_takes_back_the_tier_that_it_paid_for():
    rule()
    member = make.member()
    buy(member, "400.00", date(2026, 4, 1))
    sale = buy(member, "5000.00", date(2026, 4, 2))
    assert held(member) == "GOLD"
    buy(member, "-5000.00", date(2026, 4, 5), back=sale)
    assert held(member) == "BASE"
    assert TierNotice.objects.get(kind="REFUND").words == "退款后不再达到金卡，重新评定为普通"
    day = TierMeasureDaily.objects.get(member=member, date=date(2026, 4, 2))
    assert (day.spend, day.visits) == (0, 0)  # on the date of the sale, not of the refund
    assert not TierMeasureDaily.objects.filter(date=date(2026, 4, 5)).exists()
    night(date(2026, 4, 6))


def test_a_refund_in_part_leaves_what_is_still_reached_and_the_visit():
    rule()
    member = make.member()
    sale = buy(member, "5000.00", date(2026, 4, 2))
    buy(member, "-3000.00", date(2026, 4, 5), back=sale)
    assert held(member) == "SILVER"
    day = TierMeasureDaily.objects.get()
    assert (day.spend, day.visits) == (2000, 1)
    buy(member, "-2000.00", date(2026, 4, 6), back=sale)
    day.refresh_from_db()
    assert (day.spend, day.visits) == (0, 0)
    assert held(member) == "BASE"


def test_what_was_bought_since_makes_good_a_refund():
    rule()
    member = make.member()
    sale = buy(member, "1000.00", date(2026, 4, 2))
    buy(member, "600.00", date(2026, 4, 20))
    buy(member, "-600.00", date(2026, 4, 21), back=sale)
    assert held(member) == "SILVER"


def test_a_refund_of_what_did_not_matter_changes_no_tier():
    rule()
    member = make.member()
    buy(member, "1000.00", date(2026, 4, 2))
    sale = buy(member, "1000.00", date(2026, 4, 3))
    buy(member, "-1000.00", date(2026, 4, 4), back=sale)
    assert held(member) == "SILVER"
    assert MemberTier.objects.count() == 1


def test_a_renewed_tier_falls_by_one_when_the_renewal_is_refunded():
    rule()
    member = make.member()
    buy(member, "5000.00", date(2026, 4, 1))
    sale = buy(member, "5000.00", date(2027, 3, 1))
    night(date(2027, 4, 2))
    buy(member, "-5000.00", date(2027, 4, 3), back=sale)
    assert held(member) == "SILVER"


@pytest.mark.req("MEM-03")
def test_settling_upgrades_and_a_reversal_takes_it_back():
    rule()
    station = make.station()
    session = make.session(station)
    member = make.member(station)
    fill = make.fill_at(station, "130.00", "8.00")  # 1040.00
    sale = make.sale(session, [fill], member=member.pk)
    assert held(member) == "SILVER"
    day = TierMeasureDaily.objects.get()
    assert (day.spend, day.litres, day.visits) == (Decimal("1040.00"), Decimal("130.000"), 1)
    for _ in range(2):  # the request is sent twice
        refunds.reverse(
            sale=sale,
            reason="收错",
            session=session,
            actor=make.manager(station),
            at=make.NOW + timedelta(days=1),
            key="reverse-1",
        )
    assert held(member) == "BASE"
    day.refresh_from_db()
    assert (day.spend, day.litres, day.visits) == (0, 0, 0)
    assert rebuild() == 0


# -------------------------------------------------------------------------------- by hand


@pytest.mark.req("MEM-03")
def test_a_tier_set_by_hand_is_left_alone_while_it_is_locked():
    rule()
    station = make.station()
    member, wang = make.member(station), make.manager(station)
    silver = Tier.objects.get(code="SILVER")
    lock = date(2026, 6, 30)
    for _ in range(2):
        tiers.set_tier(
            member=member, tier=silver, locked_until=lock, reason="大客户", at=make.NOW, actor=wang
        )
    assert (
        MemberTier.objects.count()
        == AuditEntry.objects.filter(action="members.tier.set").count()
        == 1
    )
    sale = buy(member, "9000.00", date(2026, 5, 1))
    assert held(member) == "SILVER"
    buy(member, "-9000.00", date(2026, 5, 2), back=sale)
    assert walk(member, date(2026, 6, 25), date(2026, 6, 30)) == []
    buy(member, "9000.00", date(2026, 7, 1))
    assert held(member) == "GOLD"


def test_after_its_lock_a_tier_set_by_hand_is_kept_or_lost_like_any():
    rule()
    station = make.station()
    member, wang = make.member(station), make.manager(station)
    gold = Tier.objects.get(code="GOLD")
    lock = date(2026, 6, 30)
    tiers.set_tier(
        member=member, tier=gold, locked_until=lock, reason="补偿", at=make.NOW, actor=wang
    )
    assert walk(member, date(2026, 6, 20), date(2026, 8, 1)) == [(date(2026, 7, 31), "SILVER")]


@pytest.mark.parametrize(
    ("locked_until", "reason", "words"),
    [
        (date(2026, 4, 21), "补偿", "锁定日期"),
        (date(2036, 4, 21), "补偿", "锁定日期"),
        (None, " ", "写明原因"),
    ],
)
def test_a_tier_is_not_set_without_reason_or_for_a_lock_that_makes_no_sense(
    locked_until, reason, words
):
    rule()
    station = make.station()
    with pytest.raises(tiers.TierRefused, match=words):
        tiers.set_tier(
            member=make.member(station),
            tier=Tier.objects.get(code="GOLD"),
            locked_until=locked_until,
            reason=reason,
            at=make.NOW,
            actor=make.manager(station),
        )
    assert not MemberTier.objects.exists()


# ---------------------------------------------------------------------------------- races


@pytest.mark.req("MEM-03")
@pytest.mark.django_db(transaction=True)
def test_two_tills_raise_one_member_once():
    rule()
    members = [make.member() for _ in range(4)]
    make.day(members[0].home_station)
    for one in members:
        make.day(one.home_station)
        with transaction.atomic():
            buy(one, "990.00", date(2026, 4, 1))
    go, errors = threading.Barrier(8), []

    def till(number: int) -> None:
        try:
            go.wait()
            for place, one in enumerate(members):
                buy_here(one, f"T{number}-{place}")
        except BaseException as error:  # noqa: BLE001 - the test shows whatever it is
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=till, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert MemberTier.objects.count() == 4
    assert TierNotice.objects.count() == 4
    assert {held(one) for one in members} == {"SILVER"}
    assert all(
        day.spend == 10 * 8 for day in TierMeasureDaily.objects.filter(date=date(2026, 4, 2))
    )
    assert rebuild() == 0


def buy_here(member: Member, document: str) -> None:
    with transaction.atomic():
        buy(member, "10.00", date(2026, 4, 2), document=document)
