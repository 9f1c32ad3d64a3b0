"""What is asked of a scene: the fill of its car, the sale of that fill, and what the trainee did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from devices.models import Alarm, Command, Fill, NozzleState
from sales.models import FillClaim, Prepay, Sale
from station.access import may_do, role_at
from station.models import AuditEntry, Nozzle, PracticeAttempt, TillSession, User

BROKEN = (Alarm.Kind.LINE, Alarm.Kind.SILENCE)


@dataclass(frozen=True)
class Finding:
    """One thing that the checker looked at: right or wrong, in words."""

    ok: bool
    text: str


@dataclass(frozen=True)
class Scene:
    """A running or ended attempt, and the questions that its stages and its checker ask."""

    attempt: PracticeAttempt

    @property
    def trainee(self) -> User:
        return self.attempt.user

    @property
    def since(self) -> datetime:
        return self.attempt.started_at

    @property
    def facts(self) -> dict[str, Any]:
        """What the scene put down, by name; a stage may add to it."""
        facts: dict[str, Any] = self.attempt.facts
        return facts

    def yuan(self, name: str) -> Decimal:
        """A figure that a stage put down as text."""
        return Decimal(str(self.facts[name]))

    def moment(self, name: str) -> datetime | None:
        """An instant that a stage put down; None where that stage has not come."""
        text = self.facts.get(name)
        return datetime.fromisoformat(text) if text else None

    @property
    def nozzle(self) -> Nozzle:
        """Where its car stands."""
        return Nozzle.objects.select_related("dispenser__wiring__line", "tank__grade").get(
            pk=self.facts["nozzle"]
        )

    @property
    def leads(self) -> bool:
        """Whether the trainee may release a stop himself."""
        return may_do(role_at(self.trainee, self.attempt.station), "devices.resume_all")

    @property
    def session(self) -> TillSession | None:
        """The session that the trainee began with."""
        return TillSession.objects.filter(pk=self.facts["session"]).first()

    @property
    def fill(self) -> Fill | None:
        """What the car took; None until it is told."""
        rows = Fill.objects.filter(nozzle=self.facts["nozzle"], pk__gt=self.facts["last_fill"])
        by_pump = rows.exclude(source=Fill.Source.MANUAL)  # what was typed is somebody's word
        return by_pump.select_related("nozzle").order_by("pk").first()

    @property
    def litres_now(self) -> Decimal:
        """What runs now; nought unless fuel flows."""
        state = NozzleState.objects.filter(nozzle=self.facts["nozzle"]).first()
        flows = state is not None and state.state == NozzleState.State.FUELLING
        return state.litres if state is not None and flows else Decimal(0)

    @property
    def claim(self) -> FillClaim | None:
        """Whose the fill of the car is by now."""
        fill = self.fill
        if fill is None:
            return None
        return FillClaim.objects.filter(fill=fill, released_at=None).first()

    @property
    def sale(self) -> Sale | None:
        """The sale by which the fill of the car was paid."""
        claim = self.claim
        if claim is None or claim.kind != FillClaim.Kind.SALE:
            return None
        return Sale.objects.select_related("cashier", "session").get(number=claim.document)

    @property
    def prepay(self) -> Prepay | None:
        """The prepay that the trainee took at the nozzle."""
        rows = Prepay.objects.filter(
            nozzle=self.facts["nozzle"], cashier=self.trainee, taken_at__gte=self.since
        )
        return rows.select_related("sale").order_by("pk").first()

    @property
    def goods_sale(self) -> Sale | None:
        """The trainee's sale of at least two of the goods that the scene asks for."""
        rows = Sale.objects.filter(
            cashier=self.trainee, kind=Sale.Kind.SALE, occurred_at__gte=self.since,
            lines__item=self.facts["item"], lines__quantity__gte=2,
        )  # fmt: skip
        return rows.order_by("pk").first()

    @property
    def alarm_seen(self) -> bool:
        """Whether the trainee has taken one of the alarms of the break in hand."""
        broken = self.moment("cut_at") or self.since
        alarms = Alarm.objects.filter(
            station=self.attempt.station, kind__in=BROKEN, last_at__gte=broken
        )
        documents = [f"告警 {pk}" for pk in alarms.values_list("pk", flat=True)]
        acts = AuditEntry.objects.filter(
            actor=self.trainee, at__gte=broken, document__in=documents,
            action__in=("devices.alarm.seen", "devices.alarm.handled"),
        )  # fmt: skip
        return acts.exists()

    def ordered(self, kind: Command.Kind, *, since: datetime) -> Command | None:
        """The first order of a kind for the whole forecourt since an instant, whoever gave it."""
        rows = Command.objects.filter(
            station=self.attempt.station, kind=kind, asked_at__gte=since
        ).select_related("actor")
        return rows.order_by("pk").first()
