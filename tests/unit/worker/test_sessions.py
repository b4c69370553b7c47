"""The ways into a customer's roles: what is asked of STS, what the session may do, and what is said without one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.actions import role_version
from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.aws.clients import AwsClient
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.runs.work import WorkItem
from ses_fleet.worker.access import Access, advice, session_name
from tests.unit.worker.world import ACCOUNT, make_customer

SOURCE = IdentityCenter(
    role_arn="arn:aws:iam::999988887777:role/ic", region="eu-west-1", external_id="ic-1", store_id="d-0123456789"
)


class Sts(AwsClient):
    """Answers for an account, or raises a failure. `asked` are the requests so far."""

    def __init__(self, outcome: str | AwsCallError = ACCOUNT) -> None:
        super().__init__("sts", None)
        self.outcome = outcome
        self.asked: list[dict[str, Any]] = []

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """AssumeRole."""
        assert operation == "assume_role"
        self.asked.append(parameters)
        if isinstance(self.outcome, AwsCallError):
            raise self.outcome
        return {
            "AssumedRoleUser": {"Arn": f"arn:aws:sts::{self.outcome}:assumed-role/r/s"},
            "Credentials": {"AccessKeyId": "ASIAKEY", "SecretAccessKey": "SECRET", "SessionToken": "TOKEN"},
        }


def entering(sts: Sts, action: str = "import-aws-contact", **customer: Any) -> Access:
    """The ways in, of a customer with an ExternalId unless it is said otherwise."""
    whose = make_customer(**{"external_id": "ext-1", "identity_center": SOURCE, **customer})
    item = WorkItem(run_id="run-1", action=action, customer=whose, params={}, slice_budget_seconds=1.0)
    return Access(sts, item, ACTIONS[action])


def failure(kind: Any, code: str = "AccessDenied", status: int | None = 403) -> AwsCallError:
    """What STS answers instead of a session."""
    return AwsCallError("sts", "assume_role", kind, code, "no", status)


def test_a_session_has_the_keys_that_sts_gives() -> None:
    """And shows nothing of them."""
    keys = entering(Sts()).customer()
    assert (keys.access_key_id, keys.secret_access_key, keys.session_token) == ("ASIAKEY", "SECRET", "TOKEN")
    assert "SECRET" not in repr(keys)


def test_whether_a_role_needs_its_external_id_is_tried_without_it() -> None:
    """A session is a yes, a refusal a no; where STS does not answer, nobody knows."""
    sts = Sts()
    assert entering(sts).works_without_external_id() is True
    assert "ExternalId" not in sts.asked[0]
    assert sts.asked[0]["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/r"
    assert entering(Sts(failure("refused"))).works_without_external_id() is False
    with pytest.raises(AwsCallError):
        entering(Sts(failure("throttled", "Throttling", 400))).works_without_external_id()


def test_identity_center_is_read_by_its_own_role() -> None:
    """With that role's ExternalId, for the configured store alone, and in its own account."""
    sts = Sts("999988887777")
    keys = entering(sts).identity_center(SOURCE)
    assert keys.access_key_id == "ASIAKEY"
    (asked,) = sts.asked
    assert (asked["RoleArn"], asked["ExternalId"]) == (SOURCE.role_arn, "ic-1")
    allowed = json.loads(asked["Policy"])["Statement"]
    assert "arn:aws:identitystore::*:identitystore/d-0123456789" in allowed[0]["Resource"]
    assert not any(name.startswith("ses:") for one in allowed for name in one["Action"])


def test_a_role_of_identity_center_that_another_account_answers_for_is_not_used() -> None:
    """Both accounts are named."""
    with pytest.raises(CustomerError, match=r"account 111122223333 answered for acme, .*999988887777"):
        entering(Sts(ACCOUNT)).identity_center(SOURCE)


@pytest.mark.parametrize(
    ("source", "key"),
    [
        (SOURCE, "the identity_center_external_id of config.json"),
        (None, "config.json has no identity_center_external_id"),
    ],
)
def test_a_role_of_identity_center_that_cannot_be_assumed_is_told_with_its_own_keys(
    source: IdentityCenter | None, key: str
) -> None:
    """Account, role and the key of config.json that are to be looked at."""
    read = source or SOURCE.model_copy(update={"external_id": None})
    with pytest.raises(CustomerError) as error:
        entering(Sts(failure("refused"))).identity_center(read)
    assert (error.value.category, error.value.type, error.value.retryable) == ("authentication", "AccessDenied", False)
    assert key in error.value.message
    assert "Check in account 999988887777" in error.value.message
    assert "could not assume arn:aws:iam::999988887777:role/ic (AccessDenied)" in error.value.message


def test_an_arn_that_is_none_is_told_by_its_key() -> None:
    """Nothing is asked of STS."""
    sts = Sts()
    with pytest.raises(CustomerError, match="identity_center_role_arn: ") as error:
        entering(sts).identity_center(SOURCE.model_copy(update={"role_arn": "nonsense"}))
    assert (error.value.category, error.value.type, sts.asked) == ("configuration", "InvalidRoleArn", [])


def test_a_role_that_sts_gave_no_answer_of_may_be_assumed_later() -> None:
    """Retryable, and no word of trust policies."""
    with pytest.raises(CustomerError, match="STS did not answer") as error:
        entering(Sts(failure("server", "InternalError", 500))).customer()
    assert error.value.retryable
    assert "trust policy" not in error.value.message


def test_a_session_is_named_after_customer_and_run() -> None:
    """What the customer sees in CloudTrail, in the 64 characters that STS takes."""
    assert session_name("acme", "run-1") == "ses-fleet-acme-run-1"
    assert session_name("a" * 53, "r") == f"ses-fleet-{'a' * 53}-"
    assert len(session_name("a" * 50, "r" * 40)) == 64


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("conflict", 500, "somebody else is changing the same list"),
        ("throttled", 429, "request rate is used up"),
        ("server", 500, "AWS had an internal error"),
        ("lost", None, "no answer came back"),
        ("unreachable", None, "could not be reached (no); nothing was sent"),
        ("refused", 403, f"Check that arn:aws:iam::{ACCOUNT}:role/r allows ses:GetContactList"),
        ("refused", 400, "no"),
    ],
)
def test_a_failed_call_is_told_with_what_to_do(kind: Any, status: int | None, said: str) -> None:
    """Run it again where that helps; look at the role where it does not."""
    failed = AwsCallError("sesv2", "get_contact_list", kind, "X", "no", status)
    text = advice(make_customer(), ACTIONS["describe-list"], failed)
    assert said in text
    assert ("run this customer again" in text) == (kind != "refused")


def test_a_call_of_identity_center_is_told_with_its_role() -> None:
    """A customer without one is told with its own. Identity Center's services answer a denial with HTTP 400."""
    importing = ACTIONS["import-aws-contact"]
    denied = AwsCallError("identitystore", "list_users", "refused", "AccessDeniedException", "no", 400)
    told = advice(make_customer(identity_center=SOURCE), importing, denied)
    assert told == f"Check that {SOURCE.role_arn} allows identitystore:ListUsers"
    told = advice(make_customer(), importing, denied)
    assert told == f"Check that arn:aws:iam::{ACCOUNT}:role/r allows identitystore:ListUsers"


def test_a_permission_of_a_newer_template_is_told_with_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The role may be of an older one: the customer updates the stack. A permission of version 1 says nothing of it."""
    monkeypatch.setitem(role_version._ADDED_IN, "ses:ListContacts", 7)
    action = ACTIONS["describe-list"]
    told = advice(make_customer(), action, AwsCallError("sesv2", "list_contacts", "refused", "X", "no", 403))
    assert told.startswith(f"Check that arn:aws:iam::{ACCOUNT}:role/r allows ses:ListContacts: ")
    assert "of a template older than version 7 does not" in told
    assert "updates the role's stack" in told
    told = advice(make_customer(), action, AwsCallError("sesv2", "get_contact_list", "refused", "X", "no", 403))
    assert "template" not in told


def test_a_denied_call_of_the_worker_itself_is_not_laid_upon_the_customer() -> None:
    """No action reads objects with a customer's role."""
    denied = AwsCallError("s3", "get_object", "refused", "AccessDenied", "a policy does not allow it", 403)
    told = advice(make_customer(), ACTIONS["restore-list"], denied)
    assert "the worker's own role" in told
    assert f"{ACCOUNT}" not in told
