"""ESC/POS: bytes, status, and Chinese receipts read back from the stream."""

import unicodedata

import pytest

from devices.protocols import escpos
from devices.simulator.peripherals import FULL, NEAR, OUT, Roll
from sales.queries.receipts import Paper, Row
from sales.services.printing import render

pytestmark = pytest.mark.req("DEV-03")


def test_the_words_are_the_published_bytes():
    assert escpos.INIT == b"\x1b\x40"
    assert escpos.CHINESE == b"\x1c\x26"
    assert escpos.CUT == b"\x1d\x56\x42\x00"
    assert escpos.ask(4) == b"\x10\x04\x04"
    assert escpos.kick(2) == b"\x1b\x70\x00\x32\x32"
    assert escpos.kick(5, 2) == b"\x1b\x70\x01\x32\x32" * 2
    assert escpos.kick_now(5) == b"\x10\x14\x01\x01\x01"
    with pytest.raises(ValueError):
        escpos.kick(3)


def test_a_code_is_the_five_functions_of_gs_k_with_their_lengths():
    code = escpos.qr("S01-1", size=6)
    assert code == (
        b"\x1d(k\x04\x001A2\x00"
        b"\x1d(k\x03\x001C\x06"
        b"\x1d(k\x03\x001E0"
        b"\x1d(k\x08\x001P0S01-1"
        b"\x1d(k\x03\x001Q0"
    )
    with pytest.raises(ValueError):
        escpos.qr("x" * 2001)


def test_codes_and_drawers_are_what_python_escpos_makes():
    printer = pytest.importorskip("escpos.printer", reason="python-escpos is not installed").Dummy()
    printer.qr("S01-1", native=True, size=6)
    assert escpos.qr("S01-1") in printer.output
    printer.clear()
    printer.cashdraw(2)
    assert bytes(printer.output)[:3] == escpos.kick(2)[:3]
    printer.clear()
    printer.cut()
    assert escpos.CUT[:2] in printer.output


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12}, {}),
        ({4: 0x1E}, {"near_end"}),
        ({1: 0x1A, 2: 0x32, 4: 0x7E}, {"offline", "paper_end", "near_end"}),
        ({1: 0x1A, 2: 0x16}, {"offline", "cover_open"}),
        ({3: 0x1A}, {"error"}),
        ({3: 0x32}, {"error"}),
        ({3: 0x52}, set()),  # heals itself
        ({2: 0x52}, {"error"}),
        ({}, set()),
    ],
)
def test_the_four_answers_are_a_condition(answers, said):
    found = escpos.condition(answers)
    names = ("offline", "cover_open", "error", "paper_end", "near_end")
    assert {name for name in names if getattr(found, name)} == set(said)
    assert found.prints == (not set(said) - {"near_end"})


def test_an_answer_of_one_kind_is_never_taken_for_the_other():
    assert all(escpos.is_answer(byte | 0x12) for byte in (0, 0x04, 0x08, 0x60, 0x6C))
    assert all(escpos.is_done(byte) for byte in (0, 0x03, 0x0C, 0x0F))
    assert not any(escpos.is_answer(byte) and escpos.is_done(byte) for byte in range(256))


@pytest.mark.parametrize("columns", [32, 48])
def test_a_chinese_receipt_reads_back_whole_from_the_bytes(columns):
    words = "昆明滇池路加油站92号车用乙醇汽油（国六B）第3枪，赠品：农夫山泉550ml一瓶，镕囍￥①"
    rows = (
        Row(words[:9], big=True, centre=True),
        Row(words),
        Row("a" + words, "12.00"),
        Row("应收", "\xa5200.00", big=True),
        Row(rule=True),
    )
    data = render(Paper(rows, "S01-1-0001"), columns=columns, kick=escpos.kick(2))
    roll = Roll()
    assert roll.feed(data) == b""
    [text] = roll.receipts
    assert roll.strange == [] and roll.kicks == 1
    flat = text.replace("\n", "").replace(" ", "")
    assert words in flat and "￥200.00" in flat and "[二维码S01-1-0001]" in flat
    assert "�" not in text and "?" not in text
    for line in text.split("\n")[:-1]:
        wide = sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in line)
        assert wide <= columns


def test_a_stream_cut_anywhere_prints_the_same():
    data = render(Paper((Row("滇池路加油站", "合计"),), "S01"), columns=32, kick=escpos.kick(5))
    whole = Roll()
    whole.feed(data)
    for cut in range(1, len(data)):
        halves = Roll()
        halves.feed(data[:cut])
        halves.feed(data[cut:])
        assert list(halves.receipts) == list(whole.receipts), cut


def test_the_simulated_printer_says_how_it_stands_and_goes_on_with_new_paper():
    roll = Roll()
    ask = b"".join(map(escpos.ask, escpos.QUESTIONS))

    def said():
        return escpos.condition(dict(zip(escpos.QUESTIONS, roll.feed(ask), strict=True)))

    assert said() == escpos.Condition()
    roll.paper = NEAR
    assert said().near_end and said().prints
    roll.paper, roll.last_lines = FULL, 1
    assert roll.feed(escpos.line("一") + escpos.line("二") + escpos.IN_ORDER) == b""
    assert roll.paper == OUT and said().paper_end and not said().prints
    assert roll.unfinished == "一"
    roll.paper = FULL
    assert roll.work() == b"\x00" and roll.unfinished == "一\n二"
    roll.cover_open = True
    assert said().cover_open
