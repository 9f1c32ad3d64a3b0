"""Structured logs: one line per event, for people on a terminal and as JSON for machines.

Ordinary `logging` loggers (Django, Celery, gunicorn) and structlog's take the same road. Payment
codes and telephone numbers are masked on the way, whoever logs them.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

# As scanners know them (`devices.protocols.scanner`): WeChat 18 digits from 10 to 15, Alipay 16 to
# 24 from 25 to 30, UnionPay 19 from 62, stored value YV and 34. What a
# scanner puts around one may be letters; within a hash it is none.
PAYMENT_CODE = re.compile(
    r"(?<![0-9a-f])(1[0-5]\d{16}|(?:2[5-9]|30)\d{14,22}|62\d{17}|YV\d{34})(?![0-9a-f])"
)
MOBILE = re.compile(r"(?<![0-9A-Za-z])(1[3-9]\d)\d{4}(\d{4})(?![0-9A-Za-z])")

# Libraries whose INFO is of no use to anybody who runs a station; Celery's two would write two
# lines for every task of every second.
QUIET = (
    "asyncio",
    "axes",
    "celery.app.trace",
    "celery.utils.functional",
    "celery.worker.strategy",
    "kombu",
    "urllib3",
)
# What libraries hang onto a record and nobody reads: Celery's whole message, Django's request.
BULK = ("data", "request")


def configure(*, level: str, json: bool) -> None:
    """Send all logs to stderr, as JSON lines or as readable lines; call once, from the settings."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _drop_bulk,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso" if json else "%H:%M:%S", utc=json),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_ending(json=json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _ending(*, json: bool) -> list[Processor]:
    # Tracebacks become text before the masking, for they quote what was being worked on.
    if json:
        renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty() or bool(os.environ.get("FORCE_COLOR")),
            pad_event_to=0,
            exception_formatter=structlog.dev.plain_traceback,
        )
    return [structlog.processors.format_exc_info, mask, renderer]


def _drop_bulk(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name in BULK:
        event.pop(name, None)
    return event


def mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask payment codes and mobile numbers wherever they stand in the event."""
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


def masked(text: str) -> str:
    """Return the text with payment codes and mobile numbers made unreadable.

    >>> masked("付款码 134567890123456789，手机 13812345678")
    '付款码 13**************89，手机 138****5678'
    """
    text = PAYMENT_CODE.sub(lambda hit: f"{hit[0][:2]}{'*' * (len(hit[0]) - 4)}{hit[0][-2:]}", text)
    return MOBILE.sub(r"\1****\2", text)
