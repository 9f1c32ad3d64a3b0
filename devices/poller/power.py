"""In practice the poller hangs on the same fuse as the simulated heads: without power it is gone."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

LOOK_EVERY = 0.2  # seconds


def wait_for_power(switch: Path) -> None:
    """Come up only with power; from then on end like a machine whose plug is pulled.

    The process kills itself: nothing is written, closed or said, as it would be in a power cut. Its
    supervisor starts it again, and it waits here until the power is back.
    """
    while switch.exists():
        time.sleep(LOOK_EVERY)
    threading.Thread(target=_die_without, args=(switch,), name="power", daemon=True).start()


def _die_without(switch: Path) -> None:
    while not switch.exists():
        time.sleep(LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGKILL)
