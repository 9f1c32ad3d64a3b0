"""The black box: every frame of a line with its direction and millisecond, masked where secret.

One text file per stretch, named by the number of its first frame, so that a fill's range of frames
finds its file by name alone. Finished files are compressed in the background; the oldest go when
they are too old or the box is too full (`prune`, which the poller calls). A file keeps the time of
its last frame when it is packed. A line that a killed process left half written is passed over in
reading, and counted.
"""

import contextlib
import gzip
import os
import re
import shutil
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SENT, HEARD, JUNK = ">", "<", "!"
ROTATE_BYTES = 4_000_000
HEADER = "#"  # lines that begin so are no frames: what an export says of itself
_LINE = re.compile(r"(\d{1,18}) (\d{1,18}) ([<>!]) ((?:[0-9a-f]{2})*)\n")
_UNREADABLE = (EOFError, gzip.BadGzipFile, zlib.error)


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
    ) -> None:
        self.line = line
        self._folder = directory / line
        self._folder.mkdir(parents=True, exist_ok=True)
        self._rotate_bytes = rotate_bytes
        self.seq = _last_seq(self._folder)
        self._file: IO[str] | None = None
        self._size = 0
        self._packing: threading.Thread | None = None
        self._pack_in_background()

    def write(self, direction: str, data: bytes, at_ms: int) -> int:
        """Note one frame and return its number. The caller has masked what is secret."""
        self.seq += 1
        text = written(Recorded(self.seq, at_ms, direction, data))
        if self._file is None:
            path = self._folder / f"{self.seq:012d}.log"
            self._file, self._size = path.open("a", encoding="ascii", buffering=65536), 0
            if self._file.tell():  # nothing but half a line of a killed process
                self._file.write("\n")
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
            args=(self._folder,),
            name=f"pack {self.line}",
            daemon=True,
        )
        self._packing.start()


def written(one: Recorded) -> str:
    """A frame as a line of the box, and of a file that was taken out of it."""
    return f"{one.seq} {one.at_ms} {one.direction} {one.data.hex()}\n"


def read(directory: Path, line: str, first: int, last: int) -> list[Recorded]:
    """The frames with these numbers that are still in the box, both ends included."""
    files = _files(directory / line)
    wanted = [
        path
        for number, path in enumerate(files)
        if _first(path) <= last and (number + 1 == len(files) or _first(files[number + 1]) > first)
    ]
    return [one for path in wanted for one in _parse(path) if first <= one.seq <= last]


def between(directory: Path, line: str, since_ms: int, until_ms: int) -> Iterator[Recorded]:
    """The frames of a stretch of time that are still in the box, oldest first."""
    files = _files(directory / line)
    begun = [_begun(path) for path in files]
    for number, path in enumerate(files):
        ends = next((at for at in begun[number + 1 :] if at is not None), None)
        start = begun[number]
        if start is None or start > until_ms or (ends is not None and ends < since_ms):
            continue
        yield from (one for one in _parse(path) if since_ms <= one.at_ms <= until_ms)


def reference(line: str, first: int, last: int) -> str:
    """How a fill names its frames."""
    return f"{line}:{first}-{last}"


def read_reference(directory: Path, text: str) -> list[Recorded]:
    """The frames that a reference names."""
    line, _, span = text.rpartition(":")
    first, _, last = span.partition("-")
    return read(directory, line, int(first), int(last))


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of frames: what it says of itself, the frames, and how many lines could not be read."""

    header: str
    frames: list[Recorded]
    skipped: int


def read_file(path: Path) -> Recording:
    """A file of the box, packed or not, or one that was taken out of it. Raises OSError alone.

    What cannot be read, such as a line that a killed process left half written, is counted and
    passed over; a packed file that is damaged ends where the damage begins.
    """
    header, frames, skipped = "", [], 0
    for text in _texts(path):
        one = _line(text)
        if one is not None:
            frames.append(one)
        elif text is not None and text.startswith(HEADER):
            header = header or text[1:].strip()
        elif text is None or text.strip():
            skipped += 1
    return Recording(header, frames, skipped)


def prune(folder: Path, *, keep_bytes: int, oldest_ms: int) -> int:
    """Drop files whose last frame is older, then the oldest beyond the size. Returns how many.

    The newest file stays, whatever its age: somebody may be writing it.
    """
    sizes = []
    for path in _files(folder)[:-1]:
        try:
            told = path.stat()
        except FileNotFoundError:
            continue  # packed this moment; seen under its other name next time
        sizes.append((path, told.st_size, int(told.st_mtime * 1000)))
    total, gone = sum(size for _, size, _ in sizes), 0
    for path, size, last_ms in sizes:
        if last_ms >= oldest_ms and total <= keep_bytes:
            break
        path.unlink(missing_ok=True)
        total, gone = total - size, gone + 1
    return gone


def _parse(path: Path) -> Iterator[Recorded]:
    """The whole lines of a file of the box; one that was pruned this moment has none."""
    try:
        yield from (one for text in _texts(path) if (one := _line(text)) is not None)
    except FileNotFoundError:
        return


def _line(text: str | None) -> Recorded | None:
    """A whole line; None for anything else."""
    found = _LINE.fullmatch(text) if text is not None else None
    if found is None:
        return None
    return Recorded(int(found[1]), int(found[2]), found[3], bytes.fromhex(found[4]))


def _texts(path: Path) -> Iterator[str | None]:
    """The lines of a file; None stands for what could not be read to the end of it."""
    try:
        with _opened(path) as lines:
            yield from lines
    except _UNREADABLE:
        yield None


def _opened(path: Path) -> IO[str]:
    """Open a file of the box; one that was packed since it was found is read packed."""
    try:
        packed = path.open("rb")
    except FileNotFoundError:
        if path.suffix == ".gz":
            raise
        return _opened(path.with_name(path.name + ".gz"))
    with packed:
        magic = packed.read(2)
    if magic == b"\x1f\x8b":
        return gzip.open(path, "rt", encoding="ascii", errors="replace", newline="\n")
    try:
        return path.open(encoding="ascii", errors="replace", newline="\n")
    except FileNotFoundError:
        return _opened(path.with_name(path.name + ".gz"))


def _begun(path: Path) -> int | None:
    """When the first frame of a file was recorded."""
    first = next(_parse(path), None)
    return first.at_ms if first is not None else None


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


def _pack(folder: Path) -> None:
    """Compress all but the newest file. The packed copy has the time of the last frame."""
    for path in _files(folder)[:-1]:
        if path.suffix == ".log":
            with contextlib.suppress(FileNotFoundError):  # pruned this moment
                _pack_one(path)


def _pack_one(path: Path) -> None:
    part = path.with_name(path.name + ".part")
    told = path.stat()
    with path.open("rb") as plain, gzip.open(part, "wb", compresslevel=6) as packed:
        shutil.copyfileobj(plain, packed)
    os.utime(part, (told.st_atime, told.st_mtime))
    os.replace(part, path.with_name(path.name + ".gz"))
    path.unlink(missing_ok=True)
