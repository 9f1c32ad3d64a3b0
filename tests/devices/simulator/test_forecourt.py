"""The simulated forecourt: plausible cars, heads with a memory, a socket to play customer."""

import json
import random
import socket
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from devices.management.commands import simulate
from devices.models import Command, DispenserWiring, Line
from devices.protocols.base import Decimals
from devices.protocols.gaskit import messages
from devices.protocols.ifsf import messages as ifsf
from devices.protocols.twowire import messages as words
from devices.simulator import layout
from devices.simulator.cars import DRIVES_OFF_ONE_IN, Car, Mood, Wish, per_hour, wish
from devices.simulator.control import Control, ControlServer
from devices.simulator.forecourt import Forecourt
from devices.simulator.gaskit import GasKitPump
from devices.simulator.heads import HEADS
from devices.simulator.ifsf import IfsfPump
from devices.simulator.panel import Panel
from devices.simulator.pump import AUTHORIZED, COMPLETED, RESET, Pump
from devices.simulator.twowire import TwoWirePump
from station.models import AuditEntry
from tests import make

WEDNESDAY = datetime(2026, 4, 22, 8, tzinfo=UTC)
FRIDAY = datetime(2026, 4, 24, 8, tzinfo=UTC)


@pytest.fixture
def forecourt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Forecourt:
    lines = (layout.LINES[0], layout.SimulatedLine("二号线", "DART", port=0))
    monkeypatch.setattr(layout, "LINES", lines)
    made = Forecourt(tmp_path, cars=False, seed=1, wall=lambda: FRIDAY)
    yield made
    made.stop()


def test_the_forecourt_is_laid_out_as_the_demo_station_is_wired(forecourt: Forecourt) -> None:
    assert sorted(forecourt.places) == list(range(1, 9))
    assert [place.pump.address for place in forecourt.places.values()] == [
        0x50,
        0x51,
        0x52,
        0x53,
        0x50,
        0x51,
        0x52,
        0x53,
    ]
    assert all(len(place.pump.meters) == 4 for place in forecourt.places.values())
    assert (forecourt.folder / "line-1").is_symlink()


def test_rush_hours_and_fridays_bring_more_cars() -> None:
    assert per_hour(WEDNESDAY) > 5 * per_hour(WEDNESDAY.replace(hour=3))
    assert per_hour(FRIDAY) == per_hour(WEDNESDAY) * Decimal("1.3")


def test_wishes_are_plausible_and_some_drive_off() -> None:
    dice = random.Random(7)
    wishes = [wish(dice) for _ in range(4000)]
    trucks = [one for one in wishes if one.position == 4]
    assert 300 < len(trucks) < 700
    assert all(one.litres is not None and one.litres >= 60 for one in trucks)
    assert 1500 < sum(one.position == 1 for one in wishes) < 2800
    unpaid = sum(not one.pays for one in wishes)
    assert 1 <= unpaid <= 4 * 4000 // DRIVES_OFF_ONE_IN
    assert all((one.litres is None) != (one.yuan is None) for one in wishes)


def _authorise(pump: Pump) -> None:
    pump.status = COMPLETED
    pump.prices, pump.allowed = dict.fromkeys(pump.meters, 750), tuple(pump.meters)
    pump._reset()
    pump._authorize()


@pytest.mark.parametrize(("litres", "yuan"), [(Decimal("20"), None), (None, Decimal("150"))])
def test_a_driver_lifts_fills_what_he_came_for_pays_and_goes(
    litres: Decimal | None, yuan: Decimal | None
) -> None:
    pump = Pump(0x50)
    pump.status = COMPLETED
    car = Car(Wish("云A12345", 2, litres, yuan, Decimal("0.6")), 0.0, random.Random(1))
    moods = []
    for second in range(400):
        pump.advance(float(second))
        car.step(pump, float(second))
        if pump.lifted and pump.status in (COMPLETED, RESET) and car.mood is Mood.WAITING:
            _authorise(pump)
        if not moods or moods[-1] is not car.mood:
            moods.append(car.mood)
    assert moods == [Mood.ARRIVING, Mood.WAITING, Mood.FILLING, Mood.PAYING, Mood.GONE]
    assert pump.lifted == 0
    if litres is not None:
        assert 2000 <= pump.shown.volume <= 2070
    else:
        assert 15000 <= pump.shown.amount <= 15500


def test_a_driver_whom_nobody_authorises_hangs_up_and_leaves() -> None:
    pump = Pump(0x50)
    car = Car(Wish("云A12345", 2, Decimal(20), None, Decimal("0.6")), 0.0, random.Random(1))
    for second in range(600):
        car.step(pump, float(second))
    assert car.mood is Mood.GONE
    assert pump.shown.volume == 0


def test_heads_keep_their_totalizers_when_the_simulator_restarts(forecourt: Forecourt) -> None:
    pump = forecourt.places[3].pump
    pump.sell_locally(2, Decimal("12.345"), Decimal("8.03"))
    forecourt.keep()
    again = forecourt._pump(3, 0x52, forecourt._read())
    assert again.meters[2].volume == 12345
    assert again.shown == pump.shown
    forecourt.keep()  # nothing new


def test_a_fill_that_the_power_cut_caught_is_in_the_totalizer_afterwards(
    forecourt: Forecourt,
) -> None:
    pump = forecourt.places[1].pump
    _authorise(pump)
    pump.lift(1)
    pump.squeeze(Decimal(1))
    pump.advance(1.0)
    pump.advance(4.0)
    forecourt.keep()
    assert pump.meters[1].volume == 0
    again = forecourt._pump(1, 0x50, forecourt._read())
    assert again.meters[1].volume == again.shown.volume > 0


def test_books_that_are_ahead_of_the_heads_are_believed(forecourt: Forecourt) -> None:
    forecourt.totals = {(1, 1): Decimal("500.125")}
    assert forecourt._pump(1, 0x50, {}).meters[1].volume == 500125
    forecourt.decimals = {1: Decimals(volume=2, totals=2)}
    assert forecourt._pump(1, 0x50, {}).meters[1].volume == 50012


def test_cars_come_queue_and_are_served(forecourt: Forecourt) -> None:
    forecourt.cars = True
    for place in forecourt.places.values():
        _authorise(place.pump)
    for second in range(1200):
        for place in forecourt.places.values():
            place.pump.advance(float(second))
        forecourt.step(float(second), 1.0)
    assert sum(place.pump.shown.volume > 0 for place in forecourt.places.values()) >= 2


def test_the_socket_plays_customer(forecourt: Forecourt) -> None:
    control = Control(forecourt)

    def ask(**asked: object) -> dict[str, object]:
        return dict(json.loads(control.answer(json.dumps(asked))))

    pump = forecourt.places[3].pump
    assert ask(do="lift", dispenser=3, nozzle=2)["ok"]
    assert pump.lifted == 2
    for name in ("squeeze", "release", "hang", "power_off", "power_on"):
        assert ask(do=name, dispenser=3)["ok"]
    assert pump.lifted == 0
    assert ask(do="sell", dispenser=3, nozzle=2, litres="10", price="7.52")["ok"]
    assert pump.meters[2].volume == 10000
    assert ask(do="dead", dispenser=3, on=True)["ok"]
    assert forecourt.lines["一号线"].bus.faults.dead == {0x52}
    assert ask(do="dead", dispenser=3, on=False)["ok"]
    assert ask(do="faults", line="一号线", damaged=50)["ok"]
    assert forecourt.lines["一号线"].bus.faults.damaged == 50
    assert ask(do="fill", dispenser=3, nozzle=1, litres="20")["ok"]
    assert forecourt.places[3].car is not None
    assert ask(do="cars", on=True)["ok"]
    assert ask(do="swipe", card="6499026")["ok"]
    assert ask(do="scan", code="6901234567892")["ok"]
    assert ask(do="break", line="一号线")["ok"]
    assert not (forecourt.folder / "line-1").exists()
    assert ask(do="mend", line="一号线")["ok"]
    state = ask(do="state")
    assert state["pumps"][2]["totals"]["2"] == 10000  # type: ignore[index]


def test_a_wish_that_makes_no_sense_is_answered(forecourt: Forecourt) -> None:
    control = Control(forecourt)
    for text in ("{}", "no", '{"do": "lift", "dispenser": 99, "nozzle": 1}', '{"do": "sing"}'):
        answer = json.loads(control.answer(text))
        assert not answer["ok"] and answer["why"]


def test_the_control_socket_listens_on_this_machine_only(forecourt: Forecourt) -> None:
    path = forecourt.folder / "control"
    server = ControlServer(path, forecourt)
    assert path.stat().st_mode & 0o777 == 0o600
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))
        caller.sendall(b'{"do": "state"}\n')
        assert json.loads(caller.makefile().readline())["ok"]
    server.close()
    assert not path.exists()


def test_a_drive_off_is_told_with_its_plate(forecourt: Forecourt) -> None:
    said: list[str] = []
    forecourt.tell = said.append
    place = forecourt.places[1]
    _authorise(place.pump)
    forecourt.arrive(1, Wish("云A00007", 1, Decimal(2), None, Decimal(1), pays=False))
    for second in range(200):
        place.pump.advance(float(second))
        forecourt.step(float(second), 1.0)
        if place.pump.status == AUTHORIZED and place.pump.shown.volume == 0:
            continue
    assert forecourt.left == ["云A00007"]
    assert said == ["1 号机 云A00007 未付款离开"]


def test_the_tcp_line_takes_a_free_port_where_another_station_has_the_usual_one(
    forecourt: Forecourt, tmp_path: Path
) -> None:
    usual = forecourt.lines["二号线"].end.port
    second = Forecourt(tmp_path / "second", cars=False, port=usual)
    try:
        url = second.addresses()["二号线"]
        assert url.startswith(layout.HERE) and url != forecourt.addresses()["二号线"]
        port = second.lines["二号线"].end.port
        second.lines["二号线"].end.break_off()
        second.lines["二号线"].end.mend()
        assert second.lines["二号线"].end.port == port  # after a break it is found where it was
    finally:
        second.stop()
    with pytest.raises(OSError, match="in use"):
        Forecourt(tmp_path / "third", cars=False, port=usual, yielding=False)


@pytest.mark.django_db
def test_the_line_in_the_books_follows_to_the_port_that_was_found() -> None:
    station = make.station()
    line = Line.objects.create(
        station=station, name="二号线", url=f"{layout.HERE}40552", protocol="DART"
    )
    assert simulate._port_in_the_books() == 40552
    for _ in range(2):
        simulate._tell_the_books({"二号线": f"{layout.HERE}40999"})
    line.refresh_from_db()
    assert line.url == f"{layout.HERE}40999"
    assert simulate._port_in_the_books() == 40999
    assert Command.objects.filter(kind="REWIRE", station=station).count() == 1
    entry = AuditEntry.objects.get(action="devices.line.saved")
    assert (entry.actor_name, entry.after) == ("系统", {"url": f"{layout.HERE}40999"})
    Line.objects.update(url="socket://192.168.1.20:4001")  # a real converter is left alone
    simulate._tell_the_books({"二号线": f"{layout.HERE}41000"})
    assert Line.objects.get().url == "socket://192.168.1.20:4001"


@pytest.mark.parametrize(
    ("key", "kind", "nozzle"),
    [
        ("GASKITLINK", "GasKitPump", 2),
        ("TWOWIRE", "TwoWirePump", 2),
        ("AZT", "AztPump", 1),
        ("ZHENGXING", "ZhengxingPump", 1),
        ("IFSF", "IfsfPump", 2),
    ],
)
def test_the_second_line_speaks_what_is_asked_for(
    tmp_path: Path, key: str, kind: str, nozzle: int
) -> None:
    parser = simulate.Command().create_parser("manage.py", "simulate")
    assert parser.parse_args([]).second_line == "DART"
    asked = parser.parse_args(["--second-line", key]).second_line
    made = Forecourt(tmp_path, cars=False, seed=1, protocols={"二号线": asked})
    try:
        kinds = [type(place.pump).__name__ for place in made.places.values()]
        assert kinds == ["Pump"] * 4 + [kind] * 4
        made.places[7].pump.sell_locally(nozzle, Decimal("12.34"), Decimal("8.03"))
        made.keep()
        kept = made._pump(7, 3, made._read())
        assert kept.meters[nozzle].volume == 12340 and kept.shown == made.places[7].pump.shown
    finally:
        made.stop()


@pytest.mark.parametrize("kind", sorted(HEADS))
def test_a_driver_does_not_care_what_the_head_speaks(kind: str) -> None:
    pump = HEADS[kind](1, 2, Decimals(), "1")
    position = len(pump.meters)
    if not isinstance(pump, Panel):
        pump.status = {"DART": COMPLETED, "TWOWIRE": words.OFF, "IFSF": ifsf.IDLE}.get(
            kind, messages.IDLE
        )
    car = Car(Wish("云A12345", position, Decimal(20), None, Decimal("0.6")), 0.0, random.Random(1))
    for second in range(400):
        pump.advance(float(second))
        car.step(pump, float(second))
        if car.mood is Mood.WAITING and pump.lifted and not pump.open:
            if isinstance(pump, Pump):
                _authorise(pump)
            elif isinstance(pump, GasKitPump):
                pump.hear(messages.Preset("M", 2, 999_999, 750))
            elif isinstance(pump, TwoWirePump):
                pump.prices[2] = [750, 750]
                pump.hear(words.AUTHORISE)
            elif isinstance(pump, IfsfPump):
                pump.prices = {1: 750, 2: 750}
                assert pump._release()
            elif isinstance(pump, Panel):
                pump.price = 750
                assert pump.allow()
    assert car.mood is Mood.GONE and pump.lifted == 0
    assert 2000 <= pump.shown.volume <= 2070 and pump.meters[position].volume == pump.shown.volume


def test_a_car_waits_for_a_place_that_has_its_nozzle(tmp_path: Path) -> None:
    made = Forecourt(tmp_path, cars=False, seed=1, protocols={"二号线": "AZT"})
    try:
        for number in range(1, 5):  # all that have four nozzles are taken
            made.arrive(number, Wish("云A00000", 1, Decimal(20), None, Decimal("0.6")))
        made.queue += [
            Wish(plate, position, Decimal(20), None, Decimal("0.6"))
            for plate, position in (("云A11111", 2), ("云A22222", 1))
        ]
        made.step(0.0, 0.0)
        assert [one.plate for one in made.queue] == ["云A11111"]
        assert made.places[5].car is not None and made.places[5].car.wish.plate == "云A22222"
    finally:
        made.stop()


@pytest.mark.django_db
def test_a_port_that_was_asked_for_and_is_taken_is_refused_in_words(
    forecourt: Forecourt, tmp_path: Path, settings
) -> None:
    settings.SIMULATOR_PORT = forecourt.lines["二号线"].end.port
    with pytest.raises(CommandError, match="换一个 SIMULATOR_PORT"):
        call_command("simulate", folder=tmp_path / "other")


@pytest.mark.django_db
def test_the_heads_count_as_the_demo_s_books_do() -> None:
    station = make.station()
    nozzle = make.nozzle(station, dispenser=make.dispenser(station, number=3))
    line = Line.objects.create(station=station, name="一号线", url="x", protocol="DART")
    DispenserWiring.objects.create(
        dispenser=nozzle.dispenser, line=line, address=0x52, volume_decimals=3, totals_decimals=3
    )
    make.reading(nozzle, "500.125")
    decimals, totals = simulate._from_the_books()
    assert decimals == {3: Decimals(volume=3, totals=3)}
    assert totals == {(3, 1): Decimal("500.125")}
