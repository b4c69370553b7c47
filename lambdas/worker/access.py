"""Becoming a customer: assume the role, and make sure that it is that customer who answers."""

from __future__ import annotations

import re
from typing import Any

from shared import aws, limits
from shared.actions import Action, session_policy
from shared.arns import RoleArn, parse_role_arn
from shared.errors import AwsCallError, CustomerError
from shared.models import Customer, WorkItem
from shared.text import printable

_ASSUME_ROLE_ATTEMPTS = 3
_ASSUMED_ACCOUNT = re.compile(r"arn:aws[a-z-]*:sts::([0-9]{12}):assumed-role/.+", re.DOTALL)


def assume_role(sts: aws.AwsClient, item: WorkItem, action: Action) -> aws.Credentials:
    """Credentials of the customer's role, cut down to what `action` declares.

    CustomerError (authentication) when the role cannot be assumed or another account answers.
    """
    role = _checked_role(item.customer)
    request: dict[str, Any] = {
        "RoleArn": role.text,
        "RoleSessionName": session_name(item.customer.customer_code, item.run_id),
        "Policy": session_policy(action, item.customer, role.partition),
    }
    if item.customer.external_id is not None:
        request["ExternalId"] = item.customer.external_id
    try:
        answer = sts.call("assume_role", **request)
    except AwsCallError as failure:
        raise _refused(item.customer, failure) from None
    _check_account(item.customer, str(answer["AssumedRoleUser"]["Arn"]))
    keys = answer["Credentials"]
    return aws.Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def sts_client(region: str) -> aws.AwsClient:
    """STS at the function's own regional endpoint, with the function's own credentials."""
    return aws.client("sts", region, attempts=_ASSUME_ROLE_ATTEMPTS)


def session_name(customer_code: str, run_id: str) -> str:
    """What the customer sees in CloudTrail."""
    return f"ses-fleet-{customer_code}-{run_id}"[: limits.SESSION_NAME_CHARACTERS]


def _checked_role(customer: Customer) -> RoleArn:
    try:
        role = parse_role_arn(customer.ses_role_arn)
    except ValueError as error:
        raise CustomerError("configuration", "InvalidRoleArn", f"ses_role_arn: {error}") from None
    if role.account_id != customer.account_id:
        raise CustomerError(
            "configuration",
            "RoleOfAnotherAccount",
            f"ses_role_arn is of account {role.account_id}, the customer's account is {customer.account_id}",
        )
    return role


def _check_account(customer: Customer, assumed_arn: str) -> None:
    match = _ASSUMED_ACCOUNT.fullmatch(assumed_arn)
    answered = match.group(1) if match else printable(assumed_arn)
    if answered != customer.account_id:
        raise CustomerError(
            "authentication",
            "WrongAccount",
            f"account {answered} answered for {customer.customer_code}, whose account is {customer.account_id}; "
            "nothing was called in it",
        )


def _refused(customer: Customer, failure: AwsCallError) -> CustomerError:
    role = customer.ses_role_arn
    if failure.transient:
        return CustomerError(
            "authentication",
            failure.code,
            f"could not assume {role}: STS did not answer ({failure.code}); run this customer again",
            retryable=True,
        )
    external_id = "the ExternalId of config.json" if customer.external_id else "no ExternalId, as config.json has none"
    return CustomerError(
        "authentication",
        failure.code,
        f"could not assume {role} ({failure.code}). Check in account {customer.account_id}: that the role exists; "
        f"that its trust policy allows ses-fleet's worker role; that it asks for {external_id}. "
        "And in ours: that the worker's own policy allows sts:AssumeRole on this role's name",
    )
