"""Card readers and scanners: what they say, and what nobody may write down."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.protocols import rdm6300
from devices.protocols.base import CardRemoved, Damaged, Malformed, Scanned, Swiped
from devices.protocols.rdm6300 import Rdm6300
from devices.protocols.scanner import Scanner, holds_payment_code, is_payment_code, mask
from station.runtime.logging import masked

CARD = b"\x020800632AD293\x03"
WECHAT, ALIPAY, UNIONPAY = "134567890123456789", "2812345678901234", "6212345678901234567"


@pytest.mark.req("DEV-02")
def test_the_published_card_frame_reads_and_writes() -> None:
    vectors = json.loads(Path(__file__).with_name("vectors.json").read_text())["rdm6300"]
    for vector in vectors:
        raw = vector["text"].encode()
        assert int(rdm6300.decode(raw)) == vector["value"]
        assert rdm6300.encode(str(vector["value"]), version=vector["type"]) == raw


@pytest.mark.req("DEV-02")
def test_a_card_that_is_repeated_is_one_swipe_until_it_is_taken_away() -> None:
    reader = Rdm6300()
    seen = [event for at in range(5) for event in reader.feed(CARD, at * 0.065).events]
    assert seen == [Swiped(address=0, card="0006499026")]
    assert reader.expire(0.5).events == ()
    assert reader.expire(0.9).events == (CardRemoved(address=0, card="0006499026"),)
    assert reader.feed(CARD, 1.0).events == (Swiped(address=0, card="0006499026"),)


def test_another_card_replaces_the_first() -> None:
    reader = Rdm6300()
    reader.feed(CARD, 0.0)
    events = reader.feed(rdm6300.encode("42"), 0.1).events
    assert events == (
        CardRemoved(address=0, card="0006499026"),
        Swiped(address=0, card="0000000042"),
    )


def test_the_same_card_after_a_long_silence_is_a_new_swipe() -> None:
    reader = Rdm6300()
    reader.feed(CARD, 0.0)
    assert reader.feed(CARD, 3.0).events == (
        CardRemoved(address=0, card="0006499026"),
        Swiped(address=0, card="0006499026"),
    )


def test_half_a_card_frame_before_a_whole_one_does_no_harm() -> None:
    reader = Rdm6300()
    assert reader.feed(CARD[:7] + CARD, 0.0).events == (Swiped(address=0, card="0006499026"),)
    assert reader.feed(b"\x55" * 40, 0.1).events == ()
    assert reader.expire(0.2).heard[0].good is False


@settings(max_examples=300)
@given(st.integers(0, 14 * 8 - 1))
def test_a_flipped_bit_is_never_another_card(bit: int) -> None:
    raw = bytearray(CARD)
    raw[bit // 8] ^= 1 << bit % 8
    for event in Rdm6300().feed(bytes(raw), 0.0).events:
        assert isinstance(event, Damaged) or event == Swiped(address=0, card="0006499026")


def test_what_is_no_card_frame_is_refused() -> None:
    for frame in (b"\x02\x03", CARD[:-1] + b"\x04", b"\x02" + b"G" * 12 + b"\x03"):
        with pytest.raises(Malformed):
            rdm6300.decode(frame)


@pytest.mark.req("DEV-02")
@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\t"])
def test_a_scan_ends_at_each_usual_mark(end: bytes) -> None:
    scanner = Scanner()
    assert scanner.feed(b"69012345", 0.0).events == ()
    assert scanner.feed(b"67892" + end, 0.0).events == (
        Scanned(address=0, code="6901234567892", secret=False),
    )
    assert scanner.expire(0.1).events == ()


@pytest.mark.req("DEV-02")
@pytest.mark.parametrize("code", [WECHAT, ALIPAY, UNIONPAY])
@pytest.mark.parametrize("before", ["", "]Q3", "  "])
def test_a_payment_code_is_masked_in_what_is_written_down(code: str, before: str) -> None:
    outcome = Scanner().feed((before + code + "\r").encode(), 0.0)
    assert outcome.events == (Scanned(address=0, code=code, secret=True),)
    written = outcome.heard[0].masked().decode()
    assert code[2:-4] not in written
    assert written == before + code[:2] + "*" * (len(code) - 6) + code[-4:] + "\r"
    assert outcome.heard[0].raw.decode() == before + code + "\r"


def test_payment_codes_are_told_by_length_and_first_digits() -> None:
    assert is_payment_code(WECHAT) and is_payment_code(ALIPAY) and is_payment_code(UNIONPAY)
    assert is_payment_code("30" + "1" * 22)
    assert not is_payment_code("6901234567892")
    assert not is_payment_code("164567890123456789")
    assert not is_payment_code(WECHAT + "0")
    assert mask(WECHAT) == "13************6789"
    assert mask("6901234567892") == "6901234567892"


@pytest.mark.parametrize("code", [WECHAT, ALIPAY, UNIONPAY, "YV" + "7" * 34])
@pytest.mark.parametrize(
    "around", ["A{}", "{};", "\x02{}\x03", "https://x/?auth_code={}", "{}\t{}", "{0}A"]
)
def test_no_digit_of_a_payment_code_stays_whatever_a_scanner_puts_around_it(
    code: str, around: str
) -> None:
    text = around.format(code, code)
    [said] = Scanner("CR").feed(f"{text}\r".encode(), 0.0).events
    assert isinstance(said, Scanned) and said.secret and holds_payment_code(text)
    assert code[2:-4] not in mask(said.code) and len(mask(text)) == len(text)
    assert code[2:-4] not in masked(text)  # nor in a log


def test_half_a_code_is_dropped_and_written_down_as_stars_only() -> None:
    scanner = Scanner()
    scanner.feed(b"1345678901", 0.0)
    outcome = scanner.expire(0.4)
    assert outcome.events == (Damaged(address=0, why="cut off"),)
    assert outcome.heard[0].masked() == b"*" * 10
    assert scanner.feed(b"23456789\r", 0.5).events == (
        Scanned(address=0, code="23456789", secret=False),
    )


def test_noise_on_a_scanner_line_is_no_code() -> None:
    assert isinstance(Scanner().feed(b"\xff\xfe12\r", 0.0).events[0], Damaged)
    assert isinstance(Scanner().feed(b"1" * 600, 0.0).events[0], Damaged)
