"""What the frame of every page shows: menu, station, business day and shift, alerts, who signed in.

One statement for the whole frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from typing import Final, cast

from django.conf import settings
from django.db.models import Count, OuterRef, Subquery
from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from station.access import StaffRequest, may_do
from station.doors import PRACTICE_PAGE
from station.models import Alert, BusinessDay, Message, Shift, Station
from station.models.people import Role
from station.queries.practice import live_address, practice_address

THEMES: Final = (
    ("", "跟随系统", "device-desktop"),
    ("light", "浅色", "sun"),
    ("dark", "深色", "moon"),
)
_ACCOUNT: Final = (
    ("station:account", "我的账户", "user-circle"),
    ("station:lock", "锁屏、换班", "lock"),
    ("station:inbox", "收件箱", "mail"),
    ("station:ui", "页面样本", "palette"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A link that this person may follow."""

    label: str
    href: str
    icon: str = ""
    name: str = ""
    active: bool = False
    count: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """A line of the left menu with the pages under it."""

    label: str
    icon: str
    pages: tuple[Entry, ...]
    active: bool = False
    here: bool = False

    @property
    def href(self) -> str:
        return self.pages[0].href


@dataclass(frozen=True, slots=True)
class Today:
    """The open business day and its shift, in words."""

    date: date | None
    shift: str
    state: str
    tone: str
    href: str


def page_for(name: str, role: str) -> str:
    """The address of a named page, or "" where it does not exist or the role may not open it."""
    return _page_for(name, role, settings.ROOT_URLCONF)


@cache
def _page_for(name: str, role: str, urlconf: str) -> str:
    # Every page asks for eight of them, and to find the view goes through all addresses.
    try:
        href = reverse(name)
        view = resolve(href).func
    except (NoReverseMatch, Resolver404):
        return ""
    right = getattr(view, "right", None)
    return href if right is None or may_do(role, right) else ""


def menu_of(role: str) -> tuple[Section, ...]:
    """The sections of settings.MENU that a role may open, its first page's section first."""
    return _menu(role, settings.ROOT_URLCONF)


def home_of(role: str) -> str:
    """Where a role starts: the first page of settings.HOME that exists and it may open, or ""."""
    return _home(role, settings.ROOT_URLCONF)


@cache
def _menu(role: str, urlconf: str) -> tuple[Section, ...]:
    sections = []
    for label, symbol, pages in settings.MENU:
        entries = tuple(
            Entry(title, href, name=name) for title, name in pages if (href := page_for(name, role))
        )
        if entries:
            sections.append(Section(label, symbol, entries))
    first = home_of(role)
    sections.sort(key=lambda section: all(entry.href != first for entry in section.pages))
    return tuple(sections)


@cache
def _home(role: str, urlconf: str) -> str:
    names = settings.HOME.get(role, [])
    return next((href for name in names if (href := page_for(name, role))), "")


class Frame:
    """Everything the frame asks for, asked once and only if drawn."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def _staff(self) -> StaffRequest | None:
        staff = cast(StaffRequest, self._request)
        return staff if getattr(staff, "role", "") else None

    @cached_property
    def theme(self) -> str:
        chosen = self._request.COOKIES.get("theme", "")
        return chosen if chosen in {"light", "dark"} else ""

    @property
    def themes(self) -> tuple[tuple[str, str, str], ...]:
        return THEMES

    @property
    def user(self) -> object:
        return self._staff.user if self._staff else None

    @property
    def user_name(self) -> str:
        return self._staff.user.name if self._staff else ""

    @property
    def role(self) -> str:
        return Role(self._staff.role).label if self._staff else ""

    @property
    def station(self) -> Station | None:
        return getattr(self._staff, "station", None)

    @cached_property
    def menu(self) -> tuple[Section, ...]:
        if not self._staff:
            return ()
        here = self._here(menu_of(self._staff.role))
        return tuple(
            replace(
                section,
                pages=tuple(replace(page, active=page.href == here) for page in section.pages),
                active=any(page.href == here for page in section.pages),
                here=any(page.href == self._request.path for page in section.pages),
            )
            for section in menu_of(self._staff.role)
        )

    def _here(self, sections: tuple[Section, ...]) -> str:
        """The menu page that this page lies under: the longest address that it begins with."""
        path = self._request.path
        under = [page.href for one in sections for page in one.pages if path.startswith(page.href)]
        return max(under, key=len, default="")

    @cached_property
    def section(self) -> Section | None:
        return next((section for section in self.menu if section.active), None)

    @cached_property
    def _now(self) -> Station | None:
        """The station once more, with what the top bar says about it: one statement."""
        if not self._staff or not self.station:
            return None
        mine = {"station": OuterRef("pk")}
        day = BusinessDay.objects.filter(**mine, status=BusinessDay.Status.OPEN)
        shift = Shift.objects.filter(**mine, status=Shift.Status.OPEN)
        live = Alert.objects.filter(**mine, status__in=[Alert.Status.OPEN, Alert.Status.SEEN])
        count = live.order_by().values("station").annotate(number=Count("pk")).values("number")
        unread = Message.objects.filter(recipient=self._staff.user, read_at=None)
        mail = unread.order_by().values("recipient").annotate(number=Count("pk")).values("number")
        return Station.objects.annotate(
            messages_unread=Subquery(mail),
            open_day=Subquery(day.values("date")[:1]),
            open_shift=Subquery(shift.values("name")[:1]),
            alerts_open=Subquery(count),
        ).get(pk=self.station.pk)

    @cached_property
    def day(self) -> Today | None:
        if not self._staff or not self._now:
            return None
        opened, shift = getattr(self._now, "open_day"), getattr(self._now, "open_shift")  # noqa: B009
        href = page_for("sales:shift", self._staff.role)
        if not opened:
            return Today(None, "", "还没有开营业日", "wait", href)
        if not shift:
            return Today(opened, "", "没有当班班次", "wait", href)
        return Today(opened, shift, "当班", "good", href)

    @property
    def idle_minutes(self) -> int:
        return int(settings.IDLE_LOCK_MINUTES)

    @property
    def alerts(self) -> int:
        return getattr(self._now, "alerts_open", 0) or 0

    @property
    def unread(self) -> int:
        """Messages that this person has not read, at whatever station."""
        return getattr(self._now, "messages_unread", 0) or 0

    @cached_property
    def alerts_href(self) -> str:
        return page_for("station:alerts", self._staff.role) if self._staff else ""

    @property
    def stations(self) -> list[Station]:
        return self._staff.stations if self._staff else []

    @property
    def search(self) -> bool:
        return bool(self._staff and may_do(self._staff.role, "station.search"))

    @property
    def export(self) -> bool:
        return bool(self._staff and may_do(self._staff.role, "station.export"))

    @cached_property
    def stop_all(self) -> str:
        return page_for("devices:stop_all", self._staff.role) if self._staff else ""

    @cached_property
    def reads(self) -> str:
        """Where a page sends what a reader typed into it."""
        return page_for("devices:typed_read", self._staff.role) if self._staff else ""

    @cached_property
    def account(self) -> tuple[Entry, ...]:
        if not self._staff:
            return ()
        role = self._staff.role
        return tuple(
            Entry(label, href, symbol, count=self.unread if name == "station:inbox" else 0)
            for name, label, symbol in _ACCOUNT
            if (href := page_for(name, role))
        )

    @property
    def practising(self) -> bool:
        """Whether this is the practice station, which every page says."""
        return bool(settings.PRACTICE)

    @cached_property
    def live_href(self) -> str:
        """The way back from the practice station."""
        return live_address(self._request)

    @cached_property
    def practice_href(self) -> str:
        """The way to the practice station, for who may and where one runs."""
        if not self._staff or not practice_address(self._request):
            return ""
        return page_for("station:practice_go", self._staff.role)

    @cached_property
    def practice_page(self) -> str:
        """The scenarios, within the practice station."""
        return page_for(PRACTICE_PAGE, self._staff.role) if self._staff else ""

    @cached_property
    def sign_out(self) -> str:
        return page_for("station:sign_out", self._staff.role) if self._staff else ""


def frame(request: HttpRequest) -> dict[str, Frame]:
    """The context processor: {{ frame }} in every template."""
    return {"frame": Frame(request)}
