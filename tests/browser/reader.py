"""A scanner or card reader that types: real keys, with the times at which its hardware struck them.

A keyboard's events bear the time of the key, however busy the page and the machine are. Keys sent
one after the other from a test bear the time of their sending, which a busy machine stretches beyond
what any reader would take; so the times travel with the keys.
"""

from __future__ import annotations

import time

from playwright.sync_api import Page

BETWEEN = 0.004  # seconds from one key to the next


def shoot(page: Page, text: str) -> None:
    """What a scanner does: every key within a few milliseconds, then Enter."""
    keys = page.context.new_cdp_session(page)
    struck = time.time()
    for key in [*text, "Enter"]:
        typed = "\r" if key == "Enter" else key
        about = {"key": key, "timestamp": struck}
        if key == "Enter":
            about |= {"code": "Enter", "windowsVirtualKeyCode": 13}
        keys.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": typed, **about})
        keys.send("Input.dispatchKeyEvent", {"type": "keyUp", **about})
        struck += BETWEEN
    keys.detach()
