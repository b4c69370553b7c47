"""Which code runs for which action of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from worker.actions import describe_list, describe_topics, list_contacts, validate_access
from worker.job import Job, Outcome, State

Run = Callable[[Job, Any, State], Outcome]

REGISTRY: dict[str, Run] = {
    "describe-list": describe_list.run,
    "describe-topics": describe_topics.run,
    "list-contacts": list_contacts.run,
    "validate-access": validate_access.run,
}
