"""A backup, and the empty database it comes back into."""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.conf import settings as live
from django.core.management import call_command
from django.db import connection

from devices.recorder import read_reference
from station.models import AuditEntry, Station
from station.runtime.backup import BackupRefused, make_backup, remove_old_backups, restore_backup
from station.runtime.site_key import KeyRefused, mark_of, open_sealed, seal_site_key
from station.services import sealing

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 4, 22, 12, 30, tzinfo=UTC)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("SEC-14")]


@pytest.fixture
def installation(settings, tmp_path):
    """A station with rows of money, an attachment, and a spool that is being written."""
    settings.VAR_DIR = tmp_path / "var"
    settings.MEDIA_ROOT = tmp_path / "var/media"
    for code, step in (("A01", "0.10"), ("B02", "0.05")):
        Station.objects.create(code=code, name=f"{code} 站", rounding_step=step)
    AuditEntry.objects.create(at=AT, actor_name="系统", action="test")
    (tmp_path / "var/media/attachments").mkdir(parents=True)
    (tmp_path / "var/media/attachments/slip.jpg").write_bytes(b"slip")
    (tmp_path / "var/postgres").mkdir()
    box = tmp_path / "var/blackbox/line1"
    box.mkdir(parents=True)
    with gzip.open(box / "000000000001.log.gz", "wt") as packed:
        packed.write("1 1745296200000 > 50fa\n2 1745296200100 < 5070fa\n")
    (box / "000000000003.log").write_text("3 1745296200200 > 50fa\n4 17452")
    (box / "000000000001.log.gz.part").write_bytes(b"half")
    with closing(sqlite3.connect(tmp_path / "var/spool.sqlite3")) as spool:
        spool.execute("PRAGMA journal_mode = WAL")
        spool.execute("CREATE TABLE fact (text)")
        spool.execute("INSERT INTO fact VALUES ('kept')")
        spool.commit()
        yield tmp_path


@pytest.fixture
def empty_database():
    """The address of a database of its own on the same server, dropped afterwards."""
    name = f"restored_{uuid.uuid4().hex[:12]}"
    parameters = connection.get_connection_params()
    base = {
        key: parameters[key] for key in ("user", "host", "password", "port") if key in parameters
    }
    with closing(psycopg2.connect(dbname="postgres", **base)) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
            yield name, base
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def manage(*arguments, database, var, key, typed=""):
    """A command as people run it, on another database; without a key on a bare machine."""
    name, _ = database
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    kept = {one: value for one, value in os.environ.items() if one != "SITE_KEY"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=kept
        | {"DATABASE_URL": address, "VAR_DIR": str(var)}
        | ({"SITE_KEY": key} if key else {}),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def restore(folder, database, var):
    return manage("restore", str(folder), database=database, var=var, key=live.SITE_KEY)


def test_a_backup_comes_back_with_the_same_rows_sums_and_files(installation, empty_database):
    folder = make_backup(at=AT)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["rows"]["station_station"] == 2
    assert manifest["sums"]["station_station.rounding_step"] == "0.15"
    done = restore(folder, empty_database, installation / "new")
    assert done.returncode == 0, done.stderr
    assert "均与 2026-04-22T12:30:00+00:00 的备份一致" in done.stdout
    name, base = empty_database
    with closing(psycopg2.connect(dbname=name, **base)) as copy, copy.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(rounding_step)::text FROM station_station")
        assert cursor.fetchone() == (2, "0.15")
        with pytest.raises(psycopg2.Error, match="append"):
            cursor.execute("DELETE FROM station_auditentry")
    assert (installation / "new/media/attachments/slip.jpg").read_bytes() == b"slip"
    with closing(sqlite3.connect(installation / "new/spool.sqlite3")) as spool:
        assert spool.execute("SELECT text FROM fact").fetchall() == [("kept",)]
    assert manifest["black_box"]["files"] == 2
    assert [one.seq for one in read_reference(installation / "new/blackbox", "line1:1-9")] == [
        1,
        2,
        3,
    ]


def test_the_black_box_may_be_left_out_and_a_packed_file_is_not_copied_each_night(installation):
    first, second = make_backup(at=AT), make_backup(at=AT.replace(minute=31))
    packed = "blackbox/line1/000000000001.log.gz"
    assert (first / packed).samefile(second / packed)
    assert not (first / "blackbox/line1/000000000003.log").samefile(
        installation / "var/blackbox/line1/000000000003.log"
    )
    assert not list(first.rglob("*.part"))
    (installation / "var" / packed).unlink()  # the box is full: the oldest is dropped there only
    assert (first / packed).stat().st_size > 0
    call_command("backup", no_black_box=True)
    [without] = [
        one for one in (installation / "var/backups").iterdir() if one not in (first, second)
    ]
    assert not (without / "blackbox").exists()
    assert json.loads((without / "manifest.json").read_text())["black_box"] == {
        "files": 0,
        "bytes": 0,
    }


def test_a_line_that_has_frames_of_its_own_keeps_them(installation, empty_database):
    folder = make_backup(at=AT)
    here = installation / "new/blackbox/line1"
    here.mkdir(parents=True)
    (here / "000000000050.log").write_text("50 1745296200000 > 50fa\n")
    assert restore(folder, empty_database, installation / "new").returncode == 0
    assert [one.seq for one in read_reference(installation / "new/blackbox", "line1:1-90")] == [50]


def test_a_database_with_tables_is_left_alone(installation):
    folder = make_backup(at=AT)
    with pytest.raises(BackupRefused, match="不是空的"):
        restore_backup(folder)
    assert Station.objects.count() == 2


def test_a_damaged_backup_is_refused(installation):
    folder = make_backup(at=AT)
    with (folder / "database.dump").open("r+b") as dump:
        dump.seek(5000)
        byte = dump.read(1)[0]
        dump.seek(5000)
        dump.write(bytes([byte ^ 0xFF]))
    with pytest.raises(BackupRefused, match=r"备份已损坏：.*database\.dump"):
        restore_backup(folder)


def test_a_copy_that_does_not_add_up_is_told(installation, empty_database):
    folder = make_backup(at=AT)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sums"]["station_station.rounding_step"] = "0.16"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    done = restore(folder, empty_database, installation / "new")
    assert done.returncode == 1
    assert "恢复后合计与清单不符，共 1 处" in done.stderr
    assert "备份 0.16，恢复 0.15" in done.stderr


def test_another_site_key_is_refused(installation, settings):
    folder = make_backup(at=AT)
    settings.SITE_KEY = "k" * 40
    with pytest.raises(BackupRefused, match="SITE_KEY 与备份时不同"):
        restore_backup(folder)


def test_the_secrets_are_not_in_a_backup(installation):
    folder = make_backup(at=AT)
    for path in folder.rglob("*"):
        if path.is_file():
            assert live.SITE_KEY.encode() not in path.read_bytes()


def test_a_backup_that_fails_leaves_nothing_half_done(installation, monkeypatch):
    monkeypatch.setenv("PG_BIN", str(installation))
    (installation / "pg_dump").write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    (installation / "pg_dump").chmod(0o755)
    with pytest.raises(BackupRefused, match="broken"):
        make_backup(at=AT)
    assert list((installation / "var/backups").iterdir()) == []


def test_only_the_newest_backups_are_kept(installation):
    made = [make_backup(at=AT.replace(minute=minute)) for minute in (1, 2, 3)]
    assert remove_old_backups(keep=2) == made[:1]
    assert [folder.exists() for folder in made] == [False, True, True]
    assert remove_old_backups(keep=0) == []


# ------------------------------------------------------------------------------ the key

PASSPHRASE = "滇池 柴油 七块六 芒果"


@pytest.mark.req("SEC-14", "SEC-03")
def test_on_a_bare_machine_the_passphrase_brings_the_names_back(installation, empty_database):
    seal_site_key(PASSPHRASE)
    person = sealing.new_key(at=AT)
    sealed = sealing.seal(person, "13887654321")
    index = sealing.blind_index("phone", "13887654321")
    folder = make_backup(at=AT)
    for path in folder.rglob("*"):
        if path.is_file():
            assert live.SITE_KEY.encode() not in path.read_bytes()

    bare = {"database": empty_database, "var": installation / "bare", "key": ""}
    wrong = manage("restore", str(folder), typed="not the passphrase\n", **bare)
    assert wrong.returncode == 1 and "口令不对" in wrong.stderr
    done = manage("restore", str(folder), typed=f"{PASSPHRASE}\n", **bare)
    assert done.returncode == 0, done.stderr
    assert "个人信息可以解读" in done.stdout
    key_file = installation / "bare/site_key.txt"
    assert key_file.read_text() == live.SITE_KEY and key_file.stat().st_mode & 0o077 == 0
    assert len(list((installation / "bare").glob("site_key.*.txt"))) == 1  # the invented one

    asked = (
        "from station.models import DataKey; from station.services import sealing; "
        f"key = DataKey.objects.get(pk={person.pk}); print(sealing.unseal(key, {sealed!r})); "
        "print(sealing.blind_index('phone', '13887654321'))"
    )
    told = manage("shell", "-v", "0", "-c", asked, **bare)
    assert told.stdout.split() == ["13887654321", index], told.stderr


def test_a_bare_machine_without_a_sealed_key_is_told_what_to_bring(installation, empty_database):
    folder = make_backup(at=AT)
    bare = manage(
        "restore", str(folder), database=empty_database, var=installation / "bare", key=""
    )
    assert bare.returncode == 1
    assert "请把原来的 SITE_KEY 放回环境变量" in bare.stderr


def test_a_key_of_the_environment_is_not_replaced_but_shown(installation, empty_database):
    seal_site_key(PASSPHRASE)
    folder = make_backup(at=AT)
    where = {"database": empty_database, "var": installation / "new", "key": "k" * 40}
    done = manage("restore", str(folder), typed=f"{PASSPHRASE}\n", **where)
    assert done.returncode == 1 and "site_key show" in done.stderr
    shown = manage(
        "site_key", "show", str(folder / "site_key.sealed"), typed=f"{PASSPHRASE}\n", **where
    )
    assert shown.stdout.strip() == live.SITE_KEY


def test_the_key_is_sealed_by_a_person_who_types_a_passphrase_twice(installation, empty_database):
    where = {"database": empty_database, "var": installation / "var", "key": live.SITE_KEY}
    for typed, words in (("short\nshort\n", "至少 12"), (f"{PASSPHRASE}\nother\n", "两次输入不同")):
        refused = manage("site_key", "seal", typed=typed, **where)
        assert refused.returncode == 1 and words in refused.stderr
    assert not (installation / "var/site_key.sealed").exists()
    done = manage("site_key", "seal", typed=f"{PASSPHRASE}\n{PASSPHRASE}\n", **where)
    assert done.returncode == 0, done.stderr
    assert open_sealed(installation / "var/site_key.sealed", PASSPHRASE) == live.SITE_KEY
    assert PASSPHRASE not in (installation / "var/site_key.sealed").read_text()


def test_a_key_sealed_before_the_last_change_does_not_go_along(installation, settings):
    seal_site_key(PASSPHRASE)
    settings.SITE_KEY = "another key of this installation, long enough"
    folder = make_backup(at=AT)
    assert not (folder / "site_key.sealed").exists()


def test_a_sealed_file_that_is_damaged_or_none_is_refused_in_words(installation):
    path = seal_site_key(PASSPHRASE)
    body = json.loads(path.read_text())
    for damaged in ("", "[]", json.dumps({**body, "salt": "?"}), json.dumps({**body, "n": 3})):
        path.write_text(damaged)
        with pytest.raises(KeyRefused, match=r"不是封存的密钥|已损坏|口令不对"):
            open_sealed(path, PASSPHRASE)


def test_rows_that_agree_under_a_key_that_opens_nothing_are_told(installation, empty_database):
    """The mark of the manifest may say what it likes: the wrapped keys decide."""
    sealing.new_key(at=AT)
    folder = make_backup(at=AT)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["site_key"] = mark_of("k" * 40)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    done = manage(
        "restore", str(folder), database=empty_database, var=installation / "new", key="k" * 40
    )
    assert done.returncode == 1 and "恢复后个人信息打不开" in done.stderr
