"""Whose servers a command runs on."""

import os

import psycopg2
import pytest

from station.runtime import servers
from station.runtime.embedded import database_url


def test_what_the_environment_names_is_used_and_nothing_is_started(tmp_path):
    # The test run itself names both servers.
    with servers.own_servers(tmp_path) as addresses:
        assert addresses["DATABASE_URL"] == os.environ["DATABASE_URL"]
        assert addresses["REDIS_URL"] == os.environ["REDIS_URL"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["run.lock"]


def test_what_it_does_not_name_is_started_and_stopped(tmp_path_factory, monkeypatch):
    var = tmp_path_factory.mktemp("var")
    monkeypatch.delenv("DATABASE_URL")
    with servers.own_servers(var) as addresses:
        assert addresses["DATABASE_URL"] == database_url(var)
        psycopg2.connect(database_url(var)).close()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(database_url(var))


def test_one_folder_runs_once_but_other_commands_may_join(tmp_path):
    with servers.own_servers(tmp_path):
        refused = pytest.raises(servers.AlreadyRunning, match=f"另一条命令（进程 {os.getpid()}）")
        with refused, servers.own_servers(tmp_path):
            pass
        with servers.any_servers(tmp_path):
            pass
    with servers.own_servers(tmp_path):
        pass
