"""What is looked up before a question: asked at once, and what cannot be had keeps nobody from the answer."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.aws import clients
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.preview import Preview
from ses_fleet_cli import ahead
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.invoke import Target
from tests.unit.cli.stored import NOW, S3, plan, summary
from tests.unit.cli.test_resume_and_cancel import Lambda

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"
PAYLOAD = {"action": "manage-topic-all", "include": ["acme"]}
# As plan.json keeps a request.
KEPT: dict[str, Any] = {
    "max_customer_concurrency": 0,
    "include": ["acme"],
    "exclude": [],
    "customer_timeout_seconds": 900,
    "on_deadline": "continue",
    "prune": False,
    "params": {},
}


class Iam(AwsClient):
    """IAM with these aliases, or one that fails."""

    def __init__(self, answer: list[str] | AwsCallError) -> None:
        super().__init__("iam", None)
        self._answer = answer

    def call(self, operation: str, **_parameters: Any) -> dict[str, Any]:
        """The aliases."""
        assert operation == "list_account_aliases"
        if isinstance(self._answer, AwsCallError):
            raise self._answer
        return {"AccountAliases": self._answer}


def there(**runs: dict[str, Any]) -> S3:
    """A bucket with plans of these requests; an underscore in an id stands for a hyphen."""
    s3 = S3()
    for name, request in runs.items():
        run_id = name.replace("_", "-")
        s3.objects[f"runs/{run_id}/plan.json"] = plan(run_id, **{**KEPT, **request}).model_dump_json().encode()
    return s3


def look(
    monkeypatch: pytest.MonkeyPatch,
    s3: S3,
    answer: Any = None,
    aliases: list[str] | AwsCallError | None = None,
    payload: dict[str, Any] | None = None,
    name: str = "f",
) -> ahead.Ahead:
    """What is known, of this bucket, function and account."""
    monkeypatch.setattr(clients, "client", lambda *_, **__: Iam(aliases or []))
    function = Lambda(Preview(customers=("acme",)).model_dump(mode="json") if answer is None else answer)
    target = Target(name, ARN, {"RESULTS_BUCKET": "b"}, AwsClient("lambda", function), s3.bucket.s3, NOW)
    found = ahead.look(target, PAYLOAD if payload is None else payload)
    assert function.asked == [{"preview": {"on_deadline": "continue", **(PAYLOAD if payload is None else payload)}}]
    return found


DRY = {"action": "manage-topic-all", "dry_run": True}


def test_the_last_dry_run_of_the_same_request_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the very request: no real run, no other parameters, no other customers."""
    s3 = there(
        **{
            "20260301T050000Z_dry": DRY,
            "20260301T050100Z_real": {**DRY, "dry_run": False},
            "20260301T050200Z_params": {**DRY, "params": {"sync_topics": True}},
            "20260301T050300Z_everybody": {**DRY, "include": ["acme", "globex"]},
            "20260301T050400Z_other": {**DRY, "action": "manage-topic"},
            "20260301T050500Z_prune": {**DRY, "prune": True},
        }
    )
    s3.objects["runs/20260301T050000Z-dry/summary.json"] = summary("x", exit_code=1).model_dump_json().encode()
    s3.objects["runs/20260301T050600Z-broken/plan.json"] = b"{}"
    found = look(monkeypatch, s3, aliases=["corp-hub"])
    assert found.dry_run is not None
    assert (found.dry_run.run_id, found.dry_run.exit_code, found.why_not) == ("20260301T050000Z-dry", 1, None)
    assert (found.alias, found.preview.customers) == ("corp-hub", ("acme",))


@pytest.mark.parametrize(
    ("changes", "is_plan"),
    [
        ({}, True),
        ({"differs": None}, False),
        ({"successful_count": 0}, False),
        ({"started_at": "2026-02-28T05:00:00Z"}, False),
        ({"action": "restore-list"}, False),
    ],
)
def test_only_what_can_be_applied_is_called_a_plan(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], is_plan: bool
) -> None:
    """It changes something, somebody was successful, it is of today, and nobody has applied it."""
    s3 = there(**{"20260301T050000Z_dry": DRY})
    known = {"action": "manage-topic-all", "dry_run": True, "differs": True, "successful_count": 1, **changes}
    made = summary("20260301T050000Z-dry", **known).model_dump_json().encode()
    s3.objects["runs/20260301T050000Z-dry/summary.json"] = made
    found = look(monkeypatch, s3).dry_run
    assert found is not None
    assert found.is_plan is is_plan
    applied = "20260301T050000Z-dry-apply"
    s3.objects[f"runs/{applied}/plan.json"] = plan(applied, plan="20260301T050000Z-dry").model_dump_json().encode()
    ended = summary(applied, action="manage-topic-all", plan="20260301T050000Z-dry")
    s3.objects[f"runs/{applied}/summary.json"] = ended.model_dump_json().encode()
    again = look(monkeypatch, s3).dry_run
    assert again is not None
    assert not again.is_plan


def test_a_dry_run_of_another_upload_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gives the same file twice uploads it twice; the very upload comes first, however old."""
    payload = {"action": "set-contacts-all", "people": "b" * 32}
    kept = {**DRY, "action": "set-contacts-all", "include": None, "params": {}}
    del kept["include"]
    s3 = S3()
    for run_id, people in (("20260301T050000Z-same", "b" * 32), ("20260301T050900Z-other", "a" * 32)):
        fields = {name: value for name, value in {**KEPT, **kept, "people": people}.items() if name != "include"}
        made = plan(run_id, **fields).model_copy(
            update={"started_at": f"2026-03-01T{run_id[9:11]}:{run_id[11:13]}:00Z"}
        )
        s3.objects[f"runs/{run_id}/plan.json"] = made.model_dump_json().encode()
    first = look(monkeypatch, s3, payload=payload).dry_run
    assert first is not None
    assert (first.run_id, first.other_upload) == ("20260301T050000Z-same", False)
    del s3.objects["runs/20260301T050000Z-same/plan.json"]
    second = look(monkeypatch, s3, payload=payload).dry_run
    assert second is not None
    assert (second.run_id, second.other_upload) == ("20260301T050900Z-other", True)


def test_few_calls_are_made_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One listing, two rounds of plans at most, one Summary; nothing of runs that are older than a week."""
    monkeypatch.setattr("ses_fleet.limits.DRY_RUNS_READ", 2)
    ids = {f"20260301T05{minute:02d}00Z_r": {**DRY, "prune": True} for minute in range(5)}
    s3 = there(**ids, mine=DRY, **{"20260201T050000Z_old": DRY})
    found = look(monkeypatch, s3)
    assert found.dry_run is not None
    assert (found.dry_run.run_id, found.dry_run.exit_code) == ("mine", None)
    assert sorted(s3.asked) == [
        "get runs/20260301T050400Z-r/plan.json",
        "get runs/mine/plan.json",
        "get runs/mine/summary.json",
        "list runs/",
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"ramp": [1, "100%"]},
        {"failure_mode": "strict"},
        {"max_failures": 0},
        {"max_customer_concurrency": 5},
        {"customer_timeout_seconds": 60},
        {"on_deadline": "stop"},
        {"notify": True},
        {"confirm_customers": 7},
    ],
)
def test_how_a_run_is_carried_out_makes_it_no_other_request(monkeypatch: pytest.MonkeyPatch, other: Any) -> None:
    """A dry run shows the same whoever comes first, and however many fail; the guide's own example is such a pair."""
    found = look(monkeypatch, there(**{"20260301T050000Z_dry": {**DRY, **other}}))
    assert found.dry_run is not None


def test_ids_that_a_person_chose_do_not_hide_the_newest_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """They tell no time, and stay for as long as records do: those of every night would soon be all that is read."""
    monkeypatch.setattr("ses_fleet.limits.DRY_RUNS_READ", 4)
    nights = {f"nightly_{night}": {**DRY, "prune": True} for night in range(5)}
    found = look(monkeypatch, there(**nights, **{"20260301T050000Z_dry": DRY}))
    assert found.dry_run is not None
    assert found.dry_run.run_id == "20260301T050000Z-dry"


def test_none_is_not_said_of_runs_that_were_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are more runs than are read, their number is said."""
    monkeypatch.setattr("ses_fleet.limits.DRY_RUNS_READ", 2)
    ids = {f"20260301T05{minute:02d}00Z_r": {**DRY, "prune": True} for minute in range(3)}
    found = look(monkeypatch, there(**ids))
    assert found.dry_run is None
    assert found.why_not == "none of this request among 2 of the last runs; --dry-run makes one"
    monkeypatch.setattr("ses_fleet.limits.DRY_RUNS_READ", 3)
    found = look(monkeypatch, there(**ids))
    assert (found.dry_run, found.why_not) == (None, None)


def test_of_a_person_no_dry_run_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs keep a mask: another person's would look the same."""
    payload = {"action": "import-aws-contact-all", "params": {"username": "ana"}}
    s3 = there(dry={**DRY, "action": "import-aws-contact-all", "params": {"username": "[personal: give it again]"}})
    found = look(monkeypatch, s3, payload=payload)
    assert found.dry_run is None
    assert found.why_not is not None
    assert found.why_not.startswith("not looked for, as the request names a person")
    assert s3.asked == []


def test_what_cannot_be_had_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alias that may not be read, and a record that S3 does not give, keep nobody from the answer."""
    s3 = there(dry=DRY)
    s3.refused["runs/dry/plan.json"] = ("SlowDown", 503)
    refused = AwsCallError("iam", "ListAccountAliases", "refused", "AccessDenied", "no", status=403)
    found = look(monkeypatch, s3, aliases=refused)
    assert (found.alias, found.dry_run) == (None, None)
    assert found.why_not is not None
    assert found.why_not.startswith("could not be looked for")
    assert look(monkeypatch, there(), aliases=["mine"], name=ARN).alias is None  # it may be another account's function


@pytest.mark.parametrize(
    ("answer", "exit_code", "message"),
    [
        ({"errorType": "RequestError", "errorMessage": "$.preview: unknown field"}, 2, "unknown field"),
        ({"errorType": "Runtime.ExitError", "errorMessage": "killed"}, 3, "f failed: Runtime"),
        ({"customers": 5}, 3, "something that is none"),
        (["?"], 3, "no JSON object"),
    ],
)
def test_without_a_preview_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, answer: Any, exit_code: int, message: str
) -> None:
    """And nothing started."""
    failed = "Unhandled" if isinstance(answer, dict) and "errorType" in answer else None
    function = Lambda(answer, failed) if failed else Lambda(answer)
    monkeypatch.setattr(clients, "client", lambda *_, **__: Iam([]))
    target = Target("f", ARN, {"RESULTS_BUCKET": "b"}, AwsClient("lambda", function), there().bucket.s3, NOW)
    with pytest.raises(CommandError, match=message) as error:
        ahead.look(target, PAYLOAD)
    assert error.value.exit_code == exit_code


def test_how_long_ago_is_said_in_one_unit() -> None:
    """The largest that it has some of; a clock that is behind says 0 s."""
    moments = ("2026-03-01T06:10:30Z", "2026-03-01T06:09:18Z", "2026-03-01T05:20:00Z", "2026-02-27T06:09:00Z")
    assert [ahead.ago(moment, NOW) for moment in moments] == ["0 s ago", "42 s ago", "50 min ago", "2 d ago"]
