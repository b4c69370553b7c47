"""Every policy that we make, against AWS's service authorization reference as policy_sentry has it, without a network.

An action that IAM does not know is allowed in vain, and so is one on a resource that it does not act on: nothing says
so at a deployment, only a refusal on the day on which it is needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data
from policy_sentry.querying.all import get_all_service_prefixes

from infra import customer_role
from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.actions.policies import identity_center_policy, session_policy
from ses_fleet.config.customer import Customer, IdentityCenter
from tests.infra import synth

Statement = dict[str, Any]
CONTEXTS: tuple[dict[str, Any], ...] = (
    synth.FULL,
    {"config_bucket": "acme-metadata", "data_admins": ["arn:aws:iam::123456789012:role/admin"]},
)
CUSTOMER = Customer(
    customer_code="acme",
    customer_name="Acme",
    account_id="111122223333",
    region="eu-west-1",
    ses_role_arn="arn:aws:iam::111122223333:role/contact-manager",
    import_bucket="imports-111122223333",
)
ROLE = "arn:aws:iam::210987654321:role/contact-importer"
# What stands for more than one part of an ARN, or for one with a slash in it; all others are one part.
_LONG = frozenset({"ObjectName", "RoleNameWithPath", "LogGroupName", "LogStreamName", "SecretId"})


def documents(value: Any) -> Iterator[dict[str, Any]]:
    """Every policy document in a template, a role's trust and a bucket's own among them."""
    if isinstance(value, dict) and "Statement" in value:
        yield synth.resolved(value)
    elif isinstance(value, dict):
        for entry in value.values():
            yield from documents(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from documents(entry)


def policies() -> Iterator[tuple[str, dict[str, Any]]]:
    """(What it is of, the policy document) for all that the stack, the templates and the sessions have."""
    for number, context in enumerate(CONTEXTS):
        for name, resource in synth.template(**context)["Resources"].items():
            for index, document in enumerate(documents(resource["Properties"])):
                yield f"stack {number} {name} {index}", document
    for name, template in customer_role.templates().items():
        for index, document in enumerate(documents(template["Resources"])):
            yield f"{name} {index}", document
    for action in ACTIONS.values():
        yield f"session {action.name}", json.loads(session_policy(action, CUSTOMER, "aws"))
        for store in (None, "d-1234567890"):
            source = IdentityCenter(role_arn=ROLE, region="eu-west-1", store_id=store)
            yield f"people {action.name} {store}", json.loads(identity_center_policy(action, source, "aws"))


def listed(value: Any) -> list[str]:
    """One or several."""
    return list(value) if isinstance(value, list) else [value]


def formats(action: str) -> list[str]:
    """The ARNs of what an action acts on, only "*" if it knows no resource; nothing if IAM does not know it."""
    service, _, name = action.partition(":")
    found = get_action_data(service, name) or {}
    forms = [one["resource_arn_format"] for one in found.get(service, ()) if one["action"] == action]
    return [form for form in forms if form != "*"] or forms


def is_of(arn: str, form: str) -> bool:
    """Whether an ARN of a policy, which may have stars, is one of the reference's form."""
    # A log group's attribute Arn ends with a star that stands for its streams.
    sample = re.sub(r"(:log-group:.+):\*$", r"\1:log-stream:x", arn).replace("*", "x")
    if form == "*":
        return arn == "*"

    def part(found: re.Match[str]) -> str:
        return "[^:/]*" if found[1] and found[1] not in _LONG else ".+"

    return re.fullmatch(re.sub(r"\\\$\\\{(\w+)\\\}|\\\*", part, re.escape(form)), sample) is not None


def problems(statement: Statement) -> Iterator[str]:
    """What the reference says against a statement."""
    named = [action for action in listed(statement["Action"]) if not action.endswith(":*")]
    for action in listed(statement["Action"]):
        if action not in named and action.removesuffix(":*") not in get_all_service_prefixes():
            yield f"there is no service {action}"
    known = {action: formats(action) for action in named}
    yield from (f"there is no action {action}" for action, forms in known.items() if not forms)
    if named and len(named) == len(listed(statement["Action"])):
        yield from misplaced(statement, {action: forms for action, forms in known.items() if forms})


def misplaced(statement: Statement, known: dict[str, list[str]]) -> Iterator[str]:
    """Actions that act on none of a statement's resources, and resources on which none of its actions acts."""
    arns = [arn for element in ("Resource", "NotResource") for arn in listed(statement.get(element, []))]
    if not arns:
        return  # a role's trust: the role is the resource
    for action, forms in known.items():
        if not any(is_of(arn, form) for arn in arns for form in forms):
            yield f"{action} acts on none of {arns}, only on {forms}"
    for arn in arns:
        if not any(is_of(arn, form) for forms in known.values() for form in forms):
            yield f"nothing of {sorted(known)} acts on {arn}"


def test_every_action_is_there_and_acts_on_its_resource() -> None:
    """Actions are spelt as IAM spells them; those that know no resource have "*", and no others have it."""
    for name, document in policies():
        found = [problem for statement in document["Statement"] for problem in problems(statement)]
        assert found == [], name


def test_every_kind_of_policy_is_looked_at() -> None:
    """Roles', trusts, buckets', the queue's, the alarms' topic's, people's, customers' and the sessions'."""
    kinds = ("RoleDefaultPolicy", "WorkerRole", "StorageResultsPolicy", "DeadLettersPolicy", "MonitoringTopicPolicy")
    seen = {name for name, _ in policies()}
    for kind in (*kinds, "PeoplePoliciesInvoker", "PeoplePoliciesDataReader", "customer-role", "identity-center-role"):
        assert any(kind in name for name in seen), kind
    assert {name for name in ACTIONS if f"session {name}" in seen and f"people {name} None" in seen} == set(ACTIONS)


LIST = "arn:aws:ses:*:111122223333:contact-list/*"


@pytest.mark.parametrize(
    ("actions", "resource", "problem"),
    [
        ("ses:ListContact", LIST, "there is no action ses:ListContact"),
        ("ses:listContacts", LIST, "there is no action ses:listContacts"),
        ("sesv2:*", "*", "there is no service sesv2:*"),
        (["ses:ListContacts", "ses:GetAccount"], LIST, "ses:GetAccount acts on none of"),
        ("ses:ListContacts", "*", "ses:ListContacts acts on none of"),
        ("ses:GetImportJob", LIST, "ses:GetImportJob acts on none of"),
        ("s3:GetObject", "arn:aws:s3:::bucket", "s3:GetObject acts on none of"),
        ("s3:ListBucket", "arn:aws:s3:::bucket/*", "s3:ListBucket acts on none of"),
        ("lambda:InvokeFunction", ["arn:aws:lambda:*:1:function:x", LIST], "nothing of ['lambda:InvokeFunction']"),
    ],
)
def test_what_iam_would_not_understand_is_found(actions: Any, resource: Any, problem: str) -> None:
    """The check itself: a name, its spelling, a service, a star too many or too few, the wrong kind of resource."""
    found = list(problems({"Effect": "Allow", "Action": actions, "Resource": resource}))
    assert any(one.startswith(problem) for one in found), found
