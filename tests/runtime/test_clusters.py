"""The migrated cluster that test runs begin on."""

import shutil
from contextlib import closing
from pathlib import Path

import psycopg2

from station.runtime import clusters
from station.runtime.embedded import Postgres, database_url

ROOT = Path(__file__).resolve().parents[2]


def test_a_lent_cluster_holds_the_migrated_template_and_is_made_once(tmp_path, monkeypatch):
    made = []
    real = clusters._make
    monkeypatch.setattr(clusters, "_make", lambda *given: (made.append(given), real(*given)))
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements").mkdir()
    shutil.copy(ROOT / "requirements/embedded.txt", project / "requirements")
    (project / "manage.py").write_text(
        "import os, psycopg2\n"
        "link = psycopg2.connect(os.environ['DATABASE_URL'])\n"
        "link.cursor().execute('CREATE TABLE migrated ()'); link.commit()\n"
    )
    for name in ("first", "second"):
        var = tmp_path / name
        var.mkdir()
        clusters.lend_migrated_cluster(project, var)
        server = Postgres(var, durable=False)
        server.start()
        try:
            with closing(psycopg2.connect(database_url(var, clusters.TEMPLATE))) as link:
                link.cursor().execute("SELECT FROM migrated")
        finally:
            server.stop()
    assert len(made) == 1


def test_another_migration_asks_for_another_cluster(tmp_path):
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/embedded.txt").write_text("django\n")
    (tmp_path / "station/migrations").mkdir(parents=True)
    before = clusters._digest_of_migrations(tmp_path)
    (tmp_path / "station/migrations/0001_initial.py").write_text("")
    assert clusters._digest_of_migrations(tmp_path) != before
