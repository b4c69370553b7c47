"""Claims of a run and of its hops, and what the record keeps of a person: nothing."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config import config_json
from ses_fleet.errors import AwsCallError, ConfigurationError, RequestError
from ses_fleet.orchestrator import handover, plan
from ses_fleet.orchestrator.config_files import ConfigFiles
from ses_fleet.orchestrator.wanted_topics import WantedTopics
from ses_fleet.runs import request
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.models import RunPlan, RunRequest
from ses_fleet.runs.record import RunRecord

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
ADA, BOB = "ada@corp.example", "bob@corp.example"


class S3(AwsClient):
    """A bucket in memory. `lost`: every answer to a conditional write is, after its effect."""

    def __init__(self, *, lost: bool = False) -> None:
        super().__init__("s3", None)
        self.objects: dict[str, bytes] = {}
        self.lost = lost
        self.denied: str | None = None

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """GetObject and PutObject."""
        key = parameters["Key"]
        if self.denied and key.startswith(self.denied):
            raise AwsCallError("s3", operation, "refused", "AccessDenied", "no", 403)
        if operation == "get_object":
            if key not in self.objects:
                raise AwsCallError("s3", operation, "refused", "NoSuchKey", "no", 404)
            return {"ContentLength": len(self.objects[key]), "Body": io.BytesIO(self.objects[key])}
        if key in self.objects and parameters.get("IfNoneMatch"):
            raise AwsCallError("s3", operation, "refused", "PreconditionFailed", "no", 412)
        self.objects[key] = parameters["Body"]
        if self.lost:
            raise AwsCallError("s3", operation, "lost", "ConnectionClosedError", "no")
        return {}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes at once."""
    monkeypatch.setattr("ses_fleet.aws.s3._wait", lambda _: None)


def asked(username: str | None = None, **payload: Any) -> RunRequest:
    """A checked request to import."""
    params = {} if username is None else {"params": {"username": username}}
    return request.parse({"action": "import-aws-contact-all", **params, **payload}).request


def planned(wanted: RunRequest, owner: str, place: str | None = None) -> RunPlan:
    """plan.json of a start."""
    role = "arn:aws:iam::111122223333:role/r"
    customers = {"a": {"ses_role_arn": role, "identity_center_role_arn": role}}
    fleet = config_json.read({"customer_mappings": customers}, region="us-east-1", partition="aws", version="v1")
    impersonal = request.without_personal_values(wanted)
    made = plan.make(impersonal, ConfigFiles(fleet, WantedTopics()), plan.select(impersonal, fleet))
    moment = "2026-03-01T06:00:00Z"
    return made.document("r1", moment, moment, dead_after=60.0, owner=owner, personal_params=place)


def started(s3: S3, username: str | None, owner: str = "o1") -> bool:
    """One start of run r1, as the orchestrator does it; whether it claimed the run."""
    record, wanted = RunRecord(Bucket(s3, "b"), "r1"), asked(username)
    place = record.keep_personal(request.personal_values(wanted), owner)
    return record.claim(planned(wanted, owner, place))


@pytest.mark.parametrize("lost", [False, True])
def test_one_of_two_starts_gets_the_run(lost: bool) -> None:
    """Whatever becomes of the answers: the first knows its own plan again, the second another's."""
    s3 = S3(lost=lost)
    assert started(s3, None, "o1")
    assert not started(s3, None, "o2")


def test_two_starts_in_the_same_moment_have_different_plans() -> None:
    """The token alone tells them apart: request and times may be the same."""
    one, other = planned(asked(), "o1"), planned(asked(), "o2")
    assert one.model_dump(exclude={"owner"}) == other.model_dump(exclude={"owner"})
    assert one != other


def test_every_claim_of_a_hop_has_its_own_token() -> None:
    """Two deliveries of one event may come in the same moment."""
    s3 = S3(lost=True)
    hops = HopRecord(Bucket(s3, "b"), "r1")
    assert hops.claim(handover.claim(1, NOW, 5.0))
    assert not hops.claim(handover.claim(1, NOW, 5.0))


def test_a_name_is_kept_below_data_only() -> None:
    """plan.json has a mask and the place."""
    s3 = S3()
    assert started(s3, ADA)
    assert [key for key, body in s3.objects.items() if b"ada" in body] == ["data/r1/_personal/o1.json"]
    stored = RunPlan.model_validate_json(s3.objects["runs/r1/plan.json"])
    assert stored.personal_params == "data/r1/_personal/o1.json"
    assert stored.request["params"] == {"username": "[personal: give it again]"}


def test_nothing_personal_is_nothing_kept() -> None:
    """No object, no place."""
    s3 = S3()
    assert started(s3, None)
    assert list(s3.objects) == ["runs/r1/plan.json"]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [(ADA, ADA, True), (ADA, BOB, False), (ADA, None, False), (None, ADA, False), (None, None, True)],
)
def test_the_same_id_for_another_person_is_another_request(first: str | None, second: str | None, same: bool) -> None:
    """Told apart without being kept where everybody reads."""
    s3 = S3()
    assert started(s3, first)
    record = RunRecord(Bucket(s3, "b"), "r1")
    if same:
        assert record.existing(asked(second)) is not None
    else:
        with pytest.raises(RequestError, match="started with another request"):
            record.existing(asked(second))


def test_a_start_that_lost_leaves_the_winners_name_alone() -> None:
    """Each start has an object of its own, and the plan names the one that holds."""
    s3 = S3()
    assert started(s3, ADA, "o1")
    assert not started(s3, BOB, "o2")
    record = RunRecord(Bucket(s3, "b"), "r1")
    stored = record.plan()
    assert stored is not None
    assert record.is_of(stored, asked(ADA))
    assert not record.is_of(stored, asked(BOB))


def test_who_died_before_the_plan_is_in_nobodys_way() -> None:
    """The id is free still, for whoever comes, with another name, too."""
    s3 = S3()
    RunRecord(Bucket(s3, "b"), "r1").keep_personal({"username": ADA}, "o1")
    assert started(s3, BOB, "o2")


def test_a_name_that_is_gone_is_nobodys() -> None:
    """data/ is kept for a shorter time than runs/: nobody can tell any more, so it is not the same request."""
    s3 = S3()
    assert started(s3, ADA)
    del s3.objects["data/r1/_personal/o1.json"]
    with pytest.raises(RequestError):
        RunRecord(Bucket(s3, "b"), "r1").existing(asked(ADA))


def test_a_name_that_cannot_be_read_or_written_is_said() -> None:
    """And nothing starts."""
    s3 = S3()
    assert started(s3, ADA)
    s3.denied = "data/"
    with pytest.raises(ConfigurationError, match=r"_personal/o1.json could not be read .AccessDenied."):
        RunRecord(Bucket(s3, "b"), "r1").existing(asked(ADA))
    with pytest.raises(ConfigurationError, match=r"_personal/o2.json could not be written .AccessDenied."):
        started(s3, ADA, "o2")
