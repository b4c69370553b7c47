"""Applying a saved plan: what it says, where it may be applied, and once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ses_fleet import clock
from ses_fleet.config.topics import Topic
from ses_fleet.errors import AwsCallError, ConfigurationError, RequestError
from ses_fleet.orchestrator.time_limits import TimeLimits
from ses_fleet.runs.events import applying_run_id
from ses_fleet.runs.saved_plan import TopicsPlan, digest
from tests.unit.orchestrator.deployed import (
    RUN,
    TOPIC,
    Context,
    Deployed,
    Json,
    code_of,
    customers,
    failed,
    of,
    statuses,
    time_passes,
)
from tests.unit.orchestrator.killed import die, reap

ALL = "manage-topic-all"
APPLY: Json = {"action": ALL, "plan": RUN}
FIRST = f"{RUN}-apply"
BEFORE = (Topic(name="old", default_status="OPT_IN"),)


def saved(code: str) -> Json:
    """What the dry run saves of a customer: each has a topic of its own, and all get news."""
    kept = Topic(name=f"of-{code}", default_status="OPT_OUT")
    plan = TopicsPlan(
        contact_list=f"list-{code}",
        before=(kept,),
        after=(kept, Topic(name="news", display_name="News", default_status="OPT_IN")),
        unmanaged=(kept.name,),
        made_from=digest(f"list-{code}", (kept,)),
    )
    return plan.model_dump(mode="json")


def worker(item: Json) -> Json:
    """A dry run saves a plan, everything else is done."""
    return {"data": {"list_created": False}, "plan": saved(code_of(item))} if item["dry_run"] else {"data": {}}


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """Three customers."""
    made = Deployed(monkeypatch, customers("a", "b", "c", external_id="fleet-1"), worker)
    made.put("SESConfig.json", {"topics": [TOPIC]})
    return made


def planned(there: Deployed, action: str = ALL, **payload: Any) -> Json:
    """Run r1 is a dry run that is over."""
    answer = there.run(action, dry_run=True, **payload)
    there.lambda_.items.clear()
    return answer


def refused(there: Deployed, **payload: Any) -> str:
    """What the refusal says; nothing was sent, and no run was made."""
    before = set(there.s3.keys("runs/"))
    with pytest.raises((RequestError, ConfigurationError)) as error:
        there.invoke({**APPLY, **payload})
    assert there.lambda_.items == []
    assert not [key for key in set(there.s3.keys("runs/")) - before if "/refusals/" not in key]
    return str(error.value)


def test_each_customer_gets_what_its_plan_says(there: Deployed) -> None:
    """Whatever SESConfig.json says by now; the Summary names the plan and the version of the file it was made from."""
    dry = planned(there)
    assert all(result["plan"] is None for result in dry["results"])
    there.put("SESConfig.json", {"topics": [{**TOPIC, "TopicName": "mistake"}]})
    answer = there.invoke(APPLY)
    assert (answer["run_id"], answer["plan"], answer["dry_run"], answer["exit_code"]) == (FIRST, RUN, False, 0)
    assert answer["config_version"] == dry["config_version"]
    assert statuses(answer) == {"a": "successful", "b": "successful", "c": "successful"}
    for item in there.lambda_.items:
        assert item["plan"] == saved(code_of(item))
        assert [topic["name"] for topic in item["topics"]] == ["news"]
        assert (item["dry_run"], item["prune"], item["action"]) == (False, False, "manage-topic")


def test_prune_and_customers_are_the_plans(there: Deployed) -> None:
    """The confirmation was of the customers of the dry run, and theirs are those of the plan."""
    planned(there, prune=True, confirm_customers=2, include=["c", "a"])
    answer = there.invoke(APPLY)
    assert statuses(answer) == {"a": "successful", "c": "successful"}
    assert all(item["prune"] for item in there.lambda_.items)


def test_who_failed_in_the_dry_run_is_left_out(there: Deployed) -> None:
    """And named."""
    there.lambda_.worker = lambda item: failed() if code_of(item) == "b" else worker(item)
    planned(there)
    answer = there.invoke(APPLY)
    assert statuses(answer) == {"a": "successful", "c": "successful"}
    assert "not in plan r1, whose dry run was not successful for them: b" in answer["warnings"]


def test_a_plan_of_one_customer_is_applied_to_that(there: Deployed) -> None:
    """With the role that the dry run was given."""
    role = "arn:aws:iam::100000000001:role/other"
    planned(there, "manage-topic", customer_code="b", ses_role_arn=role)
    answer = there.invoke({"action": "manage-topic", "plan": RUN})
    assert statuses(answer) == {"b": "successful"}
    assert [item["customer"]["ses_role_arn"] for item in there.lambda_.items] == [role]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dry_run", True), ("include", ["a"]), ("exclude", ["a"]), ("environment", "prod"), ("prune", True),
        ("confirm_customers", 3), ("params", {"canary": 1}), ("run_id", "mine"),
        ("trigger", {"schedule_arn": "a", "scheduled_time": "2026-01-01T00:00:00Z"}),
    ],
)  # fmt: skip
def test_nothing_that_a_plan_says_is_said_beside_it(there: Deployed, field: str, value: Any) -> None:
    """It would be another run than the one that was looked at."""
    planned(there)
    assert f"$.{field}: cannot be given with a plan" in refused(there, **{field: value})


def test_how_fast_it_goes_may_be_said(there: Deployed) -> None:
    """That changes nothing of what is done."""
    planned(there)
    more = {"max_customer_concurrency": 1, "max_failures": 0, "on_deadline": "continue", "notify": False}
    assert there.invoke({**APPLY, **more, "customer_timeout_seconds": 60})["exit_code"] == 0


def test_only_a_plan_of_the_same_action_is_applied(there: Deployed) -> None:
    """And of one that saves plans."""
    assert "and remove-contacts, not for describe-list" in refused(there, action="describe-list-all")
    planned(there, "manage-topic", customer_code="a")
    assert "run r1 is of manage-topic, not of manage-topic-all" in refused(there)


def test_what_is_no_plan_is_not_applied(there: Deployed) -> None:
    """No run, no dry run, one that is not over, one of which nobody was successful, one of another deployment."""
    assert "there is no run r1 in this deployment" in refused(there)
    there.run(ALL)
    there.lambda_.items.clear()
    assert "was no dry run" in refused(there)
    planned(there, run_id="r2")
    for key, value in (("function", "arn:aws:lambda:us-east-1:999999999999:function:other"),):
        other = json.loads(there.s3.stored["results", "runs/r2/plan.json"].body) | {key: value}
        there.s3.put("results", "runs/r2/plan.json", json.dumps(other).encode())
    assert "run r2 is of another deployment" in refused(there, plan="r2")
    planned(there, run_id="r3")
    del there.s3.stored["results", "runs/r3/summary.json"]
    assert "run r3 is not over yet" in refused(there, plan="r3")
    there.lambda_.worker = lambda _: failed()
    planned(there, run_id="r4")
    assert "no customer of it was successful" in refused(there, plan="r4")
    there.lambda_.worker = lambda _: {"data": {}}
    planned(there, run_id="r5")
    assert "was made by a version that saved no plans" in refused(there, plan="r5")


@pytest.mark.parametrize(("hours", "setting", "holds"), [(23.9, "", True), (24.1, "", False), (1.1, "1", False)])
def test_a_plan_expires(
    there: Deployed, monkeypatch: pytest.MonkeyPatch, hours: float, setting: str, holds: bool
) -> None:
    """After a day, or what PLAN_HOURS says."""
    planned(there)
    later = clock.now() + timedelta(hours=hours)
    monkeypatch.setattr(clock, "now", lambda: later)
    if setting:
        monkeypatch.setenv("PLAN_HOURS", setting)
    if holds:
        assert there.invoke(APPLY)["exit_code"] == 0
    else:
        assert f"is {hours:.1f} hours old, and a plan holds for {setting or 24} (PLAN_HOURS)" in refused(there)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ses_role_arn": "arn:aws:iam::100000000001:role/other"}, "ses_role_arn"),
        ({"ses_role_arn": "arn:aws:iam::100000000009:role/r"}, "account_id, ses_role_arn"),
        ({"region": "eu-west-1"}, "region"),
        ({"contact_list_name": "other"}, "contact_list_name"),
        ({"external_id": "fleet-2"}, "external_id"),
        (None, "it is not there any more"),
    ],
)
def test_who_is_somebody_else_in_config_json_now_fails(there: Deployed, change: Json | None, said: str) -> None:
    """Nothing is sent for it; the others are done."""
    planned(there)
    config = customers("a", "b", "c", external_id="fleet-1")
    if change is None:
        del config["customer_mappings"]["b"]
    else:
        config["customer_mappings"]["b"] |= change
    there.put("config.json", config)
    answer = there.invoke(APPLY)
    assert statuses(answer) == {"a": "successful", "b": "failed", "c": "successful"} | {}
    error = of(answer, "b")["error"]
    assert (error["category"], error["type"]) == ("configuration", "ConfigurationChanged")
    assert f"than when the plan was made ({said})" in error["message"]
    assert sorted(map(code_of, there.lambda_.items)) == ["a", "c"]


def test_who_is_disabled_or_wrong_now_is_as_in_every_run(there: Deployed) -> None:
    """Skipped, or failed with what is wrong; other fields of config.json are no change."""
    planned(there)
    config = customers("a", "b", "c", external_id="fleet-1")
    config["customer_mappings"]["a"]["enabled"] = False
    config["customer_mappings"]["b"]["region"] = "nowhere"
    config["customer_mappings"]["c"]["customer_name"] = "Renamed"
    there.put("config.json", config)
    answer = there.invoke(APPLY)
    assert statuses(answer) == {"a": "skipped", "b": "failed", "c": "successful"}
    assert of(answer, "b")["error"]["type"] == "ConfigurationError"


def test_a_plan_is_applied_once(there: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same event delivered again answers the run; another start is refused, with other options, too."""
    planned(there)
    first = there.invoke(APPLY)
    assert len(there.lambda_.items) == 3
    assert there.invoke(APPLY) == first
    monkeypatch.setattr(Context, "aws_request_id", "q2")
    there.lambda_.items.clear()
    said = f"$.plan: plan r1 was applied already, by run {FIRST}"
    assert said in refused(there)
    assert said in refused(there, max_failures=0)


def test_from_two_terminals_at_once_it_is_one_run(there: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second start finds the first one under way, or loses the claim of the id, and answers the run's state."""
    planned(there)
    answers: list[Json] = []

    def second(item: Json) -> Json:
        if code_of(item) == "a" and not answers:
            monkeypatch.setattr(Context, "aws_request_id", "q2")
            answers.append(there.invoke(APPLY))
        return worker(item)

    there.lambda_.worker = second
    answer = there.invoke({**APPLY, "max_customer_concurrency": 0})
    assert (answer["exit_code"], answers[0]["run_id"], answers[0]["exit_code"]) == (0, FIRST, None)
    assert answers[0]["plan"] == RUN
    assert sorted(map(code_of, there.lambda_.items)) == ["a", "b", "c"]


def test_a_second_terminal_may_ask_for_another_pace(there: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """It follows the run that is under way, which goes as it was started; once that is over it is refused."""
    planned(there)
    answers: list[Json] = []

    def second(item: Json) -> Json:
        if not answers:
            monkeypatch.setattr(Context, "aws_request_id", "q2")
            answers.append(there.invoke({**APPLY, "ramp": [1, "100%"], "max_failures": 1}))
        return worker(item)

    there.lambda_.worker = second
    answer = there.invoke(APPLY)
    assert (answer["ramp"], answers[0]["run_id"], answers[0]["exit_code"]) == (None, FIRST, None)
    assert len(there.lambda_.items) == 3


@pytest.mark.parametrize(("said", "seconds"), [({}, 1_800.0), ({"customer_timeout_seconds": 60}, 60.0)])
def test_the_time_of_a_customer_is_the_plans_unless_it_is_said(
    there: Deployed, monkeypatch: pytest.MonkeyPatch, said: Json, seconds: float
) -> None:
    """Whoever needed more for the dry run needs more for what it showed."""
    planned(there, customer_timeout_seconds=1_800)
    seen: list[float] = []

    def noted(**known: Any) -> TimeLimits:
        seen.append(known["customer_timeout"])
        return TimeLimits(**known)

    monkeypatch.setattr("ses_fleet.orchestrator.task.TimeLimits", noted)
    there.invoke({**APPLY, **said})
    assert seen == [seconds]


def test_only_who_should_be_in_the_plan_is_said_to_be_missing(there: Deployed) -> None:
    """Nobody is surprised by who is skipped."""
    config = customers("a", "b", "c", external_id="fleet-1")
    config["customer_mappings"]["b"]["enabled"] = False
    there.put("config.json", config)
    there.lambda_.worker = lambda item: failed() if code_of(item) == "c" else worker(item)
    planned(there)
    there.lambda_.worker = worker
    assert [text for text in there.invoke(APPLY)["warnings"] if "not in plan" in text] == [
        "not in plan r1, whose dry run was not successful for them: c"
    ]


def test_a_preview_says_the_same_as_the_run_would(there: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who would be run, who fails for config.json, and why the plan cannot be applied; nothing is written."""
    planned(there)
    config = customers("a", "b", "c", external_id="fleet-1")
    config["customer_mappings"]["b"]["contact_list_name"] = "other"
    there.put("config.json", config)
    before = there.s3.keys()
    found = there.invoke({"preview": APPLY})
    assert (found["customers"], list(found["failed"]), found["problems"]) == (["a", "c"], ["b"], [])
    assert "contact_list_name" in found["failed"]["b"]
    assert there.s3.keys() == before
    resume = there.invoke(APPLY)["resume"]
    monkeypatch.setattr(Context, "aws_request_id", "q2")
    (problem,) = there.invoke({"preview": APPLY})["problems"]
    assert problem.startswith(f"$.plan: plan r1 was applied already, by run {FIRST}")
    (problem,) = there.invoke({"preview": {**resume, "include": ["a"]}})["problems"]
    assert "has left nothing to do" in problem
    del there.s3.stored["results", f"runs/{FIRST}/summary.json"]
    assert there.invoke({"preview": APPLY})["exists"]


def test_another_run_of_that_id_is_not_taken_for_it(there: Deployed) -> None:
    """Somebody chose the id."""
    planned(there)
    there.run(ALL, run_id=FIRST)
    there.lambda_.items.clear()
    assert f"would be {FIRST}, which is another run: make a new dry run" in refused(there)


def test_when_an_orchestrator_is_killed_nobody_is_sent_again_without_a_resume(
    there: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second terminal is told how far it is; the reaper lets the run go on, and a resume does what is in doubt."""
    planned(there)
    event = {**APPLY, "max_customer_concurrency": 1, "on_deadline": "continue"}
    die(monkeypatch, there, "b", event)
    monkeypatch.setattr(Context, "aws_request_id", "q2")
    second = there.invoke(event)
    assert (second["run_id"], second["exit_code"], second["plan"]) == (FIRST, None, RUN)
    assert sorted(map(code_of, there.lambda_.items)) == ["a", "b"]
    assert reap(there)["continued"] == [FIRST]
    last = there.go_on()
    assert statuses(last) == {"a": "successful", "b": "failed", "c": "failed"}
    assert all(of(last, code)["error"]["outcome_unknown"] for code in "bc")
    assert sorted(map(code_of, there.lambda_.items)) == ["a", "b"]
    assert statuses(there.invoke(last["resume"])) == {"b": "successful", "c": "successful"}
    assert sorted(map(code_of, there.lambda_.items)) == ["a", "b", "b", "c"]
    assert all(item["plan"] == saved(code_of(item)) for item in there.lambda_.items)


def test_a_bucket_without_versions_has_the_config_json_of_the_plan_in_its_record(there: Deployed) -> None:
    """It is compared all the same."""
    there.s3.versioned = False
    planned(there)
    config = customers("a", "b", "c", external_id="fleet-1")
    config["customer_mappings"]["b"]["contact_list_name"] = "other"
    there.put("config.json", config)
    assert statuses(there.invoke(APPLY)) == {"a": "successful", "b": "failed", "c": "successful"}


def test_what_failed_is_resumed_once_and_with_the_plan_alone(there: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of one plan have ids in a row; who is done already cannot be named."""
    planned(there, prune=True, confirm_customers=3)
    there.lambda_.worker = lambda item: failed() if code_of(item) in "bc" else worker(item)
    resume = there.invoke(APPLY)["resume"]
    assert resume == {"action": ALL, "plan": RUN, "resumes": FIRST, "include": ["b", "c"]}
    there.lambda_.worker = lambda item: failed() if code_of(item) == "c" else worker(item)
    there.lambda_.items.clear()
    assert f'run {FIRST} has left nothing to do for "a"' in refused(there, **{**resume, "include": ["a", "b"]})
    assert "plan r1 has nothing to do for x" in refused(there, **{**resume, "include": ["x"]})
    again = there.invoke(resume)
    assert (again["run_id"], again["plan"], statuses(again)) == (f"{FIRST}-2", RUN, {"b": "successful", "c": "failed"})
    assert all(item["prune"] and item["plan"] == saved(code_of(item)) for item in there.lambda_.items)
    monkeypatch.setattr(Context, "aws_request_id", "q2")
    there.lambda_.items.clear()
    assert f"the rest of run {FIRST} was applied already, by run {FIRST}-2" in refused(there, **resume)
    third = there.invoke(again["resume"])
    assert (third["run_id"], statuses(third)) == (f"{FIRST}-3", {"c": "failed"})


def test_a_run_of_something_else_is_not_resumed_by_a_plan(there: Deployed) -> None:
    """Nor a run that applied one without it."""
    planned(there)
    there.run(ALL, run_id="real")
    there.lambda_.items.clear()
    assert "run real was another action, or had other params" in refused(there, resumes="real", include=["a"])
    there.lambda_.worker = lambda _: failed()
    resume = there.invoke(APPLY)["resume"]
    there.lambda_.items.clear()
    del resume["plan"]
    with pytest.raises(RequestError, match="was another action, or had other params"):
        there.invoke({**resume, "run_id": "without"})


def test_a_later_invocation_goes_on_with_the_same_plan(there: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the plan has expired meanwhile, and SESConfig.json is another one."""
    planned(there, prune=True, confirm_customers=3)
    time_passes(there, 50.0, worker)
    first = there.invoke({**APPLY, "on_deadline": "continue", "max_customer_concurrency": 1})
    assert first["exit_code"] is None
    time_passes(there, 900.0, worker)
    there.put("SESConfig.json", {"topics": [{**TOPIC, "TopicName": "mistake"}]})
    later = clock.now() + timedelta(hours=20)
    monkeypatch.setattr(clock, "now", lambda: later)
    monkeypatch.setenv("PLAN_HOURS", "1")
    last = there.go_on()
    assert (last["exit_code"], last["plan"], last["run_id"]) == (0, RUN, FIRST)
    assert not [text for text in last["warnings"] if "SESConfig" in text]
    assert sorted(map(code_of, there.lambda_.items)) == ["a", "b", "c"]
    assert all(item["prune"] and item["plan"] == saved(code_of(item)) for item in there.lambda_.items)


def test_a_later_invocation_that_does_not_find_the_plan_any_more_changes_nobody(there: Deployed) -> None:
    """Who is left fails, and it is said why."""
    planned(there)
    time_passes(there, 50.0, worker)
    there.invoke({**APPLY, "on_deadline": "continue", "max_customer_concurrency": 1})
    time_passes(there, 900.0, worker)
    del there.s3.stored["results", f"runs/{RUN}/plan.json"]
    last = there.go_on()
    assert sorted(statuses(last).values()) == ["failed", "failed", "successful"]
    assert any("the record of run r1 is not there any more" in text for text in last["warnings"])
    assert len(there.lambda_.items) == 1


def test_a_record_that_cannot_be_read_refuses_the_run(there: Deployed) -> None:
    """Nothing is started on a guess."""
    planned(there)

    def denied(operation: str, key: str, done: bool) -> None:
        if key.startswith(f"runs/{RUN}/") and not done:
            raise AwsCallError("s3", operation, "refused", "AccessDenied", "no", 403)

    there.s3.hook.happens = denied
    assert "could not be read" in refused(there)
    there.s3.hook.happens = lambda _operation, _key, _done: None
    there.s3.put("results", f"runs/{RUN}/results/a.json", b'{"status": 1}')
    assert "was not written by this version of ses-fleet" in refused(there)


def test_without_the_config_json_of_the_plan_nothing_is_compared_and_nothing_started(there: Deployed) -> None:
    """Its version may have expired."""
    planned(there)
    config = customers("a", "b", "c", external_id="fleet-1")
    config["customer_mappings"]["a"]["customer_name"] = "Renamed"
    old = there.version("config.json")
    there.put("config.json", config)
    del there.s3.versions["config", "config.json", old]
    assert "config.json" in refused(there)


@pytest.mark.parametrize(
    ("plan", "resumes", "run_id"),
    [
        ("20261126T235118Z-abcdef", None, "20261126T235118Z-abcdef-apply"),
        ("p", "p-apply", "p-apply-2"),
        ("p", "p-apply-2", "p-apply-3"),
        ("p", "p-apply-99", "p-apply-100"),
        ("p", "other", "p-apply-2"),
    ],
)
def test_the_ids_of_runs_that_apply_a_plan(plan: str, resumes: str | None, run_id: str) -> None:
    """They follow the plan's in every list."""
    assert applying_run_id(plan, resumes) == run_id


def test_long_ids_have_a_digest() -> None:
    """No id is longer than 40 characters, and no two plans share one."""
    one, other = applying_run_id("x" * 40), applying_run_id("x" * 39 + "y")
    assert one != other
    assert len(applying_run_id("x" * 40, f"{one}-9999")) <= 40


def test_a_plan_is_applied_in_stages_where_that_is_asked(there: Deployed) -> None:
    """How fast it goes is the payload's, not the dry run's."""
    planned(there)
    answer = there.invoke({**APPLY, "ramp": [1, "100%"], "failure_mode": "strict", "max_failures": 1})
    plan = json.loads(there.s3.stored["results", f"runs/{FIRST}/plan.json"].body)
    assert (len(plan["ramp"]), plan["strict"], plan["failures_allowed"]) == (2, True, 1)
    assert statuses(answer) == {"a": "successful", "b": "successful", "c": "successful"}
