"""短信 of messages: claimed, sent, written down; never sent a second time knowingly.

A row is claimed and committed before its text goes out. A worker that dies in between leaves it
claimed: nobody can know whether the text left, so it ends as UNKNOWN and the inbox has the message.
What the channel refused is tried again, then goes to the inbox as well.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils.timezone import localtime

from members.models import Consent, Member, MemberNotice, NoticeDelivery, NoticeText
from members.queries.consents import allows
from station.channels import texts
from station.models import Station
from station.queries import settings
from station.services.sealing import unseal

State, Outcome, Channel = NoticeText.State, NoticeDelivery.State, NoticeDelivery.Channel
PAUSES = (timedelta(minutes=5), timedelta(minutes=30))  # after the first and the second refusal
DEAD_AFTER = timedelta(minutes=10)  # no sending takes so long
SIGNED = "【油站管家】"


def send_waiting(*, at: datetime, limit: int = 200) -> int:
    """Send what is due where it is day, oldest first; how many went out.

    Not in a transaction: each claim is to be committed before its text leaves.
    """
    give_up_interrupted(at=at)
    rows = NoticeText.objects.filter(
        state=State.WAITING, due_at__lte=at, notice__member__home_station__in=_awake(at)
    )
    due = list(rows.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])
    return sum(_send(pk, at) for pk in due)


def give_up_interrupted(*, at: datetime) -> int:
    """End what was claimed long ago: whether it went out nobody knows. How many."""
    rows = NoticeText.objects.filter(state=State.SENDING, claimed_at__lte=at - DEAD_AFTER)
    words = "发送中断，不知道有没有发出，不再重发；已放进站内消息。"
    return sum(
        _ended(row, Outcome.UNKNOWN, words, at) for row in list(rows.select_related("notice"))
    )


def _awake(at: datetime) -> list[int]:
    """Stations whose members may be texted at this hour."""
    hour = localtime(at).hour
    return [
        one.pk
        for one in Station.objects.all()
        if settings.whole("members.text_from_hour", one)
        <= hour
        < settings.whole("members.text_until_hour", one)
    ]


def _send(pk: int, at: datetime) -> bool:
    row = _claimed(pk, at)
    if row is None:
        return False
    member = row.notice.member.merged_into or row.notice.member
    why = _why_not(member)
    if why:
        return _ended(row, Outcome.SKIPPED, why, at) and False
    phone = unseal(member.key, member.phone_sealed)
    words = f"{SIGNED}{row.notice.subject}：{row.notice.text}"
    try:
        texts.send(phone=phone, text=words)
    except texts.NotSent as refusal:
        _refused(row, str(refusal), at)
        return False
    return _ended(row, Outcome.SENT, "", at)


def _claimed(pk: int, at: datetime) -> NoticeText | None:
    """The row, ours from now on; None where another worker was faster."""
    with transaction.atomic():
        moved = NoticeText.objects.filter(pk=pk, state=State.WAITING).update(
            state=State.SENDING, attempts=F("attempts") + 1, claimed_at=at
        )
    if not moved:
        return None
    rows = NoticeText.objects.select_related(
        "notice__member__key", "notice__member__merged_into__key"
    )
    return rows.get(pk=pk)


def _why_not(member: Member) -> str:
    """Why a member gets no text; empty where he does. A service message wants the policy's consent."""
    if member.status == Member.Status.CLOSED:
        return "会员已注销"
    if not member.phone_sealed:
        return "没有手机号"
    if not allows(member, Consent.Purpose.POLICY):
        return "没有同意隐私政策，或已撤回"
    if not texts.is_connected():
        return "本站还没有接通短信"
    return ""


@transaction.atomic
def _refused(row: NoticeText, words: str, at: datetime) -> None:
    """The channel took nothing: once more later, or the inbox in its place."""
    if row.attempts > len(PAUSES):
        _ended(row, Outcome.FAILED, words, at)
        return
    moved = NoticeText.objects.filter(pk=row.pk, state=State.SENDING, attempts=row.attempts)
    if moved.update(state=State.WAITING, due_at=at + PAUSES[row.attempts - 1]):
        _record(row.notice, Channel.SMS, row.attempts, Outcome.FAILED, words, at)


@transaction.atomic
def _ended(row: NoticeText, outcome: str, words: str, at: datetime) -> bool:
    """End a claimed text with the record of its attempt; what did not go out goes to the inbox."""
    moved = NoticeText.objects.filter(pk=row.pk, state=State.SENDING, attempts=row.attempts)
    if not moved.update(state=outcome):
        return False
    _record(row.notice, Channel.SMS, row.attempts, outcome, words, at)
    if outcome != Outcome.SENT and not row.notice.shown:
        MemberNotice.objects.filter(pk=row.notice.pk).update(shown=True)
        _record(row.notice, Channel.INBOX, 1, Outcome.SENT, "短信没有送达，改放站内", at)
    return True


def _record(
    notice: MemberNotice, channel: str, attempt: int, state: str, reason: str, at: datetime
) -> None:
    NoticeDelivery.objects.create(
        notice=notice, channel=channel, attempt=attempt, state=state, reason=reason[:200], at=at
    )
