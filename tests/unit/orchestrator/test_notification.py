"""Whoever ends a run tells people of it, at least once; a message has no address, and nothing that acts as markup."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.errors import AwsCallError, ConfigurationError, RequestError
from ses_fleet.orchestrator import notification
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.runs.work import ErrorInfo
from ses_fleet.settings import OrchestratorSettings
from tests.unit.orchestrator.deployed import RUN, Deployed, code_of, customers, failed, fine, goes_on
from tests.unit.orchestrator.killed import die, reap

TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:told"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:ses-fleet-orchestrator"


def told(monkeypatch: pytest.MonkeyPatch, worker: Any = fine, on: str = "always") -> Deployed:
    """A deployment that tells a topic of these ends."""
    monkeypatch.setenv("NOTIFY_TOPIC_ARN", TOPIC_ARN)
    monkeypatch.setenv("NOTIFY_ON", on)
    return Deployed(monkeypatch, customers("a", "b"), worker)


def a_fails(item: dict[str, Any]) -> dict[str, Any]:
    """The worker's answers: b is fine."""
    return failed("the role is gone") if code_of(item) == "a" else fine(item)


def differing(_: Any) -> dict[str, Any]:
    """The worker's answer of a customer that differs."""
    return {"differs": True}


def with_findings(_: Any) -> dict[str, Any]:
    """The worker's answer of a customer with two findings."""
    return {"findings": 2}


@pytest.mark.parametrize(
    ("on", "worker", "is_told"),
    [
        ("failed", a_fails, True),
        ("failed", fine, False),
        ("failed", differing, False),
        ("differs", differing, True),
        ("differs", a_fails, False),
        ("findings", with_findings, True),
        ("findings", differing, False),
        ("failed, differs", differing, True),
        ("always", fine, True),
    ],
)
def test_people_are_told_of_what_the_setting_names(
    monkeypatch: pytest.MonkeyPatch, on: str, worker: Any, is_told: bool
) -> None:
    """Once, and the run has left the index of open runs."""
    there = told(monkeypatch, worker, on)
    there.run()
    assert len(there.sns.published) == is_told
    assert there.s3.keys("open/") == []
    reap(there)
    assert len(there.sns.published) == is_told


def test_without_the_setting_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the payload says."""
    there = Deployed(monkeypatch, customers("a"), a_fails)
    there.run(notify=True)
    assert there.sns.published == []


@pytest.mark.parametrize(
    ("payload", "is_told"),
    [
        ({}, True),
        ({"notify": False}, False),
        ({"dry_run": True}, False),
        ({"dry_run": True, "notify": True}, True),
        ({"dry_run": True, "notify": False}, False),
    ],
)
def test_dry_runs_tell_nobody_unless_asked(monkeypatch: pytest.MonkeyPatch, payload: Any, is_told: bool) -> None:
    """And a payload may keep a run quiet."""
    there = told(monkeypatch)
    there.run(**payload)
    assert len(there.sns.published) == is_told


def test_a_refused_run_is_told_of_with_its_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the run's id if it had one; a refused request to stop is no run."""
    there = told(monkeypatch, on="failed")
    with pytest.raises(RequestError):
        there.run(include=["nobody"])
    with pytest.raises(RequestError):
        there.invoke({"cancel": "no-such-run"})
    (message,) = there.sns.published
    assert message["Subject"] == "ses-fleet: describe-list-all was refused, and nothing ran"
    text = json.loads(message["Message"])["default"]
    assert 'config.json has no customer "nobody"' in text
    assert f"ses-fleet runs show {RUN}" in text
    with pytest.raises(RequestError):
        there.run(include=["nobody"], dry_run=True)
    assert len(there.sns.published) == 1


@pytest.mark.parametrize("kind", ["lost", "refused", "throttled"])
def test_what_could_not_be_told_is_told_by_the_reaper(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    """The run's answer is the same; it stays in the index until SNS has taken the message, and passes say so."""
    there = told(monkeypatch)
    there.sns.problem = AwsCallError("sns", "publish", kind, "Some", "text")
    assert there.run()["exit_code"] == 0
    sent = len(there.sns.published)
    assert sent == (kind == "lost")
    assert there.s3.keys("open/") != []
    assert reap(there)["failed"] == [f"{RUN}: Some"]
    there.sns.problem = None
    before = len(there.sns.published)
    assert reap(there)["failed"] == []
    assert len(there.sns.published) == before + 1
    assert there.s3.keys("open/") == []
    assert set(there.sns.subjects()) == {"ses-fleet: describe-list-all ended well: 2 customers"}


def test_after_a_day_of_trying_a_run_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A topic that was deleted is no reason to keep every run for ever."""
    there = told(monkeypatch)
    there.sns.problem = AwsCallError("sns", "publish", "refused", "NotFound", "text", 404)
    there.run()
    there.s3.advance(limits.NOTIFY_SECONDS - 120)
    assert reap(there)["failed"] == [f"{RUN}: NotFound"]
    there.s3.advance(120)
    assert reap(there)["failed"] == []
    assert there.s3.keys("open/") == []


@pytest.mark.parametrize(("kind", "tries"), [("lost", 1), ("refused", 2)])
def test_a_pass_waits_once_for_a_topic_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, kind: Any, tries: int
) -> None:
    """Else runs that wait for their message would take the time of one that waits for its end; a refusal is quick."""
    there, tried = told(monkeypatch, on="failed"), list[str]()
    there.sns.problem = AwsCallError("sns", "publish", kind, "Some", "text")
    there.lambda_.worker = a_fails
    for run_id in ("first", "second"):
        there.invoke({"action": "describe-list-all", "run_id": run_id})
    there.lambda_.worker = fine
    publish = there.sns.call

    def counted(operation: str, **parameters: Any) -> Any:
        tried.append(operation)
        return publish(operation, **parameters)

    monkeypatch.setattr(there.sns, "call", counted)
    assert reap(there)["failed"] == ["first: Some", "second: Some"]
    assert len(tried) == tries


def test_with_no_time_left_the_message_is_the_reapers(monkeypatch: pytest.MonkeyPatch) -> None:
    """An orchestrator that is stopped while it publishes would look like one that failed."""
    there = told(monkeypatch)
    there.run(seconds=limits.NOTIFY_MARGIN_SECONDS - 1)
    assert there.sns.published == []
    reap(there)
    assert len(there.sns.published) == 1


def test_the_margin_is_longer_than_all_tries_of_a_topic_that_does_not_answer() -> None:
    """With the SDK's pauses between them, at most 1 and 2 s: the run's answer is not lost with the message."""
    tries = limits.NOTIFY_ATTEMPTS * (limits.CONNECT_TIMEOUT_SECONDS + limits.NOTIFY_READ_SECONDS)
    assert tries + sum(2.0**number for number in range(limits.NOTIFY_ATTEMPTS - 1)) < limits.NOTIFY_MARGIN_SECONDS


def test_a_run_that_the_reaper_ends_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when its orchestrator was killed."""
    there = told(monkeypatch, on="failed")
    die(monkeypatch, there, "b", {"action": "describe-list-all", "run_id": RUN, "max_customer_concurrency": 1})
    assert reap(there)["closed"] == [RUN]
    assert there.sns.subjects() == ["ses-fleet: describe-list-all ended: 1 failed of 2 customers"]


def test_a_run_of_several_invocations_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the last of them."""

    def worker(item: dict[str, Any]) -> dict[str, Any]:
        return fine(item) if item["continuation"] else goes_on(1)

    there = told(monkeypatch, worker)
    answer = there.run(seconds=40.0, on_deadline="continue")
    assert (answer["exit_code"], there.sns.published) == (None, [])
    assert there.go_on()["exit_code"] == 0
    assert len(there.sns.published) == 1


def test_the_message_is_one_that_sns_and_chats_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text for mail by default, and the form of custom notifications for what is subscribed by HTTPS."""
    there = told(monkeypatch, a_fails)
    there.run()
    (message,) = there.sns.published
    assert (message["TopicArn"], message["MessageStructure"]) == (TOPIC_ARN, "json")
    parts = json.loads(message["Message"])
    assert parts.keys() == {"default", "https"}
    lines = parts["default"].splitlines()
    assert lines[0] == "describe-list-all ended: 1 failed of 2 customers."
    assert "  a (operation, Refused: the role is gone)" in lines
    assert lines[-2:] == [f"  ses-fleet runs show {RUN}", f"  ses-fleet runs resume {RUN}"]
    assert "Hub:       123456789012, us-east-1" in lines
    chat = json.loads(parts["https"])
    assert (chat["version"], chat["source"], chat["content"]["textType"]) == ("1.0", "custom", "client-markdown")
    assert chat["content"]["title"] == ":x: describe-list-all ended: 1 failed of 2 customers"


def result(code: str, **fields: Any) -> CustomerResult:
    """A customer that failed."""
    known = {"customer_name": code, "account_id": None, "region": None, "status": "failed", **fields}
    return CustomerResult.model_validate({"customer_code": code, **known})


def summary(*results: CustomerResult, **fields: Any) -> Summary:
    """The Summary of a run with these results."""
    counts = {"successful_count": 0, "failed_count": len(results), "skipped_count": 0, "not_started_count": 0}
    known = {"run_id": "r", "action": "describe-list-all", "dry_run": False, "started_at": "2026-01-01T00:00:00Z"}
    total = {"total_customers": len(results), "total_duration_seconds": 1.0, "results": results, "exit_code": 1}
    return Summary.model_validate({**known, **counts, **total, **fields})


HOSTILE = "*x* _y_ <!channel> <https://evil.example|click> `code` @here \u202e\n# head"


def test_a_cancelled_run_is_told_of_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads the subject alone knows that somebody ended it."""
    there = Deployed(monkeypatch, customers("a", "b"), fine)
    whole = Summary.model_validate(there.run())
    cut = whole.model_copy(update={"cancelled_at": "2026-03-01T06:00:00Z", "not_started_count": 1, "exit_code": 1})
    assert notification.subject(cut) == "ses-fleet: describe-list-all was cancelled: 1 not started of 2 customers"


def test_a_customers_text_is_shown_as_it_is() -> None:
    """No mention, no link, no format, no line of its own."""
    error = ErrorInfo(category="operation", type="Refused", message=HOSTILE)
    shown = notification.chat_message(summary(result("acme", error=error)), FUNCTION)["content"]["description"]
    (line,) = [line for line in shown.splitlines() if "acme" in line]
    assert (line[0], line[-1], line.count("`")) == ("`", "`", 2)
    assert not {"<", ">"} & set(line)
    lines = list(notification.text(summary(result("acme", error=error)), FUNCTION))
    assert all(line.isprintable() for line in lines)


def test_many_failures_stay_a_message() -> None:
    """The first twenty are named, the others counted; far below SNS's 256 KB, as is the subject."""
    error = ErrorInfo(category="operation", type="Refused", message="m" * 5_000)
    many = summary(*(result(f"c{number}", error=error) for number in range(5_000)))
    lines = list(notification.text(many, FUNCTION))
    assert "  and 4980 more" in lines
    assert len("\n".join(lines).encode()) < 32 * 1024
    long = many.model_copy(update={"action": "a" * 200})
    assert len(notification.subject(long)) < 100
    assert notification.subject(long).isascii()


def test_a_fleet_that_failed_is_a_message_that_a_chat_takes() -> None:
    """A longer description is not shown at all; what is left out is said, and no line is cut in its middle."""
    error = ErrorInfo(category="operation", type="Refused", message="<m>" * 100)
    failed_ones = [result(f"f{number}", error=error) for number in range(20)]
    others = [result(f"n{number}", status="not_started", warnings=["w" * 300]) for number in range(20)]
    shown = notification.chat_message(summary(*failed_ones, *others), FUNCTION)["content"]["description"]
    assert 7_000 < len(shown) <= limits.CHAT_CHARACTERS
    assert shown.endswith("`\nThere is more than fits into this message.")
    few = notification.chat_message(summary(*failed_ones[:2]), FUNCTION)["content"]["description"]
    assert "There is more" not in few


@pytest.mark.parametrize("on", ["", "nothing", "failed,,differs", "failed;differs"])
def test_a_setting_that_names_no_end_is_refused(on: str) -> None:
    """Before any run."""
    known = {"CONFIG_BUCKET": "c", "RESULTS_BUCKET": "r", "WORKER_FUNCTION_NAME": "w", "AWS_REGION": "us-east-1"}
    with pytest.raises(ConfigurationError, match="NOTIFY_ON"):
        OrchestratorSettings.from_env({**known, "NOTIFY_ON": on})
