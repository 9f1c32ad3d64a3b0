"""Refunds of any shape: what is given back never passes what was spent or earned, and adds up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members.models import PointsAccount, PointsTxn, Purchase
from sales.models import Sale
from sales.services import refunds
from sales.services.refunds import RefundLine, RefundRefused
from tests import make
from tests.members.points import violations

pytestmark = [pytest.mark.django_db, pytest.mark.req("PTS-14", "MAL-04")]


class Undone(Exception):
    """Takes a story back."""


parts = st.lists(
    st.tuples(st.integers(1, 3), st.booleans(), st.integers(1, 4)), min_size=1, max_size=6
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(asked=parts, spent=st.sampled_from([0, 100, 777, 1111]), whole=st.booleans())
def test_refunds_by_line_piece_and_yuan_give_back_what_was_and_no_more(db, asked, spent, whole):
    try:
        with transaction.atomic():
            _story(asked, spent, whole)
            raise Undone
    except Undone:
        pass


def _story(asked: list[tuple[int, bool, int]], spent: int, whole: bool) -> None:
    till = make.session()
    lead = make.manager(till.station)
    member = make.member(till.station)
    tyre = make.item("轮胎", "20000.00", kind="SERVICE")
    make.sale(till, items=[(tyre, 1)], member=member.pk)
    items = [
        (make.item("水", "3.33", on_hand="99"), 4),
        (make.item("蜡", "27.77", on_hand="99"), 2),
        (make.item("洗车", "45.10", kind="SERVICE"), 1),
    ]
    due = sum((what.price * count for what, count in items), Decimal(0)) - Decimal(spent) / 100
    sale = make.sale(
        till, items=items, member=member.pk, points=spent or None, tenders=[("WECHAT", str(due))]
    )
    earned = Purchase.objects.filter(document=sale.number)
    assert sum(one.points for one in earned) == int(due / 10)
    for turn, (line, by_piece, size) in enumerate(asked):
        back = (
            RefundLine(line, quantity=Decimal(size))
            if by_piece
            else RefundLine(line, amount=Decimal(size) * Decimal("1.37"))
        )
        _refund(sale, [back], till, lead, f"r{turn}")
        assert not violations()
    if whole:
        _rest(sale, till, lead)
        _all_is_back(sale, member)
    given_back, taken = _sums(sale)
    assert given_back <= spent and taken <= int(due / 10)
    paid = sum(one.amount for one in sale.payments.all())
    back_money = sum(one.amount for other in sale.corrections.all() for one in other.payments.all())
    assert 0 <= -back_money <= paid


def _refund(sale: Sale, lines: list[RefundLine], till: Any, lead: Any, key: str) -> None:
    told = {"sale": sale, "lines": lines, "reason": "退", "session": till, "actor": lead}
    for _ in range(2):  # each twice: the second is the first
        try:
            refunds.refund(**told, at=make.NOW, key=f"{sale.number}-{key}")
        except RefundRefused:
            return


def _rest(sale: Sale, till: Any, lead: Any) -> None:
    from sales.queries.refundable import lines_left

    for one in lines_left(sale=sale):
        quantity = RefundLine(one.line.position, quantity=one.quantity)
        amount = RefundLine(one.line.position, amount=one.net)
        if one.quantity:
            _refund(sale, [quantity], till, lead, f"q{one.line.position}")
        elif one.net:
            _refund(sale, [amount], till, lead, f"a{one.line.position}")


def _sums(sale: Sale) -> tuple[int, int]:
    rows = PointsTxn.objects.filter(reverses__document=sale.number)
    return (
        sum(one.amount for one in rows if one.kind == "CANCEL"),
        sum(one.amount for one in rows if one.kind == "CLAWBACK"),
    )


def _all_is_back(sale: Sale, member: Any) -> None:
    from sales.queries.refundable import lines_left

    if any(one.net for one in lines_left(sale=sale)):
        return
    account = PointsAccount.objects.get(member=member)
    assert (account.balance, account.debt) == (2000, 0)
    points = Purchase.objects.filter(member=member).exclude(product__in=["", None])
    of_sale = points.filter(
        document__in=[sale.number, *sale.corrections.values_list("number", flat=True)]
    )
    assert sum(one.points for one in of_sale) == 0
