"""单位客户: companies with their contact and bank account, sealed like a person's data."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction

from members.models import Company
from members.queries.cards import card_of_company
from members.services.noting import about
from station.errors import Refusal
from station.models import Station, User
from station.queries.masking import mask_id, mask_name, mask_phone
from station.services import sealing
from station.services.numbering import next_in


class BadAccount(Refusal):
    """Not a bank account number."""


class BadTelephone(Refusal):
    """Neither a mobile nor a line with its area code."""


class BadTaxNo(Refusal):
    """Not a unified social credit code or tax number."""


@transaction.atomic
def add_company(
    *,
    station: Station,
    name: str,
    tax_no: str,
    contact: str,
    phone: str,
    bank_account: str,
    at: datetime,
    actor: User,
) -> Company:
    """A new company. Refuses with BadTaxNo, BadTelephone or BadAccount."""
    key = sealing.new_key(at=at)
    company = Company(
        number=next_in(f"C{station.code}", width=4), station=station, name=name.strip(), key=key
    )
    company.tax_no = _tax_no(tax_no)
    said = _seal_in(company, contact, phone, bank_account)
    company.save()
    about(company).note("members.company.added", at, actor, after={"名称": company.name, **said})
    return company


@transaction.atomic
def change_company(
    *,
    company: Company,
    name: str,
    tax_no: str,
    contact: str,
    phone: str,
    bank_account: str,
    at: datetime,
    actor: User,
) -> None:
    """Correct a company; an empty contact, phone or account leaves what is there. Refuses alike."""
    card = card_of_company(company)
    old = {
        "名称": company.name,
        "税号": company.tax_no,
        "联系人": card.name,
        "电话": card.phone,
        "银行账号": card.bank_account,
    }
    company.name, company.tax_no = name.strip() or company.name, _tax_no(tax_no)
    said = {"名称": company.name, "税号": company.tax_no}
    said |= _seal_in(company, contact, phone, bank_account)
    company.save()
    changed = {field: new for field, new in said.items() if old[field] != new}
    if changed:
        about(company).note(
            "members.company.changed",
            at,
            actor,
            before={field: old[field] for field in changed},
            after=changed,
        )


def _seal_in(company: Company, contact: str, phone: str, account: str) -> dict[str, str]:
    """Seal what was typed into the row; returns it masked."""
    said = {}
    if contact.strip():
        company.contact_sealed = sealing.seal(company.key, contact.strip())
        said["联系人"] = mask_name(contact.strip())
    if phone.strip():
        kept = sealing.normal(phone).removeprefix("+86")
        if not re.fullmatch(r"\d{7,12}", kept):
            raise BadTelephone("电话不对：手机 11 位，固定电话请带区号，例如 0871-12345678。")
        company.phone_sealed = sealing.seal(company.key, kept)
        company.phone_index = sealing.blind_index("phone", kept)
        said["电话"] = mask_phone(kept)
    if account.strip():
        kept = sealing.normal(account)
        if not re.fullmatch(r"\d{8,30}", kept):
            raise BadAccount("银行账号不对：应为 8 至 30 位数字，请核对。")
        company.bank_account_sealed = sealing.seal(company.key, kept)
        company.bank_account_index = sealing.blind_index("bank_account", kept)
        said["银行账号"] = mask_id(kept)
    return said


def _tax_no(text: str) -> str:
    kept = sealing.normal(text)
    if kept and not re.fullmatch(r"[0-9A-Z]{15,20}", kept):
        raise BadTaxNo("税号不对：统一社会信用代码为 18 位字母和数字，请核对。")
    return kept
