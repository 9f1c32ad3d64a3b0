"""Ask a person at the terminal for a secret; from a pipe, one line for each question."""

from __future__ import annotations

import getpass
import sys


def ask_secret(question: str) -> str:
    """What was typed, not shown. Without a terminal a line of the standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(question)
    return sys.stdin.readline().rstrip("\n")
