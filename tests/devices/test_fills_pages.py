"""加油记录: the list narrows and sums, one fill says what it was made of."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils.timezone import localdate, now

from devices.models import Authorisation
from devices.queries.frames import frames_of
from devices.recorder import HEARD, JUNK, SENT, Recorder, reference
from sales.models import FillClaim
from tests import make

pytestmark = pytest.mark.django_db
STATUS = bytes.fromhex("50300101009F5C03FA")


@pytest.fixture
def nozzle():
    made = make.nozzle()
    make.day(made.station, date=localdate(), opened_at=now())
    return made


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_sums_and_stays_at_eight_statements(nozzle, rows, django_assert_max_num_queries):
    for _ in range(rows):
        make.fill(nozzle, "10", at=now())
    accountant = make.signed_in(make.accountant(nozzle.station))
    accountant.get(reverse("devices:fills"))
    with django_assert_max_num_queries(8):
        page = accountant.get(reverse("devices:fills")).content.decode()
    assert f"{10 * rows}.00" in page and f"共 {rows} 条" in page


def test_the_list_narrows_by_nozzle_grade_source_and_oddity(nozzle):
    other = make.nozzle(nozzle.station, make.grade("95#"))
    make.fill(nozzle, "11.11", at=now())
    make.fill(other, "22.22", at=now(), source="OFFLINE", flags=["INFERRED"])
    browser = make.signed_in(make.cashier(nozzle.station))
    for asked in (
        {"nozzle": other.pk},
        {"grade": other.tank.grade_id},
        {"source": "OFFLINE"},
        {"odd": "on"},
    ):
        page = browser.get(reverse("devices:fills"), asked).content.decode()
        assert "22.22" in page and "11.11" not in page, asked
    assert "断线期间推算" in page
    past = {"until": f"{localdate() - timedelta(days=1)}"}
    assert "没有符合条件" in browser.get(reverse("devices:fills"), past).content.decode()


def test_one_fill_shows_its_authorisation_its_oddities_and_its_claims(nozzle):
    given = Authorisation.objects.create(
        station=nozzle.station,
        nozzle=nozzle,
        limit_amount="200.00",
        document="Y-1",
        status="USED",
        valid_until=now(),
        asked_at=now(),
    )
    fill = make.fill(
        nozzle, "10", at=now(), authorisation=given, flags=["OVER_PRESET"], transaction_id="a7"
    )
    browser = make.signed_in(make.cashier(nozzle.station))
    page = browser.get(reverse("devices:fill", args=[fill.pk])).content.decode()
    for words in ("超出预置", "¥78.50", "预置 ¥200.00", "Y-1", "a7", "加油机"):
        assert words in page
    claims = reverse("sales:fill_claims", args=[fill.pk])
    assert "待付款" in browser.get(claims).content.decode()
    FillClaim.objects.create(
        station=nozzle.station,
        fill=fill,
        kind="SALE",
        document="S01",
        day=fill.day,
        claimed_at=now(),
    )
    assert "S01" in browser.get(claims).content.decode()
    stranger = make.signed_in(make.stranger())
    assert stranger.get(reverse("devices:fill", args=[fill.pk])).status_code == 404
    assert stranger.get(claims).status_code == 404


def test_the_frames_of_a_fill_come_out_of_the_black_box_without_the_mere_polls(tmp_path, nozzle):
    box = Recorder(tmp_path, "line-1")
    start = int(datetime(2026, 4, 22, 2, 0, tzinfo=UTC).timestamp() * 1000)
    box.write(SENT, STATUS, start + 7)
    box.write(HEARD, bytes.fromhex("50C0FA"), start + 20)
    box.write(JUNK, b"\x01\x02\x03\x04", start + 30)
    box.close()
    fill = make.fill(nozzle, at=now(), frames=reference("line-1", 1, 3))
    lines = frames_of(fill, boxes=tmp_path)
    assert [(one.direction, one.millis) for one in lines] == [("发出", 7), ("杂讯", 30)]
    assert lines[0].raw == "50 30 01 01 00 9F 5C 03 FA"
    fill.frames = "gone:5-9"
    assert frames_of(fill, boxes=tmp_path) is None
    fill.frames = "nonsense"
    assert frames_of(fill, boxes=tmp_path) is None
    fill.frames = ""
    assert frames_of(fill, boxes=tmp_path) is None


def test_frames_are_for_managers(nozzle, settings, tmp_path):
    settings.VAR_DIR = Path(tmp_path)
    box = Recorder(tmp_path / "blackbox", "line-1")
    box.write(SENT, STATUS, 1)
    box.close()
    fill = make.fill(nozzle, at=now(), frames=reference("line-1", 1, 1))
    url = reverse("devices:fill", args=[fill.pk])
    office = make.signed_in(make.manager(nozzle.station))
    assert "50 30 01 01 00" in office.get(url).content.decode()
    cashier = make.signed_in(make.cashier(nozzle.station))
    assert "50 30 01 01 00" not in cashier.get(url).content.decode()
