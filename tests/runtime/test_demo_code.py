"""The second factor of the demo."""

import subprocess
import sys
from pathlib import Path

import pytest

from station.runtime.demo_code import code

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("at", "digits"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_code_is_that_of_the_standard(at, digits):
    # RFC 6238, appendix B (SHA-1), the last six of its eight digits
    assert code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", at) == digits


def run(var):
    return subprocess.run(
        [sys.executable, "-I", str(ROOT / "station/runtime/demo_code.py")],
        env={"VAR_DIR": str(var)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_read_from_the_sheet_of_the_demo(tmp_path):
    (tmp_path / "demo-accounts.txt").write_text(
        "老板\n把密钥 GEZDGNBVGY3TQOJQ 加到验证器\n", "utf-8"
    )
    assert "秒有效" in run(tmp_path).stdout


def test_without_a_demo_it_says_so(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 1
    assert "没有演示账号" in done.stderr
