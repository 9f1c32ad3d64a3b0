"""Points that expire and mature, at night and when touched; races for one account; edges of time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction

from members import tasks
from members.models import PointsAccount, PointsLot, PointsProgram, PointsTxn
from members.queries.points import wallet_at
from members.queries.points_expiry import active_from, expires_at, last_day, month_end
from members.services import points, points_moving, points_sweeping
from members.services.points import Cause, NotEnoughPoints
from tests import make
from tests.members.points import violations
from tests.members.points_histories import program

Kind = PointsTxn.Kind


def account(holder: str = "test:a") -> PointsAccount:
    return points_moving.account_of_holder(holder=holder)


def cause(key: str, at: datetime = make.NOW) -> Cause:
    return Cause(key=key, at=at, date=at.date(), document=key)


def given(points_: int, holder: str = "test:a", at: datetime = make.NOW, **terms: object) -> None:
    with transaction.atomic():
        points.issue(
            account=points.locked(account_id=account(holder).pk),
            points=points_,
            program=program(**terms),
            cause=cause(f"earn:{holder}:{at.isoformat()}:{points_}", at),
        )


# ---------------------------------------------------------------------------- races


@pytest.mark.req("PTS-17", "PTS-14")
@pytest.mark.django_db(transaction=True)
def test_fifty_tills_at_once_never_spend_a_point_twice() -> None:
    for part in (40, 35, 25):
        given(part)
    pk = account().pk

    def spend(turn: int) -> bool:
        try:
            with transaction.atomic():
                points.redeem(
                    account=points.locked(account_id=pk), points=7, cause=cause(f"redeem:{turn}")
                )
            return True
        except NotEnoughPoints:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as tills:
        done = list(tills.map(spend, range(50)))
    assert sum(done) == 14  # 14 × 7 = 98 of 100
    assert PointsAccount.objects.get().balance == 2
    assert not violations()


@pytest.mark.req("PTS-15", "PTS-17")
@pytest.mark.django_db(transaction=True)
def test_the_night_and_the_tills_do_not_wait_for_each_other_for_ever() -> None:
    later = make.NOW + timedelta(days=20)
    for number in range(8):
        given(50, f"test:{number}", expiry_n=3)
        given(50, f"test:{number}", later, expiry_n=30)
    accounts = list(PointsAccount.objects.order_by("pk").values_list("pk", flat=True))

    def spend(turn: int) -> None:
        try:
            with transaction.atomic():
                points.redeem(
                    account=points.locked(account_id=accounts[turn % 8]),
                    points=1,
                    cause=cause(f"redeem:{turn}", later),
                )
        finally:
            connection.close()

    def night(turn: int) -> None:
        try:
            points_sweeping.expire_all(at=later, step=3)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        jobs = [pool.submit(spend if turn % 5 else night, turn) for turn in range(60)]
        for job in jobs:
            job.result(timeout=60)
    assert not violations()
    assert PointsTxn.objects.filter(kind=Kind.EXPIRE).count() == 8


@pytest.mark.req("PTS-14")
@pytest.mark.django_db(transaction=True)
def test_the_same_event_twenty_times_at_once_is_one_row() -> None:
    given(100)
    pk = account().pk

    def act(turn: int) -> None:
        try:
            with transaction.atomic():
                held = points.locked(account_id=pk)
                points.issue(account=held, points=10, program=terms, cause=cause("earn:one"))
            with transaction.atomic():
                points.redeem(
                    account=points.locked(account_id=pk), points=60, cause=cause("redeem:one")
                )
        finally:
            connection.close()

    terms = program()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(act, range(20)))
    assert PointsAccount.objects.get().balance == 50
    assert PointsTxn.objects.count() == 3
    assert not violations()


# ------------------------------------------------------------------- expiry and maturing


@pytest.mark.req("PTS-15")
@pytest.mark.django_db
def test_points_expire_at_the_end_of_their_last_day_and_a_second_run_changes_nothing() -> None:
    given(30, expiry="DAYS", expiry_n=1)
    given(20, "test:b", expiry="DAYS", expiry_n=2)
    last = make.at(23, 59, 59, day=date(2026, 4, 23))
    assert points_sweeping.expire_all(at=last) == 0
    midnight = make.at(0, day=date(2026, 4, 24))
    assert wallet_at(account=account(), at=midnight).balance == 0  # not swept, and not shown
    assert points_sweeping.expire_all(at=midnight, step=1) == 1
    assert points_sweeping.expire_all(at=midnight) == 0
    row = PointsTxn.objects.get(kind=Kind.EXPIRE)
    assert (row.delta, row.date, row.balance_after) == (-30, date(2026, 4, 24), 0)
    assert points_sweeping.expire_all(at=midnight + timedelta(days=1)) == 1
    assert not violations()


@pytest.mark.req("PTS-14", "PTS-15")
@pytest.mark.django_db
def test_a_lot_that_falls_due_later_the_same_day_is_not_skipped() -> None:
    """What a key of date and account alone would do."""
    given(30, expiry="DAYS", expiry_n=1)
    midnight = make.at(0, day=date(2026, 4, 24))
    points_sweeping.expire_all(at=midnight)
    given(5, at=make.at(9, day=date(2026, 4, 22)), expiry="DAYS", expiry_n=1)  # a late upload
    assert points_sweeping.expire_all(at=midnight + timedelta(hours=3)) == 1
    assert account().balance == 0


@pytest.mark.req("PTS-14")
@pytest.mark.django_db
def test_points_on_hold_are_not_spent_until_the_night_has_made_them_usable() -> None:
    given(30, hold_days=2)
    assert (account().balance, account().pending) == (0, 30)
    with pytest.raises(NotEnoughPoints), transaction.atomic():
        points.redeem(account=points.locked(account_id=account().pk), points=1, cause=cause("r"))
    begins = make.at(0, day=date(2026, 4, 24))
    assert points_sweeping.mature_all(at=begins - timedelta(seconds=1)) == 0
    assert points_sweeping.mature_all(at=begins) == 1
    assert points_sweeping.mature_all(at=begins) == 0
    assert (account().balance, account().pending) == (30, 0)
    assert not violations()


@pytest.mark.django_db
def test_the_tasks_of_the_night_do_it() -> None:
    given(30, expiry="DAYS", expiry_n=1)
    given(20, "test:b", hold_days=1, expiry="NEVER")
    tasks.expire_points()  # now is long after
    tasks.mature_points()
    assert account().balance == 0
    assert (account("test:b").balance, account("test:b").pending) == (20, 0)


@pytest.mark.django_db
def test_moved_points_keep_expiry_and_root_and_a_merge_takes_what_still_comes() -> None:
    given(30)
    source, target = account(), account("test:b")
    points_moving.move(source=source, target=target, points=10, cause=cause("m1"))
    points_moving.move(source=source, target=target, points=10, cause=cause("m1"))
    first, second = PointsLot.objects.order_by("pk")
    assert (first.remaining, second.remaining) == (20, 10)
    assert (second.expires_at, second.root_id) == (first.expires_at, first.root_id)
    with pytest.raises(NotEnoughPoints), transaction.atomic():
        points_moving.move(source=source, target=target, points=21, cause=cause("m2"))
    points_moving.merge(source=source, target=target, cause=cause("m3"))
    assert points.locked(account_id=source.pk).pk == target.pk
    assert account("test:b").balance == 30
    assert not violations()


@pytest.mark.django_db
def test_a_merge_takes_the_debt_along_and_pays_it_there() -> None:
    given(30)
    given(50, "test:b")
    PointsAccount.objects.filter(holder="test:c").exists()
    poor = account("test:c")
    with transaction.atomic():
        held = points.locked(account_id=poor.pk)
        held.debt = 12
        points.note(held, Kind.CLAWBACK, cause("owed"), amount=12, delta=-12, debt_delta=12)
        points.keep(held)
    points_moving.merge(source=poor, target=account("test:b"), cause=cause("m"))
    assert (account("test:b").balance, account("test:b").debt) == (38, 0)
    assert not violations()


# --------------------------------------------------------------------------- pure dates


@pytest.mark.parametrize(
    ("terms", "at", "last"),
    [
        ({"expiry": "DAYS", "expiry_n": 1}, make.at(23, 59), date(2026, 4, 23)),
        ({"expiry": "MONTH_END", "expiry_n": 1}, make.at(9, day=date(2026, 1, 31)), date(2026, 2, 28)),
        ({"expiry": "MONTH_END", "expiry_n": 1}, make.at(9, day=date(2028, 1, 31)), date(2028, 2, 29)),
        ({"expiry": "MONTH_END", "expiry_n": 12}, make.at(9, day=date(2026, 12, 5)), date(2027, 12, 31)),
        ({"expiry": "YEAR_END", "expiry_n": 1}, make.at(9), date(2027, 12, 31)),
        ({"expiry": "YEAR_END", "expiry_n": 0}, make.at(0, day=date(2026, 1, 1)), date(2026, 12, 31)),
    ],
)  # fmt: skip
def test_the_last_day_of_points(terms: dict[str, object], at: datetime, last: date) -> None:
    gone = expires_at(program=PointsProgram(**terms), at=at)
    assert gone is not None
    assert last_day(gone) == last
    assert (gone.hour, gone.minute) in ((0, 0), (16, 0))  # local midnight


def test_points_that_never_expire_and_those_that_wait() -> None:
    assert expires_at(program=PointsProgram(expiry="NEVER"), at=make.NOW) is None
    assert active_from(program=PointsProgram(hold_days=0), at=make.NOW) == make.NOW
    assert active_from(program=PointsProgram(hold_days=1), at=make.NOW) == make.at(
        0, day=date(2026, 4, 23)
    )


def test_month_ends_follow_each_other() -> None:
    ends = [month_end(date(2026, 1, 31), months) for months in range(48)]
    assert all((after - before).days in (28, 29, 30, 31) for before, after in pairwise(ends))
