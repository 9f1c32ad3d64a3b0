"""From a bare machine to an installed project; the standard library only.

    python3 -I station/runtime/bootstrap.py embedded|dev
    python3 -I station/runtime/bootstrap.py front-end      only copies, for the image

Makes .venv, installs the named lock, and brings the front-end files to assets/vendor. What is
there already is not done again. -I keeps this folder off the import path: it has a logging.py.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOG = ROOT / "var" / "setup.log"
UV = "uv==0.13.9"
OLDEST = (3, 11)

# A lock that holds another is as good as the other.
SATISFIED_BY = {"embedded": ("embedded", "dev"), "dev": ("dev",), "node": ("node",)}

FRONT_END = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js": "tabler.min.js",
    "echarts/dist/echarts.min.js": "echarts.min.js",
}
SOURCE_MAP = re.compile(r"\n?(/\*# sourceMappingURL=.*?\*/|//# sourceMappingURL=\S+)\s*$")


class StepFailed(Exception):
    """A step ended with an error that has been shown already."""


# ---------------------------------------------------------------- progress


class Progress:
    """One line per step, shown once it has taken two seconds, with the seconds so far."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.began = time.monotonic()
        self.next = 2.0
        # A terminal's line is written over; a log gets a line now and then.
        self.terminal = sys.stdout.isatty()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def tick(self) -> None:
        if self.seconds < self.next:
            return
        self.next += 1 if self.terminal else 5
        self._show(
            f"  … {self.title}（已 {self.seconds:.0f} 秒）", end="" if self.terminal else "\n"
        )

    def done(self) -> None:
        self._show(f"  ✓ {self.title}（{self.seconds:.1f} 秒）", end="\n")

    def _show(self, text: str, *, end: str) -> None:
        print(f"\r\033[K{text}" if self.terminal else text, end=end, flush=True)


def run(title: str, *commands: list[str], env: dict[str, str] | None = None) -> None:
    """Run commands until one succeeds, showing progress; show the last one's output if none does."""
    progress = Progress(title)
    LOG.parent.mkdir(exist_ok=True)
    output = ""
    for command in commands:
        code, output = _run_one(progress, command, env)
        if code == 0:
            progress.done()
            return
    print(f"\n  ✗ {title}失败。最后的输出：\n", file=sys.stderr)
    print("\n".join(output.splitlines()[-30:]), file=sys.stderr)
    print(f"\n全部输出见 {LOG}", file=sys.stderr)
    raise StepFailed(title)


def _run_one(progress: Progress, command: list[str], env: dict[str, str] | None) -> tuple[int, str]:
    with LOG.open("a+b") as log:
        log.write(f"\n$ {' '.join(command)}\n".encode())
        log.flush()
        start = log.tell()
        try:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=None if env is None else {**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        except OSError as error:
            return 127, str(error)
        try:
            while process.poll() is None:
                time.sleep(0.1)
                progress.tick()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
        log.seek(start)
        return process.returncode, log.read().decode(errors="replace")


# ------------------------------------------------------------------ stamps


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def installed(lock: str) -> bool:
    return any(
        _read(VENV / f".lock-{name}") == digest(ROOT / "requirements" / f"{name}.txt")
        for name in SATISFIED_BY[lock]
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


# ------------------------------------------------------------------- steps


def make_environment() -> None:
    """Create .venv unless it works already."""
    python = VENV / "bin" / "python"
    if python.exists():
        working = [str(python), "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"]
        if subprocess.run(working, capture_output=True, check=False).returncode == 0:
            return
    run("建立虚拟环境 .venv", [sys.executable, "-m", "venv", "--clear", str(VENV)])


def install(lock: str) -> None:
    """Install a hash-locked list: with uv, which takes seconds; with pip where uv cannot."""
    if installed(lock):
        return
    python = str(VENV / "bin" / "python")
    listed = ["--require-hashes", "-r", str(ROOT / "requirements" / f"{lock}.txt")]
    with_pip = [python, "-m", "pip", "install", "--disable-pip-version-check", *listed]
    commands = [with_pip]
    if _has_uv(python):
        commands.insert(
            0, [str(VENV / "bin" / "uv"), "pip", "install", "--python", python, *listed]
        )
    run(f"安装依赖 requirements/{lock}.txt", *commands, env=_mirror_for_uv(python))
    (VENV / f".lock-{lock}").write_text(digest(ROOT / "requirements" / f"{lock}.txt"))


def _has_uv(python: str) -> bool:
    if (VENV / "bin" / "uv").exists():
        return True
    try:
        run("取得 uv", [python, "-m", "pip", "install", "--disable-pip-version-check", UV])
    except StepFailed:
        print("  uv 不可用，改用 pip（较慢）", flush=True)
        return False
    return True


def _mirror_for_uv(python: str) -> dict[str, str]:
    # uv does not read pip's configuration, where a station's machine names its nearby mirror.
    if "UV_DEFAULT_INDEX" in os.environ or "UV_INDEX_URL" in os.environ:
        return {}
    asked = [python, "-m", "pip", "config", "get", "global.index-url"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    mirror = os.environ.get("PIP_INDEX_URL") or answer.stdout.strip()
    return {"UV_DEFAULT_INDEX": mirror} if mirror else {}


def install_front_end() -> None:
    """Bring the pinned front-end packages."""
    wanted = digest(ROOT / "package-lock.json")
    stamp = ROOT / "node_modules" / ".lock"
    if _read(stamp) != wanted:
        npm, env = _npm()
        run("取得前端文件（npm ci）", [npm, "ci", "--ignore-scripts", "--loglevel=error"], env=env)
        stamp.write_text(wanted)
    copy_front_end()


def copy_front_end() -> None:
    """Copy the few files that we serve out of node_modules."""
    wanted = digest(ROOT / "package-lock.json")
    served = ROOT / "assets" / "vendor"
    if _read(served / ".lock") == wanted and all(
        (served / name).exists() for name in FRONT_END.values()
    ):
        return
    served.mkdir(parents=True, exist_ok=True)
    for source, name in FRONT_END.items():
        text = (ROOT / "node_modules" / source).read_text(encoding="utf-8")
        # The maps are not served, and a manifest of static files refuses what it cannot find.
        (served / name).write_text(SOURCE_MAP.sub("\n", text), encoding="utf-8")
    (served / ".lock").write_text(wanted)


def _npm() -> tuple[str, dict[str, str]]:
    found = shutil.which("npm")
    if found:
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        major = version.stdout.split(".")[0]
        if (
            version.returncode == 0 and major.isdigit() and int(major) >= 7
        ):  # lock files of version 3
            return found, {}
    install("node")
    folder = VENV / "bin"
    return str(folder / "npm"), {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


# -------------------------------------------------------------------- main


def newer_python() -> str | None:
    for minor in (13, 12, 11, 14):
        found = shutil.which(f"python3.{minor}")
        if found:
            asked = [found, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))"]
            if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
                return found
    return None


def main(lock: str) -> None:
    """Install everything that `lock` needs; "front-end" only copies from node_modules."""
    if sys.version_info[:2] < OLDEST:
        newer = newer_python()
        if newer is None:
            sys.exit("需要 Python 3.11 或更新的版本；安装后用 make PYTHON=/路径/python3 再试。")
        os.execv(newer, [newer, "-I", __file__, lock])
    if lock == "front-end":
        copy_front_end()
        return
    began = time.monotonic()
    try:
        make_environment()
        install(lock)
        install_front_end()
    except StepFailed as failed:
        sys.exit(f"准备环境未完成：{failed}")
    except KeyboardInterrupt:
        sys.exit("\n已中断；再次运行会接着做。")
    if time.monotonic() - began > 2:
        print(f"  环境就绪（{time.monotonic() - began:.0f} 秒）", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in (*SATISFIED_BY, "front-end"):
        sys.exit(__doc__)
    main(sys.argv[1])
