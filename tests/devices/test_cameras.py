"""Plate cameras: signed events and dropped files, each once; corrected, counted, forgotten, missed."""

import base64
import json
import os
import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from devices import tasks
from devices.models import Alarm, Camera, PlateImage, PlateRead
from devices.queries import cameras as asked
from devices.queries.ports import drop_folder
from devices.services import cameras, plate_files, plates
from members.queries import dossier_ledgers
from members.services import closing
from station.models import Alert, AuditEntry, DataKey, Setting
from station.services import sealing
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("DEV-04")]
PLATE = "云A12345"
JPEG = b"\xff\xd8\xff\xe0 a car"


class Site:
    def __init__(self, kind="PUSH", folder=""):
        self.station = make.station()
        self.manager = make.manager(self.station)
        self.nozzle = make.nozzle(self.station, number=1)
        self.island = self.nozzle.dispenser.island
        self.camera = self.save(kind=kind, folder=folder)
        self.secret = cameras.new_secret(camera=self.camera, actor=self.manager, at=now())
        self.camera.refresh_from_db()
        self.client = Client()

    def save(self, row=None, **fields):
        values = {
            "name": "1 号岛",
            "kind": "PUSH",
            "island": self.island,
            "nozzle": None,
            "folder": "",
            "active": True,
            **fields,
        }
        return cameras.save_camera(
            row=row, values=values, at=now(), actor=self.manager, station=self.station
        )

    def push(self, told, *, stamp=None, secret=None, camera=None, **headers):
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        stamp = str(int(now().timestamp()) if stamp is None else stamp)
        sign = cameras.signature(secret=secret or self.secret, stamp=stamp, body=body)
        return self.client.post(
            reverse("devices:camera_event", args=[camera or self.camera.pk]),
            body,
            content_type="application/json",
            headers={"X-Camera-Time": stamp, "X-Camera-Sign": sign, **headers},
        )

    def read(self, plate=PLATE, event="", at=None, **fields):
        told = plates.Event(event or f"e{PlateRead.objects.count()}", plate, at or now(), **fields)
        return plates.record_plate(camera=self.camera, event=told, at=at or now())[0]


@pytest.fixture
def site():
    return Site()


# --------------------------------------------------------------------------- pushed


def test_a_signed_event_is_one_sealed_read_however_often_it_is_sent(site):
    told = {"id": "e-1", "plate": "云A·12345", "confidence": 97.4, "nozzle": 1}
    first, again = site.push(told).json(), site.push(told).json()
    assert (first["again"], again["again"]) == (False, True) and first["read"] == again["read"]
    read = PlateRead.objects.get()
    assert (asked.plate_of(read), read.confidence, read.nozzle) == (PLATE, 97, site.nozzle)
    assert read.plate_index == sealing.blind_index("plate", PLATE)
    assert "12345" not in repr(list(PlateRead.objects.values()))
    other = site.push({"id": "e-1", "plate": "云B99999"})
    assert other.status_code == 422 and "事件号" in other.json()["words"]


def test_what_is_not_signed_is_refused_and_never_tells_why_exactly(site):
    told = {"id": "e-1", "plate": PLATE}
    stale = int(now().timestamp()) - 301
    wrong = [
        site.push(told, secret="guessed"),
        site.push(told, camera=site.camera.pk + 99),
        site.push(told, **{"X-Camera-Sign": "é"}),
        site.push(told, **{"X-Camera-Time": "soon"}),
        site.client.post(reverse("devices:camera_event", args=[site.camera.pk]), b"{}", "a/b"),
    ]
    assert {(one.status_code, one.json()["words"]) for one in wrong} == {
        (401, "签名不对，或摄像头没有启用。")
    }
    late = site.push(told, stamp=stale)
    assert late.status_code == 401 and "校准" in late.json()["words"]
    site.save(row=site.camera, active=False)
    assert site.push(told).status_code == 401
    assert not PlateRead.objects.exists()
    assert site.client.get(reverse("devices:camera_event", args=[1])).status_code == 405


def test_a_body_that_was_changed_on_its_way_is_not_the_cameras(site):
    body = json.dumps({"id": "e-1", "plate": PLATE}).encode()
    stamp = str(int(now().timestamp()))
    sign = cameras.signature(secret=site.secret, stamp=stamp, body=body)
    answer = site.push(body.replace(b"e-1", b"e-2"), **{"X-Camera-Sign": sign})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "told",
    [
        b"\xff\xfe",
        b"[]",
        b"[" * 5000,
        {"id": "", "plate": PLATE},
        {"id": "a/b", "plate": PLATE},
        {"id": "e", "plate": ""},
        {"id": "e", "plate": 5},
        {"id": "e", "plate": "\ud800"},
        {"id": "e", "plate": "云A\x0012345"},
        {"id": "e", "plate": PLATE, "at": "soon"},
        {"id": "e", "plate": PLATE, "at": "2026-02-31T10:00:00"},
        {"id": "e", "plate": PLATE, "at": "2999-01-01T10:00:00+08:00"},
        {"id": "e", "plate": PLATE, "at": "2099-01-01T10:00:00+08:00"},
        {"id": "e", "plate": PLATE, "confidence": "²"},
        {"id": "e", "plate": PLATE, "confidence": 400},
        {"id": "e", "plate": PLATE, "nozzle": True},
        {"id": "e", "plate": PLATE, "image": "not base64!"},
    ],
)
def test_whatever_a_camera_sends_is_answered_in_words(site, told):
    answer = site.push(told)
    assert answer.status_code == 422 and answer.json()["words"].startswith("没有收下")
    assert not PlateRead.objects.exists()


@pytest.mark.parametrize("image", [b"GIF89a", JPEG + b"0" * 500_000])
def test_a_picture_that_cannot_be_kept_costs_no_plate(site, image):
    told = {"id": "e", "plate": PLATE, "image": base64.b64encode(image).decode()}
    assert site.push(told).status_code < 300
    assert PlateRead.objects.count() == 1 and not PlateImage.objects.exists()
    site.camera.refresh_from_db()
    assert site.camera.heard_at is not None


def test_a_clock_that_is_fast_makes_no_read_later_than_now(site):
    at = now()
    read = plates.record_plate(
        camera=site.camera, event=plates.Event("e", PLATE, at + timedelta(minutes=4)), at=at
    )[0]
    assert read.occurred_at == at


def test_too_much_is_refused_before_it_is_read(site):
    answer = site.push(b"x" * (cameras.LONGEST + 1))
    assert answer.status_code == 422 and "KB" in answer.json()["words"]


def test_a_camera_that_shakes_is_held_back(site, monkeypatch):
    monkeypatch.setattr(plates, "MOST_A_MINUTE", 2)
    answers = [site.push({"id": f"e{n}", "plate": PLATE}) for n in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert site.push({"id": "e0", "plate": PLATE}).status_code == 200  # known already


@pytest.mark.parametrize(("told", "kept"), [(0.97, 97), (1, 1), ("1.0", 100), (100, 100), (0, 0)])
def test_makers_tell_confidence_in_their_own_ways(site, told, kept):
    site.push({"id": "e", "plate": PLATE, "confidence": told})
    assert PlateRead.objects.get().confidence == kept


@pytest.mark.django_db(transaction=True)
def test_the_same_event_at_the_same_moment_is_one_read():
    site, start = Site(), threading.Barrier(2)

    def go():
        try:
            start.wait()
            site.read(event="same")
        finally:
            connection.close()

    both = [threading.Thread(target=go) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert PlateRead.objects.count() == 1


# --------------------------------------------------------------------------- dropped


@pytest.fixture
def dropping(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    site = Site("FOLDER", "cam-1")
    drop_folder("cam-1").mkdir(parents=True)
    return site


def drop(name, content=JPEG, age=10):
    path = drop_folder("cam-1") / name
    path.write_bytes(content)
    when = now().timestamp() - age
    os.utime(path, (when, when))
    return path


def lying(where):
    return sorted(path.name for path in (drop_folder("cam-1") / where).iterdir() if path.is_file())


def test_dropped_files_are_taken_once_and_put_away(dropping):
    drop(f"20260422103000_{PLATE}.jpg")
    drop("20260422T103100123_云B2345D_lane1.JPG")
    drop("a.json", json.dumps({"plate": "云C11111", "nozzle": 1}).encode())
    drop("20260422109900_云D11111.jpg")
    drop("car.jpg")
    drop("b.json", b"{")
    growing = drop(f"20260422103200_{PLATE}.jpg", age=0)
    link = drop_folder("cam-1") / "c.json"
    link.symlink_to("/etc/passwd")
    tasks.take_plate_files()
    tasks.take_plate_files()
    found = {asked.plate_of(one) for one in PlateRead.objects.select_related("key")}
    assert found == {PLATE, "云B2345D", "云C11111"}
    assert PlateRead.objects.filter(nozzle=dropping.nozzle).count() == 1
    assert make.at(10, 30) in PlateRead.objects.values_list("occurred_at", flat=True)
    assert len(lying("done")) == 3 and lying("taking") == []
    bad = drop_folder("cam-1") / "bad"
    assert sorted(path.suffix for path in bad.iterdir()) == [".jpg", ".jpg", ".json", *[".txt"] * 3]
    assert not any("云" in path.name for path in bad.iterdir())
    assert any("文件名应为" in path.read_text() for path in bad.glob("*.txt"))
    assert growing.exists() and PlateImage.objects.count() == 2
    assert AuditEntry.objects.filter(action="devices.camera.saved").exists()


def test_no_file_keeps_the_others_waiting(dropping, monkeypatch):
    """A name in GBK, as many cameras write it, is read; what cannot be read is put away."""
    folder = os.fsencode(drop_folder("cam-1"))
    name = f"20260422103000_{PLATE}.jpg".encode("gbk")
    with open(os.path.join(folder, name), "wb") as file:
        file.write(JPEG)
    os.utime(os.path.join(folder, name), (1, 1))
    for number in range(plate_files.MOST):
        drop(f".{number}.part")
    drop(f"20260422103001_{PLATE}.jpg")
    (drop_folder("cam-1") / "taking" / "a").mkdir(parents=True)
    os.utime(drop_folder("cam-1") / "taking" / "a", (1, 1))
    drop("z.json", json.dumps({"plate": "云C11111"}).encode(), age=3600)
    plate_files.take_all(at=now())
    rows = PlateRead.objects.select_related("key")
    assert {asked.plate_of(one) for one in rows} == {PLATE, "云C11111"}
    dropped = max(rows.values_list("occurred_at", flat=True))
    assert now() - dropped > timedelta(minutes=59)  # not of the moment in which it was taken up
    assert rows.count() == 3 and lying("taking") == []


def test_a_folder_that_cannot_be_read_keeps_no_other_camera_waiting(dropping):
    Camera.objects.update(folder="aa")  # the first one's folder is a file
    drop_folder("aa").write_text("no folder")
    dropping.save(name="2 号岛", kind="FOLDER", folder="cam-1")
    drop(f"20260422103000_{PLATE}.jpg")
    assert plate_files.take_all(at=now()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_camera_that_gets_another_folder_leaves_no_plate_in_the_old_one(dropping):
    drop(f"20260422103000_{PLATE}.jpg")
    with pytest.raises(cameras.CameraRefused, match="没收的文件"):
        dropping.save(row=dropping.camera, kind="FOLDER", folder="cam-2")
    drop("car.jpg")
    plate_files.take_all(at=now())
    assert lying("done") and lying("bad")
    dropping.save(row=dropping.camera, kind="PUSH")
    assert lying("done") == lying("bad") == []


def test_a_file_that_a_crash_left_is_the_same_read(dropping):
    content = json.dumps({"plate": PLATE}).encode()
    drop("a.json", content)
    plate_files.take_all(at=now())
    [done] = (drop_folder("cam-1") / "done").iterdir()
    left = done.rename(drop_folder("cam-1") / "taking" / "a.json")
    plate_files.take_all(at=now())
    assert left.exists()  # somebody may be at it
    os.utime(left, (1, 1))
    assert plate_files.take_all(at=now()) == 0
    assert PlateRead.objects.count() == 1 and lying("taking") == [] and len(lying("done")) == 1


def test_what_was_dealt_with_is_deleted_when_pictures_are(dropping):
    drop(f"20260422103000_{PLATE}.jpg")
    drop("car.jpg")
    plate_files.take_all(at=now())
    assert plate_files.drop_old(at=now() + timedelta(days=6)) == 0
    assert plate_files.drop_old(at=now() + timedelta(days=8)) == 3
    assert lying("done") == lying("bad") == []


# --------------------------------------------------------------------------- corrected and counted


def test_a_correction_is_counted_with_what_was_confused(site):
    read = site.read("云A0234B")
    told = {"read": read, "actor": site.manager, "at": now()}
    plates.correct(plate="云a·D2348", **told)
    read.refresh_from_db()
    assert (asked.plate_of(read), asked.original_of(read)) == ("云AD2348", "云A0234B")
    assert read.confused == "0D,B8"
    assert read.corrected_index == sealing.blind_index("plate", "云AD2348")
    [status] = asked.cameras(station=site.station, at=now())
    assert (status.reads, status.corrected, status.share) == (1, 1, 100)
    assert asked.confusions(station=site.station, at=now()) == [("0", "D", 1), ("B", "8", 1)]
    plates.correct(plate="云AD23456", **told)
    assert asked.confusions(station=site.station, at=now()) == [("漏字或多字", "", 1)]
    plates.correct(plate="云AD23456", **told)  # twice is once
    entry = AuditEntry.objects.filter(action="devices.plate.corrected").latest("id")
    assert AuditEntry.objects.filter(action="devices.plate.corrected").count() == 2
    assert "D23456" not in json.dumps([entry.before, entry.after], ensure_ascii=False)


def test_correcting_back_takes_the_correction_away(site):
    read = site.read("云A02345")
    told = {"read": read, "actor": site.manager, "at": now()}
    plates.correct(plate="云AD2345", **told)
    plates.correct(plate="云A02345", **told)
    read.refresh_from_db()
    assert (read.corrected_at, read.corrected_by, read.confused) == (None, None, "")


def test_what_is_no_plate_what_is_gone_and_what_is_forgotten_is_not_corrected(site):
    read = site.read()
    with pytest.raises(plates.BadPlate, match="例如"):
        plates.correct(read=read, plate="ABC", actor=site.manager, at=now())
    later = now() + timedelta(minutes=31)
    with pytest.raises(plates.BadPlate, match="半小时"):
        plates.correct(read=read, plate="云B11111", actor=site.manager, at=later)
    plates.forget(reads=[read], at=now())
    with pytest.raises(plates.BadPlate, match="销毁"):
        plates.correct(read=read, plate="云B11111", actor=site.manager, at=now())


# --------------------------------------------------------------------------- forgotten


def test_what_is_kept_no_longer_is_destroyed_and_counts_stay(site):
    old = site.read(at=now() - timedelta(days=31), image=JPEG)
    middle = site.read(at=now() - timedelta(days=8), image=JPEG)
    fresh = site.read(image=JPEG)
    plates.correct(read=fresh, plate="云B11111", actor=site.manager, at=now())
    sealed = old.plate_sealed
    tasks.forget_plates()
    tasks.forget_plates()
    old.refresh_from_db()
    assert old.forgotten_at and not old.plate_sealed and not old.plate_index
    with pytest.raises(sealing.KeyDestroyed):
        sealing.unseal(DataKey.objects.get(pk=old.key_id), sealed)
    assert asked.plate_of(middle) == PLATE
    assert list(PlateImage.objects.values_list("read", flat=True)) == [fresh.pk]
    assert PlateRead.objects.count() == 3
    Setting.objects.create(station=site.station, name="devices.plate_image_days", value="0")
    site.read(image=JPEG)
    assert PlateImage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("SEC-07")
def test_who_closes_his_account_is_forgotten_by_the_cameras_too(dropping):
    member = make.member(dropping.station, plate=PLATE)
    drop(f"20260422103000_{PLATE}.jpg")
    plate_files.take_all(at=now())
    other = dropping.read("云B11111")
    wrong = dropping.read("云A1234S")
    plates.correct(read=wrong, plate=PLATE, actor=dropping.manager, at=now())
    assert len(lying("done")) == 1
    sheet = next(one for one in dossier_ledgers.sheets(member=member) if one.name == "车牌识别")
    assert [row[3] for row in sheet.rows] == [PLATE, PLATE]
    closing.forget(member=member, reason="本人要求", at=now(), actor=dropping.manager)
    left = PlateRead.objects.filter(forgotten_at=None)
    assert list(left) == [other]
    assert lying("done") == []


def test_the_database_knows_no_half_forgotten_plate(site):
    read = site.read()
    with (
        pytest.raises(IntegrityError, match="a_forgotten_plate_is_found_by_nothing"),
        transaction.atomic(),
    ):
        PlateRead.objects.filter(pk=read.pk).update(forgotten_at=now())
    with pytest.raises(IntegrityError, match="a_corrected_plate"), transaction.atomic():
        PlateRead.objects.filter(pk=read.pk).update(corrected_at=now())


# --------------------------------------------------------------------------- pages and silence


@pytest.mark.req("DEV-03")
def test_a_silent_camera_is_told_once_and_its_return_too(site):
    camera = site.camera
    tasks.watch_cameras()
    assert not Alarm.objects.exists()  # it has never spoken
    site.read()
    later = now() + timedelta(minutes=61)
    assert cameras.watch(at=now()) == 0
    assert [cameras.watch(at=later) for _ in range(2)] == [1, 1]
    alarm = Alarm.objects.get()
    assert (alarm.count, alarm.kind, alarm.subject) == (1, "CAMERA", camera.name)
    assert Alert.objects.filter(kind="devices.alarm").exists()
    site.push({"beat": True})
    assert cameras.watch(at=now()) == 0
    alarm.refresh_from_db()
    assert alarm.status == "CLEARED"


@pytest.mark.req("DEV-03")
def test_a_camera_that_beats_is_missed_after_ten_seconds(site):
    assert site.push({"beat": True}).json() == {"ok": True}
    [fine] = asked.cameras(station=site.station, at=now())
    [gone] = asked.cameras(station=site.station, at=now() + timedelta(seconds=11))
    assert (fine.word, gone.word, gone.tone) == ("正常", "没有消息", "bad")
    page = make.signed_in(site.manager).get(reverse("devices:status")).content.decode()
    assert "车牌摄像头" in page and site.camera.name in page


def test_cameras_are_registered_on_a_page_and_their_key_is_shown_once(site):
    office = make.signed_in(site.manager)
    form = {"name": "2 号岛", "kind": "FOLDER", "island": site.island.pk, "active": "on"}
    new = reverse("devices:cameras-new")
    assert office.post(new, form).status_code == 422
    assert office.post(new, {**form, "folder": "../etc"}).status_code == 422
    assert office.post(new, {**form, "folder": "cam-2"}).status_code == 302
    assert office.post(new, {**form, "folder": "cam-3"}).status_code == 422  # the name
    assert office.post(new, {**form, "name": "3", "folder": "cam-2"}).status_code == 422
    elsewhere = {**form, "name": "4", "folder": "cam-4", "nozzle": site.nozzle.pk}
    island = make.island(site.station)
    assert office.post(new, {**elsewhere, "island": island.pk}).status_code == 422
    key = reverse("devices:camera_key", args=[site.camera.pk])
    assert f"/devices/cameras/{site.camera.pk}/events/" in office.get(key).content.decode()
    shown = office.post(key).content.decode()
    camera = Camera.objects.get(pk=site.camera.pk)
    secret = sealing.unseal(camera.key, camera.secret_sealed)
    assert secret in shown and secret not in office.get(key).content.decode()
    assert site.push({"beat": True}).status_code == 401  # the old key
    assert secret not in repr(list(AuditEntry.objects.values()))
    folder = Camera.objects.get(name="2 号岛")
    assert "cam-2" in office.get(reverse("devices:camera_key", args=[folder.pk])).content.decode()


def test_the_pages_show_plates_masked(site):
    read = site.read(confidence=88, image=JPEG)
    plates.correct(read=read, plate="云AD2345", actor=site.manager, at=now())
    site.read("云C00000", at=now() - timedelta(days=40))
    tasks.forget_plates()
    client = make.signed_in(make.attendant(site.station))
    page = client.get(reverse("devices:plates")).content.decode()
    listed = client.get(reverse("devices:plate_list")).content.decode()
    assert "100%" in page and "88%" in page and "认错的字" in page
    assert "云A***45" in listed and "（已销毁）" in listed
    assert PLATE not in page + listed and "云AD2345" not in page + listed
    picture = reverse("devices:plate_image", args=[read.pk])
    assert client.get(picture).content == JPEG
    PlateRead.objects.filter(pk=read.pk).update(occurred_at=now() - timedelta(hours=1))
    assert client.get(picture).status_code == 404
    stranger = make.signed_in(make.manager(make.station()))
    assert stranger.get(picture).status_code == 404
    assert "还没有摄像头" in stranger.get(reverse("devices:plates")).content.decode()
