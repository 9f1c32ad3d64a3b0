"""The servers that `make run` and the tests bring along."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest
import redis

from station.runtime.embedded import (
    Postgres,
    ServerFailed,
    Valkey,
    database_url,
    recreate_database,
    redis_url,
    socket_folder,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def var(tmp_path_factory):
    return tmp_path_factory.mktemp("var")


def ask(var, sql, database="station"):
    connection = psycopg2.connect(database_url(var, database))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def test_postgres_keeps_its_rows_over_a_restart(var):
    first = Postgres(var)
    first.start()
    assert first.create_database() is True
    ask(var, "CREATE TABLE kept AS SELECT 42 AS answer")
    first.stop()
    second = Postgres(var)
    second.start()
    try:
        assert second.create_database() is False
        assert ask(var, "SELECT answer FROM kept") == 42
    finally:
        second.stop()


def test_a_recreated_database_is_empty_whoever_is_connected(var):
    server = Postgres(var, durable=False)
    server.start()
    try:
        server.create_database()
        ask(var, "CREATE TABLE old ()")
        held = psycopg2.connect(database_url(var))
        recreate_database(var)
        assert ask(var, "SELECT to_regclass('old')") is None
        held.close()
    finally:
        server.stop()


def test_chinese_letters_are_letters_to_the_database(var):
    server = Postgres(var, durable=False)
    server.start()
    try:
        assert ask(var, r"SELECT '油' ~ '^\w$'", "postgres") is True
    finally:
        server.stop()


def test_a_second_server_on_the_same_data_is_refused(var, monkeypatch):
    server = Postgres(var, durable=False)
    server.start()
    try:
        monkeypatch.setattr("station.runtime.embedded.PREDECESSOR_SECONDS", 0.2)
        with pytest.raises(ServerFailed, match="正在使用"):
            Postgres(var, durable=False).start()
    finally:
        server.stop()


def test_valkey_keeps_its_keys_over_a_restart(var):
    for expected in (None, b"kept"):
        server = Valkey(var)
        server.start()
        try:
            client = redis.Redis.from_url(redis_url(var))
            assert client.get("key") == expected
            client.set("key", "kept")
            client.close()
        finally:
            server.stop()


def test_a_long_path_gets_a_short_socket_folder(tmp_path):
    deep = tmp_path / ("x" * 90)
    assert len(str(socket_folder(deep))) < 85
    assert socket_folder(deep) == socket_folder(deep)
    assert socket_folder(deep) != socket_folder(deep / "other")


OWNER = """
import sys, time
from pathlib import Path
from station.runtime.embedded import Postgres, Valkey
postgres, valkey = Postgres(Path(sys.argv[1])), Valkey(Path(sys.argv[1]))
postgres.start(); valkey.start()
print(postgres.process.pid, valkey.process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal on the death of a parent")
def test_a_killed_owner_leaves_no_server_behind_and_the_data_open(var):
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(var)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        pids = [int(word) for word in owner.stdout.readline().split()]
        owner.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    end = time.monotonic() + 15
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end, "a server outlived its owner"
        time.sleep(0.05)
    server = Postgres(var)
    server.start()
    server.stop()
