"""`manage.py probe`: what a shell is told, and by which exit code."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from devices.line.port import Port
from devices.line.probe import run
from devices.line.probe.run import probed
from devices.management.commands import probe as command
from devices.models import Line, LineState
from devices.protocols import table
from devices.protocols.base import Decimals
from devices.simulator.bus import Bus
from devices.simulator.ends import PtyEnd
from devices.simulator.heads import HEADS
from devices.simulator.lines import BusLine
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(run, "LISTEN", 0.1)
    head = HEADS[table.DART](0x50, 2, Decimals(), "1234567890")
    heads = BusLine(Bus([head]), PtyEnd(tmp_path / "port"), byte_times=False)
    heads.start()
    yield str(tmp_path / "port")
    heads.end_it()


def _probe(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("probe", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.req("DEV-01")
def test_a_head_is_told_in_words_and_in_json(url: str) -> None:
    out, err = _probe(url, "--protocol", "DART", "--address", "80")
    assert "→ 发出" in out and "← 收到" in out and "问状态" in out and "建议设置" in out
    assert "先听" in err
    body = json.loads(_probe(url, "--protocol", "DART", "--address", "80", "--json")[0])
    assert (body["version"], body["found"]) == (1, True) and body["frames"][0]["hex"]


def test_what_was_not_found_and_what_cannot_be_tried_are_told_apart(url: str) -> None:
    with pytest.raises(SystemExit) as silent:
        _probe(url, "--protocol", "DART", "--address", "90")
    assert silent.value.code == 1
    for wrong in (
        ("spy://x",),
        (url, "--address", "80"),
        (url, "--protocol", "DART", "--address", "1"),
        ("/dev/none",),
    ):
        with pytest.raises(CommandError) as refused:
            _probe(*wrong)
        assert refused.value.returncode == 2


def test_a_port_that_somebody_has_is_refused_with_what_to_do(url: str) -> None:
    held = Port(url, table.PUMPS[table.DART].serial)
    with pytest.raises(CommandError, match="停用这条线路"):
        _probe(url, "--protocol", "DART")
    held.close()
    line = Line.objects.create(station=make.station(), name="一号线", url=url, protocol="DART")
    LineState.objects.create(line=line, is_open=True, written_at=now())
    with pytest.raises(CommandError, match="在用的线路「一号线」"):
        _probe(url, "--protocol", "DART")


def test_ctrl_c_gives_the_port_back(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def enough(self: command.Command, words: str) -> None:
        if "问地址" in words:
            raise KeyboardInterrupt

    monkeypatch.setattr(command.Command, "_tell", enough)
    with pytest.raises(SystemExit) as stopped:
        _probe(url, "--protocol", "DART")
    assert stopped.value.code == 130
    Port(url, table.PUMPS[table.DART].serial).close()


def test_ports_and_protocols_are_listed() -> None:
    out, _ = _probe("--list")
    assert "本机串口" in out and all(key in out for key in probed())
