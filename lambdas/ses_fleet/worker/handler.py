"""The entry point of the worker function."""

from __future__ import annotations

import os
from typing import Any

from ses_fleet import cold_start
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker import service

service.warm_up(os.environ.get("AWS_REGION", "us-east-1"))
cold_start.end()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run one slice of one customer: `event` is a WorkItem as JSON, and a WorkResult as JSON is returned."""
    return service.run(event, context, WorkerSettings.from_env(os.environ))
