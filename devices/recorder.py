"""The black box: every frame of a line with its direction and millisecond, masked where secret.

One text file per stretch, named by the number of its first frame, so that a fill's range of frames
finds its file by name alone. Finished files are compressed in the background and the oldest go
when the box is full. A line that a killed process left half written is passed over in reading.
"""

import gzip
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SENT, HEARD, JUNK = ">", "<", "!"
ROTATE_BYTES = 4_000_000
KEEP_BYTES = 512_000_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """One frame out of the box. `at_ms` is Unix time in milliseconds."""

    seq: int
    at_ms: int
    direction: str
    data: bytes


class Recorder:
    """Writes one line's box. Used by the one thread that owns the line."""

    def __init__(
        self,
        directory: Path,
        line: str,
        *,
        rotate_bytes: int = ROTATE_BYTES,
        keep_bytes: int = KEEP_BYTES,
    ) -> None:
        self.line = line
        self._folder = directory / line
        self._folder.mkdir(parents=True, exist_ok=True)
        self._rotate_bytes = rotate_bytes
        self._keep_bytes = keep_bytes
        self.seq = _last_seq(self._folder)
        self._file: IO[str] | None = None
        self._size = 0
        self._packing: threading.Thread | None = None
        self._pack_in_background()

    def write(self, direction: str, data: bytes, at_ms: int) -> int:
        """Note one frame and return its number. The caller has masked what is secret."""
        self.seq += 1
        text = f"{self.seq} {at_ms} {direction} {data.hex()}\n"
        if self._file is None:
            path = self._folder / f"{self.seq:012d}.log"
            self._file, self._size = path.open("a", encoding="ascii", buffering=65536), 0
        self._file.write(text)
        self._size += len(text)
        if self._size >= self._rotate_bytes:
            self.close()
            self._pack_in_background()
        return self.seq

    def flush(self) -> None:
        """Hand what is buffered to the system; before a fact names its frames."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def wait(self) -> None:
        """Until the background is done with packing."""
        if self._packing is not None:
            self._packing.join()

    def _pack_in_background(self) -> None:
        self.wait()
        self._packing = threading.Thread(
            target=_pack,
            args=(self._folder, self._keep_bytes),
            name=f"pack {self.line}",
            daemon=True,
        )
        self._packing.start()


def read(directory: Path, line: str, first: int, last: int) -> list[Recorded]:
    """The frames with these numbers that are still in the box, both ends included."""
    files = _files(directory / line)
    wanted = [
        path
        for number, path in enumerate(files)
        if _first(path) <= last and (number + 1 == len(files) or _first(files[number + 1]) > first)
    ]
    return [one for path in wanted for one in _parse(path) if first <= one.seq <= last]


def reference(line: str, first: int, last: int) -> str:
    """How a fill names its frames."""
    return f"{line}:{first}-{last}"


def read_reference(directory: Path, text: str) -> list[Recorded]:
    """The frames that a reference names."""
    line, _, span = text.rpartition(":")
    first, _, last = span.partition("-")
    return read(directory, line, int(first), int(last))


def _parse(path: Path) -> Iterator[Recorded]:
    packed = path.suffix == ".gz"
    with gzip.open(path, "rt", encoding="ascii") if packed else path.open() as lines:
        for text in lines:
            parts = text.split(" ")
            if len(parts) != 4 or not text.endswith("\n"):
                continue
            seq, at_ms, direction, data = parts
            yield Recorded(int(seq), int(at_ms), direction, bytes.fromhex(data))


def _first(path: Path) -> int:
    return int(path.name.partition(".")[0])


def _files(folder: Path) -> list[Path]:
    """Oldest first; where a file stands beside its packed copy, the plain one counts."""
    found: dict[int, Path] = {}
    for path in sorted(folder.glob("[0-9]*.log*"), reverse=True):
        if path.suffix in (".log", ".gz"):
            found[_first(path)] = path
    return [found[number] for number in sorted(found)]


def _last_seq(folder: Path) -> int:
    """Where a restarted process goes on counting."""
    for path in reversed(_files(folder)):
        numbers = [one.seq for one in _parse(path)]
        if numbers:
            return numbers[-1]
        return _first(path) - 1
    return 0


def _pack(folder: Path, keep_bytes: int) -> None:
    """Compress all but the newest file and drop the oldest beyond the limit."""
    for path in _files(folder)[:-1]:
        if path.suffix == ".log":
            whole = path.with_name(path.name + ".gz")
            part = path.with_name(path.name + ".part")
            with path.open("rb") as plain, gzip.open(part, "wb", compresslevel=6) as packed:
                shutil.copyfileobj(plain, packed)
            os.replace(part, whole)
            path.unlink()
    files = _files(folder)
    total = sum(path.stat().st_size for path in files)
    for path in files[:-1]:
        if total <= keep_bytes:
            break
        total -= path.stat().st_size
        path.unlink()
