"""Logs as one JSON object a line on stderr, for our own events and the libraries'."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from msgspec import json

from ringpool.printable import printable_json


def configure_logging() -> None:
    """Set up structlog and the logging module for this process."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Without the frames' variables: they may be keys and visitors' data.
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        ),
    ]
    renderer = structlog.processors.JSONRenderer(serializer=_json)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=renderer,
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # httpx logs whole URLs at INFO, and a webhook's may hold a secret: WARNING keeps them out.


def _json(event: dict[str, Any], **_options: Any) -> str:
    return printable_json(json.encode(event, enc_hook=str).decode())
