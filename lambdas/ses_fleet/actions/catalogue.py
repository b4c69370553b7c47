"""The catalogue: what each action is called, takes, changes and may do.

Declarations only. The code of an action is worker/actions/<verb_noun>.py; worker/registry.py joins the two. What an
action finds out is a model of data/<verb_noun>.py, which data/by_action.py names.
The help answer, the session policies and the customers' role templates are made from this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ses_fleet import limits
from ses_fleet.actions.params import (
    BackupListParams,
    CheckHealthParams,
    DescribeListParams,
    EraseContactParams,
    FindContactParams,
    ImportParams,
    ListContactsParams,
    ListSuppressedParams,
    Params,
    RemoveContactsParams,
    RestoreListParams,
    RestoreTopicsParams,
    SetContactsParams,
    SetSuppressedParams,
    UnEraseParams,
)
from ses_fleet.actions.role_version import since
from ses_fleet.people.kinds import PeopleRows

Scope = Literal["all", "single"]

SesConfigUse = Literal["no", "if there", "required"]

PlanKind = Literal["topics", "people"]


@dataclass(frozen=True)
class Action:
    """What is declared of one action.

    `params` is the model of the payload's `params`. `permissions` are the IAM actions that its worker may use in the
    customer's account, `identity_center_permissions` those that it may use through the role that reads Identity Center.
    `ses_config` says whether a run reads SESConfig.json, `prunes` whether it takes `prune`, `reads_identity_center`
    whether Identity Center is read first, once for all customers that share it. `people` are the rows of the people
    file that the action needs; without it the action takes none. `confirms_people` says whether a run must repeat how
    many rows that file has, as `params.confirm_people`, `confirms_customers` whether one on every customer must repeat
    how many are selected although it does not prune. With `two_phases` its work begins with a phase that only reads,
    which all selected customers must finish before anything is written; with `receipts` a run leaves a receipt.
    With `saves_plan` a dry run saves what it would do to topics or to people, and another run applies that.
    `compares` says whether a run that only reads finds out whether something differs from what should be. An action
    without `scopes` is a phase of other actions: no payload names it.
    """

    name: str
    purpose: str
    mutates: bool
    params: type[Params]
    permissions: tuple[str, ...]
    identity_center_permissions: tuple[str, ...] = ()
    ses_config: SesConfigUse = "no"
    prunes: bool = False
    reads_identity_center: bool = False
    two_phases: bool = False
    receipts: bool = False
    compares: bool = False
    saves_plan: PlanKind | None = None
    people: PeopleRows | None = None
    confirms_people: bool = False
    confirms_customers: bool = False
    scopes: tuple[Scope, ...] = ("all", "single")

    def finds_differences(self, *, dry_run: bool) -> bool:
        """Return whether results of such a run say whether the customer differs: `differs`."""
        return dry_run if self.mutates else self.compares and not dry_run

    @property
    def role_version(self) -> int:
        """Return the first version of the customers' templates whose roles allow all that the action declares."""
        return since(*self.permissions, *self.identity_center_permissions)


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
    compares=True,
)

LIST_CONTACTS = Action(
    name="list-contacts",
    purpose="every contact with its preferences, explicit and effective, written to S3",
    mutates=False,
    params=ListContactsParams,
    permissions=("ses:GetContactList", "ses:ListContactLists", "ses:ListContacts"),
)

FIND_CONTACT = Action(
    name="find-contact",
    purpose="in which customers' lists some people are, what they get there, and whether mail to them is suppressed",
    mutates=False,
    params=FindContactParams,
    permissions=(
        "ses:GetAccount",
        "ses:GetContact",
        "ses:GetContactList",
        "ses:GetSuppressedDestination",
        "ses:ListContactLists",
        "ses:ListContacts",
        "ses:ListSuppressedDestinations",
    ),
    people=PeopleRows("person"),
)

LIST_SUPPRESSED = Action(
    name="list-suppressed",
    purpose="every address on the account's suppression list, with reason and time, written to S3",
    mutates=False,
    params=ListSuppressedParams,
    permissions=("ses:GetAccount", "ses:ListSuppressedDestinations"),
)

VALIDATE_ACCESS = Action(
    name="validate-access",
    purpose="whether a customer is ready: roles, ExternalIds, account, SES sandbox, contact list, Identity Center",
    mutates=False,
    params=Params,
    permissions=("iam:ListRoleTags", "ses:GetAccount", "ses:GetContactList", "ses:ListContactLists"),
    identity_center_permissions=("sso:ListInstances",),
)

CHECK_HEALTH = Action(
    name="check-health",
    purpose="whether an account is able and allowed to send: standing, quota, identities, bounces and complaints",
    mutates=False,
    params=CheckHealthParams,
    permissions=("cloudwatch:GetMetricData", "ses:GetAccount", "ses:GetEmailIdentity", "ses:ListEmailIdentities"),
)

MANAGE_TOPIC = Action(
    name="manage-topic",
    purpose="change the list's topics in place to those of SESConfig.json; with prune, remove all others",
    mutates=True,
    params=Params,
    permissions=(
        "ses:CreateContactList",
        "ses:GetContactList",
        "ses:ListContactLists",
        "ses:ListContacts",
        "ses:ListImportJobs",
        "ses:UpdateContactList",
    ),
    ses_config="required",
    prunes=True,
    saves_plan="topics",
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
    "ses:ListImportJobs",
    "ses:UpdateContact",
    "ses:UpdateContactList",
)

RESTORE_LIST = Action(
    name="restore-list",
    purpose="restore a list as backup-list saved it, without subscribing again anybody who left since",
    mutates=True,
    params=RestoreListParams,
    # Creating a list with tags needs a permission of its own.
    permissions=(*_RESTORING, "ses:TagResource"),
    scopes=("single",),
)

RESTORE_TOPICS = Action(
    name="restore-topics",
    purpose="restore the topics that a prune removed, with everybody's preferences",
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
    purpose="add Identity Center's people to the list, opted in to the topics of their roles, and nobody against "
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
    reads_identity_center=True,
    saves_plan="people",
)

SET_SUPPRESSED = Action(
    name="set-suppressed",
    purpose="put addresses on the account's suppression list, or take them off it",
    mutates=True,
    params=SetSuppressedParams,
    permissions=(
        "s3:DeleteObject",
        "s3:PutObject",
        "ses:CreateImportJob",
        "ses:DeleteSuppressedDestination",
        "ses:GetAccount",
        "ses:GetImportJob",
        "ses:GetSuppressedDestination",
        "ses:ListImportJobs",
        "ses:ListSuppressedDestinations",
        "ses:PutSuppressedDestination",
    ),
    people=PeopleRows("suppressed"),
    saves_plan="people",
)

ERASE_CONTACT = Action(
    name="erase-contact",
    purpose="delete people wherever a list has them, prove it with a receipt, and keep imports from bringing them back",
    mutates=True,
    params=EraseContactParams,
    permissions=(
        "ses:DeleteContact",
        "ses:DeleteSuppressedDestination",
        "ses:GetAccount",
        "ses:GetContact",
        "ses:GetContactList",
        "ses:GetSuppressedDestination",
        "ses:ListContactLists",
        "ses:ListContacts",
        "ses:ListImportJobs",
    ),
    people=PeopleRows("person", at_most=limits.ERASED_PEOPLE),
    confirms_people=True,
    two_phases=True,
    receipts=True,
)

UN_ERASE = Action(
    name="un-erase",
    purpose="let people be added to a list again who were erased from it; the people themselves do not come back",
    mutates=True,
    params=UnEraseParams,
    permissions=(),
    people=PeopleRows("person", at_most=limits.ERASED_PEOPLE),
    confirms_people=True,
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

SET_CONTACTS = Action(
    name="set-contacts",
    purpose="make the contacts of a people file what its rows say; against a choice only with overwrite_unsubscribes",
    mutates=True,
    params=SetContactsParams,
    permissions=(
        "s3:DeleteObject",
        "s3:PutObject",
        "ses:CreateContact",
        "ses:CreateImportJob",
        "ses:GetContact",
        "ses:GetContactList",
        "ses:GetImportJob",
        "ses:ListContactLists",
        "ses:ListContacts",
        "ses:ListImportJobs",
        "ses:UpdateContact",
    ),
    people=PeopleRows("contact"),
    saves_plan="people",
)

REMOVE_CONTACTS = Action(
    name="remove-contacts",
    purpose="remove the contacts of the people of a people file, saved before, and nobody whose choice would be "
    "forgotten",
    mutates=True,
    params=RemoveContactsParams,
    permissions=(
        "ses:DeleteContact",
        "ses:GetContact",
        "ses:GetContactList",
        "ses:ListContactLists",
        "ses:ListContacts",
        "ses:ListImportJobs",
    ),
    people=PeopleRows("person"),
    confirms_people=True,
    confirms_customers=True,
    saves_plan="people",
)

ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        DESCRIBE_LIST,
        DESCRIBE_TOPICS,
        LIST_CONTACTS,
        FIND_CONTACT,
        LIST_SUPPRESSED,
        VALIDATE_ACCESS,
        CHECK_HEALTH,
        MANAGE_TOPIC,
        BACKUP_LIST,
        RESTORE_LIST,
        RESTORE_TOPICS,
        IMPORT_AWS_CONTACT,
        SET_SUPPRESSED,
        ERASE_CONTACT,
        UN_ERASE,
        READ_IDENTITY_CENTER,
        SET_CONTACTS,
        REMOVE_CONTACTS,
    )
}

HELP = "help"


def payload_names() -> dict[str, tuple[Action, Scope]]:
    """Return every `action` that a payload may name, except `help`: `describe-list-all` → (its action, "all")."""
    return {
        action.name + ("-all" if scope == "all" else ""): (action, scope)
        for action in ACTIONS.values()
        for scope in action.scopes
    }


def saving_plans() -> str:
    """Return the names of the actions of which a dry run saves a plan, as a list for people."""
    *names, last = [action.name for action in ACTIONS.values() if action.saves_plan]
    return f"{', '.join(names)} and {last}"


def needing_more_than(role_version: int) -> list[str]:
    """Return the names of the actions for which a customer's role of this version is too old."""
    return [action.name for action in ACTIONS.values() if action.scopes and action.role_version > role_version]


ALL_ONLY_FIELDS = (
    "max_customer_concurrency",
    "include",
    "exclude",
    "environment",
    "max_failures",
    "failure_mode",
    "ramp",
    "confirm_customers",
)
SINGLE_ONLY_FIELDS = ("customer_code", "ses_role_arn")

FieldScope = Literal["all", "single", "both"]


def field_scope(field: str) -> FieldScope:
    """Return for which scope a payload field may be given."""
    if field in ALL_ONLY_FIELDS:
        return "all"
    return "single" if field in SINGLE_ONLY_FIELDS else "both"
