"""Every URL × every role answers as `station.rights` says; no URL is without a right."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from station.access import may_do
from station.models.people import Role
from station.rights import RIGHTS, TITLES
from tests import make

pytestmark = pytest.mark.req("SEC-02")

MISSING = object()
# What an argument of a path is filled with: nothing that exists.
FILLERS: dict[str, object] = {
    "IntConverter": 999_999_999,
    "StringConverter": "no-such-thing",
    "SlugConverter": "no-such-thing",
    "UUIDConverter": "00000000-0000-4000-8000-000000000000",
    "PathConverter": "no/such/thing",
}


@dataclass(frozen=True)
class Address:
    """One URL of the URLconf with its arguments filled in."""

    name: str
    path: str
    right: object
    gates: frozenset[str]
    members: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the door needs no user; a member's pages need a member instead."""
        return self.right is None


def addresses() -> list[Address]:
    return list(_walk(get_resolver().url_patterns, "/", ""))


def _walk(patterns: list[URLPattern | URLResolver], path: str, space: str) -> Iterator[Address]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _walk(pattern.url_patterns, path + _filled(pattern), inner)
        else:
            view = pattern.callback
            yield Address(
                f"{space}{pattern.name}",
                path + _filled(pattern),
                getattr(view, "right", MISSING),
                getattr(view, "before_gates", frozenset()),
                getattr(view, "members", False),
            )


def _filled(pattern: URLPattern | URLResolver) -> str:
    route = str(pattern.pattern)
    for name, converter in pattern.pattern.converters.items():
        kind = next(kind.__name__ for kind in type(converter).__mro__ if kind.__name__ in FILLERS)
        before, _, after = route.partition(f":{name}>")
        route = before[: before.rindex("<")] + str(FILLERS[kind]) + after
    return route


def ask(client: Client, path: str) -> HttpResponseBase:
    """Open an address; one that takes no GET is posted to with an empty form.

    What it did is undone, in the database and in the browser: signing out and locking are among the
    addresses, and the next one is to be asked by who is signed in.
    """
    kept = copy.deepcopy(client.cookies)
    before = transaction.savepoint()  # no block: a view may begin a durable one of its own
    answer = client.get(path)
    answer = client.post(path) if answer.status_code == 405 else answer
    transaction.savepoint_rollback(before)
    client.cookies = kept
    return answer


def sent_to_sign_in(answer: HttpResponseBase) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith("/sign-in/?")


def sent_to_the_phones_sign_in(answer: HttpResponseBase) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith("/m/sign-in/")


def test_no_url_is_without_a_right():
    missing = [one.name for one in addresses() if one.right is MISSING]
    assert not missing, f"these views have neither @may nor @open_to_all: {missing}"


def test_every_right_of_a_url_stands_in_the_matrix_with_its_words():
    asked = {one.right for one in addresses() if isinstance(one.right, str)}
    assert not asked - set(RIGHTS)
    assert set(RIGHTS) == set(TITLES)
    assert all(roles for roles in RIGHTS.values())


def test_the_matrix_names_only_roles_that_exist():
    assert set().union(*RIGHTS.values()) == set(Role.values)


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_each_url_answers_a_role_as_the_matrix_says(role):
    station = make.station()
    make.session(station)
    who = make.user(role, station)
    client = make.signed_in(who)
    client.raise_request_exception = False
    wrong = []
    for address in addresses():
        answer = ask(client, address.path)
        passes = address.is_open or may_do(role, str(address.right))
        status = answer.status_code
        if address.members:  # no role opens a member's pages, the owner's neither
            passes = sent_to_the_phones_sign_in(answer)
        if status == 500 or (status == 403) is passes or sent_to_sign_in(answer):
            wrong.append(f"{address.name}: {status}, should {'pass' if passes else 'be 403'}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["stranger", "member"])
def test_a_stranger_and_a_member_are_sent_to_sign_in_but_at_their_own_doors(role):
    station = make.station()
    make.session(station)
    member = make.member(station)
    client = make.phone_of(member) if role == "member" else Client()
    client.raise_request_exception = False
    wrong = []
    for address in addresses():
        answer = ask(client, address.path)
        to_the_phone = address.members and role == "stranger"
        if (
            answer.status_code == 500
            or sent_to_sign_in(answer) is address.is_open
            or (address.members and sent_to_the_phones_sign_in(answer) is not to_the_phone)
        ):
            wrong.append(f"{address.name}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db
def test_a_members_pages_are_all_under_their_own_address():
    """There alone his cookie is sent; no page of the staff lies among them."""
    ours = {one.name for one in addresses() if one.path.startswith("/m/")}
    assert {one.name for one in addresses() if one.members} < ours
    assert not [one.name for one in addresses() if one.path.startswith("/m/") and one.right]


@pytest.mark.django_db
@pytest.mark.parametrize("gate", ["second_factor", "password", "lock"])
def test_nothing_is_behind_a_gate_that_was_not_passed(gate):
    station = make.station()
    make.session(station)
    who = make.user("MANAGER", station, must_change_password=gate == "password")
    client = make.signed_in(who)
    session = client.session
    if gate == "second_factor":
        del session["otp_device_id"]
    if gate == "lock":
        session["locked"] = True
    session.save()
    wrong = []
    for address in addresses():
        if address.is_open or gate in address.gates:
            continue
        answer = ask(client, address.path)
        where = {"second_factor": "/sign-in/verify/", "password": "/account/password/"}
        if not answer.get("Location", "").startswith(where.get(gate, "/lock/")):
            wrong.append(f"{address.name}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db
def test_a_role_holds_only_at_its_station():
    here, there = make.station(), make.station()
    sun = make.attendant(here)
    make.user("OWNER", there)
    client = make.signed_in(sun)
    client.post("/station/", {"station": there.pk})
    assert client.get("/people/").status_code == 403
