"""Roles that an AWS service assumes in order to act for an account."""

from __future__ import annotations

from strict_aws.backend import moto_state
from strict_aws.http.messages import AwsError
from strict_aws.iam import policy
from strict_aws.iam.identity import Session, Sessions
from strict_aws.iam.policy import Decision

_SECONDS = 900


def decide(role_arn: str, *, service: str, account: str, source_arn: str) -> Decision:
    """Return whether a role lets a service act for a resource of an account, and why not.

    `service` is its principal, such as scheduler.amazonaws.com. The role must be the account's own. `account` and
    `source_arn` are what its trust policy finds as aws:SourceAccount and aws:SourceArn.
    """
    role = moto_state.find_role(role_arn)
    if role is None:
        return Decision(False, f"the role {role_arn} does not exist")
    if role_arn.split(":")[4] != account:
        return Decision(False, f"the role {role_arn} is another account's")
    context = {
        "aws:SourceArn": source_arn,
        "aws:SourceAccount": account,
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": service,
    }
    query = policy.Query("sts:AssumeRole", role_arn, context, (service,))
    return policy.evaluate([role.trust], query, resource_based=True)


def assume(
    sessions: Sessions, role_arn: str, *, service: str, account: str, source_arn: str, session_name: str
) -> Session:
    """Return credentials of the role for a service; raise AwsError 403 when its trust policy does not allow that."""
    role = moto_state.find_role(role_arn)
    decision = decide(role_arn, service=service, account=account, source_arn=source_arn)
    if role is None or not decision.allowed:
        message = f"{service} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        raise AwsError("AccessDenied", message, 403, reason=decision.reason)
    return sessions.issue(role_arn=role_arn, role_id=role.role_id, session_name=session_name, seconds=_SECONDS)
