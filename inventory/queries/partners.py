"""Who brings the fuel: suppliers' contacts and trucks, sealed at rest, masked but for who needs them."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.models import Delivery, Supplier
from station.queries.masking import mask_name, mask_phone, mask_plate
from station.services.sealing import unseal

Status = Delivery.Status
OVER = frozenset({Status.POSTED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call at a supplier."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Truck:
    """What is compared with the truck at the gate."""

    plate: str
    driver: str


def contact_of(supplier: Supplier, *, full: bool = False) -> Contact:
    """A supplier's contact; `full` is for the form of who may change it."""
    name = unseal(supplier.key, supplier.contact_sealed)
    phone = unseal(supplier.key, supplier.phone_sealed)
    return Contact(name, phone) if full else Contact(mask_name(name), mask_phone(phone))


def truck_of(delivery: Delivery, *, may_deliver: bool, may_approve: bool) -> Truck:
    """The truck of a delivery: in full while it is unloaded and checked, later for who may approve."""
    plate = unseal(delivery.key, delivery.truck_plate_sealed)
    driver = unseal(delivery.key, delivery.driver_sealed)
    if may_approve or (may_deliver and delivery.status not in OVER):
        return Truck(plate, driver)
    return Truck(mask_plate(plate), mask_name(driver))
