"""Pages of tiers: founded, changed after seeing whom it moves, shown on member, till and receipt."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import localdate, now

from members.models import MemberTier, Tier, TierBenefit, TierNotice, TierRule
from members.queries.tier_benefits import benefits_of, member_benefits
from members.queries.tier_progress import progress_of, tier_words
from members.queries.tier_rules import terms_at
from members.services import tier_rules, tiers
from sales.models import Receipt
from sales.services import papers as of_papers
from sales.services import printing
from station.models import AuditEntry
from tests import make
from tests.members.test_tiers import buy, held, rule, three_tiers

pytestmark = pytest.mark.django_db


@pytest.fixture
def station():
    return make.station()


@pytest.fixture
def wang(station):
    return make.signed_in(make.manager(station))


def found(station):
    tier_rules.found_tiers(station=station, at=make.NOW - timedelta(days=30), actor=None)
    return {one.code: one for one in Tier.objects.all()}


# ------------------------------------------------------------------------ tiers and benefits


@pytest.mark.req("MEM-02")
def test_the_three_usual_tiers_are_founded_once_by_a_button(station, wang):
    assert "启用默认等级" in wang.get("/members/tiers/").content.decode()
    for _ in range(2):
        assert wang.post("/members/tiers/found/").status_code == 302
    assert list(Tier.objects.order_by("rank").values_list("name", flat=True)) == [
        "普通",
        "银卡",
        "金卡",
    ]
    page = wang.get("/members/tiers/").content.decode()
    for words in ("¥15,000.00", "60 次", "免费洗车，每月 1 次", "每升优惠 0.10 元", "1.5 倍积分"):
        assert words in page
    assert AuditEntry.objects.filter(action="members.tiers.founded").count() == 1


@pytest.mark.req("MEM-04")
def test_a_tier_lists_what_it_gives_and_prices_and_points_ask_for_it(station):
    known = found(station)
    gold = benefits_of(tier_id=known["GOLD"].pk, at=make.NOW)
    assert (gold.litre_cut, gold.multiplier, gold.priority) == (
        Decimal("0.10"),
        Decimal("1.50"),
        True,
    )
    assert (gold.birthday, dict(gold.services)) == ("礼品一份", {"洗车": 1})
    base = benefits_of(tier_id=known["BASE"].pk, at=make.NOW)
    assert (base.litre_cut, base.multiplier, base.words) == (None, 1, ())
    assert member_benefits(member_id=None, at=make.NOW).words == ()
    assert benefits_of(tier_id=None, at=make.NOW).multiplier == 1


@pytest.mark.req("MEM-04")
def test_what_a_tier_gave_at_a_sale_stays_known_when_it_changes(station):
    gold = found(station)["GOLD"]
    more = tier_rules.gift("LITRE_CUT", Decimal("0.20"))
    living = [one for one in tier_rules.STANDARD[2]["gives"] if one.kind != "LITRE_CUT"]
    for _ in range(2):
        tier_rules.set_benefits(
            tier=gold,
            gifts=[more, *living],
            station=station,
            at=make.NOW,
            actor=make.manager(station),
        )
    assert TierBenefit.objects.filter(tier=gold, kind="LITRE_CUT").count() == 2
    before = benefits_of(tier_id=gold.pk, at=make.NOW - timedelta(seconds=1))
    assert before.litre_cut == Decimal("0.10")
    assert benefits_of(tier_id=gold.pk, at=make.NOW).litre_cut == Decimal("0.20")
    assert AuditEntry.objects.filter(action="members.tier.benefits_set").count() == 1


GOLD_FORM = {
    "name": "金卡",
    "active": "on",
    "litre_cut": "0.10",
    "multiplier": "1.50",
    "birthday": "礼品一份",
    "priority": "on",
    "service_1": "洗车",
    "monthly_1": "1",
}


def test_a_benefit_is_given_by_one_and_taken_by_two(station, wang):
    gold = found(station)["GOLD"]
    assert wang.get("/members/tiers/GOLD/").status_code == 200
    more = {**GOLD_FORM, "litre_cut": "0.15"}
    assert wang.post("/members/tiers/GOLD/", more).status_code == 302
    less = {**GOLD_FORM, "litre_cut": "0.15", "service_1": "", "monthly_1": ""}
    refused = wang.post("/members/tiers/GOLD/", less)
    assert refused.status_code == 422
    assert "免费洗车" in refused.content.decode()
    chen = make.owner(station)
    signed = {**less, "approver": chen.username, "approver_secret": make.PIN}
    assert wang.post("/members/tiers/GOLD/", signed).status_code == 302
    assert dict(benefits_of(tier_id=gold.pk, at=make.NOW + timedelta(days=3650)).services) == {}
    entry = AuditEntry.objects.filter(action="members.tier.benefits_set").latest("pk")
    assert entry.after["审批人"] == chen.name


def test_a_new_tier_comes_above_the_others_and_a_held_one_stays_in_use(station, wang):
    found(station)
    form = {"name": "钻石", "code": "diamond", "active": "on", "priority": "on"}
    assert wang.post("/members/tiers/new/", form).status_code == 302
    assert wang.post("/members/tiers/new/", form).status_code == 422  # the same code again
    diamond = Tier.objects.get(code="DIAMOND")
    assert diamond.rank == 3
    member = make.member(station)
    tiers.set_tier(
        member=member,
        tier=diamond,
        locked_until=None,
        reason="投资人",
        at=make.NOW,
        actor=make.manager(station),
    )
    answer = wang.post("/members/tiers/DIAMOND/", {"name": "钻石", "priority": "on"})
    assert "还有会员是钻石" in answer.content.decode()
    assert "每个人开始时" in wang.post("/members/tiers/BASE/", {"name": "普通"}).content.decode()
    half = {**GOLD_FORM, "monthly_1": ""}
    assert wang.post("/members/tiers/GOLD/", half).status_code == 422


# ------------------------------------------------------------------------------- the rule


def rule_form(**fields):
    known = {one.code: one.pk for one in Tier.objects.all()}
    names = {
        f"{figure}_{known[code]}": fields.pop(f"{figure}_{code.lower()}", "")
        for code in ("SILVER", "GOLD")
        for figure in ("spend", "litres", "visits", "points")
    }
    return {
        "valid_from": localdate(now()).isoformat(),  # the page knows the real today
        "window": "ROLLING",
        "days": "365",
        "visits_a_day": "1",
        "grace_days": "30",
        "notice_days": "30",
        "points_per_yuan": "0",
        "points_per_litre": "0",
        "points_per_visit": "0",
        **names,
        **fields,
    }


@pytest.mark.req("MEM-02")
def test_a_change_of_the_rule_shows_whom_it_moves_before_it_is_saved(station, wang):
    three_tiers()
    rule(date(2026, 1, 1))
    today = localdate(now())
    near, far = make.member(station), make.member(station)
    buy(near, "800.00", today)
    buy(far, "1200.00", today)
    assert (held(near), held(far)) == ("BASE", "SILVER")
    eased = rule_form(spend_silver="700", spend_gold="5000")
    shown = wang.post("/members/tiers/rule/", {**eased, "show": "1"}).content.decode()
    assert re.search(r"马上升级 <strong>1</strong> 人", shown)
    assert near.number in shown
    assert "139" not in shown  # no phone
    assert TierRule.objects.count() == 1
    mark = re.search(r'name="shown" value="([0-9a-f]{64})"', shown)[1]
    # what was changed after it was shown is shown again, and not saved
    other = {**eased, **rule_form(spend_silver="600", spend_gold="5000")}
    assert (
        wang.post("/members/tiers/rule/", {**other, "shown": mark, "save": "1"}).status_code == 200
    )
    assert TierRule.objects.count() == 1
    for _ in range(2):
        saved = wang.post("/members/tiers/rule/", {**eased, "shown": mark, "save": "1"})
        assert saved.status_code == 302
    assert TierRule.objects.count() == 2
    assert TierRule.objects.latest("pk").approved_by is None  # nothing was taken away
    assert tiers.evaluate_all(at=now()).up == 1
    assert held(near) == "SILVER"


@pytest.mark.req("MEM-03")
def test_a_rule_that_takes_away_is_signed_by_another_and_moves_nobody_down_at_once(station, wang):
    three_tiers()
    rule(date(2026, 1, 1))
    member = make.member(station)
    buy(member, "1200.00", localdate(now()))
    harder = rule_form(spend_silver="2000", spend_gold="5000")
    shown = wang.post("/members/tiers/rule/", {**harder, "show": "1"}).content.decode()
    assert "到期会降 <strong>1</strong> 人" in shown
    assert "银卡门槛 消费1000" in shown
    mark = re.search(r'name="shown" value="([0-9a-f]{64})"', shown)[1]
    alone = wang.post("/members/tiers/rule/", {**harder, "shown": mark, "save": "1"})
    assert alone.status_code == 422
    assert TierRule.objects.count() == 1
    chen = make.owner(station)
    signed = {**harder, "shown": mark, "save": "1", "approver": chen.username}
    wrong = wang.post("/members/tiers/rule/", {**signed, "approver_secret": "000000"})
    assert wrong.status_code == 422
    done = wang.post("/members/tiers/rule/", {**signed, "approver_secret": make.PIN})
    assert done.status_code == 302
    assert TierRule.objects.latest("pk").approved_by == chen
    assert tiers.evaluate_all(at=now()).total == 0
    assert held(member) == "SILVER"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"spend_silver": "5000", "spend_gold": "5000"}, "应高于"),
        ({}, "没有一个等级写了门槛"),
        ({"spend_silver": "5", "days": "20"}, "应多于"),
        ({"points_silver": "5"}, "都不给等级分"),
        ({"spend_silver": "5", "valid_from": "2026-01-01"}, "生效日期已过"),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(station, wang, fields, words):
    three_tiers()
    answer = wang.post("/members/tiers/rule/", {**rule_form(**fields), "show": "1"})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not TierRule.objects.exists()


def test_a_version_of_the_rule_is_never_changed(station):
    found(station)
    for act in (
        lambda: TierRule.objects.update(days=10),
        lambda: TierRule.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            act()
    assert TierRule.objects.get().days == 365


# ------------------------------------------------------------- what is missing to the next


@pytest.mark.req("MEM-06")
@pytest.mark.parametrize("figure", ["spend", "visits"])
def test_what_is_said_to_be_missing_is_what_the_engine_wants(station, figure):
    found(station)
    member = make.member(station)
    day = make.TODAY
    buy(member, "1234.56", day)
    progress = progress_of(member_ids=[member.pk], at=make.at(12))[member.pk]
    assert progress.next_words == "再消费 ¥4,765.44 或 23 次到银卡，截止 2027-04-21"
    gap = next(one for one in progress.gaps if one.figure == figure)
    if figure == "spend":
        buy(member, str(gap.amount - Decimal("0.01")), progress.by)
        assert held(member) == "BASE"
        buy(member, "0.01", progress.by)
    else:
        for number in range(int(gap.amount) - 1):
            buy(member, "1.00", day + timedelta(days=number + 1))
        assert held(member) == "BASE"
        buy(member, "1.00", progress.by)
    assert held(member) == "SILVER"


@pytest.mark.req("MEM-06")
def test_a_day_after_the_date_it_is_no_longer_enough(station):
    found(station)
    member = make.member(station)
    buy(member, "1000.00", make.TODAY)
    progress = progress_of(member_ids=[member.pk], at=make.at(12))[member.pk]
    buy(member, "5000.00", progress.by + timedelta(days=1))
    assert held(member) == "BASE"


@pytest.mark.req("MEM-06")
def test_what_is_missing_to_keep_a_tier_is_what_keeps_it():
    rule()
    member = make.member()
    buy(member, "1000.00", date(2026, 4, 1))
    buy(member, "300.00", date(2026, 9, 1))
    late = make.at(12, day=date(2027, 4, 10))
    tiers.evaluate_all(at=late)
    progress = progress_of(member_ids=[member.pk], at=late)[member.pk]
    assert progress.keep_words == "银卡保级到 2027-04-01，再消费 ¥700.00续期，最迟 2027-05-09"
    assert progress.keep_words in progress.lines
    buy(member, "700.00", progress.keep_by)
    assert MemberTier.objects.get(member=member).renewed_on == progress.keep_by


def test_who_holds_the_highest_has_nothing_above_and_who_is_locked_nothing_to_do(station):
    rule()
    member = make.member(station)
    buy(member, "5000.00", make.TODAY)
    assert progress_of(member_ids=[member.pk], at=make.at(13))[member.pk].lines == []
    tiers.set_tier(
        member=member,
        tier=Tier.objects.get(code="SILVER"),
        locked_until=date(2026, 12, 31),
        reason="核实中",
        at=make.at(14),
        actor=make.manager(station),
    )
    progress = progress_of(member_ids=[member.pk], at=make.at(15))[member.pk]
    assert (progress.next_words, progress.keep_words) == ("", "银卡锁定到 2026-12-31")


def test_without_a_rule_nothing_is_said(station):
    member = make.member(station)
    assert progress_of(member_ids=[member.pk], at=make.NOW) == {}
    assert progress_of(member_ids=[], at=make.NOW) == {}
    assert tier_words(member_id=member.pk, at=make.NOW) == []


@pytest.mark.req("MEM-06")
def test_the_till_shows_tier_benefits_and_what_is_missing(station):
    tier_rules.found_tiers(station=station, at=now() - timedelta(days=1), actor=None)
    member = make.member(station, phone="13887654321")
    li = make.cashier(station)
    make.session(station, cashier=li)
    buy(member, "6000.00", now())
    answer = make.signed_in(li).get("/sales/till/members/", {"q": "13887654321"}).json()
    tier = answer["members"][0]["tier"]
    assert tier["name"] == "银卡"
    assert tier["benefits"] == ["每升优惠 0.05 元", "1.2 倍积分"]
    assert tier["lines"][0].startswith("再消费 ¥9,000.00 或 59 次到金卡，截止 ")
    assert json.dumps(answer)


@pytest.mark.req("MEM-06")
def test_the_receipt_says_what_is_missing_and_a_reprint_does_not(station):
    rule()
    session = make.session(station)
    make.printer(session.till)
    member = make.member(station)
    sale = make.sale(session, [make.fill_at(station, "100.00", "8.00")], member=member.pk)
    plain = make.sale(session, [make.fill_at(station, "10.00", "8.00")])
    printing.reprint(sale=sale, actor=session.cashier, at=make.NOW)
    papers = {
        (one.document, one.kind): [row.left for row in of_papers._of_sale(one)[1].rows]
        for one in Receipt.objects.order_by("pk")
    }
    first = papers[sale.number, "ORIGINAL"]
    assert "会员等级 普通" in first
    assert "再消费 ¥200.00到银卡，截止 2027-04-21" in first
    for other in (papers[sale.number, "REPRINT"], papers[plain.number, "ORIGINAL"]):
        assert not any("等级" in row for row in other)


# ---------------------------------------------------------------------------- one member


@pytest.mark.req("MEM-03")
def test_a_members_page_shows_tier_history_and_what_to_tell_him_once(station, wang):
    tier_rules.found_tiers(station=station, at=now() - timedelta(days=1), actor=None)
    member = make.member(station)
    buy(member, "6000.00", now())
    page = wang.get(f"/members/{member.number}/").content.decode()
    assert "升为银卡" in page
    assert "再消费 ¥9,000.00" in page
    notice = TierNotice.objects.get()
    for _ in range(2):
        wang.post(f"/members/{member.number}/tier/notices/{notice.pk}/told/")
    notice.refresh_from_db()
    assert notice.told_by is not None
    assert "已当面告知" not in wang.get(f"/members/{member.number}/").content.decode()
    other = make.signed_in(make.manager(make.station()))
    href = f"/members/{member.number}/tier/notices/{notice.pk}/told/"
    assert other.post(href).status_code == 404


def test_a_manager_sets_a_tier_on_the_members_page_and_a_cashier_may_not(station, wang):
    known = found(station)
    member = make.member(station)
    href = f"/members/{member.number}/tier/"
    assert wang.get(href).status_code == 200
    form = {"tier": known["GOLD"].pk, "reason": "集团客户", "locked_until": ""}
    past = localdate(now()) - timedelta(days=1)
    assert wang.post(href, {**form, "locked_until": past.isoformat()}).status_code == 422
    assert wang.post(href, form).status_code == 302
    assert held(member) == "GOLD"
    entry = AuditEntry.objects.get(action="members.tier.set")
    assert (entry.document, entry.after["等级"]) == (member.number, "金卡")
    assert make.signed_in(make.cashier(station)).get(href).status_code == 403


def test_terms_ignore_a_tier_out_of_use(station):
    known = found(station)
    Tier.objects.filter(pk=known["GOLD"].pk).update(active=False)
    assert [one.name for one in terms_at(make.TODAY).limits] == ["银卡"]
