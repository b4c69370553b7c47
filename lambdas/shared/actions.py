"""The catalogue: what each action is called, takes, changes and may do.

Declarations only. The code behind a name is worker/actions/<verb_noun>.py; worker/registry.py joins the two.
The help answer, the session policies and the customers' role templates derive from this page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.models import Customer, RunRequest, Scope

# IAM knows no resource for these, so they need "*" (service authorization reference, SES v2).
_UNSCOPED_ACTIONS = frozenset({"ses:ListContactLists", "ses:GetAccount", "ses:CreateImportJob"})


class Params(BaseModel):
    """Base of every action's `params`: unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DescribeListParams(Params):
    """`params` of describe-list."""

    count_contacts: bool = Field(default=True, description="count opt-ins over all contacts; false skips the counting")


@dataclass(frozen=True)
class Action:
    """One action. `permissions` are the IAM actions that its worker may use in the customer's account."""

    name: str
    purpose: str
    mutates: bool
    params: type[Params]
    permissions: tuple[str, ...]
    scopes: tuple[Scope, ...] = ("all", "single")


DESCRIBE_LIST = Action(
    name="describe-list",
    purpose="the contact list, its topics, and how many contacts are opted in to each",
    mutates=False,
    params=DescribeListParams,
    permissions=("ses:GetContactList", "ses:ListContactLists", "ses:ListContacts"),
)

ACTIONS: dict[str, Action] = {action.name: action for action in (DESCRIBE_LIST,)}

HELP = "help"


def payload_names() -> dict[str, tuple[Action, Scope]]:
    """Every `action` a payload may name, but `help`: `describe-list-all` → (its action, "all")."""
    return {
        action.name + ("-all" if scope == "all" else ""): (action, scope)
        for action in ACTIONS.values()
        for scope in action.scopes
    }


def policy_statements(action: Action, *, partition: str, region: str, account_id: str) -> list[dict[str, Any]]:
    """IAM statements that allow what the action declares and nothing else; `region` may be "*"."""
    contact_lists = f"arn:{partition}:ses:{region}:{account_id}:contact-list/*"
    unscoped = [name for name in action.permissions if name in _UNSCOPED_ACTIONS]
    scoped = [name for name in action.permissions if name not in _UNSCOPED_ACTIONS]
    statements: list[dict[str, Any]] = []
    if unscoped:
        statements.append({"Effect": "Allow", "Action": unscoped, "Resource": "*"})
    if scoped:
        statements.append({"Effect": "Allow", "Action": scoped, "Resource": contact_lists})
    return statements


def session_policy(action: Action, customer: Customer, partition: str) -> str:
    """The policy that cuts an assumed session down to this action on this customer's list."""
    statements = policy_statements(action, partition=partition, region=customer.region, account_id=customer.account_id)
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def help_answer() -> dict[str, Any]:
    """The answer to `{"action": "help"}`: every action with its fields, and whether it changes anything."""
    return {"action": HELP, "exit_code": 0, "actions": [_described(*entry) for entry in payload_names().items()]}


ALL_ONLY_FIELDS = (
    "max_customer_concurrency",
    "include",
    "exclude",
    "environment",
    "max_failures",
    "confirm_customers",
)
SINGLE_ONLY_FIELDS = ("customer_code", "ses_role_arn")

FieldScope = Literal["all", "single", "both"]


def field_scope(field: str) -> FieldScope:
    """For which scope a payload field is meant."""
    if field in ALL_ONLY_FIELDS:
        return "all"
    return "single" if field in SINGLE_ONLY_FIELDS else "both"


def _described(name: str, entry: tuple[Action, Scope]) -> dict[str, Any]:
    action, scope = entry
    schema = RunRequest.model_json_schema()["properties"]
    return {
        "name": name,
        "purpose": action.purpose,
        "scope": scope,
        "mutates": action.mutates,
        "fields": [field for field in schema if field_scope(field) in (scope, "both")],
        "params_schema": action.params.model_json_schema(),
        "permissions": list(action.permissions),
    }
