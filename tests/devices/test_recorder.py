"""The black box gives back the frames of a fill, also after rotation and after kill -9."""

from pathlib import Path

from devices.recorder import HEARD, SENT, Recorded, Recorder, read, read_reference, reference


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


def test_the_oldest_go_when_the_box_is_full(tmp_path: Path) -> None:
    box = Recorder(tmp_path, "line1", rotate_bytes=400, keep_bytes=600)
    for number in range(300):
        box.write(SENT, bytes((number % 256,)) * 8, number)
    box.close()
    box.wait()
    again = Recorder(tmp_path, "line1", rotate_bytes=400, keep_bytes=600)
    again.wait()
    kept = [one.seq for one in read(tmp_path, "line1", 1, 300)]
    assert kept[-1] == 300
    assert 0 < len(kept) < 300


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
