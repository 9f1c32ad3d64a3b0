"""Ask the partners' door as a partner would: signed, over HTTP. For trying a partner out."""

from __future__ import annotations

import json
import os
import secrets
from argparse import ArgumentParser
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import Request, urlopen

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils.timezone import now

from members.services.exchange_calls import signature


class Command(BaseCommand):
    """`manage.py partner_call BOOKS out --no T-1 --member HY… --points 100`; secret in PARTNER_SECRET."""

    help = "像合作商家那样发一个签名的积分互换请求（密钥放在环境变量 PARTNER_SECRET）"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("partner")
        parser.add_argument("act", choices=["out", "in", "reverse", "query"])
        parser.add_argument("--no", required=True)
        parser.add_argument("--member", default="")
        parser.add_argument("--points", type=int)
        parser.add_argument("--reason", default="")
        parser.add_argument("--url", default="http://127.0.0.1:8000")

    def handle(self, *args: Any, **options: Any) -> None:
        secret = os.environ.get("PARTNER_SECRET", "")
        if not secret:
            raise CommandError("请把合作商家的密钥放在环境变量 PARTNER_SECRET 里。")
        if not options["url"].startswith(("http://", "https://")):
            raise CommandError("--url 应以 http:// 或 https:// 开头。")
        names = ("act", "no", "member", "points", "reason")
        body = json.dumps({name: options[name] for name in names if options[name]}).encode()
        path = reverse("members:exchange_door", args=[options["partner"]])
        stamp, nonce = str(int(now().timestamp())), secrets.token_hex(12)
        headers = {
            "Content-Type": "application/json",
            "X-Partner-Time": stamp,
            "X-Partner-Nonce": nonce,
            "X-Partner-Sign": signature(
                secret=secret, stamp=stamp, nonce=nonce, path=path, body=body
            ),
        }
        call = Request(urljoin(options["url"], path), data=body, headers=headers)
        try:
            with urlopen(call, timeout=20) as answer:
                self.stdout.write(answer.read().decode())
        except HTTPError as refused:
            raise CommandError(f"{refused.code} {refused.read().decode()}") from refused
