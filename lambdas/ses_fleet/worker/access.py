"""Sessions of a customer's roles: assume a role, and check that it is the right account that answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ses_fleet import foreign_errors, limits
from ses_fleet.actions.catalogue import Action
from ses_fleet.actions.policies import identity_center_policy, permissions_of_call, session_policy
from ses_fleet.actions.role_version import since
from ses_fleet.aws import clients, kept_clients
from ses_fleet.aws.arns import RoleArn, parse_role_arn
from ses_fleet.config.customer import Customer, IdentityCenter
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.runs.work import WorkItem
from ses_fleet.text import printable
from ses_fleet.worker.responses import required_text, text_of

_ASSUMED_ACCOUNT = re.compile(r"arn:aws[a-z-]*:sts::([0-9]{12}):assumed-role/.+", re.DOTALL)

IDENTITY_CENTER_SERVICES = ("identitystore", "sso-admin")
_ADVICE = {
    "conflict": "somebody else is changing the same list; run this customer again",
    "throttled": "the account's request rate is used up; run this customer again",
    "server": "AWS had an internal error; run this customer again",
    "lost": "no answer came back; run this customer again",
    "unreachable": "the service could not be reached ({text}); nothing was sent: run this customer again",
}
UPDATE_THE_STACK = "the customer updates the role's stack (docs/operating.md, Update customers' roles)"
_MAY_STILL_ARRIVE = "it may have taken effect, or may still do so: run this customer again in a minute"


@dataclass(frozen=True)
class Access:
    """Assumes one customer's roles. Each session's policy allows only what the action declares."""

    sts: clients.AwsClient
    item: WorkItem
    action: Action

    def customer(self) -> clients.Credentials:
        """Return temporary credentials of the customer's SES role.

        Raise CustomerError (authentication) when the role cannot be assumed or another account answers.
        """
        customer = self.item.customer
        try:
            return self._assume_customer(customer.external_id)
        except AwsCallError as failure:
            raise _refused(customer, failure) from None

    def works_without_external_id(self) -> bool:
        """Return whether the customer's role can be assumed without its ExternalId.

        The session is not used. Raise AwsCallError when STS did not answer.
        """
        try:
            self._assume_customer(None)
        except AwsCallError as failure:
            if failure.transient:
                raise
            return False
        return True

    def identity_center(self, source: IdentityCenter) -> clients.Credentials:
        """Return temporary credentials of the role that reads Identity Center.

        Raise CustomerError (authentication) when the role cannot be assumed or another account answers.
        """
        role = _parsed("identity_center_role_arn", source.role_arn)
        policy = identity_center_policy(self.action, source, role.partition)
        try:
            return self._assume(role, source.external_id, policy)
        except AwsCallError as failure:
            raise _not_assumed(
                role.text, role.account_id, "identity_center_external_id", source.external_id, failure
            ) from None

    def _assume_customer(self, external_id: str | None) -> clients.Credentials:
        role = _checked_role(self.item.customer)
        return self._assume(role, external_id, session_policy(self.action, self.item.customer, role.partition))

    def _assume(self, role: RoleArn, external_id: str | None, policy: str) -> clients.Credentials:
        customer = self.item.customer
        request: dict[str, Any] = {
            "RoleArn": role.text,
            "RoleSessionName": session_name(customer.customer_code, self.item.run_id),
            "Policy": policy,
        }
        if external_id is not None:
            request["ExternalId"] = external_id
        answer = self.sts.call("assume_role", **request)
        _check_account(customer, role.account_id, text_of(answer.get("AssumedRoleUser") or {}, "Arn") or "unknown")
        keys = answer.get("Credentials") or {}
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return clients.Credentials(*(required_text(keys, name, "a session") for name in names))


def advice(customer: Customer, action: Action, failure: AwsCallError) -> str:
    """Return what to do about a failed call of an action for this customer, as a sentence.

    Of a call that a policy does not allow it says whose role lacks which permission, and since which
    version of their template roles have it.
    """
    role, account, region = customer.ses_role_arn, customer.account_id, customer.region
    source = customer.identity_center
    if failure.service in IDENTITY_CENTER_SERVICES and source is not None:
        role, region = source.role_arn, source.region
        account = _parsed("identity_center_role_arn", role).account_id
    if failure.code in foreign_errors.REGION_CODES:
        return f"Region {region} may not be enabled in account {account}: enable it there, or correct the Region"
    if failure.kind == "refused":
        is_denied = failure.status == 403 or failure.code in foreign_errors.ACCESS_DENIED_CODES
        return _denied(role, action, failure) if is_denied else failure.text
    if failure.outcome_unknown:
        return f"{failure.text}; {_MAY_STILL_ARRIVE}"
    return _ADVICE[failure.kind].format(text=failure.text)


def unanswered(customer: Customer, action: Action, failure: AwsCallError) -> tuple[str, str]:
    """Return of a check that AWS did not answer what happened, and what to do about it."""
    todo = "run it again" if failure.transient else advice(customer, action, failure)
    return f"{failure.service}.{failure.operation} failed ({failure.code})", todo


def sts_client(region: str) -> clients.AwsClient:
    """Return the client of STS at this Region's own endpoint, with the function's own credentials."""
    return kept_clients.of_function("sts", region, attempts=limits.ASSUME_ROLE_ATTEMPTS)


def session_name(customer_code: str, run_id: str) -> str:
    """Return the session's name, which the customer sees in CloudTrail: `ses-fleet-<code>-<run id>`."""
    return f"ses-fleet-{customer_code}-{run_id}"[: limits.SESSION_NAME_CHARACTERS]


def _denied(role: str, action: Action, failure: AwsCallError) -> str:
    missing = permissions_of_call(action, failure.service, failure.operation)
    if not missing:
        return f"{failure.text}: check the worker's own role, which makes this call"
    checked = f"Check that {role} allows {' and '.join(missing)}"
    version = since(*missing)
    if version == 1:
        return checked
    return f"{checked}: one of a template older than version {version} does not; then {UPDATE_THE_STACK}"


def _checked_role(customer: Customer) -> RoleArn:
    role = _parsed("ses_role_arn", customer.ses_role_arn)
    if role.account_id != customer.account_id:
        raise CustomerError(
            "configuration",
            "RoleOfAnotherAccount",
            f"ses_role_arn is of account {role.account_id}, the customer's account is {customer.account_id}",
        )
    return role


def _parsed(key: str, text: str) -> RoleArn:
    try:
        return parse_role_arn(text)
    except ValueError as error:
        raise CustomerError("configuration", "InvalidRoleArn", f"{key}: {error}") from None


def _check_account(customer: Customer, expected: str, assumed_arn: str) -> None:
    match = _ASSUMED_ACCOUNT.fullmatch(assumed_arn)
    answered = match.group(1) if match else printable(assumed_arn)
    if answered != expected:
        raise CustomerError(
            "authentication",
            "WrongAccount",
            f"account {answered} answered for {customer.customer_code}, not {expected}; nothing was called in it",
        )


def _refused(customer: Customer, failure: AwsCallError) -> CustomerError:
    return _not_assumed(customer.ses_role_arn, customer.account_id, "external_id", customer.external_id, failure)


def _not_assumed(role: str, account_id: str, key: str, external_id: str | None, failure: AwsCallError) -> CustomerError:
    if failure.code in foreign_errors.REGION_CODES:
        return CustomerError(
            "authentication",
            failure.code,
            f"could not assume {role} ({failure.code}): the worker's Region may not be enabled in account "
            f"{account_id}, or STS is not activated for it there: enable it in that account",
        )
    if failure.transient:
        return CustomerError(
            "authentication",
            failure.code,
            f"could not assume {role}: STS did not answer ({failure.code}); run this customer again",
            retryable=True,
        )
    asked = f"the {key} of config.json" if external_id else f"no ExternalId, as config.json has no {key}"
    return CustomerError(
        "authentication",
        failure.code,
        f"could not assume {role} ({failure.code}). Check in account {account_id}: that the role exists; "
        f"that its trust policy allows ses-fleet's worker role; that it asks for {asked}. "
        "In this account, check that the worker's own policy allows sts:AssumeRole on this role's name",
    )
