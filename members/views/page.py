"""The member's page: found within the stations of the user, and shown with what he may do."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now

from members.forms.people import ReasonForm
from members.models import Member
from members.queries.cards import Card, card_of, members_of
from members.queries.consents import standings
from members.queries.history import latest, sums_of
from members.queries.plastic import cards_of
from members.queries.points import wallet_of
from members.queries.profiles import changes_of, others_of
from members.queries.standing import standing_of
from members.queries.tier_progress import progress_of
from members.queries.tiers import notices_to_tell, tiers_held
from members.queries.value import account_of_member
from station.access import StaffRequest, may_do
from station.queries.audit import history_of
from station.queries.columns import Tone

TONES: dict[str, Tone] = {"ACTIVE": "good", "FROZEN": "wait", "MERGED": "info", "CLOSED": "off"}
CARD_TONES: dict[str, Tone] = {"ACTIVE": "good", "LOST": "bad", "CANCELLED": "off"}
# What of the page a role may do, by the name its template asks for.
RIGHTS = {
    "may_unmask": "members.unmask",
    "may_change": "members.create",
    "may_forget": "members.forget",
    "may_card": "members.cards",
    "may_freeze": "members.freeze",
    "may_points": "members.points.view",
    "may_value": "members.value",
    "may_set_tier": "members.tiers.set",
    "may_merge": "members.merge",
    "may_export": "members.export",
}


def found(request: StaffRequest, number: str) -> Member:
    """A member of the stations that this person may see, else 404."""
    return get_object_or_404(members_of(request.stations), number=number)


def page(
    request: StaffRequest, member: Member, card: Card | None = None, *, refusal: str = ""
) -> HttpResponse:
    """The page of a member; `card` where it is shown in full, and a refusal where one was."""
    gone = member.status in (Member.Status.CLOSED, Member.Status.MERGED)
    rights = {name: may_do(request.role, right) for name, right in RIGHTS.items()}
    content = {
        **rights,
        "member": member,
        "card": card or card_of(member),
        "tone": TONES[member.status],
        "closed": gone,
        "standing": standing_of(member),
        "wallet": wallet_of(member_id=member.pk, at=now()),
        "reason": ReasonForm(),
        "refusal": refusal,
        "consents": standings(member),
        "cards": [(row, CARD_TONES[row.status]) for row in cards_of(member)],
        "others": others_of(member),
        "progress": progress_of(member_ids=[member.pk], at=now()).get(member.pk),
        "tiers_held": tiers_held(member),
        "tier_notices": notices_to_tell(member),
        "value": account_of_member(member.pk) if rights["may_value"] else None,
        "purchases": latest(member),
        "sums": sums_of(member),
        "changes": changes_of(member),
        "history": history_of(member.number),
    }
    return render(request, "members/member.html", content, status=422 if refusal else 200)
