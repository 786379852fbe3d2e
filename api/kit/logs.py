"""Structured logs as JSON lines: one event each, never a person's data, never a forged line."""

import logging
import sys

import structlog

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


def set_up(level: str) -> None:
    """JSON to standard error; JSON escapes CR and LF, so nobody can forge a line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS.get(level, 20)),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries print whole statements and addresses at lower levels; those may hold personal data.
    for name in ("sqlalchemy", "httpx", "httpcore", "temporalio", "multipart", "python_multipart"):
        logging.getLogger(name).setLevel(logging.WARNING)
