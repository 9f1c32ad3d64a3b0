"""客显 and 价格牌: bytes against what is published or documented, and a second reading of them."""

from decimal import Decimal

import pytest

from devices.protocols import displays, pricesign, table
from devices.protocols.base import Malformed
from devices.protocols.displays import Digits, Shown, Shows, TwoLines
from devices.protocols.pricesign import Cutter, Frame, Verb
from devices.simulator.peripherals import Board, Face

pytestmark = pytest.mark.req("DEV-03")
D = Decimal
ITEM = Shown(Shows.ITEM, total=D("212.00"), price=D("7.52"))
CHANGE = Shown(Shows.CHANGE, total=D("212"), tendered=D("300"), change=D("88"))


def test_two_lines_are_the_published_bytes():
    plain = TwoLines(chinese=False)
    assert plain.start() == b"\x1b\x40\x0c\x1b\x2a\x04"
    assert plain.show(ITEM) == b"\x1bQAPRICE           7.52\r\x1bQBTOTAL         212.00\r"
    idle = plain.show(Shown(idle="WELCOME"))
    assert idle == b"\x1bQA" + b"      WELCOME".ljust(20) + b"\r\x1bQB" + b" " * 20 + b"\r"


def test_a_display_with_a_chinese_font_is_told_in_gb18030_twenty_columns_a_line():
    chinese = TwoLines(chinese=True)
    told = chinese.show(CHANGE)
    assert told == "\x1bQA收款          300.00\r\x1bQB找零           88.00\r".encode("gb18030")
    face = Face()
    face.feed(chinese.start() + chinese.show(Shown(idle="欢迎光临")))
    assert (face.upper.strip(), face.lower) == ("欢迎光临", "")
    for shown, upper, lower in (
        (ITEM, "单价            7.52", "合计          212.00"),
        (Shown(Shows.TOTAL, total=D("5")), "", "合计            5.00"),
        (
            Shown(Shows.TENDERED, total=D("5"), tendered=D("9")),
            "合计            5.00",
            "收款            9.00",
        ),
    ):
        face.feed(chinese.show(shown))
        assert (face.upper, face.lower) == (upper, lower)


def test_eight_digits_light_the_lamp_of_what_they_are():
    digits, face = Digits(), Face()
    assert digits.show(ITEM) == b"\x1bs1\x1bQA7.52\r"
    for shown, lamp, text in (
        (ITEM, 1, "7.52"),
        (Shown(Shows.TOTAL, total=D("212")), 2, "212.00"),
        (Shown(Shows.TENDERED, tendered=D("300")), 3, "300.00"),
        (CHANGE, 4, "88.00"),
        (Shown(Shows.TOTAL, total=D("1234567.89")), 2, "--------"),
    ):
        face.feed(digits.show(shown))
        assert (face.lamp, face.upper) == (lamp, text)
    face.feed(digits.show(Shown()))
    assert (face.lamp, face.upper) == (0, "")


def test_an_idle_text_must_fit_and_be_in_letters_that_are_there():
    assert displays.fits("欢迎光临滇池路加油站", chinese=True)
    assert not displays.fits("欢迎光临滇池路加油站！", chinese=True)
    assert not displays.fits("欢迎", chinese=False)
    assert displays.fits("WELCOME", chinese=False)


@pytest.mark.parametrize("key", sorted(table.DISPLAYS))
def test_every_display_starts_and_shows_everything(key):
    pole, face = table.DISPLAYS[key].pole(), Face()
    face.feed(pole.start())
    for what in Shows:
        face.feed(pole.show(Shown(what, idle="HI")))
    assert table.DISPLAYS[key].serial.bits == 8


def test_a_price_sign_is_set_and_read_back_by_the_documented_frames():
    ask = pricesign.encode(Frame(Verb.SET, 1, 2, D("8.03")))
    assert ask == b"$PS,01,SET,2,8.03*76D2\r\n"
    board = Board()
    said = board.feed(ask)
    assert pricesign.decode(said) == Frame(Verb.IS, 1, 2, D("8.03"))
    assert board.rows[2] == "8.03"
    dark = pricesign.decode(board.feed(pricesign.encode(Frame(Verb.GET, 1, 1))))
    assert (dark.verb, dark.price) == (Verb.IS, None)
    none = pricesign.decode(board.feed(pricesign.encode(Frame(Verb.GET, 1, 8))))
    assert (none.verb, none.why) == (Verb.NO, "ROW")
    assert board.feed(pricesign.encode(Frame(Verb.GET, 2, 1))) == b""  # another sign
    with pytest.raises(Malformed):
        pricesign.encode(Frame(Verb.SET, 1, 1, D("1000.00")))


def test_no_flipped_bit_and_no_cut_becomes_a_price():
    good = pricesign.encode(Frame(Verb.IS, 1, 2, D("8.03")))
    for place in range(len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[place] ^= 1 << bit
            frames, _ = Cutter().feed(bytes(bad))
            assert frames == []
        frames, _ = Cutter().feed(good[:place])
        assert frames == []


def test_frames_in_pieces_joined_and_with_noise_between_them_are_heard():
    one = pricesign.encode(Frame(Verb.IS, 1, 1, D("7.52")))
    two = pricesign.encode(Frame(Verb.IS, 1, 2))
    cutter = Cutter()
    heard = []
    for byte in b"\x00\xff" + one + b"xx$PS" + two + b"\n" + one:
        frames, _ = cutter.feed(bytes((byte,)))
        heard += frames
    assert [(one.row, one.price) for one in heard] == [(1, D("7.52")), (2, None), (1, D("7.52"))]
    assert cutter.feed(b"x" * 1000) == ([], 0)
    frames, _ = cutter.feed(b"\n" + one)
    assert len(frames) == 1
