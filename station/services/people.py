"""People who sign in: accounts, their roles per station, and what a lead may do about them.

Nobody touches his own role. A manager handles the roles below him at his own stations, an owner
everybody at his; the last owner of a station stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime

from axes.models import AccessAttempt
from django.db import IntegrityError, transaction
from django.urls import reverse

from station.access import stations_of
from station.errors import Refusal
from station.models import Assignment, Station, User
from station.models.people import Role
from station.queries import wording
from station.queries.people import home_station
from station.services import audit, messages, second_factor

Covers = tuple[int | None, str]  # station (None: all), role


class NotYours(Refusal):
    """The person stands higher, or works at a station that is not yours."""


class NotYourself(Refusal):
    """Nobody changes his own role, or shuts himself out."""


class LastOwner(Refusal):
    """Without it a station would have no owner."""


class NameTaken(Refusal):
    """Another account has that name."""


class NoRole(Refusal):
    """A person without a role could open nothing."""


ONE_TIME_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@transaction.atomic
def add(
    *,
    username: str,
    name: str,
    roles: Collection[Covers],
    at: datetime,
    actor: User,
) -> tuple[User, str]:
    """A new account with its roles; returns it with its one-time password, shown this once.

    Refuses with NameTaken, NoRole or NotYours.
    """
    password = one_time_password()
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                username.strip().lower(), password, name=name.strip(), must_change_password=True
            )
    except IntegrityError:
        raise NameTaken(f"账号「{username}」已经有人用了，请换一个。") from None
    _may_grant(actor, roles)
    _replace_roles(user, roles)
    _about(user).note("station.person.added", at, actor, after={"姓名": user.name, **_said(user)})
    return user, password


@transaction.atomic
def change_roles(*, user: User, roles: Collection[Covers], at: datetime, actor: User) -> None:
    """Set what a person is at each station: all roles together, those not named are taken away.

    Refuses with NotYourself, NotYours, NoRole or LastOwner. The same roles again change nothing.
    """
    if user == actor:
        raise NotYourself("不能改自己的角色，请由另一位站长或老板来改。")
    owners = _hold_owners()
    _may_handle(actor, user)
    _may_grant(actor, roles)
    before = _said(user)
    _replace_roles(user, roles)
    after = _said(user)
    if after != before:
        _owners_stay(owners)
        _about(user).note("station.person.roles_changed", at, actor, before=before, after=after)
        said = "；".join(f"{place}：{role}" for place, role in after.items())
        _tell(user, "您的角色已更改", f"把您的角色改为 {said}。", at, actor)


@transaction.atomic
def change(*, user: User, name: str, roles: Collection[Covers], at: datetime, actor: User) -> None:
    """Name and roles in one act: both or neither. Refuses as `rename` and `change_roles` do."""
    rename(user=user, name=name, at=at, actor=actor)
    change_roles(user=user, roles=roles, at=at, actor=actor)


@transaction.atomic
def rename(*, user: User, name: str, at: datetime, actor: User) -> None:
    """Correct a person's name. What was signed before keeps the name it was signed with."""
    if user != actor:
        _may_handle(actor, user)
    before = user.name
    if name.strip() in ("", before):
        return
    User.objects.filter(pk=user.pk).update(name=name.strip())
    user.refresh_from_db()
    _about(user).note(
        "station.person.renamed",
        at,
        actor,
        before={"姓名": before},
        after={"姓名": user.name},
    )


@transaction.atomic
def deactivate(*, user: User, reason: str, at: datetime, actor: User) -> None:
    """The person signs in no more, from this moment on. Refuses NotYourself, NotYours, LastOwner."""
    if user == actor:
        raise NotYourself("不能停用自己的账号，请由另一位站长或老板来做。")
    owners = _hold_owners()
    _may_handle(actor, user)
    if User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        _owners_stay(owners)
        _about(user).note("station.person.deactivated", at, actor, reason=reason)


@transaction.atomic
def activate(*, user: User, at: datetime, actor: User) -> None:
    """The person may sign in again with the password he had. Refuses with NotYours."""
    _may_handle(actor, user)
    if User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
        _about(user).note("station.person.activated", at, actor)


@transaction.atomic
def reset_password(*, user: User, at: datetime, actor: User) -> str:
    """A one-time password, shown this once; all locks of the account are lifted.

    It must be changed at the next sign-in, and ends every session. Refuses NotYourself or NotYours.
    """
    if user == actor:
        raise NotYourself("自己的密码请在「我的账户」里修改。")
    _may_handle(actor, user)
    password = one_time_password()
    user.refresh_from_db()
    user.set_password(password)
    user.must_change_password = True
    user.pin_failures, user.pin_locked_until = 0, None
    user.save()
    _forget_attempts(user)
    _about(user).note("station.person.password_reset", at, actor)
    _tell(user, "您的密码已重设", "重设了您的密码。", at, actor)
    return password


@transaction.atomic
def unlock(*, user: User, at: datetime, actor: User) -> None:
    """Lift the lock of password and PIN before its quarter of an hour is over. Refuses NotYours."""
    _may_handle(actor, user)
    User.objects.filter(pk=user.pk).update(pin_failures=0, pin_locked_until=None)
    _forget_attempts(user)
    _about(user).note("station.person.unlocked", at, actor)


@transaction.atomic
def reset_second_factor(*, user: User, reason: str, at: datetime, actor: User) -> None:
    """Unbind a lost phone. Refuses NotYourself or NotYours."""
    if user == actor:
        raise NotYourself("不能重设自己的第二验证，请由另一位老板或站长来做。")
    _may_handle(actor, user)
    second_factor.reset(user=user, at=at, actor=actor)
    _about(user).note("station.person.second_factor_reset", at, actor, reason=reason)
    _tell(user, "您的手机动态码已解除", f"解除了您的手机动态码（{reason}）。", at, actor)


def one_time_password() -> str:
    """Ten letters and digits in two groups: read out over a telephone, used once."""
    letters = "".join(secrets.choice(ONE_TIME_LETTERS) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def grantable(actor: User) -> list[Covers]:
    """What the actor may make of others: role at each of his stations, and over all for owners."""
    mine = _rank(actor)
    stations = [*stations_of(actor).values_list("pk", flat=True)]
    everywhere: list[int | None] = [None] if mine.get(None) == Role.OWNER else []
    return [
        (place, role.value)
        for place in [*everywhere, *stations]
        for role in Role
        if _outranks(mine.get(place) or mine.get(None, ""), role.value)
    ]


def may_handle(actor: User, user: User) -> bool:
    """Whether the actor stands above the person at every station where the person is anything."""
    allowed = set(grantable(actor))
    return all(cover in allowed for cover in _rank(user).items())


# --------------------------------------------------------------------------------- inside


def _outranks(role: str, other: str) -> bool:
    if role == Role.OWNER:
        return True
    return role == Role.MANAGER and other not in (Role.OWNER, Role.MANAGER)


def _rank(user: User) -> dict[int | None, str]:
    return dict(Assignment.objects.filter(user=user).values_list("station_id", "role"))


def _may_handle(actor: User, user: User) -> None:
    if not may_handle(actor, user):
        raise NotYours(f"{user.name} 的职位不低于您，或属于您管不到的油站，请由老板来处理。")


def _may_grant(actor: User, roles: Collection[Covers]) -> None:
    if not roles:
        raise NoRole("至少选一个油站的角色；不再使用的账号请停用。")
    allowed = set(grantable(actor))
    for cover in roles:
        if cover not in allowed:
            raise NotYours(f"您不能授予「{Role(cover[1]).label}」这个角色，请由老板来授予。")


def _replace_roles(user: User, roles: Collection[Covers]) -> None:
    Assignment.objects.filter(user=user).delete()
    Assignment.objects.bulk_create(
        [Assignment(user=user, station_id=place, role=role) for place, role in roles]
    )


def _hold_owners() -> set[int]:
    """Lock every owner's assignment, so that two owners cannot remove each other at once.

    Returns the stations that have an owner now.
    """
    list(Assignment.objects.select_for_update().filter(role=Role.OWNER).order_by("pk"))
    return _owned()


def _owned() -> set[int]:
    owners = Assignment.objects.filter(role=Role.OWNER, user__is_active=True)
    places = set(owners.values_list("station_id", flat=True))
    every = Station.objects.filter(active=True).values_list("pk", flat=True)
    return set(every) if None in places else {place for place in places if place}


def _owners_stay(before: set[int]) -> None:
    if lost := before - _owned():
        names = "、".join(Station.objects.filter(pk__in=lost).values_list("name", flat=True))
        raise LastOwner(f"这是 {names} 的最后一位老板，不能停用也不能改角色；请先任命另一位老板。")


def _forget_attempts(user: User) -> None:
    AccessAttempt.objects.filter(username=user.username).delete()


def _said(user: User) -> dict[str, str]:
    """The roles in words, for the audit."""
    assignments = Assignment.objects.filter(user=user).select_related("station")
    return {
        one.station.name if one.station else "全部油站": Role(one.role).label
        for one in assignments.order_by("station__code")
    }


def _about(user: User) -> audit.Subject:
    return audit.Subject(home_station(user), f"user:{user.username}")


def _tell(user: User, subject: str, text: str, at: datetime, actor: User) -> None:
    """Whose account was changed by somebody else hears of it, and who it was."""
    messages.tell(
        recipient=user,
        key=f"account:{user.pk}:{at.isoformat()}:{subject}",
        subject=subject,
        text=f"{actor.name} 于 {wording.local(at)} {text}如非您所知，请马上告诉老板或站长。",
        url=reverse("station:account"),
        at=at,
    )
