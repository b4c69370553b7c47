"""The function that runs each action of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ses_fleet.worker.actions import (
    backup_list,
    describe_list,
    describe_topics,
    import_aws_contact,
    list_contacts,
    manage_topic,
    read_identity_center,
    restore_list,
    restore_topics,
    validate_access,
)
from ses_fleet.worker.context import ActionContext, Outcome, State

Run = Callable[[ActionContext, Any, State], Outcome]

REGISTRY: dict[str, Run] = {
    "describe-list": describe_list.run,
    "describe-topics": describe_topics.run,
    "list-contacts": list_contacts.run,
    "validate-access": validate_access.run,
    "manage-topic": manage_topic.run,
    "backup-list": backup_list.run,
    "restore-list": restore_list.run,
    "restore-topics": restore_topics.run,
    "import-aws-contact": import_aws_contact.run,
    "read-identity-center": read_identity_center.run,
}
