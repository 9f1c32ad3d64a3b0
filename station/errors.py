"""Refusals: a rule said no, in words for the person at the screen.

Subclasses sit beside the service that raises them. A view shows a refusal in its form (422); one
that nobody caught becomes 409 through the middleware and never a 500.
"""

from __future__ import annotations


class Refusal(Exception):
    """A rule said no. The text says in Chinese what was refused, why, and what to do next."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text
