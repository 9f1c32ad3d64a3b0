"""The poller's own memory: what must outlive a killed process and an absent database.

SQLite in WAL mode with `synchronous=FULL`: when `record` returns, the facts survive a power cut.
Facts are keyed, so the same fact told twice is one row; they stay WAITING until PostgreSQL has
them. A point's durable state (last totalizers, fill under way) is written in the same transaction
as the facts that follow from it, so there is no moment at which one is known without the other.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

Body: TypeAlias = dict[str, Any]  # JSON; litres and money as strings

_SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    at TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'MOVED')),
    tries INTEGER NOT NULL DEFAULT 0,
    trouble TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS fact_waiting ON fact (seq) WHERE state = 'WAITING';
CREATE TABLE IF NOT EXISTS config (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS live (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS command (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL DEFAULT '',
    at TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened. `key` makes telling it twice harmless."""

    key: str
    kind: str
    body: Body
    at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A fact on its way to the database."""

    seq: int
    key: str
    kind: str
    body: Body
    at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Journaled:
    """A command as the poller last knew it."""

    id: str
    body: Body
    state: str
    why: str
    at: datetime


class Spool:
    """One file, one connection, any number of threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            path, check_same_thread=False, isolation_level=None, timeout=10, cached_statements=64
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        self.news = os.eventfd(0, os.EFD_NONBLOCK)  # readable once there are new facts

    def close(self) -> None:
        with self._lock:
            self._db.close()
            os.close(self.news)

    def heard_news(self) -> None:
        """Whoever waits for `news` is about to look at what waits."""
        with suppress(BlockingIOError):
            os.eventfd_read(self.news)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    # ------------------------------------------------------------------ facts

    def record(
        self, *, facts: Sequence[Fact] = (), live: Mapping[str, Body] | None = None
    ) -> tuple[str, ...]:
        """Make facts and durable state survive anything; all or nothing. Returns the new keys."""
        if not facts and not live:
            return ()
        new: list[str] = []
        with self._writing() as db:
            for fact in facts:
                changed = db.execute(
                    "INSERT OR IGNORE INTO fact (key, kind, body, at) VALUES (?, ?, ?, ?)",
                    (fact.key, fact.kind, _dump(fact.body), fact.at.isoformat()),
                ).rowcount
                if changed:
                    new.append(fact.key)
            for name, body in (live or {}).items():
                db.execute(
                    "INSERT INTO live (name, body) VALUES (?, ?)"
                    " ON CONFLICT (name) DO UPDATE SET body = excluded.body",
                    (name, _dump(body)),
                )
        if new:
            os.eventfd_write(self.news, 1)
        return tuple(new)

    def waiting(self, limit: int = 200, *, again: bool = False) -> list[Waiting]:
        """The oldest facts that the database does not have yet, in the order they happened.

        Those that it refused before come only `again`, so that they do not hold up the others.
        """
        rows = self._rows(
            "SELECT seq, key, kind, body, at, tries FROM fact WHERE state = 'WAITING'"
            " AND (tries > 0) = ? ORDER BY tries, seq LIMIT ?",
            int(again),
            limit,
        )
        return [
            Waiting(seq, key, kind, json.loads(body), datetime.fromisoformat(at), tries)
            for seq, key, kind, body, at, tries in rows
        ]

    def moved(self, seqs: Iterable[int]) -> None:
        """The database has them; only said after its commit."""
        with self._writing() as db:
            db.executemany(
                "UPDATE fact SET state = 'MOVED', trouble = '' WHERE seq = ?",
                [(seq,) for seq in seqs],
            )

    def refused(self, seq: int, trouble: str) -> None:
        """The database would not take this one; it stays and says why."""
        with self._writing() as db:
            db.execute(
                "UPDATE fact SET tries = tries + 1, trouble = ? WHERE seq = ?", (trouble, seq)
            )

    def depth(self) -> tuple[int, datetime | None]:
        """How many facts wait and since when."""
        [(count, oldest)] = self._rows("SELECT count(*), min(at) FROM fact WHERE state = 'WAITING'")
        return count, datetime.fromisoformat(oldest) if oldest else None

    def troubled(self) -> list[tuple[str, str, int]]:
        """Facts that the database refused: key, reason, tries."""
        return [
            (key, trouble, tries)
            for key, trouble, tries in self._rows(
                "SELECT key, trouble, tries FROM fact WHERE state = 'WAITING' AND tries > 0"
            )
        ]

    def prune(self, *, at: datetime, keep: timedelta = timedelta(days=40)) -> int:
        """Forget facts that were moved long ago. Returns how many."""
        with self._writing() as db:
            return db.execute(
                "DELETE FROM fact WHERE state = 'MOVED' AND at < ?", ((at - keep).isoformat(),)
            ).rowcount

    # ------------------------------------------------------------------ configuration and state

    def put_config(self, name: str, body: Body) -> bool:
        """Keep wiring, prices or modes for the time without a database. True if it changed."""
        text = _dump(body)
        with self._writing() as db:
            return bool(
                db.execute(
                    "INSERT INTO config (name, body) VALUES (?, ?) ON CONFLICT (name)"
                    " DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
                    (name, text),
                ).rowcount
            )

    def config(self, name: str) -> Body | None:
        rows = self._rows("SELECT body FROM config WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def live(self, name: str) -> Body | None:
        rows = self._rows("SELECT body FROM live WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    # ------------------------------------------------------------------ commands

    def journal(
        self,
        *,
        id: str,
        body: Body,
        state: str,
        at: datetime,
        why: str = "",
        fact: Fact | None = None,
    ) -> None:
        """Note what became of a command, together with the fact that reports it."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO command (id, body, state, why, at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET state = excluded.state, why = excluded.why,"
                " at = excluded.at",
                (id, _dump(body), state, why, at.isoformat()),
            )
            if fact is not None:
                db.execute(
                    "INSERT OR IGNORE INTO fact (key, kind, body, at) VALUES (?, ?, ?, ?)",
                    (fact.key, fact.kind, _dump(fact.body), fact.at.isoformat()),
                )

    def journaled(self, id: str) -> Journaled | None:
        rows = self._rows("SELECT id, body, state, why, at FROM command WHERE id = ?", id)
        return _journaled(rows[0]) if rows else None

    def open_commands(self, *states: str) -> list[Journaled]:
        """Commands in these states, oldest first."""
        marks = ", ".join("?" * len(states))
        rows = self._rows(
            f"SELECT id, body, state, why, at FROM command WHERE state IN ({marks}) ORDER BY at",
            *states,
        )
        return [_journaled(row) for row in rows]


def _journaled(row: tuple[Any, ...]) -> Journaled:
    id, body, state, why, at = row
    return Journaled(id, json.loads(body), state, why, datetime.fromisoformat(at))


def _dump(body: Body) -> str:
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
