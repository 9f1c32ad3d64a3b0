"""附件: photos and papers that belong to a document. What a file is, its first bytes decide."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from station.errors import Refusal
from station.models import Attachment, Station, User
from station.services import audit

LARGEST = 10 * 1024 * 1024
# First bytes -> (type, ending). Nothing that a browser would run: no HTML, no SVG.
KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"%PDF-", "application/pdf", "pdf"),
)
WEBP = ("image/webp", "webp")


class NotAccepted(Refusal):
    """Too large, empty, or not a picture or PDF."""


@transaction.atomic
def add(
    *, station: Station, document: str, upload: UploadedFile[bytes], at: datetime, actor: User
) -> Attachment:
    """Store a file with its digest. The same file again for the same document is the same row.

    Refuses with NotAccepted.
    """
    content = _checked(upload)
    digest = hashlib.sha256(content).hexdigest()
    known = Attachment.objects.filter(station=station, document=document, sha256=digest).first()
    if known:
        return known
    content_type, ending = _kind(content)
    row = Attachment(
        station=station,
        document=document,
        name=(upload.name or "附件").replace("\\", "/").rsplit("/", 1)[-1][:120],
        content_type=content_type,
        size=len(content),
        sha256=digest,
        added_by=actor,
        added_at=at,
    )
    row.file.save(f"{digest[:32]}.{ending}", ContentFile(content), save=False)
    row.save()
    audit.record(
        at=at,
        actor=actor,
        action="station.attachment.added",
        station=station,
        document=document,
        after={"文件": row.name, "摘要": digest[:16]},
    )
    return row


def _checked(upload: UploadedFile[bytes]) -> bytes:
    if not upload.size:
        raise NotAccepted("没有上传：文件是空的，请重新选择。")
    if upload.size > LARGEST:
        raise NotAccepted("没有上传：文件超过 10 MB，请缩小照片后再传。")
    content: bytes = upload.read()
    if not _kind(content)[0]:
        raise NotAccepted("没有上传：只收照片（JPG、PNG、WebP）和 PDF，请换一个文件。")
    return content


def _kind(content: bytes) -> tuple[str, str]:
    for head, content_type, ending in KINDS:
        if content.startswith(head):
            return content_type, ending
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    return "", ""
