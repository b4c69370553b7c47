"""The entry point of the worker function."""

from __future__ import annotations

import os
from typing import Any

from ses_fleet.aws import clients
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker import service

# What nearly every action calls; the model of S3 is as large as both, and actions that only read SES use none of it.
clients.warm_up("sts", "sesv2")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run one slice of one customer: `event` is a WorkItem as JSON, and a WorkResult as JSON is returned."""
    return service.run(event, context, WorkerSettings.from_env(os.environ))
