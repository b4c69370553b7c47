"""The templates for customers: from the actions' declarations, least privilege by access level, trust that lasts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra import customer_role, names
from ses_fleet.actions.catalogue import ACTIONS
from tests.infra import synth

ROLES = customer_role.templates()


@pytest.mark.parametrize("name", ROLES)
def test_the_files_are_as_the_actions_say(name: str) -> None:
    """`make customer-role` writes them; what customers get is what the actions declare."""
    assert (customer_role.TEMPLATES / name).read_text(encoding="utf-8") == customer_role.as_text(ROLES[name])


def policies(name: str = customer_role.CUSTOMER_ROLE) -> list[dict[str, Any]]:
    """The role's inline policies, conditional ones unwrapped."""
    found = ROLES[name]["Resources"]["Role"]["Properties"]["Policies"]
    return [one["Fn::If"][1] if "Fn::If" in one else one for one in found]


def actions(policy: dict[str, Any]) -> set[str]:
    """What a policy allows, on whatever."""
    return {name for statement in policy["PolicyDocument"]["Statement"] for name in statement["Action"]}


def test_read_only_allows_what_reading_actions_declare_and_manage_the_rest() -> None:
    """No permission of a mutating action for who only looks; none twice."""
    read, manage = map(actions, policies())
    reading = {name for action in ACTIONS.values() if not action.mutates for name in action.permissions}
    assert read == reading
    assert read.isdisjoint(manage)
    assert read | manage == {name for action in ACTIONS.values() for name in action.permissions}


def test_the_identity_center_role_reads_and_nothing_else() -> None:
    """Every permission that an action declares for it."""
    (policy,) = policies(customer_role.IDENTITY_CENTER_ROLE)
    assert actions(policy) == {name for action in ACTIONS.values() for name in action.identity_center_permissions}


@pytest.mark.parametrize("name", ROLES)
def test_a_star_is_a_resource_only_where_aws_forces_one(name: str) -> None:
    """These actions know no resource (service authorization reference)."""
    unscoped = {
        action
        for policy in policies(name)
        for statement in policy["PolicyDocument"]["Statement"]
        if "*" in list(synth.strings(statement["Resource"]))
        for action in statement["Action"]
    }
    assert unscoped <= {
        *("ses:CreateImportJob", "ses:GetAccount", "ses:ListContactLists", "ses:ListImportJobs"),
        *("ses:ListEmailIdentities", "cloudwatch:GetMetricData"),
        *("ses:GetSuppressedDestination", "ses:ListSuppressedDestinations"),
        *("ses:DeleteSuppressedDestination", "ses:PutSuppressedDestination"),
        "sso:ListInstances",
    }


@pytest.mark.parametrize("name", ROLES)
def test_the_trust_outlives_our_role(name: str) -> None:
    """Our account with the worker's name and this customer's ExternalId, never the role by its unique id."""
    (trust,) = ROLES[name]["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${FleetAccountId}:root"}}
    assert trust["Condition"] == {
        "ArnEquals": {
            "aws:PrincipalArn": {"Fn::Sub": "arn:${AWS::Partition}:iam::${FleetAccountId}:role/${FleetName}-worker"}
        },
        "StringEquals": {
            "sts:ExternalId": {
                "Fn::If": [
                    "SuffixesExternalId",
                    {"Fn::Sub": "${ExternalId}-${AWS::AccountId}"},
                    {"Ref": "ExternalId"},
                ]
            }
        },
    }
    assert "Default" not in ROLES[name]["Parameters"]["ExternalId"], "each customer has one of its own"
    fleet = ROLES[name]["Parameters"]["FleetName"]["Default"]
    assert names.Names(fleet).worker == f"{fleet}-worker" == names.Names().worker


def test_the_import_bucket_comes_with_manage_and_keeps_nothing() -> None:
    """A day, TLS, nobody but the account and SES for the account."""
    resources = ROLES[customer_role.CUSTOMER_ROLE]["Resources"]
    assert {resources[name]["Condition"] for name in ("ImportBucket", "ImportBucketPolicy")} == {"Manages"}
    bucket = resources["ImportBucket"]["Properties"]
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"], rule.get("Prefix")) == ("Enabled", 1, None)
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    deny, *allow = resources["ImportBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    for statement in allow:
        assert (statement["Principal"], statement["Action"]) == ({"Service": "ses.amazonaws.com"}, "s3:GetObject")
        assert list(statement["Condition"]["StringEquals"].values()) == [{"Ref": "AWS::AccountId"}]


@pytest.mark.parametrize("name", ROLES)
def test_the_templates_are_plain_cloudformation(name: str) -> None:
    """Nothing of the CDK's; small enough to be passed as text (51,200 bytes, CloudFormation quota)."""
    text = customer_role.as_text(ROLES[name])
    assert "cdk" not in text.lower()
    assert len(json.dumps(ROLES[name]).encode()) < 51_200
