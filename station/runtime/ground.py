"""The databases of a live and of a practice station: made, marked, and never taken for each other."""

from __future__ import annotations

import psycopg2
from django.conf import settings
from django.db import connection
from psycopg2.errors import DuplicateDatabase
from psycopg2.sql import SQL, Identifier

from station.runtime.practice import Ground, environment_of

MARK = "练习站 practice"
_COMMENT = """SELECT COALESCE(SHOBJ_DESCRIPTION(oid, 'pg_database'), '')
FROM pg_database WHERE datname = CURRENT_DATABASE()"""
_ANY_STATION = "SELECT TO_REGCLASS('station_station') IS NOT NULL"


class WrongGround(Exception):
    """The database belongs to the other kind of station."""


def create_database() -> None:
    """Create the practice database on its server where there is none, and mark a fresh one."""
    told = connection.get_connection_params()
    name = told["dbname"]
    there = psycopg2.connect(
        **{key: told[key] for key in ("host", "port", "user", "password") if told.get(key)},
        dbname="postgres",
    )
    try:
        there.autocommit = True
        with there.cursor() as cursor:
            cursor.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
            cursor.execute(SQL("COMMENT ON DATABASE {} IS %s").format(Identifier(name)), [MARK])
    except DuplicateDatabase:
        return
    finally:
        there.close()


def refuse_the_other_kind() -> None:
    """Raise WrongGround where the database is not of the kind that this process is; mark an empty one.

    A database that was made for practice carries a mark for ever. Whatever was copied, restored or
    renamed into its place has stations and no mark.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COMMENT)
        marked = cursor.fetchone()[0] == MARK
        cursor.execute(_ANY_STATION)
        used = cursor.fetchone()[0]
    name = settings.DATABASES["default"]["NAME"]
    if marked and not settings.PRACTICE:
        raise WrongGround(f"没有启动：数据库 {name} 是练习站的，正式的油站不在上面启动。")
    if settings.PRACTICE and not marked and used:
        raise WrongGround(
            f"练习站没有启动：数据库 {name} 里已有数据，却不是练习站自己建的，可能是正式数据。"
            "请另给一个空的库，或让练习站自己建。"
        )
    if settings.PRACTICE and not marked:
        with connection.cursor() as cursor:
            cursor.execute(SQL("COMMENT ON DATABASE {} IS %s").format(Identifier(name)), [MARK])


def beside(*, bind: str, addresses: dict[str, str]) -> dict[str, str]:
    """The environment of the practice station beside this live one, on the same two servers."""
    live = Ground(
        var=settings.VAR_DIR,
        database=settings.DATABASES["default"]["NAME"],
        redis_url=addresses["REDIS_URL"],
        cache_db=settings.CACHE_DB,
        key=settings.PRACTICE_KEY,
    )
    return environment_of(live, database_url=addresses["DATABASE_URL"], bind=bind)
