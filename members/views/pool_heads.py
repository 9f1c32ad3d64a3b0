"""户主交接 in the office: for who is there, as everything of a family that the office does."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.timezone import now
from django.views.decorators.http import require_POST

from members.services import pool_heads, presence
from members.services.pools import PoolRefused
from members.views.pools import CONFIRM, done, found_place, found_pool
from station.access import StaffRequest, may


@require_POST
@may(CONFIRM)
def offer(request: StaffRequest, pk: int) -> HttpResponse:
    """The head is here and asks one of his family to take his place."""
    place, at = found_place(request, pk), now()

    def act() -> None:
        if place.pool.head is None:
            raise PoolRefused("没有提出：单位积分没有户主。")
        presence.demand_here(member=place.pool.head, station=request.station, at=at)
        pool_heads.offer(place=place, at=at, actor=request.user)

    return done(request, place.pool, None, act, "已请他接任，等本人确认。")


@require_POST
@may(CONFIRM)
def take_over(request: StaffRequest, number: str) -> HttpResponse:
    """Who was asked is here and says yes."""
    found, at = found_pool(request, number), now()

    def act() -> None:
        if found.heir is None:
            raise PoolRefused("没有接任：没有人等着接任户主。")
        presence.demand_here(member=found.heir, station=request.station, at=at)
        pool_heads.take_over(pool=found, member=found.heir, at=at, actor=request.user)

    return done(request, found, None, act, "户主已交接。")


@require_POST
@may(CONFIRM)
def turn_down(request: StaffRequest, number: str) -> HttpResponse:
    """The head takes it back, or who was asked says no."""
    found = found_pool(request, number)

    def act() -> None:
        pool_heads.turn_down(pool=found, at=now(), actor=request.user)

    return done(request, found, None, act, "已撤回。")
