"""短信: one way out, and which adapter stands at its end.

`settings.TEXT_CHANNEL` names it: `local` keeps the last texts for the page of the local counterpart
(the demo, practice and development only), `none` says that there is no channel, anything else is the dotted
path of a class with `send(phone=, text=)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

from django.conf import settings
from django.core.cache import cache
from django.utils.module_loading import import_string

from station.errors import Refusal

KEY, KEPT, SECONDS = "channels.texts", 20, 900


class NotSent(Refusal):
    """The text did not go out."""


class Texts(Protocol):
    """What an adapter does: take one text to one phone, or raise NotSent."""

    def send(self, *, phone: str, text: str) -> None: ...


@dataclass(frozen=True)
class Text:
    """A text that the local counterpart holds: nothing left the machine."""

    phone: str
    text: str


class Local:
    """The local counterpart: texts wait in the cache for a quarter of an hour, to be looked at."""

    def send(self, *, phone: str, text: str) -> None:
        kept = cast(list[Text], cache.get(KEY, []))
        cache.set(KEY, [Text(phone, text), *kept][:KEPT], SECONDS)


class Nobody:
    """No channel was set up."""

    def send(self, *, phone: str, text: str) -> None:
        raise NotSent("短信没有发出：本站还没有接通短信。请到收银台办理，或告诉站长。")


def send(*, phone: str, text: str) -> None:
    """Send a text. Refuses with NotSent. Not within a transaction: what is out cannot be recalled."""
    _channel().send(phone=phone, text=text)


def is_local() -> bool:
    """Whether texts stay on this machine, to be shown on the counterpart's page."""
    return bool(
        settings.PRACTICE
        or (settings.TEXT_CHANNEL == "local" and (settings.DEMO or settings.DEBUG))
    )


def is_connected() -> bool:
    """Whether anything stands at the end that takes texts."""
    return not isinstance(_channel(), Nobody)


def lately() -> list[Text]:
    """What the local counterpart holds, the newest first."""
    return cast(list[Text], cache.get(KEY, []))


def _channel() -> Texts:
    if is_local():
        return Local()
    if settings.TEXT_CHANNEL in ("local", "none", ""):
        return Nobody()
    return cast(Texts, import_string(settings.TEXT_CHANNEL)())
