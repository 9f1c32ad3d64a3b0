"""What holds for every template: it compiles, its icons exist, nothing in it is inline or foreign."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.template import Context, Template, engines
from django.test import RequestFactory

from station.context import THEMES
from station.forms.controls import DayField, LitresInput, MomentField, YuanInput
from station.queries.columns import Cell, Column, Step, totals
from station.templatetags import station as tags

FOLDER = Path(settings.BASE_DIR) / "templates"
TEMPLATES = sorted(FOLDER.rglob("*.html"))
SOURCES = [*TEMPLATES, *Path(settings.BASE_DIR, "station").rglob("*.py")]


def draw(text, **values):
    return Template("{% load station %}" + text).render(Context(values))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_template_compiles_and_is_free_of_inline_and_foreign_things(path):
    source = path.read_text()
    engines["django"].from_string(source)
    bare = re.sub(r"{#.*?#}", "", source)
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:", bare)
    for script in re.findall(r"<script[^>]*>", bare):
        assert "src=" in script, "scripts are files"
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", bare)


def test_every_named_icon_exists():
    names = {
        name
        for path in SOURCES
        for name in re.findall(r'{% icon "([a-z0-9/-]+)"', path.read_text())
    }
    names |= {symbol for _, _, symbol in THEMES}
    names |= {symbol for _, symbol, _ in settings.MENU}
    assert len(names) > 20
    known = set(tags.icons().namelist())
    for name in names:
        assert f"{name if '/' in name else f'outline/{name}'}.svg" in known, name


def test_an_unknown_icon_costs_the_picture_and_not_the_page():
    assert draw('{% icon "no-such-icon" %}').startswith("<svg")


def test_an_icon_is_silent_unless_it_stands_alone():
    assert 'aria-hidden="true"' in draw('{% icon "bell" %}')
    assert 'role="img" aria-label="告警"' in draw('{% icon "bell" label="告警" %}')
    assert "<script>" not in draw("{% icon name label=name %}", name="<script>")


def test_the_filters_write_what_the_house_writes():
    text = draw(
        "{{ a|yuan }} {{ a|litres }} {{ b|gain_loss }} {{ b|over_short }} {{ p|masked_phone }}",
        a=Decimal("1234.5"), b=Decimal("-3.21"), p="13812345678",
    )  # fmt: skip
    assert text == "¥1,234.50 1,234.50 损 3.21 L 短 ¥3.21 138****5678"


def test_a_change_is_an_arrow_a_word_and_a_colour():
    drawn = draw("{{ now|change:before }}", now=110, before=100)
    assert "change-up" in drawn and "升 10.0%" in drawn and "<svg" in drawn


def test_a_grade_badge_takes_a_grade_its_name_or_nothing():
    grade = SimpleNamespace(code="92#")
    assert 'class="grade grade-92">92#' in draw("{% grade_badge grade %}", grade=grade)
    assert "grade-0" in draw("{% grade_badge '0#' %}")
    assert draw("{% grade_badge none %}", none=None) == "—"
    assert draw("{{ grade|grade_key }}", grade=grade) == "92"
    assert "&lt;b&gt;" in draw("{% grade_badge name %}", name="<b>")


def test_the_heading_repeats_the_title_of_the_page():
    page = Template(
        '{% extends "base/plain.html" %}{% block title %}登录 {{ x }}{% endblock %}'
    ).render(Context({"x": "<甲>"}))
    assert "<h1>登录 &lt;甲&gt;</h1>" in page and "<title>登录 &lt;甲&gt;</title>" in page


def test_an_address_keeps_its_other_keys():
    request = RequestFactory().get("/?grade=92%23&after=x&page=2")
    drawn = draw('{% url_with page=3 after=None new="" %}', request=request)
    assert drawn == "?grade=92%23&amp;page=3"
    assert draw("{% url_with a=None %}", request=RequestFactory().get("/?a=1")) == "?"


@pytest.mark.parametrize(
    ("kind", "value", "tone", "drawn"),
    [
        ("state", "已收款", "good", '<span class="state state-good">已收款</span>'),
        ("state", "已退款", "", '<span class="state state-off">已退款</span>'),
        ("gain_loss", Decimal("-1"), "", '<span class="diff diff-loss">损 1.00 L</span>'),
        ("over_short", Decimal("1"), "", '<span class="diff diff-gain">长 ¥1.00</span>'),
        ("over_short", Decimal("0"), "", '<span class="diff diff-even">平 ¥0.00</span>'),
        ("yuan", Decimal("1"), "bad", '<span class="tone tone-bad">¥1.00</span>'),
        ("grade", "", "", ""),
        ("text", "<b>", "", "&lt;b&gt;"),
    ],
)
def test_a_cell_is_drawn_by_its_kind(kind, value, tone, drawn):
    cell = Cell(Column("列", kind=kind), value, "", tone)
    assert draw("{% cell cell %}", cell=cell) == drawn


def test_an_audit_entry_tells_only_what_it_changed():
    entry = SimpleNamespace(before={"价": "7.62", "单位": "元"}, after={"价": "7.85", "单位": "元"})
    assert tags.differences(entry) == [("价", "7.62", "7.85")]
    assert tags.differences(SimpleNamespace(before=None, after={"价": "1"})) == [("价", None, "1")]


def test_a_path_that_meets_nothing_is_unknown_and_a_wrong_path_is_a_mistake():
    row = SimpleNamespace(nozzle=None, pump=SimpleNamespace(number=3))
    assert Column("枪", "nozzle.number").of(row) is None
    assert Column("泵", "pump.number").of(row) == 3
    with pytest.raises(AttributeError):
        Column("枪", "nozzles.number").of(row)
    with pytest.raises(AttributeError):
        Column("泵", "pump.name").of(row)


def test_a_step_says_what_it_is_and_whose():
    steps = [
        Step("核对泵码", "done"),
        Step("点款", whose="李收银", here=True),
        Step("签字", "blocked"),
    ]
    drawn = draw('{% include "station/_steps.html" %}', steps=steps)
    assert all(word in drawn for word in ("已完成", "待办 · 李收银", "还不能做"))
    assert drawn.count('aria-current="step"') == 1


def test_a_table_whose_first_column_is_summed_has_no_word_before_it():
    column = Column("升数", "litres", "litres", sum="litres")
    assert [cell.text for cell in totals((column,), {"litres": Decimal(3)})] == ["3.00"]
    assert totals((Column("号", "pk"),), {}) == ()


def test_a_control_has_the_houses_classes_and_names_its_trouble():
    class Sample(forms.Form):
        day = DayField(initial=date(2026, 4, 22))
        at = MomentField(initial=datetime(2026, 4, 22, 12, 0, tzinfo=UTC))
        yes = forms.BooleanField()
        one = forms.ChoiceField(choices=[("a", "甲")], widget=forms.RadioSelect)
        grade = forms.ChoiceField(choices=[("92#", "92#")])

    free, wrong = Sample(), Sample({})
    assert 'type="date"' in draw("{% control f %}", f=free["day"])
    assert 'value="2026-04-22"' in draw("{% control f %}", f=free["day"])
    assert 'value="2026-04-22T20:00"' in draw("{% control f %}", f=free["at"])
    assert "form-check-input" in draw("{% control f %}", f=free["yes"])
    assert "form-control" not in draw("{% control f %}", f=free["one"])
    assert "form-select" in draw("{% control f %}", f=free["grade"])
    drawn = draw("{% control f %}", f=wrong["day"])
    assert "is-invalid" in drawn and 'aria-describedby="id_day_error"' in drawn


def test_fields_are_drawn_without_a_form_element_with_and_without_a_helper():
    class Sample(forms.Form):
        litres = LitresInput(label="升数")
        amount = YuanInput(label="金额")

    plain, helped = Sample(), Sample()
    helped.helper = FormHelper()
    for form in (plain, helped):
        drawn = draw("{% form_fields form %}", form=form)
        assert "升数" in drawn and "<form" not in drawn and 'inputmode="decimal"' in drawn
    assert helped.helper.form_tag  # the form's own helper is left as it was
