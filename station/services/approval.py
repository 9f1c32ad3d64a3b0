"""Four eyes at one screen: the second person types account and PIN (or password) to approve."""

from __future__ import annotations

from datetime import datetime

from station.access import may_do, role_at
from station.errors import Refusal
from station.models import Station, User
from station.services import accounts


class NotYourself(Refusal):
    """The person asking cannot approve."""


class MayNotApprove(Refusal):
    """The role at this station lacks the right."""


def check_approver(
    *,
    username: str,
    secret: str,
    right: str,
    station: Station,
    not_user: User,
    at: datetime,
) -> User:
    """The account that approves, when its secret and its right at the station hold.

    Refuses with NotYourself, WrongSecret, SecretLocked or MayNotApprove. Call it in the view,
    before the service's transaction: a wrong try is counted whatever becomes of the rest.
    """
    if username.strip() == not_user.username:
        raise NotYourself("不能自己审批自己，请由另一位有权限的人输入账号和口令。")
    approver = User.objects.filter(username=username.strip(), is_active=True).first()
    if approver is None:
        raise accounts.WrongSecret("账号或口令不对，请重新输入。")
    accounts.check_secret(user=approver, secret=secret, at=at)
    if not may_do(role_at(approver, station), right):
        raise MayNotApprove(f"{approver.name} 没有审批这一项的权限，请找站长或老板。")
    return approver
