"""A figure opens a page that is there."""

from __future__ import annotations

import ast
from pathlib import Path

from django.urls import get_resolver

import finance

HERE = Path(finance.__file__).parent


def named() -> set[str]:
    """Every page that `link` is asked for by name in this floor."""
    found = set()
    for path in HERE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "link"
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(node.args[0].value)
    return found


def test_every_page_that_a_figure_opens_is_there() -> None:
    namespaces = {
        f"{name}:{view}"
        for name, (_, resolver) in get_resolver().namespace_dict.items()
        for view in resolver.reverse_dict
        if isinstance(view, str)
    }
    assert len(named()) > 15
    assert named() - namespaces == set()
