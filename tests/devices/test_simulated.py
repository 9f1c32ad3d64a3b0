"""模拟设备: the demo's page over the simulator's socket; and none where no simulator runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse

from devices.queries.simulated import ACTS
from devices.services import simulated
from devices.simulator import layout
from devices.simulator.control import ControlServer
from devices.simulator.forecourt import Forecourt
from devices.simulator.lines import Gun
from station.errors import Refusal
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("DEV-03")]
PAGE = reverse("devices:simulated")
ACT = reverse("devices:simulate")


@pytest.fixture
def forecourt(tmp_path: Path, settings, monkeypatch) -> Iterator[Forecourt]:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    lines = (layout.LINES[0], layout.SimulatedLine("二号线", layout.LINES[1].protocol, port=0))
    monkeypatch.setattr(layout, "LINES", lines)
    made = Forecourt(tmp_path / "sim", cars=False, seed=1)
    server = ControlServer(tmp_path / "sim" / "control", made)
    yield made
    server.close()
    made.stop()


def test_every_button_turns_its_device_and_the_page_shows_it(forecourt: Forecourt) -> None:
    page = make.signed_in(make.manager(make.station()))
    text = page.get(PAGE).content.decode()
    for words in ("小票机", "客显", "价格牌", "读卡器", "扫码枪", "还没有打过小票", "全暗"):
        assert words in text
    around = forecourt.around
    for act, words in (
        ("paper-out", "缺纸"),
        ("paper-near", "纸快用完"),
        ("cover-open", "机盖打开"),
        ("printer-unplug", "已拔掉"),
        ("sign-stick", "数码管不动"),
    ):
        assert page.post(ACT, {"act": act}).url == PAGE
        assert words in page.get(PAGE, headers={"HX-Target": "simulated"}).content.decode()
    for act in ACTS:
        assert page.post(ACT, {"act": act}).status_code == 302
    assert around.roll.paper == "full" and not around.roll.cover_open
    assert not any(one.unplugged for one in around.plugged.values())
    around.roll.feed("镕囍\n".encode("gb18030") + b"\x1dVB\x00")
    assert "镕囍" in page.get(PAGE).content.decode()
    assert "镕囍" in (forecourt.folder / "receipts.txt").read_text()


def test_a_code_is_scanned_and_a_card_swiped_by_what_was_typed(
    forecourt: Forecourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = make.signed_in(make.manager(make.station()))
    scanned: list[str] = []
    monkeypatch.setattr(Gun, "scan", lambda self, code: scanned.append(code))
    page.post(ACT, {"act": "scan", "code": "6901234567892"})
    page.post(ACT, {"act": "scan", "code": ""})
    page.post(ACT, {"act": "swipe", "card": "not a card"})
    page.post(ACT, {"act": "DROP TABLE"})
    assert scanned == ["6901234567892"]
    assert page.post(ACT, {"act": "swipe", "card": "6499026"}).status_code == 302
    assert "没有照做" in page.post(ACT, {"act": "scan"}, follow=True).content.decode()


def test_without_a_simulator_there_is_no_such_page(tmp_path: Path, settings) -> None:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    page = make.signed_in(make.manager(make.station()))
    assert page.get(PAGE).status_code == 404
    assert page.post(ACT, {"act": "paper-out"}).status_code == 404
    assert "模拟设备" not in page.get(reverse("devices:status")).content.decode()
    with pytest.raises(Refusal, match="没有运行"):
        simulated.tell({"do": "state"})


def test_a_socket_that_is_left_over_is_a_sentence_and_no_error(tmp_path: Path, settings) -> None:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    (tmp_path / "sim").mkdir()
    (tmp_path / "sim" / "control").touch()
    page = make.signed_in(make.manager(make.station()))
    assert "模拟设备没有运行" in page.get(PAGE).content.decode()
    answer = page.post(ACT, {"act": "paper-out"}, follow=True)
    assert "模拟设备没有运行" in answer.content.decode()
