"""Tags and filters of every page: {% load station %}."""

import logging
from copy import copy
from decimal import Decimal
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from xml.etree import ElementTree
from zipfile import ZipFile

from crispy_forms.helper import FormHelper
from crispy_forms.utils import render_crispy_form
from django import template
from django.forms import BaseForm, BoundField, CheckboxInput, RadioSelect, Select
from django.http import QueryDict
from django.template.context import Context
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from station.queries import wording
from station.queries.charts import KINDS, Chart
from station.queries.columns import SIGNED, Cell
from station.queries.reporting import Change, changed

register = template.Library()
log = logging.getLogger(__name__)

for name in (
    "yuan", "litres", "percent", "permille",
    "gain_loss", "loss_rate", "over_short", "more_less", "meter_error",
    "local", "clock", "duration", "masked_phone", "masked_plate",
):  # fmt: skip
    register.filter(name, getattr(wording, name))
register.filter("count", wording.count)

_NOTICE_ICONS = {
    "success": "circle-check",
    "warning": "alert-triangle",
    "error": "alert-circle",
    "danger": "alert-circle",
}


@cache
def icons() -> ZipFile:
    """Tabler's icons, outline/… and filled/…; open as long as the process lives.

    The package itself reads the list of all six thousand for each icon that it draws.
    """
    return ZipFile(str(files("tablericons") / "tablericons.zip"))


@lru_cache(maxsize=1024)
def _drawn(name: str, size: int, label: str) -> SafeString:
    path = name if "/" in name else f"outline/{name}"
    try:
        source = icons().read(f"{path}.svg")
    except KeyError:
        # A wrong name must cost the picture, never the page.
        log.warning("unknown icon %s", name)
        source = icons().read("outline/help.svg")
    svg = ElementTree.fromstring(source.decode())
    inner = "".join(
        ElementTree.tostring(node, encoding="unicode")
        for node in svg
        if node.get("stroke") != "none"
    )
    inner = inner.replace("ns0:", "").replace(' xmlns:ns0="http://www.w3.org/2000/svg"', "")
    meaning = format_html('role="img" aria-label="{}"', label) if label else 'aria-hidden="true"'
    paint = (
        'fill="currentColor"'
        if path.startswith("filled/")
        else 'fill="none" stroke="currentColor" stroke-width="1.75"'
        ' stroke-linecap="round" stroke-linejoin="round"'
    )
    return mark_safe(
        f'<svg class="icon" width="{size}" height="{size}" viewBox="0 0 24 24" {paint} {meaning}>'
        f"{inner}</svg>"
    )


@register.simple_tag
def icon(name: str, size: int = 20, label: str = "") -> SafeString:
    """A Tabler icon as inline SVG: {% icon "gas-station" size=24 %}; `label` if it stands alone."""
    return _drawn(str(name), size, str(label))


@register.filter
def notice_icon(level: str) -> str:
    return _NOTICE_ICONS.get(level, "info-circle")


@register.simple_tag(takes_context=True)
def again(context: Context, name: str) -> str:
    """What a block of this page says, a second time: the heading repeats the title."""
    blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
    block = blocks.get_block(name) if blocks else None
    return block.render(context) if block else ""


@register.simple_tag(takes_context=True)
def url_with(context: Context, **changes: object) -> str:
    """This page's address with some query keys set, or taken away where the value is None or ''."""
    query: QueryDict = context["request"].GET.copy()
    for key, value in changes.items():
        if value is None or value == "":
            query.pop(key, None)
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """A form field's input with the house's classes, for filters and hand-laid forms."""
    widget = field.field.widget
    attrs = dict(widget.attrs)
    css = "form-control"
    if isinstance(widget, CheckboxInput):
        css = "form-check-input"
    elif isinstance(widget, RadioSelect):
        css = ""
    elif isinstance(widget, Select):
        css = "form-select"
    wrong = "is-invalid" if field.errors else ""
    attrs["class"] = " ".join(filter(None, (attrs.get("class"), css, wrong)))
    if field.errors:
        attrs["aria-describedby"] = f"{field.id_for_label}_error"
    return field.as_widget(attrs=attrs)


@register.simple_tag(takes_context=True)
def form_fields(context: Context, form: BaseForm) -> SafeString:
    """A form's fields by crispy, without a form element of its own: the page has one already.

    A second one inside would end the first, and leave its button outside.
    """
    helper = copy(getattr(form, "helper", None)) or FormHelper(form)
    helper.form_tag = False
    helper.disable_csrf = True
    drawn = render_crispy_form(form, helper, {"csrf_token": context.get("csrf_token")})
    return mark_safe(str(drawn))


@register.simple_tag
def grade_badge(grade: object) -> SafeString:
    """92# in its colour. Takes a grade, or its name."""
    name = _grade_name(grade)
    if not name:
        return mark_safe(wording.NOTHING)
    return format_html('<span class="grade grade-{}">{}</span>', wording.grade_key(name), name)


@register.filter
def grade_key(grade: object) -> str:
    """The key of a grade's colour: class="grade-{{ nozzle.grade|grade_key }}"."""
    return wording.grade_key(_grade_name(grade))


def _grade_name(grade: object) -> str:
    return str(getattr(grade, "code", grade) or "")


@register.filter
def differences(entry: object) -> list[tuple[str, object, object]]:
    """What an audit entry changed: (field, before, after), only where they differ."""
    before, after = getattr(entry, "before", None) or {}, getattr(entry, "after", None) or {}
    fields = dict.fromkeys((*before, *after))
    return [
        (field, before.get(field), after.get(field))
        for field in fields
        if before.get(field) != after.get(field)
    ]


@register.simple_tag(name="cell")
def drawn_cell(cell: Cell) -> SafeString | str:
    """A cell's text with its colour where it has one."""
    if cell.column.kind == "grade" and cell.value:
        return grade_badge(cell.value)
    if cell.column.kind == "state" and cell.value:
        return format_html('<span class="state state-{}">{}</span>', cell.tone or "off", cell.text)
    if cell.column.kind in SIGNED and isinstance(cell.value, Decimal) and not cell.tone:
        tone = "even" if not cell.value else ("loss" if cell.value < 0 else "gain")
        return format_html('<span class="diff diff-{}">{}</span>', tone, cell.text)
    if cell.tone:
        return format_html('<span class="tone tone-{}">{}</span>', cell.tone, cell.text)
    return cell.text


@register.simple_tag
def change_mark(change: Change) -> SafeString:
    """升 12.3% in red, 降 4.0% in green, 平: arrow, word and colour."""
    return format_html(
        '<span class="change change-{}">{}{} {}</span>',
        change.direction,
        _drawn(change.icon, 16, ""),
        change.word,
        change.text,
    )


@register.filter(name="change")
def change_between(now: Decimal | int | None, before: Decimal | int | None) -> SafeString:
    """{{ today|change:yesterday }}: how the first figure stands against the second."""
    return change_mark(changed(now, before))


@register.inclusion_tag("station/_chart.html", name="chart")
def drawn_chart(chart: Chart) -> dict[str, object]:
    """A chart with its switch, its table and its words; station/chart.js draws it."""
    numbers = chart.numbers()
    digest = sha256(repr(numbers).encode()).hexdigest()[:10]
    return {"chart": chart, "numbers": numbers, "id": f"chart-{digest}", "kinds": KINDS}
