"""Logging: the factory of loggers, and the lines that a worker returns for a customer's block."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger

from ses_fleet import limits
from ses_fleet.text import printable

# The deployment: Powertools' own variable, which the stack sets.
SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "ses-fleet")
METRICS_NAMESPACE = "SesFleet"


def of_dry_runs(service: str) -> str:
    """Return the service under which the metrics of dry runs are counted: they alarm nobody."""
    return f"{service}-dry-run"


def make_logger(**keys: Any) -> Logger:
    """Return a Powertools JSON logger that adds `keys` to every line, and nothing of an earlier invocation."""
    logger = Logger(service=SERVICE, level="INFO", use_rfc3339=True, utc=True)
    logger.structure_logs(**keys)
    return logger


class LogLines:
    """The lines of one customer's block, at most MAX_LOG_LINES and MAX_LOG_BYTES."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._bytes = 0
        self._cut = 0

    def add(self, line: str) -> None:
        """Append one line, made printable; count it instead when the block is full."""
        shown = printable(line, limits.MAX_LOG_LINE_CHARACTERS)
        size = len(shown.encode()) + 1
        if (
            len(self._lines) >= limits.MAX_LOG_LINES - 1
            or self._bytes + size > limits.MAX_LOG_BYTES - limits.CUT_NOTE_BYTES
        ):
            self._cut += 1
            return
        self._lines.append(shown)
        self._bytes += size

    def lines(self) -> tuple[str, ...]:
        """Return the lines that were kept; a last one says how many were not."""
        if not self._cut:
            return tuple(self._lines)
        return (*self._lines, f"… {self._cut} more lines were cut; they are in the worker's own log")
