"""The pump wall with 32 nozzles: statements of a refresh, a 304 when nothing changed, and its share
of one core when six screens ask each second.
"""

from __future__ import annotations

import statistics
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bench._database import own_servers

SCREENS = 6
ROUNDS = 120
MOST_STATEMENTS = 6
HISTORY = 20_000  # fills of the last days and years behind the wall


def main() -> bool:
    with own_servers():
        return _measure()


def _measure() -> bool:
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext, override_settings
    from django.urls import reverse

    from tests import make

    with override_settings(ALLOWED_HOSTS=[*settings.ALLOWED_HOSTS, "testserver"]):
        nozzles = _forecourt()
        browser = make.signed_in(make.cashier(nozzles[0].station))
        url = reverse("sales:wall_tiles")
        first = browser.get(url)
        etag = first["ETag"]
        with CaptureQueriesContext(connection) as captured:
            unchanged = browser.get(url, headers={"if-none-match": etag})
        same = len(captured)
        make.nozzle_state(nozzles[7], "FUELLING", litres=Decimal("3.21"), amount=Decimal("25.2"))
        seen = _seen(nozzles[0])
        with CaptureQueriesContext(connection) as captured:
            changed = browser.get(url, headers={"if-none-match": etag, **seen})
        other = len(captured)
        still = _time(lambda: browser.get(url, headers={"if-none-match": changed["ETag"]}))
        whole = _time(lambda: browser.get(url))
    busiest = max(same, other)
    share = SCREENS * still / 1.0
    print(f"   无变化：{unchanged.status_code}，{len(unchanged.content)} 字节，{same} 条语句")
    print(f"   有变化：{changed.status_code}，{len(changed.content)} 字节，{other} 条语句")
    print(f"   全部重画：{len(first.content)} 字节；无变化的刷新用时为它的 {still / whole:.0%}")
    print(f"   {SCREENS} 个屏幕每秒刷新占一个核的 {share:.0%}")
    return (
        unchanged.status_code == 304
        and busiest <= MOST_STATEMENTS
        and len(changed.content) < len(first.content) / 4
    )


def _time(ask: Any) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _seen(nozzle: Any) -> dict[str, str]:
    """What a browser that shows the wall as it was would say."""
    from django.utils.timezone import now

    from devices.models import NozzleState
    from sales.queries.wall import wall

    changed = NozzleState.objects.filter(state="FUELLING").values_list("nozzle_id", flat=True)
    shown = wall(station=nozzle.station, at=now())
    tiles = [f"{one.pk}:{one.digest}" for one in shown.tiles if one.pk not in set(changed)]
    return {"wall-tiles": ",".join(tiles), "wall-head": ""}


def _forecourt() -> list[Any]:
    """8 dispensers × 4 nozzles, nine unpaid fills, and a long history that was paid."""
    from django.db import connection
    from django.utils.timezone import now

    from devices.models import Line, LineState
    from tests import make

    station = make.station()
    make.day(station, date=now().date(), opened_at=now())
    nozzles = []
    for _ in range(8):
        head = make.dispenser(station)
        for code in ("92#", "95#", "98#", "0#"):
            nozzles.append(make.nozzle(station, make.grade(code), dispenser=head))  # noqa: PERF401
    for code in ("92#", "95#", "98#", "0#"):
        make.price(station, make.grade(code), "7.85")
    for nozzle in nozzles:
        make.nozzle_state(nozzle, "IDLE", since=now(), unit_price=Decimal("7.85"))
    line = Line.objects.create(station=station, name="1 号线", url="/dev/x", protocol="DART")
    LineState.objects.create(line=line, is_open=True, heard_at=now(), written_at=now())
    one = make.fill(nozzles[0], "10", at=now() - timedelta(minutes=9))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO devices_fill (station_id, nozzle_id, tank_id, grade_id, day_id, shift_id,"
            " source, litres, unit_price, amount, meter_epoch, totalizer_after, transaction_id,"
            " occurred_at, flags, frames) SELECT station_id, nozzle_id, tank_id, grade_id, day_id,"
            " shift_id, source, litres, unit_price, amount, 0, 5000 + n * 10, '', now(), '[]', ''"
            " FROM devices_fill, generate_series(1, %s) n WHERE id = %s",
            [HISTORY, one.pk],
        )
        cursor.execute(
            "INSERT INTO sales_fillclaim (station_id, fill_id, kind, document, day_id, claimed_at,"
            " released_by_document) SELECT station_id, id, 'SALE', 'B' || id, day_id, now(), ''"
            " FROM devices_fill WHERE id <> %s",
            [one.pk],
        )
        cursor.execute("ANALYZE")
    for number in range(8):
        make.fill(nozzles[number + 1], "20", at=now() - timedelta(minutes=number))
    return nozzles


if __name__ == "__main__":
    main()
