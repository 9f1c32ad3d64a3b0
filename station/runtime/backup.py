"""A backup is a folder: database, attachments, spool, black box, and a manifest that proves them.

Restoring goes into an empty database only, and ends by asking the copy the questions whose answers
the manifest holds: rows of every table, sums of every ledger column, a digest of every file.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from station.errors import Refusal
from station.queries.ledgers import ledger_sums, row_counts
from station.runtime.embedded import postgres_tools
from station.runtime.site_key import (
    SEALED,
    is_sealed,
    mark_of,
    open_sealed,
    sealed_file,
    write_secret,
)
from station.services.sealing import check_keys

DUMP = "database.dump"
MANIFEST = "manifest.json"
MEDIA = "media"
SPOOL = "spool"
BLACK_BOX = "blackbox"
SQLITE_HEAD = b"SQLite format 3\0"


class BackupRefused(Refusal):
    """A backup was not made or not restored."""


# ------------------------------------------------------------------ backup


def make_backup(*, at: datetime, black_box: bool = True) -> Path:
    """Write a backup below `var/backups` and return its folder; the station may go on working.

    The database's dump and the manifest's figures are of one snapshot; the black box is taken after
    it, so that every frame a fill names is in it. The secrets of the installation are not in it:
    whoever steals a backup reads no person's data. SITE_KEY goes along sealed under a passphrase
    where it was sealed (`manage.py site_key seal`).
    """
    backups = Path(settings.VAR_DIR, "backups")
    final = backups / at.strftime("%Y%m%d-%H%M%S")
    if final.exists():
        raise BackupRefused(f"备份 {final} 已存在：同一秒内已做过一次，请稍后再试。")
    unfinished = final.with_suffix(".unfinished")
    unfinished.mkdir(parents=True, mode=0o700)
    try:
        figures = _dump_database(unfinished / DUMP)
        _copy_tree(Path(settings.MEDIA_ROOT), unfinished / MEDIA)
        _copy_spools(unfinished / SPOOL)
        if black_box:
            _copy_black_box(unfinished / BLACK_BOX)
        if is_sealed(sealed_file(), settings.SITE_KEY):
            shutil.copy2(sealed_file(), unfinished / SEALED)
        manifest = {
            "made_at": at.isoformat(),
            "site_key": mark_of(settings.SITE_KEY),
            **figures,
            "black_box": _size(unfinished / BLACK_BOX),
            "files": {
                str(path.relative_to(unfinished)): _digest(path) for path in _files(unfinished)
            },
        }
        _write(unfinished / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
        unfinished.rename(final)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return final


def remove_old_backups(*, keep: int) -> list[Path]:
    """Remove all but the newest `keep` backups and return what was removed."""
    backups = sorted(
        path.parent for path in Path(settings.VAR_DIR, "backups").glob(f"*/{MANIFEST}")
    )
    old = backups[:-keep] if keep else []
    for folder in old:
        shutil.rmtree(folder)
    return old


def _dump_database(target: Path) -> dict[str, Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        _run(
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--snapshot={snapshot}",
            f"--file={target}",
        )
        return {"rows": row_counts(), "sums": ledger_sums()}


def _copy_spools(target: Path) -> None:
    var = Path(settings.VAR_DIR)
    left_out = {var / name for name in ("backups", "postgres", "valkey", BLACK_BOX)}
    left_out.add(Path(settings.MEDIA_ROOT))
    for path in _files(var, left_out):
        if not _is_sqlite(path):
            continue
        copy = target / path.relative_to(var)
        copy.parent.mkdir(parents=True, exist_ok=True)
        # SQLite's own copying, for a file copy may catch the poller in the middle of a write.
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as written:
            source.backup(written)


def _copy_black_box(target: Path) -> None:
    """The frames of every line. A packed file is never written again: a link holds it, not a copy."""
    box = Path(settings.VAR_DIR, BLACK_BOX)
    for path in _files(box):
        if path.suffix == ".part":
            continue
        copy = target / path.relative_to(box)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            _link_or_copy(path, copy)
        except FileNotFoundError:  # packed meanwhile, or the oldest dropped
            packed = path.with_name(f"{path.name}.gz")
            if packed.exists():
                _link_or_copy(packed, copy.with_name(packed.name))


def _link_or_copy(path: Path, copy: Path) -> None:
    if copy.exists():
        return
    if path.suffix == ".gz":
        with suppress(OSError):  # another file system
            os.link(path, copy)
            return
    shutil.copy2(path, copy)


def _size(folder: Path) -> dict[str, int]:
    sizes = [path.stat().st_size for path in _files(folder)]
    return {"files": len(sizes), "bytes": sum(sizes)}


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE_HEAD)) == SQLITE_HEAD


# ----------------------------------------------------------------- restore


def restore_backup(folder: Path, *, passphrase: Callable[[], str] | None = None) -> dict[str, Any]:
    """Restore a backup into the empty database of this installation and prove the copy.

    On a bare machine, whose SITE_KEY was invented at its start, `passphrase` is asked for and the
    backup's own key put in its place. Refuses a folder that is not whole, a database that has
    tables, an installation with attachments or with another SITE_KEY. Returns the manifest.
    """
    manifest = _read_manifest(folder)
    _refuse_damaged(folder, manifest)
    other_key = manifest["site_key"] != mark_of(settings.SITE_KEY)
    if other_key:
        _refuse_without_key(folder, passphrase)
    _refuse_occupied()
    if other_key and passphrase:
        _take_key(folder, manifest, passphrase())
    _run(
        "pg_restore",
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        "--no-comments",  # those on extensions belong to the server's owner
        f"--dbname={connection.settings_dict['NAME']}",
        str(folder / DUMP),
    )
    connection.close()
    _refuse_difference("行数", manifest["rows"], row_counts())
    _refuse_difference("合计", manifest["sums"], ledger_sums())
    _refuse_unreadable()
    _copy_tree(folder / MEDIA, Path(settings.MEDIA_ROOT))
    _copy_missing(folder / SPOOL, Path(settings.VAR_DIR))
    _copy_lines(folder / BLACK_BOX, Path(settings.VAR_DIR, BLACK_BOX))
    return manifest


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackupRefused(f"{folder} 不是完整的备份：读不到 {MANIFEST}（{error}）。") from None
    return manifest


def _refuse_damaged(folder: Path, manifest: Mapping[str, Any]) -> None:
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file() or _digest(path) != digest:
            raise BackupRefused(f"备份已损坏：{path} 缺失或与清单不符。请换一份备份。")


def _refuse_without_key(folder: Path, passphrase: Callable[[], str] | None) -> None:
    sealed = folder / SEALED
    other = "本机的 SITE_KEY 与备份时不同，恢复后会员和员工的个人信息将无法解读。"
    if not sealed.is_file() or passphrase is None:
        raise BackupRefused(f"{other}请把原来的 SITE_KEY 放回环境变量（或 {_key_file()}）再试。")
    if os.environ.get("SITE_KEY"):
        raise BackupRefused(
            f"{other}它由环境变量给出，这里不能替换：用 manage.py site_key show {sealed} "
            "看到原来的密钥，放进环境变量再试。"
        )


def _take_key(folder: Path, manifest: Mapping[str, Any], passphrase: str) -> None:
    """Make the backup's sealed key this installation's; the one before is put aside, not lost."""
    key = open_sealed(folder / SEALED, passphrase)
    if mark_of(key) != manifest["site_key"]:
        raise BackupRefused(f"备份已损坏：{folder / SEALED} 里是另一把密钥。请换一份备份。")
    if _key_file().exists():
        _key_file().rename(_key_file().with_suffix(f".{mark_of(settings.SITE_KEY)}.txt"))
    write_secret(_key_file(), key)
    settings.SITE_KEY = key


def _key_file() -> Path:
    return Path(settings.VAR_DIR, "site_key.txt")


def _refuse_unreadable() -> None:
    """Rows and sums may agree while nobody's name can be read: open what the key has wrapped."""
    try:
        check_keys()
    except Refusal as refused:
        raise BackupRefused(f"恢复后个人信息打不开：{refused}请勿使用此库。") from None


def _refuse_occupied() -> None:
    tables = row_counts()
    if tables:
        name = connection.settings_dict["NAME"]
        raise BackupRefused(
            f"数据库 {name} 不是空的（已有 {len(tables)} 张表），没有恢复任何内容。"
            "请新建一个空库，并用 DATABASE_URL 指向它再试。"
        )
    media = Path(settings.MEDIA_ROOT)
    if media.exists() and any(media.iterdir()):
        raise BackupRefused(f"附件目录 {media} 不是空的，没有恢复任何内容。请先移走其中的文件。")


def _refuse_difference(what: str, wanted: Mapping[str, Any], got: Mapping[str, Any]) -> None:
    wrong = sorted(name for name in {*wanted, *got} if wanted.get(name) != got.get(name))
    if wrong:
        first = wrong[0]
        raise BackupRefused(
            f"恢复后{what}与清单不符，共 {len(wrong)} 处，"
            f"例如 {first}：备份 {wanted.get(first)}，恢复 {got.get(first)}。请勿使用此库。"
        )


# ------------------------------------------------------------------- files


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(postgres_tools() / program), *arguments],
        env=os.environ | _libpq_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupRefused(f"{program} 失败：{done.stderr.strip()[-500:]}")


def _libpq_environment() -> dict[str, str]:
    # In the environment and not on the command line, where everybody may read the password.
    parameters = connection.get_connection_params()
    names = {
        "dbname": "PGDATABASE",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "host": "PGHOST",
        "port": "PGPORT",
    }
    return {
        variable: str(parameters[name]) for name, variable in names.items() if parameters.get(name)
    }


def _files(folder: Path, left_out: Collection[Path] = ()) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.exists() else []:
        if path in left_out or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path, left_out)
        elif path.is_file():
            yield path


def _copy_tree(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copytree(source, target, dirs_exist_ok=True)


def _copy_missing(source: Path, target: Path) -> None:
    for path in _files(source):
        copy = target / path.relative_to(source)
        if not copy.exists():  # a spool that is there holds what this backup cannot know
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)


def _copy_lines(source: Path, target: Path) -> None:
    """The black box line by line; a line that has frames here goes on with its own numbers."""
    for line in sorted(source.iterdir()) if source.exists() else []:
        here = target / line.name
        if not any(_files(here)):
            shutil.copytree(line, here, dirs_exist_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
