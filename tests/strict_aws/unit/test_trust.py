"""Whom a trust policy lets in."""

from __future__ import annotations

from typing import Any

import pytest

from strict_aws.iam.policy import Decision, Query, evaluate

ROLE = "arn:aws:iam::111122223333:role/contact-manager"
WORKER = "arn:aws:iam::123456789012:role/ses-fleet-worker"
SESSION = "arn:aws:sts::123456789012:assumed-role/ses-fleet-worker/env"
NAMES = (SESSION, WORKER, "123456789012", "arn:aws:iam::123456789012:root")


def decided(principal: Any, condition: Any = None, context: dict[str, str] | None = None, **more: Any) -> Decision:
    """What a trust policy with this principal and condition says of the worker."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    if condition is not None:
        statement["Condition"] = condition
    known = {"aws:PrincipalArn": WORKER, "aws:PrincipalAccount": "123456789012", **(context or {})}
    query = Query("sts:AssumeRole", ROLE, known, NAMES)
    return evaluate([{"Statement": [statement]}], query, resource_based=True)


EXTERNAL = {"StringEquals": {"sts:ExternalId": "abc"}}


@pytest.mark.parametrize(
    ("principal", "condition", "context", "allowed"),
    [
        ({"AWS": WORKER}, None, {}, True),
        ({"AWS": [WORKER]}, None, {}, True),
        ({"AWS": SESSION}, None, {}, True),
        ({"AWS": "123456789012"}, None, {}, True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, None, {}, True),
        ({"AWS": "*"}, None, {}, True),
        ("*", None, {}, True),
        ({"AWS": "arn:aws:iam::999988887777:root"}, None, {}, False),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, None, {}, False),
        ({"AWS": "arn:aws:iam::123456789012:role/*"}, None, {}, False),
        ({"Service": "lambda.amazonaws.com"}, None, {}, False),
        ({"AWS": WORKER}, EXTERNAL, {}, False),
        ({"AWS": WORKER}, EXTERNAL, {"sts:ExternalId": "abc"}, True),
        ({"AWS": WORKER}, EXTERNAL, {"sts:ExternalId": "ABC"}, False),
        ({"AWS": WORKER}, {"StringEquals": {"sts:ExternalId": ["x", "abc"]}}, {"sts:ExternalId": "abc"}, True),
        ({"AWS": WORKER}, {"StringLike": {"sts:ExternalId": "a*"}}, {"sts:ExternalId": "abc"}, True),
        ({"AWS": "123456789012"}, {"ArnEquals": {"aws:PrincipalArn": WORKER}}, {}, True),
        ({"AWS": "123456789012"}, {"ArnEquals": {"aws:PrincipalArn": WORKER + "2"}}, {}, False),
        ({"AWS": WORKER}, {"IpAddress": {"aws:SourceIp": "127.0.0.1"}}, {}, False),
        ({"AWS": WORKER}, {"StringEquals": {"aws:PrincipalTag/team": "x"}}, {}, False),
    ],
)
def test_a_trust_policy(principal: Any, condition: Any, context: dict[str, str], allowed: bool) -> None:
    """Allowed or not; what is not known denies."""
    assert decided(principal, condition, context).allowed is allowed


def test_an_explicit_deny_wins() -> None:
    """It wins over whatever else allows the call."""
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sts:*"}
    deny = {"Effect": "Deny", "Principal": {"AWS": WORKER}, "Action": "sts:AssumeRole"}
    query = Query("sts:AssumeRole", ROLE, {}, NAMES)
    assert evaluate([{"Statement": [allow, deny]}], query, resource_based=True).reason.startswith("explicit Deny")


def test_what_is_not_known_says_so() -> None:
    """The reason, which the journal shows, names the operator or the key."""
    assert "IpAddress" in decided("*", {"IpAddress": {"aws:SourceIp": "x"}}).reason
    assert "aws:PrincipalTag/team" in decided("*", {"StringEquals": {"aws:PrincipalTag/team": "x"}}).reason
