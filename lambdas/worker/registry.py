"""Which code runs for which action of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from worker.actions import describe_list
from worker.job import Job

Run = Callable[[Job, Any], dict[str, Any]]

REGISTRY: dict[str, Run] = {
    "describe-list": describe_list.run,
}
