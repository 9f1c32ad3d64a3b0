"""Chromium for the browser tests: found, or installed where that is possible.

    python -m station.runtime.browser      find or install, and say which

Chinese pages need a Chinese font; where the machine has none, the one in our wheel is lent.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from station.runtime.bootstrap import ROOT, StepFailed, run

# The headless shell goes first: the same engine without windows takes a third less for a page.
SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DOWNLOADED = (
    "chromium_headless_shell-*/chrome-*/*headless*shell",
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)
FONT = "fonts-wqy-microhei"

# No sandbox: as root Chromium refuses to start with one. The rest keeps it from calling home.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{folder}</dir>
</fontconfig>
"""


def find_chromium() -> str | None:
    """Return the program: CHROMIUM, the machine's own, or one that Playwright has downloaded."""
    if given := os.environ.get("CHROMIUM"):
        return given
    for name in NAMES:
        if found := shutil.which(name):
            return found
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    for pattern in DOWNLOADED:
        for program in sorted(cache.glob(pattern), reverse=True):
            return str(program)
    return None


def lend_chinese_font(var: Path) -> None:
    """Point fontconfig at the font in our wheel where the machine has no Chinese one."""
    if "FONTCONFIG_FILE" in os.environ or _has_chinese_font():
        return
    spec = importlib.util.find_spec("pylopdf_fonts_zh_cn")
    if spec is None or not spec.origin:
        return
    var.mkdir(exist_ok=True)
    conf = var / "fonts.conf"
    conf.write_text(FONTS_CONF.format(folder=Path(spec.origin).parent), encoding="utf-8")
    os.environ["FONTCONFIG_FILE"] = str(conf)


def _has_chinese_font() -> bool:
    try:
        done = subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, check=False)
    except OSError:
        return False
    return bool(done.stdout.strip())


def install() -> None:
    """Install Chromium and a font; only as root on a machine with apt."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "install", "-y", "--no-install-recommends", FONT]
    try:
        run("更新软件源", ["apt-get", "update"], env=quiet)
        # Debian has the shell as a package of its own, others have not.
        shell = subprocess.run(["apt-cache", "show", SHELL], capture_output=True, check=False)
        program = SHELL if shell.returncode == 0 else "chromium"
        run("安装 Chromium 和中文字体", [*apt, program], env=quiet)
    except StepFailed:
        print("  Chromium 未能安装", flush=True)


def main() -> int:
    """Make sure of a browser; without one fail under CI=true, else only say so loudly."""
    if find_chromium() is None:
        install()
    found = find_chromium()
    if found is not None:
        return 0
    print(MISSING, file=sys.stderr, flush=True)
    return 1 if is_ci() else 0


def is_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


MISSING = """
!! 没有找到 Chromium，也无法安装：浏览器测试不会运行。
!! 请安装 chromium（或用 CHROMIUM=/路径 指定）后再试。
"""

if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
