"""The catalogue of actions, and what derives from it."""

from __future__ import annotations

import functools
import importlib
import json
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS, payload_names
from ses_fleet.actions.policies import identity_center_policy, permissions_of_call, session_policy
from ses_fleet.config.customer import Customer, IdentityCenter
from ses_fleet.runs.help import help_answer
from ses_fleet.worker.registry import REGISTRY

LONGEST = Customer(
    customer_code="c" * 50,
    customer_name="x",
    account_id="1" * 12,
    region="us-gov-west-1",
    ses_role_arn="arn:aws-us-gov:iam::111111111111:role/" + "p" * 500 + "/" + "r" * 64,
    import_bucket="b" * 63,
)

_ON_LISTS = {name for action in ACTIONS.values() for name in action.permissions if name.endswith(("Contact", "List"))}
_SES = "arn:aws-us-gov:ses:us-gov-west-1:111111111111"
_ALLOWED_ON = {
    "*": {
        *("ses:ListContactLists", "ses:GetAccount", "ses:CreateImportJob", "ses:ListImportJobs"),
        *("ses:GetSuppressedDestination", "ses:ListSuppressedDestinations"),
        *("ses:DeleteSuppressedDestination", "ses:PutSuppressedDestination"),
        *("ses:ListEmailIdentities", "cloudwatch:GetMetricData"),
    },
    f"{_SES}:contact-list/*": {*_ON_LISTS, "ses:ListContacts", "ses:TagResource"},
    f"{_SES}:import-job/*": {"ses:GetImportJob"},
    f"{_SES}:identity/*": {"ses:GetEmailIdentity"},
    LONGEST.ses_role_arn: {"iam:ListRoleTags"},
    f"arn:aws-us-gov:s3:::{'b' * 63}/ses-fleet/*": {"s3:PutObject", "s3:DeleteObject"},
}


def test_every_action_has_code_and_all_code_is_an_action() -> None:
    """The catalogue and the registry name the same."""
    assert set(ACTIONS) == set(REGISTRY)


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_has_a_module_of_its_name(name: str) -> None:
    """It is imported when the action first runs, so that only this would tell of a name that is wrong."""
    module = importlib.import_module(f"ses_fleet.worker.actions.{name.replace('-', '_')}")
    with pytest.raises(TypeError, match="missing 3 required positional arguments"):
        module.run()
    with pytest.raises(AttributeError):  # it comes as far as using what it is given
        REGISTRY[name](None, None, {})  # type: ignore[arg-type]
    assert all(name == action.name for name, action in ACTIONS.items())


@pytest.mark.parametrize("name", [name for name in ACTIONS if name != "un-erase"])  # which calls nothing there
def test_every_action_declares_permissions(name: str) -> None:
    """Of services that it may use, each once."""
    permissions = (*ACTIONS[name].permissions, *ACTIONS[name].identity_center_permissions)
    assert permissions
    assert len(set(permissions)) == len(permissions)
    assert all(
        permission.partition(":")[0] in ("cloudwatch", "iam", "ses", "s3", "identitystore", "sso")
        for permission in permissions
    )


@pytest.mark.parametrize("name", ACTIONS)
def test_a_reading_action_may_not_write(name: str) -> None:
    """Not even by its session policy."""
    if not ACTIONS[name].mutates:
        verbs = {permission.partition(":")[2] for permission in ACTIONS[name].permissions}
        assert all(verb.startswith(("Get", "List", "Describe")) for verb in verbs)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_session_policy_fits_and_stays_in_the_account(name: str) -> None:
    """At most 2,048 characters with the longest names; only this customer's lists."""
    text = session_policy(ACTIONS[name], LONGEST, "aws-us-gov")
    assert len(text) <= limits.SESSION_POLICY_CHARACTERS
    statements: list[dict[str, Any]] = json.loads(text)["Statement"]
    for statement in statements:
        assert set(statement["Action"]) <= _ALLOWED_ON[statement["Resource"]]
    assert {action for statement in statements for action in statement["Action"]} == set(ACTIONS[name].permissions)


@pytest.mark.parametrize("store_id", [None, "d-" + "0" * 10, "0" * 8 + "-0000" * 3 + "-" + "0" * 12])
@pytest.mark.parametrize("name", [name for name, action in ACTIONS.items() if action.identity_center_permissions])
def test_a_session_policy_of_identity_center_fits_and_names_the_store(name: str, store_id: str | None) -> None:
    """At most 2,048 characters; on the configured store only, where one is."""
    source = IdentityCenter(role_arn="r", region="us-gov-west-1", store_id=store_id)
    text = identity_center_policy(ACTIONS[name], source, "aws-us-gov")
    assert len(text) <= limits.SESSION_POLICY_CHARACTERS
    statements: list[dict[str, Any]] = json.loads(text)["Statement"]
    stores = {one for entry in statements for one in entry["Resource"] if ":identitystore/" in one}
    assert stores <= {f"arn:aws-us-gov:identitystore::*:identitystore/{store_id or '*'}"}
    on_anything = {action for entry in statements if entry["Resource"] == "*" for action in entry["Action"]}
    assert on_anything <= {"sso:ListInstances"}


def test_help_describes_every_payload() -> None:
    """With fields, parameters and permissions."""
    actions = {action["name"]: action for action in help_answer()["actions"]}
    assert set(actions) == set(payload_names())
    for action in actions.values():
        assert set(action) == {
            "name",
            "purpose",
            "scope",
            "mutates",
            "fields",
            "params_schema",
            "people",
            "data_schema",
            "permissions",
        }
        assert "action" in action["fields"]


@pytest.mark.parametrize(
    ("action", "service", "operation", "expected"),
    [
        ("describe-list", "sesv2", "get_contact_list", ["ses:GetContactList"]),
        ("import-aws-contact", "s3", "put_object", ["s3:PutObject"]),
        ("import-aws-contact", "sso-admin", "list_instances", ["sso:ListInstances"]),
        ("read-identity-center", "identitystore", "list_users", ["identitystore:ListUsers"]),
        ("validate-access", "iam", "list_role_tags", ["iam:ListRoleTags"]),
        ("restore-list", "sesv2", "create_contact_list", ["ses:CreateContactList", "ses:TagResource"]),
        ("manage-topic", "sesv2", "create_contact_list", ["ses:CreateContactList"]),
        ("restore-list", "s3", "get_object", []),
        ("check-health", "cloudwatch", "get_metric_data", ["cloudwatch:GetMetricData"]),
        ("check-health", "sesv2", "get_email_identity", ["ses:GetEmailIdentity"]),
    ],
)
def test_a_call_has_the_permissions_that_iam_knows_it_by(
    action: str, service: str, operation: str, expected: list[str]
) -> None:
    """Those that the action declares: reading the results bucket is not done with a customer's role."""
    assert permissions_of_call(ACTIONS[action], service, operation) == expected


@functools.cache
def methods_of(service: str) -> frozenset[str]:
    """botocore's names of a service's operations."""
    return frozenset(map(xform_name, botocore.session.get_session().get_service_model(service).operation_names))


@pytest.mark.parametrize("name", ACTIONS)
def test_every_permission_is_one_of_a_call(name: str) -> None:
    """Whatever a customer's role lacks, the message names it."""
    services = {"ses": "sesv2", "sso": "sso-admin"}
    found = set()
    declared = {*ACTIONS[name].permissions, *ACTIONS[name].identity_center_permissions}
    for permission in declared - {"ses:TagResource"}:
        prefix, _, called = permission.partition(":")
        service = services.get(prefix, prefix)
        method = xform_name(called)
        assert method in methods_of(service)
        found.update(permissions_of_call(ACTIONS[name], service, method))
    assert found == declared
