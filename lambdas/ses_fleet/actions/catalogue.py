"""The catalogue: what each action is called, takes, changes and may do.

Declarations only. The code behind a name is worker/actions/<verb_noun>.py; worker/registry.py joins the two.
The help answer, the session policies and the customers' role templates derive from this page.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationInfo, field_validator

from ses_fleet import limits
from ses_fleet.config.customer import Customer, IdentityCenter
from ses_fleet.identifiers import RUN_ID_PATTERN, TOPIC_PATTERN
from ses_fleet.runs.models import RunRequest, Scope

# IAM knows no resource for these, so they need "*" (service authorization reference, SES v2).
_UNSCOPED_ACTIONS = frozenset({"ses:ListContactLists", "ses:GetAccount", "ses:CreateImportJob", "ses:ListImportJobs"})
_IMPORT_JOB_ACTIONS = frozenset({"ses:GetImportJob"})
# Where import files lie in a customer's bucket.
IMPORT_PREFIX = "ses-fleet/"
# Of a field whose value says something of a person.
PERSONAL: dict[str, JsonValue] = {"personal": True}


class Params(BaseModel):
    """Base of every action's `params`: unknown fields are refused.

    A field with PERSONAL says something of a person, and its value is kept as ses_fleet/runs/personal_params.py says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DescribeListParams(Params):
    """`params` of describe-list."""

    count_contacts: bool = Field(default=True, description="count opt-ins over all contacts; false skips the counting")


class ListContactsParams(Params):
    """`params` of list-contacts: what is given must all hold."""

    topic: Annotated[str, StringConstraints(pattern=f"^{TOPIC_PATTERN}$")] | None = Field(
        default=None, description="only contacts whose status for this topic is `status`"
    )
    status: Literal["OPT_IN", "OPT_OUT"] | None = Field(
        default=None, description="OPT_IN (default) or OPT_OUT, defaults and unsubscribing counted; goes with `topic`"
    )
    unsubscribed: bool | None = Field(
        default=None, description="only contacts that unsubscribed from everything (true), or did not (false)"
    )
    changed_since: datetime | None = Field(
        default=None,
        description="only contacts updated at or after this time, ISO 8601, UTC unless it says otherwise; also those "
        "of which SES does not say when it was",
    )

    @field_validator("status")
    @classmethod
    def _status_of_a_topic(cls, status: str | None, info: ValidationInfo) -> str | None:
        if status is not None and info.data.get("topic") is None:
            raise ValueError("goes with topic: it is the status for one topic")
        return status

    @field_validator("changed_since", mode="before")
    @classmethod
    def _time(cls, value: object) -> object:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None:
            raise ValueError("must be an ISO 8601 date or time such as 2026-01-31 or 2026-01-31T12:00:00Z")
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    @property
    def wanted_status(self) -> str:
        """The status that `topic` asks for."""
        return self.status or "OPT_IN"


class ManageTopicParams(Params):
    """`params` of manage-topic."""

    canary: int | None = Field(
        default=None, ge=1, description="run so many customers first, and the others only if all of those succeeded"
    )


class BackupListParams(Params):
    """`params` of backup-list."""

    with_attributes: bool = Field(
        default=False, description="also save contacts' attributes: one request a contact, at one a second"
    )


class RestoreTopicsParams(Params):
    """`params` of restore-topics."""

    backup: Annotated[str, StringConstraints(pattern=f"^{RUN_ID_PATTERN}$")] = Field(
        description="the run whose prune saved the topics: the last part of its backups/ path"
    )


class RestoreListParams(RestoreTopicsParams):
    """`params` of restore-list."""

    backup: Annotated[str, StringConstraints(pattern=f"^{RUN_ID_PATTERN}$")] = Field(
        description="the run of backup-list that is brought back"
    )
    overwrite_unsubscribes: bool = Field(
        default=False, description="also undo unsubscribing and opting out since the backup"
    )


class ImportParams(Params):
    """`params` of import-aws-contact."""

    username: str | None = Field(
        default=None,
        min_length=1,
        max_length=limits.USER_NAME_CHARACTERS,
        description="only the user of this name in Identity Center; not with prune",
        json_schema_extra=PERSONAL,
    )
    sync_topics: bool = Field(
        default=False,
        description="also opt contacts that are there in to topics of their roles, where they have no preference",
    )


SesConfigUse = Literal["no", "if there", "required"]


@dataclass(frozen=True)
class Action:
    """One action.

    `permissions` are the IAM actions that its worker may use in the customer's account,
    `identity_center_permissions` those that it may use through the role that reads Identity Center.
    `ses_config`: whether a run of it reads SESConfig.json. `prunes`: whether it takes `prune`. `needs_people`:
    whether Identity Center is read first, once for all customers that share it.
    An action without `scopes` is a phase of others: no payload names it.
    """

    name: str
    purpose: str
    mutates: bool
    params: type[Params]
    permissions: tuple[str, ...]
    identity_center_permissions: tuple[str, ...] = ()
    ses_config: SesConfigUse = "no"
    prunes: bool = False
    needs_people: bool = False
    scopes: tuple[Scope, ...] = ("all", "single")


DESCRIBE_LIST = Action(
    name="describe-list",
    purpose="the contact list, its topics, and how many contacts are opted in to each",
    mutates=False,
    params=DescribeListParams,
    permissions=("ses:GetContactList", "ses:ListContactLists", "ses:ListContacts"),
)

DESCRIBE_TOPICS = Action(
    name="describe-topics",
    purpose="opt-ins of every topic, compared across customers, and what differs from SESConfig.json",
    mutates=False,
    params=Params,
    permissions=("ses:GetContactList", "ses:ListContactLists", "ses:ListContacts"),
    ses_config="if there",
)

LIST_CONTACTS = Action(
    name="list-contacts",
    purpose="every contact with its preferences, explicit and effective, written to S3",
    mutates=False,
    params=ListContactsParams,
    permissions=("ses:GetContactList", "ses:ListContactLists", "ses:ListContacts"),
)

VALIDATE_ACCESS = Action(
    name="validate-access",
    purpose="whether a customer is ready: roles, ExternalIds, account, SES sandbox, contact list, Identity Center",
    mutates=False,
    params=Params,
    permissions=("ses:GetAccount", "ses:GetContactList", "ses:ListContactLists"),
    identity_center_permissions=("sso:ListInstances",),
)

MANAGE_TOPIC = Action(
    name="manage-topic",
    purpose="give the list the topics of SESConfig.json, in place; with prune, no others",
    mutates=True,
    params=ManageTopicParams,
    permissions=(
        "ses:CreateContactList",
        "ses:GetContactList",
        "ses:ListContactLists",
        "ses:ListContacts",
        "ses:UpdateContactList",
    ),
    ses_config="required",
    prunes=True,
)

BACKUP_LIST = Action(
    name="backup-list",
    purpose="save the list, its topics and its contacts to S3",
    mutates=False,
    params=BackupListParams,
    permissions=("ses:GetContact", "ses:GetContactList", "ses:ListContactLists", "ses:ListContacts"),
)

_RESTORING = (
    "ses:CreateContact",
    "ses:CreateContactList",
    "ses:GetContact",
    "ses:GetContactList",
    "ses:ListContactLists",
    "ses:ListContacts",
    "ses:UpdateContact",
    "ses:UpdateContactList",
)

RESTORE_LIST = Action(
    name="restore-list",
    purpose="bring a list back as backup-list saved it; nobody is subscribed again who left since",
    mutates=True,
    params=RestoreListParams,
    # A list that is made with tags is tagged, which is a permission of its own.
    permissions=(*_RESTORING, "ses:TagResource"),
    scopes=("single",),
)

RESTORE_TOPICS = Action(
    name="restore-topics",
    purpose="bring back the topics that a prune removed, with everybody's preferences",
    mutates=True,
    params=RestoreTopicsParams,
    permissions=tuple(name for name in _RESTORING if name not in ("ses:CreateContact", "ses:CreateContactList")),
    scopes=("single",),
)

_READING_PEOPLE = (
    "identitystore:ListGroupMemberships",
    "identitystore:ListGroups",
    "identitystore:ListUsers",
    "sso:ListInstances",
)

IMPORT_AWS_CONTACT = Action(
    name="import-aws-contact",
    purpose="bring Identity Center's people into the list, opted in to the topics of their roles; nobody against "
    "their choice",
    mutates=True,
    params=ImportParams,
    permissions=(
        "s3:DeleteObject",
        "s3:PutObject",
        "ses:CreateContact",
        "ses:CreateImportJob",
        "ses:DeleteContact",
        "ses:GetContact",
        "ses:GetContactList",
        "ses:GetImportJob",
        "ses:ListContactLists",
        "ses:ListContacts",
        "ses:ListImportJobs",
        "ses:UpdateContact",
    ),
    identity_center_permissions=_READING_PEOPLE,
    ses_config="required",
    prunes=True,
    needs_people=True,
)

READ_IDENTITY_CENTER = Action(
    name="read-identity-center",
    purpose="the first phase of an import: users, groups and memberships, once for all customers that share them",
    mutates=False,
    params=ImportParams,
    permissions=(),
    identity_center_permissions=_READING_PEOPLE,
    scopes=(),
)

ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        DESCRIBE_LIST,
        DESCRIBE_TOPICS,
        LIST_CONTACTS,
        VALIDATE_ACCESS,
        MANAGE_TOPIC,
        BACKUP_LIST,
        RESTORE_LIST,
        RESTORE_TOPICS,
        IMPORT_AWS_CONTACT,
        READ_IDENTITY_CENTER,
    )
}

HELP = "help"


def payload_names() -> dict[str, tuple[Action, Scope]]:
    """Every `action` a payload may name, but `help`: `describe-list-all` → (its action, "all")."""
    return {
        action.name + ("-all" if scope == "all" else ""): (action, scope)
        for action in ACTIONS.values()
        for scope in action.scopes
    }


def policy_statements(
    action: Action, *, partition: str, region: str, account_id: str, import_bucket: str | None
) -> list[dict[str, Any]]:
    """IAM statements that allow what the action declares and nothing else; `region` may be "*".

    Without `import_bucket` there is nothing in S3 to be allowed.
    """
    ses = f"arn:{partition}:ses:{region}:{account_id}"
    by_resource: dict[str, list[str]] = {}
    for name in action.permissions:
        if name.startswith("s3:"):
            resource = f"arn:{partition}:s3:::{import_bucket}/{IMPORT_PREFIX}*" if import_bucket else None
        elif name in _UNSCOPED_ACTIONS:
            resource = "*"
        else:
            resource = f"{ses}:import-job/*" if name in _IMPORT_JOB_ACTIONS else f"{ses}:contact-list/*"
        if resource is not None:
            by_resource.setdefault(resource, []).append(name)
    return [{"Effect": "Allow", "Action": names, "Resource": resource} for resource, names in by_resource.items()]


def session_policy(action: Action, customer: Customer, partition: str) -> str:
    """The policy that cuts an assumed session down to this action on this customer's list."""
    statements = policy_statements(
        action,
        partition=partition,
        region=customer.region,
        account_id=customer.account_id,
        import_bucket=customer.import_bucket,
    )
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def identity_center_statements(
    permissions: Collection[str], *, partition: str, store_id: str | None
) -> list[dict[str, Any]]:
    """IAM statements for the role that reads Identity Center, on one store or, with None, on any.

    The store may be another account's. Users, groups and memberships have no store in their ARNs, and
    sso:ListInstances knows no resource (service authorization reference).
    """
    identity_store = f"arn:{partition}:identitystore"
    inside = [f"{identity_store}:::{kind}/*" for kind in ("group", "membership", "user")]
    reading = [name for name in permissions if name.startswith("identitystore:")]
    others = [name for name in permissions if name not in reading]
    statements: list[dict[str, Any]] = []
    if reading:
        store = f"{identity_store}::*:identitystore/{store_id or '*'}"
        statements.append({"Effect": "Allow", "Action": reading, "Resource": [store, *inside]})
    if others:
        statements.append({"Effect": "Allow", "Action": others, "Resource": "*"})
    return statements


def identity_center_policy(action: Action, source: IdentityCenter, partition: str) -> str:
    """The policy that cuts a session of that role down to this action on this store."""
    statements = identity_center_statements(
        action.identity_center_permissions, partition=partition, store_id=source.store_id
    )
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
        "permissions": [*action.permissions, *action.identity_center_permissions],
    }
