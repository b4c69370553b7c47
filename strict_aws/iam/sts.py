"""STS, whose AssumeRole refuses as AWS does: the role must exist, and its trust policy must allow the caller."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from strict_aws.backend import moto_state
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import Operation, form_of
from strict_aws.http.protocols import sts_answer, xml
from strict_aws.iam import policy
from strict_aws.iam.identity import Caller, Session, Sessions
from strict_aws.regions import DisabledRegions

OPERATIONS = frozenset({"AssumeRole", "GetCallerIdentity"})

_SESSION_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
_ROLE_ARN = re.compile(r"arn:(aws|aws-us-gov|aws-cn):iam::[0-9]{12}:role/.+")
_POLICY_CHARACTERS = 2_048  # API reference, AssumeRole
_MIN_SECONDS, _MAX_SECONDS = 900, 43_200  # API reference, AssumeRole
_CHAINED_SECONDS = 3_600  # IAM user guide: a role's session that assumes a role gets an hour at most


class Sts:
    """Answers AssumeRole and GetCallerIdentity. `disabled_regions` are those that each account has not enabled."""

    def __init__(self, sessions: Sessions, disabled_regions: DisabledRegions | None = None) -> None:
        self._sessions = sessions
        self._disabled_regions = disabled_regions or {}

    def handle(self, operation: Operation, caller: Caller, request: Request) -> Response:
        """Return the answer to one request; raise AwsError as STS would."""
        if operation.name == "GetCallerIdentity":
            return sts_answer("GetCallerIdentity", _identity(caller))
        session = self._assume(caller, form_of(request))
        return sts_answer("AssumeRole", _credentials(session))

    def _assume(self, caller: Caller, form: dict[str, str]) -> Session:
        arn, name = form.get("RoleArn", ""), form.get("RoleSessionName", "")
        if any(member.startswith("PolicyArns.") for member in form):
            raise AwsError("NotImplemented", "strict_aws's sessions know no PolicyArns", 501)
        _check_form(arn, name, form.get("Policy"))
        self._check_region(arn.split(":")[4], caller.region)
        seconds = _seconds(form.get("DurationSeconds", "3600"))
        if not caller.is_administrator and seconds > _CHAINED_SECONDS:
            raise _invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            )
        role = moto_state.find_role(arn)
        decision = policy.Decision(False, "the role does not exist") if role is None else _trusted(role, caller, form)
        if role is None or not decision.allowed:
            message = f"User: {caller.principal} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise AwsError("AccessDenied", message, 403, reason=decision.reason)
        return self._sessions.issue(
            role_arn=arn, role_id=role.role_id, session_name=name, seconds=seconds, policy=form.get("Policy")
        )

    def _check_region(self, account: str, region: str) -> None:
        """Raise RegionDisabledException when the account has not enabled the Region in which it is asked."""
        if region in self._disabled_regions.get(account, ()):
            message = (
                f"STS is not activated in this region for account:{account}. Your account administrator can activate "
                "STS in this region using the IAM Console."
            )
            raise AwsError("RegionDisabledException", message, 403)


def _trusted(role: moto_state.Role, caller: Caller, form: dict[str, str]) -> policy.Decision:
    context = {"aws:PrincipalArn": caller.role_arn, "aws:PrincipalAccount": caller.account}
    if "ExternalId" in form:
        context["sts:ExternalId"] = form["ExternalId"]
    query = policy.Query("sts:AssumeRole", role.arn, context, caller.names)
    return policy.evaluate([role.trust], query, resource_based=True)


def _check_form(arn: str, name: str, session_policy: str | None) -> None:
    if not _ROLE_ARN.fullmatch(arn):
        raise _invalid(f"{arn[:80]} is invalid")
    if not _SESSION_NAME.fullmatch(name):
        raise _invalid("Value at 'roleSessionName' failed to satisfy constraint: [\\w+=,.@-]{2,64}")
    if session_policy is None:
        return
    if len(session_policy) > _POLICY_CHARACTERS:
        raise _invalid(
            "Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048"
        )
    try:
        policy.parse(session_policy)
    except ValueError:
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json") from None


def _seconds(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise AwsError("MalformedInput", "DurationSeconds is not a number")
    seconds = int(text)
    bound = "greater than or equal to 900" if seconds < _MIN_SECONDS else "less than or equal to 43200"
    if not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        raise _invalid(
            f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: "
            f"Member must have value {bound}"
        )
    return seconds


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def _identity(caller: Caller) -> str:
    session = caller.session
    user = caller.account if session is None else f"{session.role_id}:{session.session_name}"
    return xml("Arn", caller.principal) + xml("UserId", user) + xml("Account", caller.account)


def _credentials(session: Session) -> str:
    expiration = datetime.fromtimestamp(session.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    keys = (
        xml("AccessKeyId", session.access_key_id)
        + xml("SecretAccessKey", session.secret_access_key)
        + xml("SessionToken", session.session_token)
        + xml("Expiration", expiration)
    )
    user = xml("AssumedRoleId", f"{session.role_id}:{session.session_name}") + xml("Arn", session.principal)
    return f"<Credentials>{keys}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>"
