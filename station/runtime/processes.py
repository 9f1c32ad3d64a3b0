"""Child processes that never outlive us."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import subprocess
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def die_with_parent(sign: signal.Signals) -> Callable[[], None]:
    """Return a preexec_fn: the kernel sends `sign` when the parent dies, even by SIGKILL.

    Linux only; elsewhere a killed supervisor leaves its children to the user.
    The kernel looks at the thread that forked, so spawn from the main thread.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def ask_the_kernel() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, int(sign))

    return ask_the_kernel


def stop(process: subprocess.Popen[bytes], sign: signal.Signals, *, seconds: float) -> bool:
    """Ask a process to end and wait; after `seconds` kill it. Return whether it went by itself."""
    if process.poll() is not None:
        return True
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(sign)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True
