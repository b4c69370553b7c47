"""Entry point of the orchestrator function."""

from __future__ import annotations

import os
from typing import Any

from ses_fleet import cold_start
from ses_fleet.orchestrator import environment, service

environment.warm_up(os.environ.get("AWS_REGION", "us-east-1"))
cold_start.end()


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Return the Summary of an action payload's run; a refused run raises RequestError or ConfigurationError."""
    return service.handle(event, context, os.environ)
