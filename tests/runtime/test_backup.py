"""A backup, and the empty database it comes back into."""

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
from django.db import connection

from station.models import AuditEntry, Station
from station.runtime.backup import BackupRefused, make_backup, remove_old_backups, restore_backup

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


def restore(folder, database, var):
    """Run the command as people do, against another database."""
    name, _ = database
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    return subprocess.run(
        [sys.executable, "manage.py", "restore", str(folder)],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": address, "VAR_DIR": str(var), "SITE_KEY": live.SITE_KEY},
        capture_output=True,
        text=True,
        check=False,
    )


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
