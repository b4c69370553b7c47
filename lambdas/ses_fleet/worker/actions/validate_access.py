"""validate-access: check whether a customer is ready to be worked on, and say what to do where it is not."""

from __future__ import annotations

from collections.abc import Callable

from ses_fleet.actions.catalogue import VALIDATE_ACCESS
from ses_fleet.actions.data.validate_access import Check, CheckStatus, ValidateAccessData
from ses_fleet.actions.params import Params
from ses_fleet.actions.policies import IMPORT_PREFIX
from ses_fleet.aws.s3 import TooLargeError
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import access, contact_list, identity_center
from ses_fleet.worker.context import ActionContext, Done, State

_MARKS = {"ok": "✅", "finding": "⚠️ ", "failed": "❌"}


def run(context: ActionContext, _params: Params, _state: State) -> Done:
    """Make the checks. One failed check makes the customer failed, with all checks in the data."""
    checks = _Checks(context)
    if checks.run("assume_role", _assume_role):
        checks.run("external_id", _external_id)
        checks.run("ses_account", _ses_account)
        checks.run("contact_list", _contact_list)
        if context.customer.import_bucket is not None:
            checks.run("import_bucket", _import_bucket)
    checks.run("identity_center", _identity_center)
    return Done(ValidateAccessData(checks=tuple(checks.rows)), failure=checks.failure())


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
            text = f"{failure.service}.{failure.operation} failed ({failure.code}): {_advice(self._context, failure)}"
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


def _advice(context: ActionContext, failure: AwsCallError) -> str:
    if failure.transient:
        return "run it again"
    return access.advice(context.customer, VALIDATE_ACCESS, failure)
