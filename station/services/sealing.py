"""Personal data at rest: ciphertext under the person's own key, and keyed blind indexes.

Each person (or company) has a data key; the site key wraps it. Destroying the data key forgets
the person for good, while the books keep their totals. Equal texts
are found through HMAC indexes, which tell nothing without the index key. docs/sealing.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

from station.errors import Refusal
from station.models import DataKey, IndexKey

NONCE = 12
TAIL = 4


class KeyDestroyed(Refusal):
    """The person asked to be forgotten; nothing can be read any more."""


class NotReadable(Refusal):
    """The ciphertext does not belong to this key, or the site key is another one."""


def new_key(*, at: datetime) -> DataKey:
    """A fresh data key of one person or company, wrapped by the site key."""
    return DataKey.objects.create(
        wrapped=_wrap(AESGCM.generate_key(256), settings.SITE_KEY), created_at=at
    )


def new_keys(*, count: int, at: datetime) -> list[DataKey]:
    """As many fresh data keys, for persons who are taken in by thousands. One statement."""
    return DataKey.objects.bulk_create(
        DataKey(wrapped=_wrap(AESGCM.generate_key(256), settings.SITE_KEY), created_at=at)
        for _ in range(count)
    )


def seal(key: DataKey, text: str) -> str:
    """Ciphertext of a text under a person's key; "" stays "". Refuses with KeyDestroyed."""
    if not text:
        return ""
    nonce = os.urandom(NONCE)
    return _pack(nonce + AESGCM(_open(key)).encrypt(nonce, text.encode(), _bound(key)))


def unseal(key: DataKey, sealed: str) -> str:
    """The text of a ciphertext; "" stays "". Refuses with KeyDestroyed or NotReadable."""
    if not sealed:
        return ""
    blob = _unpack(sealed)
    try:
        return AESGCM(_open(key)).decrypt(blob[:NONCE], blob[NONCE:], _bound(key)).decode()
    except InvalidTag:
        raise NotReadable(f"密钥 {key.pk} 解不开这段资料：密文与密钥不符，请联系管理员。") from None


def destroy_key(*, key: DataKey, at: datetime) -> None:
    """Forget: what was sealed under this key can never be read again. Twice is the same as once."""
    DataKey.objects.filter(pk=key.pk, destroyed_at=None).update(wrapped="", destroyed_at=at)
    key.refresh_from_db()


def blind_index(purpose: str, text: str) -> str:
    """A keyed fingerprint by which an equal text is found; "" for "".

    Purposes (phone, plate, id_number, bank_account …) never meet: the same digits as a phone and
    as a bank account give different indexes. Case, spaces, dots and dashes do not count.
    """
    return blind_indexes({purpose: text})[purpose]


def blind_indexes(texts: Mapping[str, str]) -> dict[str, str]:
    """`blind_index` of one text for each of several purposes, with one statement for the key."""
    master = _index_master()
    return {
        purpose: hmac.new(
            _derive(master, f"index:{purpose}"), normal(text).encode(), hashlib.sha256
        ).hexdigest()
        if normal(text)
        else ""
        for purpose, text in texts.items()
    }


class Indexer:
    """`blind_index` for many texts in one transaction: one statement for the key, whatever follows."""

    def __init__(self) -> None:
        self._master = _index_master()
        self._keys: dict[str, bytes] = {}

    def __call__(self, purpose: str, text: str) -> str:
        kept = normal(text)
        if not kept:
            return ""
        if purpose not in self._keys:
            self._keys[purpose] = _derive(self._master, f"index:{purpose}")
        return hmac.new(self._keys[purpose], kept.encode(), hashlib.sha256).hexdigest()

    def tail(self, purpose: str, text: str) -> str:
        """`tail_index` of a text."""
        tail = normal(text)[-TAIL:]
        return self(f"{purpose}:tail", tail) if len(tail) == TAIL else ""


def tail_index(purpose: str, text: str) -> str:
    """The same for the last four characters, under a key of its own; "" for "" and shorter texts."""
    tail = normal(text)[-TAIL:]
    return blind_index(f"{purpose}:tail", tail) if len(tail) == TAIL else ""


def normal(text: str) -> str:
    """What of a number or plate counts when compared: capitals and digits, no separators."""
    return re.sub(r"[\s·•.\-]", "", text).upper()


@transaction.atomic
def rewrap(*, old: str, new: str, batch: int = 500) -> int:
    """Wrap up to `batch` keys anew that are still wrapped by the old site key; returns how many.

    Call it until it returns 0. What is sealed and indexed stays as it is: only wrappings change.
    """
    mark = _mark(old)
    keys: list[DataKey | IndexKey] = [
        *DataKey.objects.select_for_update()
        .filter(wrapped__startswith=mark)
        .order_by("pk")[:batch],
        *IndexKey.objects.select_for_update().filter(wrapped__startswith=mark),
    ]
    for key in keys:
        key.wrapped = _wrap(_unwrap(key.wrapped, old), new)
        key.save(update_fields=["wrapped"])
    return len(keys)


def check_keys() -> int:
    """Open every tenth of the newest thousand keys and the index key; returns how many. Reads only.

    Refuses with NotReadable: the site key is another one.
    """
    newest = DataKey.objects.filter(destroyed_at=None).order_by("-pk")[:1000]
    wrapped = [key.wrapped for key in newest][::10]
    wrapped += IndexKey.objects.values_list("wrapped", flat=True)
    for one in wrapped:
        _unwrap_any(one)
    return len(wrapped)


# --------------------------------------------------------------------------------- inside


def _index_master() -> bytes:
    """The master of the index keys, made at its first use, wrapped like any other key."""
    master = IndexKey.objects.filter(name="blind").first()
    if master is None:
        master, _ = IndexKey.objects.get_or_create(
            name="blind",
            defaults={"wrapped": _wrap(AESGCM.generate_key(256), settings.SITE_KEY)},
        )
    return _unwrap_any(master.wrapped)


def _open(key: DataKey) -> bytes:
    if key.destroyed_at:
        raise KeyDestroyed("资料已按本人要求销毁，无法再查看。")
    return _unwrap_any(key.wrapped)


def _bound(key: DataKey) -> bytes:
    """Binds a ciphertext to its key's row, so that one cannot be moved under another."""
    return f"key:{key.pk}".encode()


def _wrap(secret: bytes, site_key: str) -> str:
    nonce = os.urandom(NONCE)
    sealed = AESGCM(_derive(site_key.encode(), "wrap")).encrypt(nonce, secret, b"wrap")
    return _mark(site_key) + _pack(nonce + sealed)


def _unwrap(wrapped: str, site_key: str) -> bytes:
    mark, _, packed = wrapped.rpartition(".")
    blob = _unpack(packed)
    try:
        return AESGCM(_derive(site_key.encode(), "wrap")).decrypt(
            blob[:NONCE], blob[NONCE:], b"wrap"
        )
    except InvalidTag:
        raise NotReadable(f"站点密钥不对：资料由密钥 {mark} 保护，请检查 SITE_KEY 设置。") from None


def _unwrap_any(wrapped: str) -> bytes:
    """Unwrap by the site key, or by the previous one while a rotation is under way."""
    previous = settings.SITE_KEY_PREVIOUS
    if previous and wrapped.startswith(_mark(previous)):
        return _unwrap(wrapped, previous)
    return _unwrap(wrapped, settings.SITE_KEY)


def _mark(site_key: str) -> str:
    """Which site key wrapped this, without telling anything of the key."""
    return _derive(site_key.encode(), "mark").hex()[:8] + "."


def _derive(secret: bytes, info: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=b"youzhan-guanjia", info=info.encode()).derive(
        secret
    )


def _pack(blob: bytes) -> str:
    return base64.urlsafe_b64encode(blob).decode()


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode())
