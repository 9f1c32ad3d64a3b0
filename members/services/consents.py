"""Consents: given, each for its own purpose, and withdrawn by a button."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from members.models import Channel, Consent, Member
from members.queries.consents import policy_version
from members.services.noting import about
from members.services.refusals import refuse_gone
from station.errors import Refusal
from station.models import User


class NoSuchPurpose(Refusal):
    """The purpose is none that a member is asked for."""


@transaction.atomic
def give(
    *,
    member: Member,
    purpose: str,
    at: datetime,
    actor: User | None,
    channel: str = Channel.STATION,
    evidence: str = "",
) -> Consent:
    """Write down a consent with the policy's version of now; twice is the same row.

    Refuses with NoSuchPurpose, MemberClosed or MemberMerged. `evidence` says how it was given, in
    words without personal data.
    """
    refuse_gone(member)
    if purpose not in Consent.Purpose.values:
        raise NoSuchPurpose("没有记录：没有这种同意，请从列出的用途里选。")
    living = Consent.objects.filter(member=member, purpose=purpose, withdrawn_at=None)
    known = living.first()
    if known:
        return known
    try:
        with transaction.atomic():
            made = _rows(
                member, (purpose,), at=at, actor=actor, channel=channel, evidence=evidence
            )[0]
    except IntegrityError:  # given at the same moment by another
        return living.get()
    about(member, by_himself=actor is None).note(
        "members.consent.given", at, actor, after={"用途": made.get_purpose_display()}
    )
    return made


def give_at_joining(
    *,
    member: Member,
    purposes: Sequence[str],
    at: datetime,
    actor: User | None,
    channel: str,
    evidence: str,
) -> None:
    """The consents that come with joining. Two statements and an audit row; the caller's transaction."""
    rows = _rows(member, purposes, at=at, actor=actor, channel=channel, evidence=evidence)
    words = [str(row.get_purpose_display()) for row in rows]
    about(member, by_himself=actor is None).note(
        "members.consent.given", at, actor, after={"用途": "、".join(words)}
    )


@transaction.atomic
def withdraw(
    *,
    member: Member,
    purpose: str,
    at: datetime,
    actor: User | None,
    channel: str = Channel.STATION,
) -> bool:
    """Withdraw a consent; tells whether one lived. Twice is once. Never refuses a person his right."""
    rows = Consent.objects.filter(member=member, purpose=purpose, withdrawn_at=None)
    if not rows.update(withdrawn_at=at, withdrawn_channel=channel, withdrawn_by=actor):
        return False
    about(member, by_himself=actor is None).note(
        "members.consent.withdrawn", at, actor, after={"用途": Consent.Purpose(purpose).label}
    )
    return True


def withdraw_all(*, member: Member, at: datetime, actor: User | None) -> None:
    """Every living consent ends, with the account. One statement; the caller audits."""
    Consent.objects.filter(member=member, withdrawn_at=None).update(
        withdrawn_at=at, withdrawn_channel=Channel.STATION, withdrawn_by=actor
    )


def _rows(
    member: Member,
    purposes: Sequence[str],
    *,
    at: datetime,
    actor: User | None,
    channel: str,
    evidence: str,
) -> list[Consent]:
    version = policy_version(member.home_station)
    return Consent.objects.bulk_create(
        Consent(
            member=member,
            purpose=purpose,
            policy_version=version,
            given_at=at,
            given_channel=channel,
            given_by=actor,
            evidence=evidence.strip()[:200],
        )
        for purpose in dict.fromkeys(purposes)
    )
