"""`make bench`: every measurement of this folder, or those named: make bench ARGS="line_polls".

A measurement is a module with a `main()` that prints its figures as ratios and returns whether all
reached their bar.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def run(name: str) -> bool:
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    # Each in a process of its own: none warms the caches of the next.
    program = f"import sys; from bench import {name}; sys.exit(0 if {name}.main() else 1)"
    done = subprocess.run([sys.executable, "-c", program], cwd=HERE.parent, check=False)
    print(f"   {time.monotonic() - began:.0f} 秒", flush=True)
    return done.returncode == 0


def main(wanted: list[str]) -> int:
    known = names()
    for name in wanted:
        if name not in known:
            print(f"没有测量 {name}；有：{'、'.join(known)}")
            return 2
    missed = [name for name in wanted or known if not run(name)]
    print(f"\n未达到：{'、'.join(missed)}" if missed else "\n全部达到")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
