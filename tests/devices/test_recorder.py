"""The black box gives back the frames of a fill, also after rotation and after kill -9."""

import os
from pathlib import Path

from devices.recorder import (
    HEARD,
    SENT,
    Recorded,
    Recorder,
    between,
    prune,
    read,
    read_file,
    read_reference,
    reference,
)


def test_frames_come_back_by_number(tmp_path: Path) -> None:
    box = Recorder(tmp_path, "line1")
    for number in range(10):
        box.write(SENT if number % 2 else HEARD, bytes((number,)), 1000 + number)
    box.flush()
    assert read(tmp_path, "line1", 3, 4) == [
        Recorded(3, 1002, HEARD, b"\x02"),
        Recorded(4, 1003, SENT, b"\x03"),
    ]
    assert [one.seq for one in read_reference(tmp_path, reference("line1", 9, 20))] == [9, 10]
    box.close()


def test_full_files_are_packed_and_still_read(tmp_path: Path) -> None:
    box = Recorder(tmp_path, "line1", rotate_bytes=400)
    for number in range(200):
        box.write(SENT, b"\x50\x20\xfa", number)
    box.flush()
    box.wait()
    names = sorted(path.name for path in (tmp_path / "line1").iterdir())
    assert sum(name.endswith(".gz") for name in names) > 3
    assert [one.seq for one in read(tmp_path, "line1", 1, 200)] == list(range(1, 201))
    box.close()


def _full(folder: Path) -> Path:
    """A box of many small files, all packed but the newest."""
    box = Recorder(folder, "line1", rotate_bytes=400)
    for number in range(300):
        box.write(SENT, bytes((number % 256,)) * 8, number)
    box.close()
    Recorder(folder, "line1", rotate_bytes=400).wait()
    return folder / "line1"


def test_the_oldest_go_when_the_box_is_too_full(tmp_path: Path) -> None:
    folder = _full(tmp_path)
    assert prune(folder, keep_bytes=600, oldest_ms=0) > 0
    assert prune(folder, keep_bytes=600, oldest_ms=0) == 0
    kept = [one.seq for one in read(tmp_path, "line1", 1, 300)]
    assert kept == list(range(kept[0], 301)) and kept[0] > 1


def test_what_is_too_old_goes_by_the_time_of_its_last_frame(tmp_path: Path) -> None:
    folder = _full(tmp_path)
    files = sorted(folder.iterdir())
    for at, path in enumerate(files):
        os.utime(path, (at, at))  # seconds
    assert prune(folder, keep_bytes=10**9, oldest_ms=3000) == 3
    assert sorted(folder.iterdir()) == files[3:]
    assert prune(folder, keep_bytes=0, oldest_ms=10**15) == len(files) - 4  # the newest stays


def test_a_packed_file_has_the_time_of_its_last_frame(tmp_path: Path) -> None:
    box = Recorder(tmp_path, "line1", rotate_bytes=40)
    box.write(SENT, b"\x01" * 20, 1)
    box.wait()
    [path] = (tmp_path / "line1").iterdir()
    os.utime(path, (1000, 1000))
    box.write(SENT, b"\x02" * 20, 2)
    box.wait()
    packed = path.with_name(path.name + ".gz")
    assert packed.stat().st_mtime == 1000 and not path.exists()
    box.close()


def test_a_stretch_of_time_is_read_across_files_while_they_are_packed(tmp_path: Path) -> None:
    _full(tmp_path)
    found = [one.at_ms for one in between(tmp_path, "line1", 40, 200)]
    assert found == list(range(40, 201))
    assert list(between(tmp_path, "line9", 0, 9)) == []


def test_a_file_packed_after_it_was_found_is_read_packed(tmp_path: Path) -> None:
    folder = _full(tmp_path)
    packed = sorted(folder.glob("*.gz"))[0]
    plain = packed.with_name(packed.name[:-3])
    assert read_file(plain) == read_file(packed)


def test_a_new_frame_is_not_glued_to_half_a_line_of_a_killed_process(tmp_path: Path) -> None:
    (tmp_path / "line1").mkdir()
    (tmp_path / "line1" / "000000000041.log").write_text("4")
    box = Recorder(tmp_path, "line1")
    assert box.write(HEARD, b"\x07", 9) == 41
    box.close()
    assert [(one.seq, one.data) for one in read(tmp_path, "line1", 1, 999)] == [(41, b"\x07")]


def test_a_restarted_process_goes_on_counting_behind_a_torn_line(tmp_path: Path) -> None:
    box = Recorder(tmp_path, "line1")
    box.write(SENT, b"\x01", 1)
    box.write(SENT, b"\x02", 2)
    box.close()
    with (tmp_path / "line1" / "000000000001.log").open("a") as torn:
        torn.write("3 17000")
    again = Recorder(tmp_path, "line1")
    assert again.write(HEARD, b"\x03", 3) == 3
    again.close()
    assert [one.data for one in read(tmp_path, "line1", 1, 9)] == [b"\x01", b"\x02", b"\x03"]


def test_a_box_with_nothing_but_a_torn_line_starts_where_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "line1").mkdir()
    (tmp_path / "line1" / "000000000041.log").write_text("41 99")
    assert Recorder(tmp_path, "line1").seq == 40
    assert Recorder(tmp_path, "line2").seq == 0
