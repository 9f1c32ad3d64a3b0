"""`make code`: the demo's second factor now, for those without an authenticator at hand.

The demo's secret is published on purpose and stands on the sheet of its accounts; a real station has
no such sheet.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import struct
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STEP_SECONDS = 30


def code(secret: str, at: int) -> str:
    """Return the six digits of RFC 6238 for a base32 secret at a time in seconds.

    >>> code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 59)
    '287082'
    """
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", at // STEP_SECONDS), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06d}"


def main() -> None:
    sheet = Path(os.environ.get("VAR_DIR") or ROOT / "var") / "demo-accounts.txt"
    secret = re.search(r"密钥 ([A-Z2-7]+)", sheet.read_text("utf-8")) if sheet.exists() else None
    if secret is None:
        sys.exit(f"没有演示账号：找不到 {sheet}。先 make run 建立演示油站。")
    now = int(time.time())
    left = STEP_SECONDS - now % STEP_SECONDS
    print(f"{code(secret[1], now)}（还有 {left} 秒有效；用过一次就要等下一个）")


if __name__ == "__main__":
    main()
