"""报文: a line's frames of a stretch of time, as a page and as a file that replay takes."""

import gzip
import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils.timezone import localtime, now

from devices.line.wire import Wire
from devices.models import DispenserWiring, Line
from devices.poller.pruning import prune_boxes
from devices.protocols.base import (
    Abilities,
    Heard,
    Outcome,
    Request,
    SerialSettings,
    Span,
    Timing,
)
from devices.recorder import HEARD, SENT, Recorder, reference
from station.services import settings as figures
from tests import make

pytestmark = pytest.mark.django_db
ASK = bytes.fromhex("50300101009F5C03FA")
CODE, PIN = b"134567890123456789", b"482913"


@pytest.fixture
def line(settings, tmp_path: Path) -> Line:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    nozzle = make.nozzle()
    made = Line.objects.create(station=nozzle.station, name="一号线", url="/dev/x", protocol="DART")
    DispenserWiring.objects.create(dispenser=nozzle.dispenser, line=made, address=80)
    return made


def _box(line: Line, tmp_path: Path) -> None:
    at = int(now().timestamp() * 1000) - 60_000
    box = Recorder(tmp_path / "blackbox", f"line{line.pk}")
    box.write(SENT, bytes.fromhex("5020FA"), at)
    box.write(SENT, ASK, at + 7)
    box.write(HEARD, bytes.fromhex("50C0FA"), at + 20)
    box.close()


def test_a_line_is_shown_filtered_and_taken_as_a_file(line: Line, tmp_path: Path) -> None:
    _box(line, tmp_path)
    browser = make.signed_in(make.accountant(line.station))
    page = browser.get(reverse("devices:frames")).content.decode()
    assert "问状态" in page and "轮询 0" not in page and "50 30 01 01 00" in page
    assert "轮询 0" in browser.get(reverse("devices:frames"), {"polls": "on"}).content.decode()
    past = {"until": f"{localtime(now() - timedelta(hours=1)):%Y-%m-%dT%H:%M}"}
    assert "这段时间没有报文" in browser.get(reverse("devices:frames"), past).content.decode()
    taken = browser.get(reverse("devices:frames"), {"download": "1"})
    path = tmp_path / "taken.log"
    path.write_bytes(b"".join(taken.streaming_content))
    out = StringIO()
    call_command("replay", str(path), "--json", stdout=out)
    body = json.loads(out.getvalue())
    assert (body["protocol"], body["guessed"], body["frames"]) == ("DART", False, 3)
    assert (
        make.signed_in(make.stranger())
        .get(reverse("devices:frames"), {"line": line.pk})
        .content.decode()
        .count("50 30")
        == 0
    )
    cashier = make.signed_in(make.cashier(line.station))
    assert cashier.get(reverse("devices:frames")).status_code == 403


def test_the_frames_of_a_fill_are_a_file_too(line: Line, tmp_path: Path) -> None:
    _box(line, tmp_path)
    make.day(line.station, date=localtime().date(), opened_at=now())
    nozzle = line.dispensers.get().dispenser.nozzles.get()
    fill = make.fill(nozzle, at=now(), frames=reference(f"line{line.pk}", 1, 3))
    browser = make.signed_in(make.manager(line.station))
    taken = browser.get(reverse("devices:fill_frames", args=[fill.pk]))
    text = b"".join(taken.streaming_content).decode()
    assert text.startswith('# {"version": 1') and text.count("\n") == 4
    page = browser.get(reverse("devices:fill", args=[fill.pk]) + "?polls=1").content.decode()
    assert "轮询 0" in page
    gone = make.fill(nozzle, at=now(), frames="line99:1-2")
    assert browser.get(reverse("devices:fill_frames", args=[gone.pk])).status_code == 404


def test_replay_from_a_shell(line: Line, tmp_path: Path) -> None:
    _box(line, tmp_path)
    [path] = (tmp_path / "blackbox" / f"line{line.pk}").iterdir()
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes() + b"4 17 > 5"))
    out = StringIO()
    call_command("replay", str(packed), stdout=out)
    assert "Wayne DART，3 条报文" in out.getvalue() and "1 处残缺" in out.getvalue()
    with pytest.raises(CommandError, match="打不开"):
        call_command("replay", str(tmp_path / "none"))
    packed.write_text("x")
    with pytest.raises(CommandError, match="没有一条完整"):
        call_command("replay", str(packed))


def test_how_long_frames_are_kept_is_a_setting(line: Line, tmp_path: Path) -> None:
    folder = tmp_path / "blackbox" / f"line{line.pk}"
    box = Recorder(tmp_path / "blackbox", f"line{line.pk}", rotate_bytes=40)
    for number in range(4):
        box.write(SENT, b"\x01" * 20, number)
        box.wait()
    box.close()
    prune_boxes(tmp_path / "blackbox", at=now())
    assert len(list(folder.iterdir())) == 4
    figures.change(
        name="devices.black_box_days",
        station=line.station,
        value="1",
        at=now(),
        actor=make.manager(line.station),
    )
    prune_boxes(tmp_path / "blackbox", at=now() + timedelta(days=2))
    assert len(list(folder.iterdir())) == 1


class _Keypad:
    """A codec whose frames hold a payment code and a PIN, both marked."""

    settings, timing = SerialSettings(9600), Timing(0.01, 0.0, 0.0, 0.2, 0.2)
    abilities = Abilities()

    def feed(self, data: bytes, now: float) -> Outcome:
        return Outcome((), (Heard(data, True, (Span(2, 20), Span(21, 27))),), finished=True)


class _Port:
    def __init__(self) -> None:
        self._left = [b"", b"C=" + CODE + b" " + PIN]

    def receive(self, patience: float) -> bytes:
        return self._left.pop(0) if self._left else b""

    def send(self, data: bytes) -> None:
        return


def test_no_secret_is_in_any_file(line: Line, tmp_path: Path) -> None:
    box = Recorder(tmp_path / "blackbox", f"line{line.pk}")
    wire = Wire(_Port(), _Keypad(), box, echo=False)  # type: ignore[arg-type]
    asked = Request(1, b"P=" + PIN, 0.0, window=0.01, secret=(Span(2, 8),))
    wire.exchange(asked)
    box.close()
    browser = make.signed_in(make.manager(line.station))
    taken = browser.get(reverse("devices:frames"), {"download": "1", "polls": "on"})
    left = b"".join(taken.streaming_content)
    left += browser.get(reverse("devices:frames"), {"polls": "on"}).content
    left += b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"2a2a2a" in left
    for secret in (CODE, PIN):
        for written in (secret, secret.hex().encode(), secret.hex(" ").upper().encode()):
            assert written not in left
