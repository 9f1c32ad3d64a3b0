"""设备密钥: a till signs what it uploads by a key of its own, since its login may be over by then."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from django.db import transaction

from station.errors import Refusal
from station.models import Till, User
from station.services import audit


class BadSignature(Refusal):
    """The upload is not signed by the key of the till it names."""


@transaction.atomic
def enrol(*, till: Till, public_key: str, actor: User, at: datetime) -> None:
    """Keep the public half of a till's key; the private half never leaves its browser. Audited.

    Refuses what is no point of the curve P-256.
    """
    try:
        _key(public_key)
    except ValueError as error:
        raise BadSignature("没有登记：设备密钥无法识别。请换新版 Chrome 或 Edge 再试。") from error
    Till.objects.filter(pk=till.pk).update(public_key=public_key)
    audit.record(
        at=at,
        actor=actor,
        station=till.station,
        action="sales.till.enrolled",
        document=f"till:{till.pk}",
        after={"till": till.name, "key": public_key[-12:]},
    )


def check_signature(*, till: Till, signature: str, data: bytes) -> None:
    """Refuses BadSignature unless the till's key signed these bytes (ECDSA P-256 with SHA-256)."""
    try:
        raw = base64.b64decode(signature, validate=True)
        if len(raw) != 64 or not till.public_key:
            raise ValueError("no signature of this till")
        der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        _key(till.public_key).verify(der, data, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError, binascii.Error) as error:
        raise BadSignature(
            "补传没有收下：签名不对。请站长在这台收银机上重新登记设备密钥。"
        ) from error


def _key(public_key: str) -> ec.EllipticCurvePublicKey:
    point = base64.b64decode(public_key, validate=True)
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
