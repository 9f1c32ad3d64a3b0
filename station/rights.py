"""The role matrix: right -> roles. Pure data, so that tests, pages and docs read the same table."""

from __future__ import annotations

OWNER, MANAGER, ACCOUNTANT = "OWNER", "MANAGER", "ACCOUNTANT"
CASHIER, ATTENDANT, MARKETER, SERVICE, SUPPLIER = (
    "CASHIER",
    "ATTENDANT",
    "MARKETER",
    "SERVICE",
    "SUPPLIER",
)

LEAD = frozenset({OWNER, MANAGER})
BOOKS = frozenset({OWNER, MANAGER, ACCOUNTANT})
TILL = frozenset({OWNER, MANAGER, CASHIER})
FORECOURT = frozenset({OWNER, MANAGER, CASHIER, ATTENDANT})
CREW = frozenset({OWNER, MANAGER, ACCOUNTANT, CASHIER, ATTENDANT})
CARE = frozenset({OWNER, MANAGER, CASHIER, MARKETER, SERVICE})
STAFF = frozenset({OWNER, MANAGER, ACCOUNTANT, CASHIER, ATTENDANT, MARKETER, SERVICE})
ALL = STAFF | {SUPPLIER}

RIGHTS: dict[str, frozenset[str]] = {
    # station
    "station.home": ALL,
    "station.account": ALL,
    "station.search": STAFF,
    "station.alerts": STAFF,
    "station.jobs": STAFF,
    "station.attachments": STAFF,
    "station.site.view": BOOKS,
    "station.site.change": LEAD,
    "station.people.view": LEAD,
    "station.people.change": LEAD,
    "station.settings.change": LEAD,
    "station.audit": BOOKS,
    "station.health": BOOKS,
    "station.calendar.change": LEAD,
    "station.export": BOOKS,
    # devices
    "devices.wall": FORECOURT,
    "devices.authorise": FORECOURT,
    "devices.stop": FORECOURT,
    "devices.stop_all": CREW,
    "devices.resume_all": LEAD,
    "devices.fills": CREW,
    "devices.frames": LEAD,
    "devices.status": CREW,
    "devices.alarms": CREW,
    "devices.alarms.handle": FORECOURT,
    "devices.wiring.view": BOOKS,
    "devices.wiring.change": LEAD,
    "devices.swipes": FORECOURT,
    "devices.cards.change": LEAD,
    # inventory
    "inventory.tanks": CREW,
    "inventory.dip": FORECOURT,
    "inventory.deliver": FORECOURT,
    "inventory.deliver.approve": LEAD,
    "inventory.adjust": LEAD,
    "inventory.items": CREW,
    "inventory.items.change": LEAD,
    "inventory.stock.receive": TILL,
    "inventory.stock.adjust": LEAD,
    # members
    "members.view": CARE,
    "members.create": CARE,
    "members.unmask": frozenset({OWNER, MANAGER, SERVICE}),
    "members.companies": BOOKS,
    "members.companies.change": LEAD,
    # sales
    "sales.till": TILL,
    "sales.settle": TILL,
    "sales.discount": TILL,
    "sales.view": CREW,
    "sales.void_line": TILL,
    "sales.void": TILL,
    "sales.reverse": LEAD,
    "sales.refund": LEAD,
    "sales.reprint": TILL,
    "sales.dispose_fill": TILL,
    "sales.approve": LEAD,
    "sales.late_entry": TILL,
    "sales.tender_change": LEAD,
    "sales.session": TILL,
    "sales.cash": TILL,
    "sales.shift.view": CREW,
    "sales.shift.open": TILL,
    "sales.shift.close": TILL,
    "sales.shift.correct": LEAD,
    "sales.prices.view": CREW,
    "sales.prices.plan": BOOKS,
    "sales.prices.approve": LEAD,
    "sales.discrepancies": BOOKS | {CASHIER},
    "sales.discrepancies.work_off": LEAD,
    "sales.service_times": BOOKS,
    "sales.tenders.change": LEAD,
    # finance
    "finance.reports": BOOKS,
    "finance.owner": LEAD | {ACCOUNTANT},
    "finance.day.view": BOOKS,
    "finance.day.close": LEAD,
    "finance.day.accept": frozenset({OWNER}),
    # The roles that may approve what another proposed (four eyes).
}
