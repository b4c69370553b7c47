"""The function that runs each action of the catalogue.

An action's module is imported when the action first runs. What all of them import would be a tenth of a cold start.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from ses_fleet.worker.context import ActionContext, Outcome, State

Run = Callable[[ActionContext, Any, State], Outcome]


def _of(module: str) -> Run:
    def run(context: ActionContext, params: Any, state: State) -> Outcome:
        outcome: Outcome = importlib.import_module(f"ses_fleet.worker.actions.{module}").run(context, params, state)
        return outcome

    return run


REGISTRY: dict[str, Run] = {
    "describe-list": _of("describe_list"),
    "describe-topics": _of("describe_topics"),
    "list-contacts": _of("list_contacts"),
    "find-contact": _of("find_contact"),
    "list-suppressed": _of("list_suppressed"),
    "validate-access": _of("validate_access"),
    "check-health": _of("check_health"),
    "manage-topic": _of("manage_topic"),
    "backup-list": _of("backup_list"),
    "restore-list": _of("restore_list"),
    "restore-topics": _of("restore_topics"),
    "import-aws-contact": _of("import_aws_contact"),
    "set-suppressed": _of("set_suppressed"),
    "erase-contact": _of("erase_contact"),
    "un-erase": _of("un_erase"),
    "read-identity-center": _of("read_identity_center"),
    "set-contacts": _of("set_contacts"),
    "remove-contacts": _of("remove_contacts"),
}
