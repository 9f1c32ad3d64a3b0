"""A limit against abuse and what it looks at, at once."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import connection, transaction

from members.models import Metric, ProfileChange, RiskCase
from members.queries.standing import held_standing
from members.services import merging, profiles
from members.services.risk import OverTheLimit
from tests import make
from tests.members.points_histories import default_rules
from tests.members.test_risk import limit
from tests.sales.test_lock_order import someone_waits

pytestmark = pytest.mark.req("PTS-05")


@pytest.mark.django_db(transaction=True)
def test_a_sale_that_waits_for_a_change_of_the_number_asks_the_limit():
    till = make.session()
    default_rules()
    limit(till.station, Metric.PHONE_CHANGED, 0, "BLOCK", window=86400)
    member = make.member(till.station)
    wash, cheap = (make.item(name, price, kind="SERVICE") for name, price in [("洗车", "2000.00"), ("打蜡", "10.00")])  # fmt: skip
    make.sale(till, items=[(wash, 1)], member=member.pk)
    said: list[object] = []

    def spend() -> None:
        try:
            said.append(make.sale(till, items=[(cheap, 1)], member=member.pk, points=100, tenders=[("CASH", "9.00")]))  # fmt: skip
        except OverTheLimit as refusal:
            said.append(refusal)
        finally:
            connection.close()

    thread = Thread(target=spend)
    with transaction.atomic():
        profiles.change(member=member, phone="13900001234", at=make.NOW, actor=till.cashier)
        thread.start()
        someone_waits()
    thread.join(20)
    assert [type(one) for one in said] == [OverTheLimit]
    assert RiskCase.objects.get().metric == "PHONE_CHANGED"


@pytest.mark.django_db
def test_whoever_was_merged_into_him_had_another_number_too():
    till = make.session()
    him, other, stranger = (make.member(till.station) for _ in range(3))
    for one in (other, stranger):
        profiles.change(member=one, name="李四", at=make.NOW, actor=till.cashier)
    assert not held_standing(him.pk).had_other_phone
    assert not held_standing(other.pk).had_other_phone
    profiles.change(member=other, phone="13900001234", at=make.NOW, actor=till.cashier)
    assert not held_standing(him.pk).had_other_phone
    merging.merge(survivor=him, merged=other, reason="同一个人", at=make.NOW, actor=make.manager(till.station))  # fmt: skip
    assert held_standing(him.pk).had_other_phone
    assert held_standing(other.pk).had_other_phone
    assert not held_standing(stranger.pk).had_other_phone


@pytest.mark.django_db
def test_changes_of_others_are_not_read_to_know_that_he_never_changed_his_number():
    till = make.session()
    him, *others = (make.member(till.station) for _ in range(51))
    ProfileChange.objects.bulk_create(
        ProfileChange(member=one, field="PHONE", at=make.NOW, channel="STATION")
        for one in others * 100
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE members_profilechange; SET LOCAL enable_seqscan = off")

        def read() -> int:
            cursor.execute(
                "SELECT pg_stat_get_xact_tuples_returned(t) + pg_stat_get_xact_tuples_fetched(t)"
                " FROM CAST('members_profilechange'::regclass AS oid) t"
            )
            return cursor.fetchone()[0]

        before = read()
        assert not held_standing(him.pk).had_other_phone
        assert read() == before
