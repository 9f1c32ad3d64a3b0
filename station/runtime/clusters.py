"""A migrated PostgreSQL cluster kept for the tests, so that migrations run once and not per run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from station.runtime.embedded import Postgres, database_url

TEMPLATE = "station_template"
KEPT = 3


def lend_migrated_cluster(root: Path, var: Path) -> None:
    """Put a cluster with the migrated database TEMPLATE into `var`, made first if need be."""
    clusters = root / "var" / "test-clusters"
    wanted = clusters / _digest_of_migrations(root)
    if not wanted.exists():
        _make(root, wanted)
        _forget_old(clusters)
    os.utime(wanted)
    shutil.copytree(wanted / "postgres", var / "postgres", copy_function=shutil.copy)


def _digest_of_migrations(root: Path) -> str:
    digest = hashlib.sha256()
    paths = [root / "requirements" / "embedded.txt", *sorted(root.glob("*/migrations/*.py"))]
    for path in paths:
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _make(root: Path, wanted: Path) -> None:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wanted.parent, prefix="making-") as folder:
        var = Path(folder)
        var.chmod(0o755)
        postgres = Postgres(var, durable=False)
        postgres.start()
        try:
            postgres.create_database(TEMPLATE)
            subprocess.run(
                [sys.executable, str(root / "manage.py"), "migrate", "--verbosity=0"],
                env=os.environ | {"DATABASE_URL": database_url(var, TEMPLATE)},
                check=True,
            )
        finally:
            postgres.stop()
        kept = var / "kept"
        kept.mkdir()
        (var / "postgres").rename(kept / "postgres")
        if not wanted.exists():  # another run may have made it meanwhile
            kept.rename(wanted)


def _forget_old(clusters: Path) -> None:
    newest_first = sorted(
        (path for path in clusters.iterdir() if not path.name.startswith("making-")),
        key=lambda path: path.stat().st_mtime_ns,
        reverse=True,
    )
    for path in newest_first[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
