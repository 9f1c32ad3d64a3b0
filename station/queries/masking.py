"""Personal data as it may be shown to anybody: enough to recognise, too little to use."""

from __future__ import annotations


def mask_phone(phone: str) -> str:
    """138****5678."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "*" * len(phone)


def mask_plate(plate: str) -> str:
    """云A**345: the place and the last three."""
    return (
        f"{plate[:2]}{'*' * (len(plate) - 5)}{plate[-3:]}" if len(plate) >= 6 else "*" * len(plate)
    )


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
