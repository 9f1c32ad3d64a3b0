"""付款方式: the plain table."""

from __future__ import annotations

from sales.forms.tenders import TenderForm
from sales.models import Tender
from sales.services.tender_table import FIELDS, save_tender
from station.queries.columns import Column
from station.views.crud import Reference

TENDERS = Reference(
    app="sales",
    name="tenders",
    noun="付款方式",
    columns=(
        Column("代码", "code", "code"),
        Column("名称", "name"),
        Column("类别", lambda one: one.get_kind_display()),
        Column("开钱箱", "opens_drawer"),
        Column("须填凭证号", "needs_reference"),
        Column("排序", "position", "count"),
        Column("在用", "active"),
    ),
    form=TenderForm,
    rows=lambda request: Tender.objects.all(),
    save=save_tender,
    initial=lambda one: {name: getattr(one, name) for name in FIELDS},
    view_right="sales.tenders.change",
    change_right="sales.tenders.change",
    order=("position", "code"),
    empty_text="没有付款方式，收银台收不了款。先建现金。",
)
