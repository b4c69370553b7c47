"""The function that runs each action of the catalogue.

An action's module is imported when the action first runs. What all of them import would be a tenth of a cold start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ses_fleet.worker.context import ActionContext, Outcome, State

Run = Callable[[ActionContext, Any, State], Outcome]


def _describe_list(context: ActionContext, params: Any, state: State) -> Outcome:
    from ses_fleet.worker.actions import describe_list

    return describe_list.run(context, params, state)


def _describe_topics(context: ActionContext, params: Any, state: State) -> Outcome:
    from ses_fleet.worker.actions import describe_topics

    return describe_topics.run(context, params, state)


def _list_contacts(context: ActionContext, params: Any, state: State) -> Outcome:
    from ses_fleet.worker.actions import list_contacts

    return list_contacts.run(context, params, state)


def _validate_access(context: ActionContext, params: Any, state: State) -> Outcome:
    from ses_fleet.worker.actions import validate_access

    return validate_access.run(context, params, state)


def _manage_topic(context: ActionContext, params: Any, state: State) -> Outcome:
    from ses_fleet.worker.actions import manage_topic

    return manage_topic.run(context, params, state)


def _backup_list(context: ActionContext, params: Any, state: State) -> Outcome:
    from ses_fleet.worker.actions import backup_list

    return backup_list.run(context, params, state)


def _restore_list(context: ActionContext, params: Any, state: State) -> Outcome:
    from ses_fleet.worker.actions import restore_list

    return restore_list.run(context, params, state)


def _restore_topics(context: ActionContext, params: Any, state: State) -> Outcome:
    from ses_fleet.worker.actions import restore_topics

    return restore_topics.run(context, params, state)


def _import_aws_contact(context: ActionContext, params: Any, state: State) -> Outcome:
    from ses_fleet.worker.actions import import_aws_contact

    return import_aws_contact.run(context, params, state)


def _read_identity_center(context: ActionContext, params: Any, state: State) -> Outcome:
    from ses_fleet.worker.actions import read_identity_center

    return read_identity_center.run(context, params, state)


REGISTRY: dict[str, Run] = {
    "describe-list": _describe_list,
    "describe-topics": _describe_topics,
    "list-contacts": _list_contacts,
    "validate-access": _validate_access,
    "manage-topic": _manage_topic,
    "backup-list": _backup_list,
    "restore-list": _restore_list,
    "restore-topics": _restore_topics,
    "import-aws-contact": _import_aws_contact,
    "read-identity-center": _read_identity_center,
}
