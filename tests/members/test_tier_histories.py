"""Random histories: what is counted sale by sale is what the purchases give, and nights add nothing."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members.models import MemberTier, TierMeasureDaily
from members.queries.tier_progress import progress_of
from members.queries.tier_rules import terms_at
from members.services import tiers
from members.services.tier_measures import rebuild
from tests import make
from tests.make import SHANGHAI
from tests.members.test_tiers import buy, rule

pytestmark = pytest.mark.django_db
HISTORIES = int(os.environ.get("TIER_HISTORIES", "40"))

FIRST = datetime(2026, 12, 30, 22, 0, tzinfo=SHANGHAI)  # a new year and its midnight are inside
AMOUNTS = st.decimals("0.01", "3000", places=2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), st.integers(0, 2), AMOUNTS, st.integers(1, 60 * 26)),
        st.tuples(st.just("back"), st.integers(0, 9), AMOUNTS, st.integers(1, 60 * 26)),
        st.tuples(st.just("night"), st.just(0), st.just(Decimal(0)), st.integers(1, 60 * 24 * 200)),
    ),
    max_size=14,
)


@pytest.fixture
def three():
    rule(date(2026, 1, 1))
    rule(date(2027, 1, 1), window="YEAR", silver="1500", approver=make.owner())
    return [make.member() for _ in range(3)]


def lived(three, steps) -> datetime:
    """Go through a history; a refund never gives back more than is left. Returns its last instant."""
    at, sales = FIRST, []
    for serial, (act, which, amount, minutes) in enumerate(steps):
        at += timedelta(minutes=minutes)
        if act == "buy":
            number = buy(three[which], str(amount), at, f"H{serial}", litres="10")
            sales.append([three[which], number, amount])
        elif act == "back" and sales:
            sale = sales[which % len(sales)]
            given_back = min(amount, sale[2])
            if given_back:
                buy(sale[0], str(-given_back), at, f"H{serial}", back=sale[1])
                sale[2] -= given_back
        elif act == "night":
            tiers.evaluate_all(at=at)
    return at


def measures() -> list[tuple]:
    rows = TierMeasureDaily.objects.order_by("member", "date")
    return list(rows.values_list("member", "date", "spend", "litres", "visits"))


@pytest.mark.req("MEM-02")
@settings(
    max_examples=HISTORIES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_counted_sale_by_sale_is_counted_from_all_purchases(three, steps):

    with transaction.atomic():
        at = lived(three, steps)
        counted = measures()
        assert all(spend >= 0 and visits >= 0 for _, _, spend, _, visits in counted)
        assert rebuild() == 0
        TierMeasureDaily.objects.update(spend=1, visits=7)
        TierMeasureDaily.objects.filter(member=three[0]).delete()
        rebuild()
        assert measures() == counted
        _tiers_are_sound(three, at)
        transaction.set_rollback(True)


def _tiers_are_sound(three, at) -> None:
    """A night finds what it found before; nobody who reaches a tier is below it; history is whole."""
    tiers.evaluate_all(at=at)
    rows = list(MemberTier.objects.order_by("member", "since", "pk").values())
    assert tiers.evaluate_all(at=at).total == 0
    assert list(MemberTier.objects.order_by("member", "since", "pk").values()) == rows
    for before, after in pairwise(rows):
        if before["member_id"] == after["member_id"]:
            assert before["until"] == after["since"]
    terms = terms_at(at.astimezone(SHANGHAI).date())
    stand = progress_of(member_ids=[one.pk for one in three], at=at)
    for progress in stand.values():
        assert all(gap.amount > 0 for gap in progress.gaps)
    assert terms is not None
