"""The bulk copy of the demo: guards stay on, keys and indexes come back, and refuse what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test import override_settings

from devices.models import NozzleState
from finance.services.demonstration.build import Demo
from finance.services.demonstration.bulk import Copier, keys_and_indexes_after
from finance.services.demonstration.columns import MANY, TABLES
from marketing.models import Coupon
from members.models import (
    ExchangeOrder,
    MemberTarget,
    PointsAccount,
    Pool,
    Redemption,
    RiskCase,
)
from sales.models import FillClaim, TopUp
from station.models import BusinessDay, Station, TillSession
from tests import make
from tests.members.points import violations

HELD = """
    SELECT conrelid::regclass::text, conname, PG_GET_CONSTRAINTDEF(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    ORDER BY 1, 2, 3
"""


def held() -> list[tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(HELD)
        return list(cursor.fetchall())


@pytest.fixture
def copier(db: None) -> Iterator[Copier]:
    copier = Copier(TABLES)
    yield copier
    copier.wait()


def claim(copier: Copier, *, fill: int, day: int, station: int) -> None:
    copier.add(
        FillClaim, copier.ids[FillClaim].next(), station, fill, "TEST", "U01", day, make.NOW, None, None, None, "",
    )  # fmt: skip


@pytest.mark.django_db
def test_keys_and_indexes_are_off_for_the_load_and_the_same_after_it() -> None:
    before = held()
    with keys_and_indexes_after(tuple(MANY)):
        during = held()
        assert len(before) - len(during) > 100
        kept = {name for table, name, _ in during if table == "sales_payment"}
        assert "sales_payment_number_key" in kept  # what is unique stays so
        assert any("(sale_id)" in definition for _, _, definition in during)
    assert held() == before


@pytest.mark.django_db
def test_a_row_that_points_at_nothing_is_refused_when_the_keys_come_back(copier: Copier) -> None:
    station = make.station()
    day = make.day(station)
    before = held()
    claim(copier, fill=10**9, day=day.pk, station=station.pk)
    with (
        pytest.raises(IntegrityError, match="foreign key"),
        transaction.atomic(),
        keys_and_indexes_after(tuple(MANY)),
    ):
        copier.finish()
    assert held() == before
    assert not FillClaim.objects.exists()


@pytest.mark.django_db
def test_the_guard_of_closed_days_is_on_while_rows_are_copied(copier: Copier) -> None:
    fill = make.fill()
    closed = BusinessDay.objects.create(
        station=fill.station, date=date(2020, 1, 1), status="CLOSED", opened_at=make.NOW, cut_at=make.NOW,
        closed_at=make.NOW,
    )  # fmt: skip
    claim(copier, fill=fill.pk, day=closed.pk, station=fill.station_id)
    with pytest.raises(Exception, match="is closed"), transaction.atomic():
        copier.finish()
    assert not FillClaim.objects.exists()


@pytest.mark.django_db
def test_empty_text_stays_text_and_what_is_missing_is_null(copier: Copier) -> None:
    fill = make.fill()
    claim(copier, fill=fill.pk, day=fill.day_id, station=fill.station_id)
    copier.flush(at_least=2)
    assert not FillClaim.objects.exists()
    copier.finish()
    copied = FillClaim.objects.get()
    assert (copied.released_by_document, copied.released_at) == ("", None)
    assert FillClaim.objects.create(
        station=fill.station, fill=make.fill(), kind="TEST", document="U02", day=fill.day, claimed_at=make.NOW
    ).pk == copied.pk + 1  # fmt: skip


@pytest.mark.django_db
@pytest.mark.req("SEC-11")
def test_the_command_says_how_far_it_is_and_what_was_proved(tmp_path: Path) -> None:
    said = StringIO()
    with override_settings(VAR_DIR=tmp_path):
        call_command("demo", days=2, busy=0.05, stdout=said)
    steps = [line.split(maxsplit=2)[2] for line in said.getvalue().splitlines() if "秒  " in line]
    assert [step.split()[0] for step in steps] == [
        *["营业日"] * 3, "外键与索引", "日结", "日结", "会员与当班", "核对勾稽", "核对勾稽",
    ]  # fmt: skip
    assert "16 项勾稽全部相符" in said.getvalue()
    assert (tmp_path / "demo-accounts.txt").exists()
    # Its members hold something, and every law of points holds.
    assert PointsAccount.objects.filter(balance__gt=0).exists()
    assert Coupon.objects.exists()
    assert not violations()
    # Its shift on duty goes on: the mall, top-ups, pools, a partner, goals and what limits found.
    assert TillSession.objects.filter(status=TillSession.Status.OPEN).count() == 1
    assert Redemption.objects.filter(state="FULFILLED").exists()
    assert set(TopUp.objects.values_list("kind", flat=True)) == {"TOPUP", "REFUND"}
    assert {(one.kind, one.members.count()) for one in Pool.objects.all()} == {
        ("FAMILY", 3),
        ("COMPANY", 2),
    }
    assert set(ExchangeOrder.objects.values_list("way", flat=True)) == {"IN", "OUT"}
    assert MemberTarget.objects.count() == 6
    assert RiskCase.objects.filter(metric="PLATES").exists()


@pytest.mark.django_db
def test_a_build_that_does_not_tie_out_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One litre more in the totalizer of a head than its fills, behind the builder's back."""

    def settle(demo: Demo) -> None:
        settled(demo)
        NozzleState.objects.filter(nozzle=demo.site.nozzles[7]).update(totalizer=F("totalizer") + 1)

    settled = Demo._settle
    monkeypatch.setattr(Demo, "_settle", settle)
    before = held()
    with override_settings(VAR_DIR=tmp_path), pytest.raises(CommandError, match=r"泵码走字.*1 处"):
        call_command("demo", days=2, busy=0.05, stdout=StringIO())
    assert not Station.objects.exists()
    assert not (tmp_path / "demo-accounts.txt").exists()
    assert held() == before
