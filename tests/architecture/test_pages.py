"""Templates: nothing inline, nothing from elsewhere, every one a page of a kind or a part."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.test_code import ROOT

PAGES = sorted((ROOT / "templates").rglob("*.html"))
# What every page stands on, and the form library's own part that ours replaces.
ROOTS = {"templates/base/root.html", "templates/bootstrap5/errors.html"}
INLINE = re.compile(
    r"""<style|\sstyle\s*=|\son[a-z]+\s*=\s*["']|href\s*=\s*["']javascript:""", re.I
)
SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", re.I)
ELSEWHERE = re.compile(r"""(?:src|href|action)\s*=\s*["'](?:https?:)?//""", re.I)


def inline(text: str) -> bool:
    return bool(INLINE.search(text) or SCRIPT.search(text))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_template_has_style_or_script_in_it():
    assert not [named(path) for path in PAGES if inline(path.read_text(encoding="utf-8"))]


def test_style_and_script_are_caught():
    for text in (
        '<p style="color: red">',
        "<style>p {}</style>",
        "<script>alert(1)</script>",
        '<a onclick="f()">',
        '<a href="javascript:f()">',
    ):
        assert inline(text), text
    assert not inline('<script src="a.js" defer></script><p data-once="1">')


def test_no_template_asks_another_host():
    assert not [named(path) for path in PAGES if ELSEWHERE.search(path.read_text(encoding="utf-8"))]


def test_every_page_extends_a_kind_and_every_part_begins_with_an_underscore():
    wrong = []
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        if path.name.startswith("_") or named(path) in ROOTS:
            continue
        if not re.search(r"""{%\s*extends\s+["'](base|station|errors)/""", text):
            wrong.append(named(path))
    assert not wrong


def test_every_posted_form_carries_its_token():
    posted = re.compile(r"<form\b[^>]*method=[\"']post[\"'].*?</form>", re.S | re.I)
    assert not [
        named(path)
        for path in PAGES
        for form in posted.findall(path.read_text(encoding="utf-8"))
        if "csrf_token" not in form
    ]


def test_pages_speak_chinese():
    """Words between tags are Chinese, but for codes and keys that are the same in every language."""
    known = re.compile(
        r"^(?:[A-Z0-9#/.%‰→·×+\-\s]+|/\w+|(?:[\w-]+=\"[^\"]*\"\s*)+|Enter|Esc|xlsx|csv|pdf|Excel)$"
    )
    wrong = {}
    for path in PAGES:
        if "/ui" in named(path):
            continue
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"{% block (kind|body_class) %}[\w -]*{% endblock[^%]*%}", "", text)
        text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", " ", text, flags=re.S)
        text = re.sub(r"<(script|svg).*?</\1>|<!--.*?-->|<[^>]*>", "\n", text, flags=re.S)
        words = [
            line.strip()
            for line in text.splitlines()
            if re.search(r"[A-Za-z]{3,}", line)
            and not re.search(r"[一-鿿]", line)
            and not known.match(line.strip())
        ]
        if words:
            wrong[named(path)] = words
    assert not wrong
