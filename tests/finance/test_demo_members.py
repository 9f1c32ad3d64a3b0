"""The members of the demo: its shift on duty by the till's services, and the engines of its history."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import override_settings

from devices.models import Equipment
from devices.queries.meter_tests import history, trend
from devices.queries.standing import standings
from finance.services.demonstration import plan
from finance.services.demonstration.build import Demo
from finance.services.demonstration.bulk import Copier
from finance.services.demonstration.club import open_club
from finance.services.demonstration.columns import TABLES
from finance.services.demonstration.duty import keep_the_shift
from finance.services.demonstration.loyalty import Act, Loyalty
from finance.services.demonstration.machines import DRIFTING, take_machines
from finance.services.demonstration.people import id_number, people_of
from finance.services.demonstration.proof import unproved
from finance.services.demonstration.standings import Standings
from finance.services.demonstration.trade import LOCAL
from marketing.models import Coupon, OfferUse
from members.models import (
    MemberTier,
    PointsTxn,
    PoolMember,
    Redemption,
    RiskCase,
    ValueTxn,
)
from members.queries.earning import BasketLine
from members.services.joining import checked_id
from members.services.vehicles import checked_plate
from sales.models import FillClaim, Sale, TopUp
from station.models import TillSession
from tests import make
from tests.members.points import violations

UNTIL = datetime(2026, 11, 20, 18, 30, tzinfo=LOCAL)
DAY = timedelta(days=1)


@pytest.mark.django_db
@pytest.mark.req("CRM-04")
def test_the_shift_on_duty_lives_and_everything_still_ties_out(tmp_path: Path) -> None:
    with override_settings(VAR_DIR=tmp_path):
        demo = Demo(days=2, until=UNTIL, busy=0.4, members=240, live_sales=12)
        demo.build(progress=lambda *_: None)
        open_club(demo.site, at=demo.opens)
        take_machines(demo.site, at=demo.opens)
        keep_the_shift(demo, seed=92, scale=1.0)
    nozzle = demo.site.nozzles[DRIFTING]
    drift = trend(tests=history(nozzle=nozzle), limit=Decimal("0.3"))
    assert drift is not None
    assert drift.per_month > 0 and drift.reaches_on is not None
    assert {now.verdict for _, now in standings(station=demo.site.station, at=UNTIL)} == {"VALID"}
    assert Equipment.objects.filter(station=demo.site.station).count() > 20
    assert unproved(demo.site.station) == []
    assert violations() == []
    session = TillSession.objects.get(status=TillSession.Status.OPEN)
    sold = Sale.objects.filter(session=session)
    assert sold.filter(client_key__startswith="demo:duty:", kind="SALE").count() >= 12
    assert sold.filter(kind="REFUND").count() == 2
    claimed = FillClaim.objects.filter(released_at=None).values("fill")
    assert demo.site.station.fills.exclude(pk__in=claimed).count() == 3
    # Nothing happened after now, and nothing before the shift.
    moments = [one.occurred_at for one in sold] + [
        one.requested_at for one in Redemption.objects.all()
    ]
    assert session.opened_at < min(moments) < max(moments) <= UNTIL
    assert set(Redemption.objects.values_list("state", flat=True)) == {
        "RESERVED",
        "FULFILLED",
        "CANCELLED",
    }
    assert set(Redemption.objects.values_list("kind", flat=True)) == {
        "GOODS",
        "SERVICE",
        "COUPON",
        "TOP_UP",
    }
    assert Coupon.objects.filter(state=Coupon.State.USED).exists()
    assert (
        OfferUse.objects.filter(benefit__isnull=False).exists() or MemberTier.objects.count() == 0
    )
    assert TopUp.objects.filter(session=session).count() >= 4
    assert ValueTxn.objects.filter(kind__in=["SPEND_CANCEL", "REWARD"]).count() >= 2
    assert PoolMember.objects.filter(state="ACTIVE").count() == 5
    assert (
        PointsTxn.objects.filter(kind__in=["IN", "EXIN", "EXOUT"]).values("kind").distinct().count()
        == 3
    )
    assert set(RiskCase.objects.values_list("metric", "action")) >= {
        ("PLATES", "HOLD"),
        ("PHONE_CHANGED", "BLOCK"),
    }


def test_people_on_paper_are_such_as_could_join() -> None:
    told = people_of(count=1200, days=30, at=UNTIL, chance=random.Random(7))
    for names in ([one.phone for one in told], [one.plate for one in told]):
        assert len(set(names)) == len(told)
    assert all(checked_plate(one.plate) == one.plate for one in told)
    assert checked_id(id_number(12, None)) == id_number(12, None)
    joined = [one for one in told if one.joined > UNTIL]
    assert 40 < len(joined) < 90
    assert joined == sorted(joined, key=lambda one: one.joined)
    assert all(7 <= one.joined.hour < 22 for one in joined)
    assert told[0].name == told[1199].name  # the same man, registered twice
    gaps = sorted(one.gap for one in told)
    assert gaps[10] < 1.4
    assert 7 < gaps[len(gaps) // 2] < 20 < gaps[-10]
    assert plan.members_for(0.01) == plan.FEWEST_MEMBERS
    assert plan.members_for(3) == plan.MEMBERS


@pytest.mark.django_db
def test_who_bought_much_before_there_were_tiers_rises_when_they_are_founded() -> None:
    station, member, other = make.station(), make.member(), make.member()
    founded = UNTIL - 300 * DAY
    standings = Standings(station, founded=founded)
    standings.bought(other.pk, 900_000, 1, founded - 400 * DAY)  # out of the window by then
    standings.bought(member.pk, 400_000, 5_000, founded - DAY)
    standings.bought(member.pk, 200_000, 5_000, founded - DAY + timedelta(hours=1))
    assert standings.held(member.pk, founded - DAY).code == ""
    standings.evaluate(founded)
    assert standings.held(member.pk, founded).code == "SILVER"
    assert standings.held(other.pk, founded).code == "BASE"
    standings.bought(member.pk, 1_000_000, 5_000, founded + DAY)
    standings.settle()
    assert [(row.tier.code, row.until is None) for row in MemberTier.objects.order_by("since")] == [
        ("SILVER", False), ("GOLD", True),
    ]  # fmt: skip


@pytest.mark.django_db
def test_what_earns_less_than_a_point_leaves_no_row_and_a_lot_is_spent_to_its_end() -> None:
    till = make.session()
    member = make.member(till.station)
    standings = Standings(till.station, founded=UNTIL - 90 * DAY)
    copier = Copier(TABLES)
    loyalty = Loyalty(till.station, copier, standings, at=UNTIL)

    def line(net: str) -> list[BasketLine]:
        amount = Decimal(net)
        return [BasketLine(1, "FUEL", "92#", "汽油", Decimal(10), amount, amount)]

    def act(number: str) -> Act:
        return Act(number, UNTIL, UNTIL.date(), till.cashier_id)

    assert loyalty.earn(member.pk, line("9.99"), act("S-1")) == {}
    assert loyalty.earn(10**9, line("99.00"), act("S-2")) == {}  # nobody
    assert loyalty.earn(member.pk, line("1000.00"), act("S-3")) == {1: 100}
    loyalty.spend(member.pk, {1: 100}, act("S-4"))
    copier.finish()
    loyalty.settle()
    loyalty.expire(UNTIL + 900 * DAY)  # nothing is left that could end
    assert violations() == []
    assert list(PointsTxn.objects.order_by("pk").values_list("kind", "delta")) == [
        ("EARN", 100),
        ("REDEEM", -100),
    ]
