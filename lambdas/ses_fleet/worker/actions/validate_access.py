"""validate-access: check whether a customer is ready to be worked on, and say what to do where it is not."""

from __future__ import annotations

from collections.abc import Callable

from ses_fleet.actions.catalogue import VALIDATE_ACCESS, needing_more_than
from ses_fleet.actions.data.validate_access import Check, CheckStatus, ValidateAccessData
from ses_fleet.actions.params import Params
from ses_fleet.actions.policies import IMPORT_PREFIX
from ses_fleet.actions.role_version import ROLE_VERSION, TAG_KEY
from ses_fleet.aws.arns import parse_role_arn
from ses_fleet.aws.s3 import TooLargeError
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import access, contact_list, identity_center, role_template
from ses_fleet.worker.context import ActionContext, Done, State

_MARKS = {"ok": "✅", "finding": "⚠️ ", "failed": "❌"}


def run(context: ActionContext, _params: Params, _state: State) -> Done:
    """Make the checks. One failed check makes the customer failed, with all checks in the data."""
    checks = _Checks(context)
    role = _Role()
    if checks.run("assume_role", _assume_role):
        checks.run("external_id", _external_id)
        checks.run("role_version", role.check)
        checks.run("ses_account", _ses_account)
        checks.run("contact_list", _contact_list)
        if context.customer.import_bucket is not None:
            checks.run("import_bucket", _import_bucket)
    checks.run("identity_center", _identity_center)
    data = ValidateAccessData(
        checks=tuple(checks.rows), role_version=role.version, role_too_old_for=tuple(role.too_old_for)
    )
    return Done(data, failure=checks.failure())


class _Checks:
    """The checks made so far, in `rows`."""

    def __init__(self, context: ActionContext) -> None:
        self.rows: list[Check] = []
        self._context = context
        self._failures: list[CustomerError] = []

    def run(self, name: str, check: Callable[[ActionContext], tuple[CheckStatus, str]]) -> bool:
        """Make one check and add it to `rows`. Return whether it did not fail."""
        try:
            status, message = check(self._context)
        except CustomerError as failure:
            if failure.category == "timeout":
                raise
            status, message = self._failed(failure)
        except AwsCallError as failure:
            text = ": ".join(access.unanswered(self._context.customer, VALIDATE_ACCESS, failure))
            status, message = self._failed(CustomerError("operation", failure.code, text, retryable=failure.transient))
        self.rows.append(Check(name=name, status=status, message=message))
        self._context.log(f"{_MARKS[status]} Customer {self._context.code}: {name}: {message}")
        if status == "finding":
            self._context.warnings.append(f"{name}: {message}")
        return status != "failed"

    def failure(self) -> CustomerError | None:
        """Return the failure of the first failed check, which names all of them, or None when none failed."""
        if not self._failures:
            return None
        first = self._failures[0]
        names = ", ".join(row.name for row in self.rows if row.status == "failed")
        return CustomerError(
            first.category,
            first.type,
            f"failed: {names}. {first.message}",
            retryable=all(failure.retryable for failure in self._failures),
        )

    def _failed(self, failure: CustomerError) -> tuple[CheckStatus, str]:
        self._failures.append(failure)
        return "failed", failure.message


class _Role:
    """The check of the customer's role's version. It is a finding at most: what an action lacks, it says itself."""

    def __init__(self) -> None:
        self.version: int | None = None
        self.too_old_for: list[str] = []

    def check(self, context: ActionContext) -> tuple[CheckStatus, str]:
        try:
            self.version = role_template.version(context.open_iam(), parse_role_arn(context.customer.ses_role_arn).name)
        except AwsCallError as failure:
            if failure.transient:
                return "finding", f"IAM did not say of which version the role is ({failure.code}): run it again"
            return self._behind(
                f"the role's version cannot be read ({failure.code}): it is of template version 1, or its owner made "
                "it without iam:ListRoleTags"
            )
        if self.version is None:
            return self._behind(f"the role has no tag {TAG_KEY}, so that it is taken for one of template version 1")
        if self.version < ROLE_VERSION:
            return self._behind(
                f"the role is of template version {self.version}, and this ses-fleet's is {ROLE_VERSION}"
            )
        newer = f", newer than this ses-fleet's {ROLE_VERSION}" if self.version > ROLE_VERSION else ""
        return "ok", f"the role is of template version {self.version}{newer}"

    def _behind(self, what: str) -> tuple[CheckStatus, str]:
        self.too_old_for = needing_more_than(self.version or 1)
        needed = f"; needed for: {', '.join(self.too_old_for)}" if self.too_old_for else ""
        return "finding", f"{what}: {access.UPDATE_THE_STACK}{needed}"


def _assume_role(context: ActionContext) -> tuple[CheckStatus, str]:
    _ = context.ses
    return "ok", f"account {context.customer.account_id} answers for {context.customer.ses_role_arn}"


def _external_id(context: ActionContext) -> tuple[CheckStatus, str]:
    if context.customer.external_id is None:
        return "finding", (
            "config.json has no external_id and the role needs none: agree on one with the customer, "
            "and have the role's trust policy ask for it"
        )
    if context.access.works_without_external_id():
        return "finding", (
            "the role can be assumed without its ExternalId: the trust policy needs the condition "
            "StringEquals sts:ExternalId"
        )
    return "ok", "the role requires its ExternalId"


def _ses_account(context: ActionContext) -> tuple[CheckStatus, str]:
    account = context.ses.read("get_account")
    sending, production = account.get("SendingEnabled"), account.get("ProductionAccessEnabled")
    problems = []
    if not production:
        problems.append("SES is in the sandbox: request production access in the SES console of the account")
    if not sending:
        problems.append("sending is disabled: look at the account's reputation and status in the SES console")
    if problems:
        return "finding", f"{'; '.join(problems)} ({context.customer.region})"
    return "ok", f"production access, sending enabled ({context.customer.region})"


def _contact_list(context: ActionContext) -> tuple[CheckStatus, str]:
    found = contact_list.find(context)
    if found is not None:
        return "ok", f"the list is {found.name}, with {len(found.topics)} topics"
    wanted = context.customer.contact_list_name
    if wanted is None:
        return "finding", f"there is no contact list in {context.customer.region}"
    return "finding", f"there is no contact list {wanted} in {context.customer.region}: check contact_list_name"


def _import_bucket(context: ActionContext) -> tuple[CheckStatus, str]:
    """Check only that the bucket exists, which S3 says to anybody: it also refuses access to a bucket that exists."""
    bucket = str(context.customer.import_bucket)
    try:
        context.open_import_bucket(bucket).read(f"{IMPORT_PREFIX}validate-access", limit=0)
    except TooLargeError:
        pass  # an object of that name
    except AwsCallError as failure:
        if failure.code == "NoSuchBucket":
            return "finding", f"there is no bucket {bucket}: import jobs cannot use it; check import_bucket"
        if failure.transient:
            raise
    return "ok", f"the bucket {bucket} exists; only an import shows whether files can be written to it"


def _identity_center(context: ActionContext) -> tuple[CheckStatus, str]:
    source = context.customer.identity_center
    if source is None:
        return "ok", "config.json has no identity_center_role_arn: nothing is imported for this customer"
    if source.problem:
        raise CustomerError("configuration", "ConfigurationError", source.problem)
    found = identity_center.instances(context.open_identity_center(source, "sso-admin"))
    store = identity_center.choose(source, found)
    return "ok", f"identity store {store} of account {found.owners[store]} answers"
