"""What leaves the process as a log line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from station.runtime.logging import masked

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import logging, structlog
from station.runtime.logging import configure
configure(level="INFO", json={json})
structlog.get_logger("sales").info("settled", number="Z01-1", code="134567890123456789")
logging.getLogger("django.request").warning("phone %s", "13812345678", extra=dict(status_code=500, request=object()))
logging.getLogger("quiet").debug("never seen")
try:
    raise ZeroDivisionError('286666666666666666')
except ZeroDivisionError:
    structlog.get_logger("sales").exception("broke", rows=["288888888888888888"])
"""


def lines(*, json):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(json=json)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_machines_get_one_json_object_per_event():
    settled, request, broke = [json.loads(line) for line in lines(json=True)]
    assert settled["event"] == "settled"
    assert settled["number"] == "Z01-1"
    assert settled["logger"] == "sales"
    assert settled["level"] == "info"
    assert settled["code"] == "13**************89"
    assert settled["timestamp"].endswith("Z")
    assert request["event"] == "phone 138****5678"
    assert request["status_code"] == 500
    assert "request" not in request
    assert broke["rows"] == ["28**************88"]
    assert "ZeroDivisionError: 28**************66" in broke["exception"]


def test_people_get_readable_lines_without_control_codes_in_a_pipe():
    text = "\n".join(lines(json=False))
    assert "settled" in text
    assert "number=Z01-1" in text
    assert "134567890123456789" not in text
    assert "286666666666666666" not in text
    assert "13812345678" not in text
    assert "ZeroDivisionError" in text
    assert "\033[" not in text


@pytest.mark.parametrize(
    "text",
    [
        "单号 Z01-20261122-000123",
        "1700000000000",  # a time in milliseconds
        "a134567890123456789f",  # part of a digest
        "金额 200.00，升数 26.525",
    ],
)
def test_what_is_no_code_and_no_telephone_stays(text):
    assert masked(text) == text
