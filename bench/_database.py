"""A PostgreSQL for measurements: private, thrown away, and durable like a real one (fsync on)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from station.runtime.embedded import Postgres, Valkey, database_url, redis_url

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def own_servers() -> Iterator[str]:
    """Run both servers on an empty, migrated database with Django set up; yield its address.

    With DATABASE_URL and REDIS_URL given, those are used, and the database must be empty.
    """
    given = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    (ROOT / "var").mkdir(exist_ok=True)
    # Below var/ and not in the temporary folder, which may be memory: fsync must mean something.
    var = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "var"))
    var.chmod(0o755)
    postgres, valkey = Postgres(var), Valkey(var)
    try:
        if not given[0]:
            postgres.start()
            postgres.create_database()
            os.environ["DATABASE_URL"] = database_url(var)
        if not given[1]:
            valkey.start()
            os.environ["REDIS_URL"] = redis_url(var)
        _set_up()
        yield os.environ["DATABASE_URL"]
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(var, ignore_errors=True)


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "station.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
