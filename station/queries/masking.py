"""Personal data as it may be shown to anybody: enough to recognise, too little to use."""

from __future__ import annotations

from station.queries.wording import masked_phone, masked_plate


def mask_phone(phone: str) -> str:
    """138****5678; "" for ""."""
    return masked_phone(phone) if phone else ""


def mask_plate(plate: str) -> str:
    """云A***45; "" for ""."""
    return masked_plate(plate) if plate else ""


def mask_name(name: str) -> str:
    """张*, 张*明, 欧**修: the first and, from three on, the last character."""
    if len(name) <= 2:
        return name[:1] + "*" * (len(name) - 1)
    return name[0] + "*" * (len(name) - 2) + name[-1]


def mask_id(number: str) -> str:
    """530***********1234 for ID numbers and bank accounts: the first three and the last four."""
    if len(number) < 10:
        return "*" * len(number)
    return f"{number[:3]}{'*' * (len(number) - 7)}{number[-4:]}"
