"""The answer to `{"action": "help"}`, made from the catalogue and the models of data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_fleet.actions.catalogue import HELP, Action, Scope, field_scope, payload_names
from ses_fleet.actions.data.by_action import DATA_MODELS
from ses_fleet.people.kinds import PeopleRows
from ses_fleet.people.rows import MODELS
from ses_fleet.runs.models import RunRequest


def help_answer(defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the answer to `{"action": "help"}`: every action with its fields, schemas, permissions and effect.

    `defaults` are those of config.json, None where it has none or cannot be read.
    """
    actions = [_described(*entry) for entry in payload_names().items()]
    return {"action": HELP, "exit_code": 0, "defaults": defaults, "actions": actions}


def _described(name: str, entry: tuple[Action, Scope]) -> dict[str, Any]:
    action, scope = entry
    schema = RunRequest.model_json_schema()["properties"]
    return {
        "name": name,
        "purpose": action.purpose,
        "scope": scope,
        "mutates": action.mutates,
        "fields": [field for field in schema if field_scope(field) in (scope, "both") and _is_taken(field, action)],
        "params_schema": action.params.model_json_schema(),
        "people": None if action.people is None else _people(action.people),
        "data_schema": DATA_MODELS[action.name].model_json_schema(),
        "permissions": [*action.permissions, *action.identity_center_permissions],
    }


def _is_taken(field: str, action: Action) -> bool:
    taken = {"people": action.people is not None, "plan": action.saves_plan is not None}
    return taken.get(field, True)


def _people(wanted: PeopleRows) -> dict[str, Any]:
    """Return how many rows the action's people file may have, and what each of them may say."""
    return {"rows_at_most": wanted.at_most, "row_schema": MODELS[wanted.kind].model_json_schema()}
