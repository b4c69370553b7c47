"""validate-access: every check with what to do, and no false comfort."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.actions.catalogue import needing_more_than
from ses_fleet.actions.params import Params
from ses_fleet.actions.role_version import ROLE_VERSION, TAG_KEY
from ses_fleet.aws.clients import AwsClient
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker.actions import validate_access
from tests.unit.worker.scripted import Pages, Scripted
from tests.unit.worker.world import ACCOUNT, REGION, Iam, World

SOURCE = IdentityCenter(role_arn="arn:aws:iam::999988887777:role/ic", region="us-east-1")


class Instances(AwsClient):
    """sso-admin with these identity stores, one a page."""

    def __init__(self, *stores: str) -> None:
        super().__init__("sso-admin", None)
        self._stores = stores

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """ListInstances."""
        assert operation == "list_instances"
        at = int(parameters.get("NextToken", 0))
        page = [{"IdentityStoreId": one, "OwnerAccountId": "999988887777"} for one in self._stores[at : at + 1]]
        more = {"NextToken": str(at + 1)} if at + 1 < len(self._stores) else {}
        return {"Instances": page, **more}


class Access:
    """Whether the role is assumed without its ExternalId; an error is raised."""

    def __init__(self, answer: bool | Exception) -> None:
        self._answer = answer

    def works_without_external_id(self) -> bool:
        """As made up."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def checks(world: World, **options: Any) -> dict[str, tuple[str, str]]:
    """{name: (status, message)}."""
    options.setdefault("access", Access(False))
    options["customer"] = {"external_id": "x-1", **options.get("customer", {})}
    done = world.run(validate_access.run, Params(), **options)
    return {row["name"]: (row["status"], row["message"]) for row in done.data["checks"]}


def test_a_customer_that_is_ready() -> None:
    """Every check ok, no warning."""
    world = World()
    rows = checks(world, customer={"identity_center": SOURCE}, identity_center=Instances("d-0123456789"))
    assert {name: status for name, (status, _) in rows.items()} == dict.fromkeys(
        ["assume_role", "external_id", "role_version", "ses_account", "contact_list", "identity_center"], "ok"
    )
    assert rows["contact_list"][1] == "the list is main, with 2 topics"
    assert "d-0123456789 of account 999988887777" in rows["identity_center"][1]
    assert world.warnings == []


@pytest.mark.parametrize(
    ("customer", "answer", "text"),
    [({}, True, "can be assumed without its ExternalId"), ({"external_id": None}, False, "has no external_id")],
)
def test_a_role_without_an_external_id_is_a_finding(customer: dict[str, Any], answer: bool, text: str) -> None:
    """Also a warning of the result."""
    world = World()
    status, message = checks(world, customer=customer, access=Access(answer))["external_id"]
    assert status == "finding"
    assert text in message
    assert world.warnings == [f"external_id: {message}"]


def test_an_unanswered_question_is_no_comfort() -> None:
    """STS did not say whether it works without: failed, not ok."""
    unanswered = AwsCallError("sts", "assume_role", "throttled", "Throttling", "slow down")
    assert checks(World(), access=Access(unanswered))["external_id"][0] == "failed"


CURRENT = str(ROLE_VERSION)
BEHIND = needing_more_than(1)


def tag(version: str, key: str = TAG_KEY) -> dict[str, str]:
    """A tag of a role."""
    return {"Key": key, "Value": version}


def refusal(code: str, status: int, kind: Any = "refused") -> AwsCallError:
    """What IAM answers instead of tags."""
    return AwsCallError("iam", "list_role_tags", kind, code, "no", status)


@pytest.mark.parametrize(
    ("iam", "version", "too_old_for", "status", "text"),
    [
        (Iam(tag(CURRENT)), ROLE_VERSION, [], "ok", f"of template version {CURRENT}"),
        (Iam(tag("mail", "team"), tag(CURRENT)), ROLE_VERSION, [], "ok", f"of template version {CURRENT}"),
        (Iam(tag("99")), 99, [], "ok", f"version 99, newer than this ses-fleet's {CURRENT}"),
        (Iam(tag("1")), 1, BEHIND, "finding", f"of template version 1, and this ses-fleet's is {CURRENT}"),
        (Iam(tag("mail", "team")), None, BEHIND, "finding", "no tag ses-fleet:role-version"),
        (Iam(tag("²")), None, BEHIND, "finding", "no tag ses-fleet:role-version"),
        (Iam(tag("")), None, BEHIND, "finding", "no tag ses-fleet:role-version"),
        (Iam(refusal=refusal("AccessDenied", 403)), None, BEHIND, "finding", "(AccessDenied): it is of"),
        (Iam(refusal=refusal("Throttling", 400, "throttled")), None, [], "finding", "(Throttling): run it again"),
    ],
)
def test_a_role_says_how_old_it_is(
    iam: Iam, version: int | None, too_old_for: list[str], status: str, text: str
) -> None:
    """By its tag; who is behind learns what needs more and what to do. It never fails the customer."""
    world = World()
    world.iam = iam
    done = world.run(validate_access.run, Params(), access=Access(False), customer={"external_id": "x-1"})
    (row,) = [one for one in done.data["checks"] if one["name"] == "role_version"]
    assert row["status"] == status
    assert text in row["message"]
    assert (done.data["role_version"], done.data["role_too_old_for"]) == (version, too_old_for)
    assert ("updates the role's stack" in row["message"]) == bool(too_old_for)
    assert (f"needed for: {', '.join(BEHIND)}" in row["message"]) == bool(too_old_for)
    assert done.failure is None
    assert world.warnings == ([] if status == "ok" else [f"role_version: {row['message']}"])


def test_tags_of_many_pages_come_to_an_end() -> None:
    """Even if IAM says again and again that there are more."""

    def more(_: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": [], "IsTruncated": True, "Marker": "m"}

    world = World()
    aws = Scripted({"list_role_tags": more})
    world.iam = aws
    assert checks(world)["role_version"][0] == "finding"
    assert len(aws.asked) == limits.ROLE_TAGS


def test_a_sandbox_and_disabled_sending_are_findings() -> None:
    """Each with where to go."""
    world = World()
    world.ses.set_account(ACCOUNT, REGION, production_access=False, sending_enabled=False)
    status, message = checks(world)["ses_account"]
    assert status == "finding"
    assert "sandbox" in message
    assert "sending is disabled" in message


def test_no_list_is_a_finding() -> None:
    """And so is one of another name."""
    assert checks(World(made=False))["contact_list"][0] == "finding"
    status, message = checks(World(), customer={"contact_list_name": "other"})["contact_list"]
    assert (status, "contact_list_name" in message) == ("finding", True)


class CustomersS3(AwsClient):
    """A customer's S3 that answers every reading so."""

    def __init__(self, answer: AwsCallError | int) -> None:
        super().__init__("s3", None)
        self._answer = answer

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Only ever a reading of one key below the import's prefix."""
        assert (operation, parameters["Bucket"]) == ("get_object", "imports")
        assert parameters["Key"].startswith("ses-fleet/")
        if isinstance(self._answer, AwsCallError):
            raise self._answer
        return {"ContentLength": self._answer}


@pytest.mark.parametrize(
    ("code", "http", "kind", "status", "text"),
    [
        ("NoSuchBucket", 404, "refused", "finding", "there is no bucket imports"),
        ("AccessDenied", 403, "refused", "ok", "the bucket imports exists"),
        ("NoSuchKey", 404, "refused", "ok", "the bucket imports exists"),
        ("SlowDown", 503, "throttled", "failed", "run it again"),
    ],
)
def test_a_missing_import_bucket_is_found(code: str, http: int, kind: Any, status: str, text: str) -> None:
    """S3 says to anybody that a bucket does not exist; the role needs no right for that, and nothing is written."""
    world = World()
    world.customer_objects = CustomersS3(AwsCallError("s3", "get_object", kind, code, "m", http))  # type: ignore[assignment]
    row = checks(world, customer={"import_bucket": "imports"})["import_bucket"]
    assert row[0] == status
    assert text in row[1]


def test_an_import_bucket_that_answers_with_an_object_exists() -> None:
    """Somebody may have put one there; and without import_bucket there is nothing to check."""
    world = World()
    world.customer_objects = CustomersS3(7)  # type: ignore[assignment]
    assert checks(world, customer={"import_bucket": "imports"})["import_bucket"][0] == "ok"
    assert "import_bucket" not in checks(World())


@pytest.mark.parametrize(
    ("stores", "store_id", "status", "text"),
    [
        ((), None, "failed", "no Identity Center instance is visible"),
        (("d-a", "d-b"), None, "failed", "set identity_store_id"),
        (("d-a", "d-b"), "d-b", "ok", "d-b of account"),
        (("d-a",), "d-c", "failed", "is not among"),
    ],
)
def test_which_identity_center_answers(stores: tuple[str, ...], store_id: str | None, status: str, text: str) -> None:
    """None or several without a choice is a failure: nothing could be imported."""
    source = SOURCE.model_copy(update={"store_id": store_id})
    world = World()
    found = checks(world, customer={"identity_center": source}, identity_center=Instances(*stores))["identity_center"]
    assert found[0] == status
    assert text in found[1]


@pytest.mark.parametrize(
    ("status", "store"), [("CREATE_IN_PROGRESS", None), ("DELETE_IN_PROGRESS", "d-b"), ("CREATE_FAILED", None)]
)
def test_an_instance_in_transition_does_not_take_the_other_checks_along(status: str, store: str | None) -> None:
    """Beside an active one it changes nothing; alone, its own check fails and says what it is."""
    for active in (True, False):
        rows = [{"InstanceArn": "arn:i", "IdentityStoreId": store, "Status": status}]
        rows += [{"InstanceArn": "arn:a", "IdentityStoreId": "d-a", "Status": "ACTIVE"}] if active else []
        aws = Scripted({"list_instances": Pages("Instances", [rows])})
        found = checks(World(), customer={"identity_center": SOURCE}, identity_center=aws)
        told = found.pop("identity_center")
        assert told[0] == ("ok" if active else "failed")
        assert ("d-a" if active else status) in told[1]
        assert dict(found) == checks_without_identity_center()


def checks_without_identity_center() -> dict[str, tuple[str, str]]:
    """The other checks of a customer that is ready."""
    found = checks(World())
    del found["identity_center"]
    return found


def test_a_wrong_identity_center_configuration_is_a_failed_check() -> None:
    """It was only a warning for actions that do not need it."""
    source = SOURCE.model_copy(update={"problem": "$.x: is not a role ARN"})
    assert checks(World(), customer={"identity_center": source})["identity_center"] == (
        "failed",
        "$.x: is not a role ARN",
    )


def test_a_role_that_cannot_be_assumed_fails_the_customer_and_keeps_the_row() -> None:
    """What rests on the role is not checked; Identity Center still is."""
    world = World()

    def refuse() -> Any:
        raise CustomerError("authentication", "AccessDenied", "could not assume it: look here")

    def action(context: Any, params: Any, state: Any) -> Any:
        context.open_ses = refuse
        return validate_access.run(context, params, state)

    done = world.run(action, Params(), access=Access(False))
    assert [(row["name"], row["status"]) for row in done.data["checks"]] == [
        ("assume_role", "failed"),
        ("identity_center", "ok"),
    ]
    assert done.failure is not None
    assert (done.failure.category, done.failure.type) == ("authentication", "AccessDenied")
    assert "assume_role" in done.failure.message
    assert "look here" in done.failure.message
