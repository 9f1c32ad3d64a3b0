"""What a limit counts, in one statement for all limits of an act: only what is over comes back.

A window without seconds is the local day of the act. Others reach to both sides of it, since an
offline till tells of its sales later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.timezone import localtime

from members.models import Action, Metric, RiskCase, RiskRule
from station.models import Station
from station.queries.settings import declared

TANK, TANK_DIESEL = "members.tank_litres", "members.tank_litres_diesel"
# What may be done about each: a sale is never refused, and what already happened is only noted.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    Metric.PHONE_CHANGED: (Action.BLOCK, Action.NOTIFY),
    Metric.NEW_COUPON: (Action.BLOCK, Action.NOTIFY),
    Metric.REFUNDS: (Action.NOTIFY,),
    Metric.SHARE_MEMBER: (Action.NOTIFY,),
    Metric.SHARE_OWN: (Action.NOTIFY,),
}
UNITS: Mapping[str, str] = {
    Metric.FILLS: "次",
    Metric.LITRES: "%",
    Metric.PLATES: "个",
    Metric.OTHER_PUMP: "把",
    Metric.POINTS_MEMBER: "分",
    Metric.POINTS_PLATE: "分",
    Metric.ADJUSTS: "次",
    Metric.REFUNDS: "单",
    Metric.NEW_COUPON: "张",
    Metric.SHARE_MEMBER: "%",
    Metric.SHARE_OWN: "%",
}
# Counted over the time that a coupon's batch or the rule itself has, and not over a window.
TIMELESS = (Metric.STAFF, Metric.NEW_COUPON)
SHARES = (Metric.SHARE_MEMBER, Metric.SHARE_OWN)
SAID: Mapping[str, str] = {
    Metric.FILLS: "{span}第 {value} 次加油，限 {limit} 次",
    Metric.LITRES: "{span}加油达油箱的 {value}%，限 {limit}%",
    Metric.PLATES: "{span}用了 {value} 个车牌，限 {limit} 个",
    Metric.OTHER_PUMP: "{span}在另外 {value} 把枪有消费",
    Metric.POINTS_MEMBER: "{span}连这一单得 {value} 分，限 {limit} 分",
    Metric.POINTS_PLATE: "这个车牌{span}连这一单得 {value} 分，限 {limit} 分",
    Metric.STAFF: "本人账户的员工正在当班",
    Metric.PHONE_CHANGED: "{span}换过手机号",
    Metric.ADJUSTS: "同一经手人{span}第 {value} 次调整积分，限 {limit} 次",
    Metric.REFUNDS: "同一收银员{span}第 {value} 单带积分的退款，限 {limit} 单",
    Metric.NEW_COUPON: "这个手机号、车牌或设备已领过新会员券",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A limit that an act goes over."""

    rule_id: int
    metric: str
    action: str
    value: int
    limit: int
    window: int | None

    @property
    def words(self) -> str:
        """What is too much, in words."""
        return SAID[self.metric].format(
            span=span_of(self.window), value=self.value, limit=self.limit
        )


def span_of(window: int | None) -> str:
    """A window in words."""
    if window is None:
        return "当天"
    for seconds, name in ((86400, "天"), (3600, "小时"), (60, "分钟")):
        if window % seconds == 0:
            return f"{window // seconds} {name}内"
    return f"{window} 秒内"


_OVER = """
WITH own AS MATERIALIZED (
  SELECT id FROM members_member WHERE id = %(member)s OR merged_into_id = %(member)s
), r AS (
  SELECT *,
   CASE WHEN "window" IS NULL THEN %(dawn)s
    ELSE %(at)s - make_interval(secs => "window") END AS since,
   CASE WHEN "window" IS NULL THEN %(dusk)s
    ELSE %(at)s + make_interval(secs => "window") END AS until
  FROM (SELECT DISTINCT ON (metric) * FROM members_riskrule WHERE metric = ANY(%(metrics)s)
   ORDER BY metric, version DESC) newest WHERE active
), bought AS MATERIALIZED (
  SELECT occurred_at, kind, document, original, quantity, net, points, nozzle_id, plate_index
  FROM members_purchase WHERE member_id IN (SELECT id FROM own)
   AND occurred_at >= (SELECT MIN(since) FROM r) AND occurred_at < (SELECT MAX(until) FROM r)
)
SELECT r.id, r.metric, r.action, v.value, r."limit", r."window"
FROM r CROSS JOIN LATERAL (SELECT CEIL(CASE r.metric {cases} END)::bigint AS value) v
WHERE v.value > r."limit" ORDER BY r.metric
"""
_BETWEEN = "p.occurred_at >= r.since AND p.occurred_at < r.until"
# What he bought is read once for all limits: a plan for each of them took longer than all of it.
_OWN = f"FROM bought p WHERE {_BETWEEN}"
# Sales that were given back whole count no more; a part given back leaves the sale a sale.
_FILLS = f"""1 + (SELECT COUNT(*) FROM (
  SELECT 1 {_OWN} AND p.kind = 'FUEL'
  GROUP BY COALESCE(NULLIF(p.original, ''), p.document) HAVING SUM(p.net) > 0) fills)"""
_LITRES = f"""100 * (%(litres)s + (SELECT COALESCE(SUM(p.quantity), 0) {_OWN} AND p.kind = 'FUEL'))
 / (SELECT GREATEST(SUM(COALESCE(NULLIF(c.tank_litres, 0), u.tank)), MAX(u.tank), 1)
    FROM (SELECT COALESCE((SELECT s.value::numeric FROM station_setting s
       WHERE s.station_id = %(station)s AND s.name = %(tank_name)s), %(tank)s) AS tank) u
    LEFT JOIN members_vehicle c ON c.active AND c.member_id IN (SELECT id FROM own))"""
_PLATES = f"""(SELECT COUNT(DISTINCT one) FROM (SELECT %(plate)s::text AS one UNION ALL
  SELECT p.plate_index {_OWN} AND p.plate_index <> '' AND p.original = '') plates)"""
_PUMPS = f"""(SELECT COUNT(DISTINCT p.nozzle_id) {_OWN}
  AND p.original = '' AND p.nozzle_id IS NOT NULL AND p.nozzle_id <> ALL(%(nozzles)s))"""
_POINTS = f"%(points)s + (SELECT COALESCE(SUM(p.points), 0) {_OWN} AND p.points > 0)"
_PLATE_POINTS = f"""%(points)s + (SELECT COALESCE(SUM(p.points), 0) FROM members_purchase p
  WHERE p.plate_index = %(plate)s AND {_BETWEEN} AND p.points > 0)"""
_STAFF = """(WITH his AS (
   SELECT a.staff_id AS id FROM members_pointsaccount a
   WHERE a.member_id IN (SELECT id FROM own) AND a.staff_id IS NOT NULL)
  SELECT COUNT(*) FROM his WHERE his.id = ANY(%(hands)s)
   OR EXISTS (SELECT 1 FROM station_crew c JOIN station_shift s ON s.id = c.shift_id
    WHERE c.user_id = his.id AND s.opened_at <= %(at)s
     AND (s.handed_over_at IS NULL OR s.handed_over_at > %(at)s))
   OR EXISTS (SELECT 1 FROM station_tillsession t WHERE t.cashier_id = his.id
    AND t.opened_at <= %(at)s AND (t.ended_at IS NULL OR t.ended_at > %(at)s)))"""
_PHONE = """(SELECT COUNT(*) FROM members_profilechange c WHERE c.member_id IN (SELECT id FROM own)
  AND c.field = 'PHONE' AND c.at > r.since AND c.at <= %(at)s)"""
# Adjustments by hand alone: imports, write-offs and events are ADJUST rows too.
_ADJUSTS = """1 + (SELECT COUNT(*) FROM members_pointstxn t WHERE t.kind = 'ADJUST'
  AND t.idem LIKE 'adjust:%%' AND t.actor_id = %(actor)s AND t.date >= (r.since AT TIME ZONE 'Asia/Shanghai')::date
  AND t.occurred_at >= r.since AND t.occurred_at < r.until)"""
_REFUNDS = """1 + (SELECT COUNT(DISTINCT t.document) FROM members_pointstxn t
  WHERE t.kind IN ('CANCEL', 'CLAWBACK') AND t.actor_id = %(actor)s AND t.document <> %(document)s
  AND t.idem NOT LIKE 'risk:%%' AND t.idem NOT LIKE 'reward%%'
  AND t.date >= (r.since AT TIME ZONE 'Asia/Shanghai')::date
  AND t.occurred_at >= r.since AND t.occurred_at < r.until)"""
COUNTERS: Mapping[str, str] = {
    Metric.FILLS: _FILLS,
    Metric.LITRES: _LITRES,
    Metric.PLATES: _PLATES,
    Metric.OTHER_PUMP: _PUMPS,
    Metric.POINTS_MEMBER: _POINTS,
    Metric.POINTS_PLATE: _PLATE_POINTS,
    Metric.STAFF: _STAFF,
    Metric.PHONE_CHANGED: _PHONE,
    Metric.ADJUSTS: _ADJUSTS,
    Metric.REFUNDS: _REFUNDS,
}


def over(*, metrics: Iterable[str], at: datetime, **told: Any) -> list[Hit]:
    """The limits among these that an act goes over. One statement.

    `told` is what their counters read: member, plate, nozzles, litres, points, hands, actor,
    document. Lock what the act is about first, or two at once see each other not.
    """
    asked = list(metrics)
    cases = " ".join(f"WHEN '{one}' THEN ({COUNTERS[one]})" for one in asked)
    dawn = localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    given = {
        "at": at,
        "dawn": dawn,
        "dusk": dawn + timedelta(days=1),
        "metrics": [str(one) for one in asked],
        "member": None,
        **told,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OVER.format(cases=cases), given)
        return [Hit(*row) for row in cursor.fetchall()]


def tank_of(*, station: Station, diesel: bool) -> dict[str, Any]:
    """What the counter of litres reads where nobody told the size of a member's tank."""
    name = TANK_DIESEL if diesel else TANK
    return {"station": station.pk, "tank_name": name, "tank": int(declared(name).default)}


def rule_of(metric: str) -> RiskRule | None:
    """The version of a limit that is in force; None where it is switched off. One statement."""
    newest = RiskRule.objects.filter(metric=metric).order_by("-version").first()
    return newest if newest is not None and newest.active else None


def newest_rules() -> QuerySet[RiskRule]:
    """The newest version of every limit."""
    newest = RiskRule.objects.order_by("metric", "-version").distinct("metric").values("pk")
    return RiskRule.objects.filter(pk__in=newest).select_related("saved_by")


def cases() -> QuerySet[RiskCase]:
    """The exceptions with what a list shows of them."""
    return RiskCase.objects.select_related("member", "staff", "station", "held")


def words_of_document(document: str) -> str:
    """What the till says of a sale that a limit concerned; "" where none did. One statement."""
    rows = RiskCase.objects.filter(document=document, action=Action.BLOCK).order_by("pk")
    told = rows.values_list("words", flat=True)
    return "；".join(dict.fromkeys(told))
