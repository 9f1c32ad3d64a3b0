"""Walks every page of the URLconf with what no page sends.

The walk begins where a person begins: it follows links from home, so that the addresses stand for
rows that exist, and takes the forms it meets, with what they hold. Which parameters a view knows is
heard by listening to what it asks for. Whatever a request changes is rolled back.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponseBase, QueryDict
from django.urls import Resolver404, get_resolver, resolve

from station.models import User
from tests import make
from tests.test_role_matrix import addresses

NUL, LONG, HUGE = "a\x00b", "长" * 3000, "9" * 40
NASTY = (
    NUL, LONG, HUGE, "-1", "NaN", "９²³", "9999-12-31", "😀𠮷\u202e", "", "0", "1e400", "2026-02-30",
    "'; DROP TABLE station_user; --", "-Infinity", "1.0000000001", "%s%(x)s{0}", " ", "٣",
    "<script>alert(1)</script>", "0001-01-01", "null", "[]", '{"a":1}', "../../../etc/passwd",
    "0000-00-00", "99999-01-01", "2026-11-20T25:61", "9223372036854775808", "on", "\\", "²",
)  # fmt: skip
NASTY_JSON = (
    None, True, [], {}, [[[]]], {"a": {"b": []}}, -1, 10**40, "NaN", "Infinity", "1e400", LONG, NUL,
    "😀", "", " ", [None], [{}], "0001-01-01", 0.1, "²", "\ud800",
)  # fmt: skip
BODIES = (
    b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"key": 1e999}', b"[" * 5000, b"NaN",
    b'{"key": "a\\u0000b"}', b'{"lines": "x", "tenders": 1}', b'{"fills": [1e400, null, "x"]}',
)  # fmt: skip
FILES = (b"\x00\xff" * 50, b"PK\x03\x04garbage", "长,度\n-1,NaN\n".encode("gb18030"))
IDS = ("9" * 25, "9" * 18, "0")
WORDS = ("%00", "%F0%9F%98%80", "x" * 500, "%C2%B2", "9999-12-31", "0000-00-00", "%25s", "' OR 1=1")

HEARD: set[str] = set()


class Listening(QueryDict):
    """Notes every name that somebody asks for."""

    def __getitem__(self, key: str) -> Any:
        HEARD.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        HEARD.add(key)
        return super().get(key, default)

    def getlist(self, key: str, default: Any = None) -> Any:
        HEARD.add(key)
        return super().getlist(key, default)

    def __contains__(self, key: object) -> bool:
        HEARD.add(str(key))
        return super().__contains__(key)


@dataclass(frozen=True)
class Form:
    """A form of a page: where it goes, how, and what it holds."""

    name: str  # of the URL
    path: str
    method: str
    fields: tuple[tuple[str, str], ...]
    files: tuple[str, ...] = ()


class Page(HTMLParser):
    """Links and forms of one answer."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.forms: list[dict[str, Any]] = []
        self._path = path
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        self.links |= {
            got[name] for name in ("href", "hx-get") if got.get(name, "").startswith("/")
        }
        if tag == "form" or "hx-post" in got:
            action = got.get("action") or got.get("hx-post") or got.get("hx-get") or self._path
            method = "post" if "hx-post" in got else got.get("method", "get").lower()
            self.forms.append({"action": action, "method": method, "fields": {}, "files": []})
        if tag == "option" and self._select:
            self._option(got)
        if got.get("name") and self.forms:
            self._field(tag, got["name"], got)

    def _field(self, tag: str, name: str, got: dict[str, str]) -> None:
        fields, kind = self.forms[-1]["fields"], got.get("type")
        if kind == "file":
            self.forms[-1]["files"].append(name)
        elif kind in ("checkbox", "radio"):
            if "checked" in got or name not in fields:
                fields[name] = got.get("value", "on")
        elif tag in ("input", "textarea", "button"):
            fields.setdefault(name, got.get("value", ""))
        elif tag == "select":
            self._select = name
            fields.setdefault(name, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""

    def _option(self, got: dict[str, str]) -> None:
        """The chosen one of a list, else the first that means something."""
        fields = self.forms[-1]["fields"]
        if self._select and ("selected" in got or not fields[self._select]):
            fields[self._select] = got.get("value", "")


class Walker:
    """One person's browser; every request leaves the database as it was."""

    def __init__(self, who: User, owns: Callable[[str], bool] = lambda name: True) -> None:
        self._who, self._owns = who, owns
        self._sign_in()
        self._values = itertools.cycle(NASTY)
        self.paths: dict[str, str] = {}
        self.forms: dict[tuple[str, frozenset[str]], Form] = {}
        self.failures: list[str] = []
        self.requests = 0

    def _sign_in(self) -> None:
        self.client = make.signed_in(self._who)
        self.client.raise_request_exception = False
        self._cookies = self.client.cookies.copy()

    def ask(self, method: str, path: str, data: Any = None, **more: Any) -> HttpResponseBase:
        """One request; a 500 is written down."""
        self.requests += 1
        send: Callable[..., HttpResponseBase] = getattr(self.client, method)
        before = transaction.savepoint()  # no block: a view may begin a durable one of its own
        answer = send(path, data, **more)
        if answer.status_code == 200 and answer.streaming:
            b"".join(answer)  # type: ignore[attr-defined]
        transaction.savepoint_rollback(before)
        if answer.status_code >= 500:
            trouble = getattr(answer, "exc_info", None)
            why = f"{trouble[0].__name__}: {str(trouble[1])[:150]}" if trouble else ""
            self.failures.append(f"{method} {path[:80]} {data!r:.160}: {answer.status_code} {why}")
        self.client.cookies = self._cookies.copy()  # type: ignore[assignment]
        if answer.headers.get("Location", "").startswith(("/sign-in", "/lock")):
            self._sign_in()
        return answer

    def post_json(self, path: str, body: Any) -> HttpResponseBase:
        sent = body if isinstance(body, bytes) else json.dumps(body)
        return self.ask("post", path, sent, content_type="application/json")

    def look_around(self) -> None:
        """Open every page that needs no number, and one of each kind that their links lead to."""
        known = {one.name: one.path for one in addresses() if self._owns(one.name)}
        plain = set(known.values()) - {
            filled(one, "999999999", "no-such-thing") for one in patterns()
        }
        waiting = sorted(plain)
        while waiting:
            path = waiting.pop(0)
            name = name_of(path)
            if not name or name in self.paths or not self._owns(name):
                continue
            self.paths[name] = path
            answer = self.ask("get", path)
            if answer.status_code != 200 or "text/html" not in answer.headers["Content-Type"]:
                continue
            page = read(path, answer)
            for form in page.forms:
                self._form(form)
            waiting += sorted(page.links) + [form["action"] for form in page.forms]
        self.paths = {**known, **self.paths}

    def _form(self, form: dict[str, Any]) -> None:
        path = urlsplit(form["action"]).path or "/"
        name = name_of(path)
        if not name or not self._owns(name) or form["method"] not in ("get", "post"):
            return
        fields = tuple(sorted(form["fields"].items()))
        key = name, frozenset(form["fields"])
        self.forms.setdefault(key, Form(name, path, form["method"], fields, tuple(form["files"])))

    def all_at_once(self, times: int = 1) -> None:
        """Every parameter that a view asks for, each with the next value of the round."""
        for path in self.paths.values():
            for method in ("get", "post"):
                HEARD.clear()
                if self.ask(method, path).status_code in (405, 404) and method == "get":
                    continue
                names = sorted(one for one in HEARD if one.isprintable() and len(one) < 60)
                for _ in range(times if names else 0):
                    self.ask(method, path, dict(zip(names, self._values, strict=False)))

    def one_at_a_time(self, most: int = 3) -> None:
        """Forms as their pages give them, with one field of rubbish: what is behind the form."""
        for form in self.forms.values():
            names = [one for one, _ in form.fields if one != "csrfmiddlewaretoken"]
            for one in names[:most]:
                data = {**dict(form.fields), one: next(self._values)}
                self.ask(form.method, form.path, data)
            for content in FILES if form.files else ():
                held = {one: SimpleUploadedFile("x.csv", content) for one in form.files}
                self.ask("post", form.path, {**dict(form.fields), **held})

    def addresses(self) -> None:
        """Numbers and words in the path that lead nowhere."""
        ids, words = itertools.cycle(IDS), itertools.cycle(WORDS)
        for pattern in patterns():
            path = filled(pattern, next(ids), next(words))
            if self._owns(name_of(path)) and self.ask("get", path).status_code == 405:
                self.ask("post", path)

    def json_bodies(self, bodies: Mapping[str, Any]) -> None:
        """What is no JSON of ours at all, and bodies with the next value at each of their places."""
        values, rubbish = itertools.cycle(NASTY_JSON), itertools.cycle(BODIES)
        for path, body in bodies.items():
            for one in itertools.islice(rubbish, 5):
                self.post_json(path, one)
            for place in places(body):
                self.post_json(path, put(body, place, next(values)))


def places(body: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value stands in nested lists and objects, the body itself left out."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(body, dict):
        pairs = body.items()
    elif isinstance(body, list):
        pairs = enumerate(body)
    for key, value in pairs:
        yield (*before, key)
        yield from places(value, (*before, key))


def put(body: Any, place: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(body))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return copy


def patterns() -> list[str]:
    """Paths with their arguments as `<int:pk>`, those that have any."""
    out: list[str] = []

    def walk(resolver: Any, before: str) -> None:
        for one in resolver.url_patterns:
            route = before + str(one.pattern)
            if hasattr(one, "url_patterns"):
                walk(one, route)
            elif "<" in route:
                out.append("/" + route)

    walk(get_resolver(), "")
    return out


def filled(pattern: str, number: str, word: str) -> str:
    return re.sub(r"<(\w+:)?\w+>", lambda m: number if m[1] == "int:" else word, pattern)


def name_of(path: str) -> str:
    try:
        match = resolve(urlsplit(path).path)
    except Resolver404:
        return ""
    return match.view_name


def read(path: str, answer: HttpResponseBase) -> Page:
    page = Page(path)
    text = answer.content.decode()  # type: ignore[attr-defined]
    page.feed(text)
    return page
