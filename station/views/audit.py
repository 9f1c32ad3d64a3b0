"""审计日志: search and export of who did what."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.views.decorators.http import require_GET

from station.access import StaffRequest, may
from station.forms.records import AuditFilter
from station.queries.audit import action_label, changes, entries_seen_by, searched
from station.queries.columns import Column, Empty
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response


@require_GET
@may("station.audit")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, AuditFilter)
    return list_response(
        request,
        ListPage(
            title="审计日志",
            columns=(
                Column("时间", "at", "moment"),
                Column("操作人", "actor_name"),
                Column("动作", lambda row: action_label(row.action)),
                Column("单据", "document", "code"),
                Column("变更", changes),
                Column("原因", "reason"),
                Column("油站", lambda row: row.station.name if row.station else "", minor=True),
                Column("来源地址", lambda row: row.address or "", "code", minor=True),
            ),
            rows=searched(entries_seen_by(request.user), **filters.cleaned_data),
            order=("-id",),
            filters=filters,
            empty=Empty(
                "还没有审计记录", "调价、退款、改角色、查看完整资料等操作会记在这里，只增不改。"
            ),
            note="只增不改：数据库拒绝修改和删除。",
            counting=False,
        ),
    )
