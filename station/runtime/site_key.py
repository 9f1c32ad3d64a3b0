"""The site key, kept apart: sealed under a passphrase in a file of its own, opened on a bare machine.

Without SITE_KEY a restored backup has the books and nobody's name. The sealed file may travel with
the backups, for it opens only with the passphrase, which is on no machine. docs/sealing.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.conf import settings

from station.errors import Refusal

SEALED = "site_key.sealed"
LEAST = 12
NONCE, SALT = 12, 16
# Half a second and 128 MB a try: a thief's tries cost him as much.
N, R, P = 2**17, 8, 1


class KeyRefused(Refusal):
    """The key was not sealed or not opened."""


def mark_of(key: str) -> str:
    """A mark by which a site key is recognised and not learnt."""
    return hashlib.sha256(b"mark of the site key:" + key.encode()).hexdigest()[:16]


def sealed_file() -> Path:
    """Where this installation keeps its sealed key."""
    return Path(settings.VAR_DIR, SEALED)


def seal_site_key(passphrase: str) -> Path:
    """Seal the key of this installation for its backups; returns the file. Sealed anew replaces it.

    Refuses a passphrase of less than twelve characters: the file is meant to be carried about.
    """
    if len(passphrase.strip()) < LEAST:
        raise KeyRefused(f"没有封存：口令至少 {LEAST} 个字符，例如几个不相干的词连起来。")
    mark, salt, nonce = mark_of(settings.SITE_KEY), os.urandom(SALT), os.urandom(NONCE)
    closed = AESGCM(_derived(passphrase, salt, N, R, P)).encrypt(
        nonce, settings.SITE_KEY.encode(), mark.encode()
    )
    body = {"site_key": mark, "kdf": "scrypt", "n": N, "r": R, "p": P}
    body |= {"salt": _text(salt), "nonce": _text(nonce), "sealed": _text(closed)}
    path = sealed_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_secret(path, json.dumps(body, indent=1))
    return path


def is_sealed(path: Path, key: str) -> bool:
    """Whether a sealed file holds this key and not an earlier one; no passphrase is needed to tell."""
    try:
        return bool(_read(path)["site_key"] == mark_of(key))
    except KeyRefused:
        return False


def open_sealed(path: Path, passphrase: str) -> str:
    """The site key in a sealed file. Refuses a wrong passphrase, and a file that is none."""
    body = _read(path)
    try:
        derived = _derived(passphrase, _bytes(body["salt"]), body["n"], body["r"], body["p"])
        opened = AESGCM(derived).decrypt(
            _bytes(body["nonce"]), _bytes(body["sealed"]), body["site_key"].encode()
        )
    except InvalidTag:
        raise KeyRefused("口令不对，没有打开密钥。请核对大小写和空格再试。") from None
    except (KeyError, TypeError, ValueError, MemoryError):
        raise KeyRefused(f"{path} 已损坏，打不开。请用另一份备份里的 {SEALED}。") from None
    return opened.decode()


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _derived(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.strip().encode())


def _read(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise KeyRefused(f"{path} 不是封存的密钥，读不出来。") from None
    if not isinstance(body, dict) or "site_key" not in body:
        raise KeyRefused(f"{path} 不是封存的密钥，读不出来。")
    return body


def _text(blob: bytes) -> str:
    return base64.b64encode(blob).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode())
