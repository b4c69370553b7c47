"""A preview says what a run would begin with, or why it would be refused, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from ses_fleet.errors import RunRefusedError
from ses_fleet.orchestrator import report
from tests.unit.orchestrator.deployed import RUN, Deployed, Json, customers, fine, goes_on, time_passes


def deployed(monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """Five customers: one disabled, one whose role is wrong."""
    config = customers("a", "b", "c", "d", "e")
    config["customer_mappings"]["b"]["enabled"] = False
    config["customer_mappings"]["c"]["ses_role_arn"] = "nonsense"
    there = Deployed(monkeypatch, config, fine)
    there.put(
        "SESConfig.json", {"topics": [{"TopicName": "t", "DisplayName": "T", "DefaultSubscriptionStatus": "OPT_OUT"}]}
    )
    return there


def preview(there: Deployed, **payload: Any) -> Json:
    """The answer; nothing may have been written, sent or counted."""
    before = there.s3.keys(), list(there.lambda_.items)
    answer = there.invoke({"preview": payload})
    assert (there.s3.keys(), there.lambda_.items) == before
    return answer


def test_who_is_run_who_is_not_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they start; with the versions of the files that a run would read."""
    there = deployed(monkeypatch)
    answer = preview(there, action="manage-topic-all", include=["e", "a", "b", "c"])
    assert (answer["customers"], answer["problems"], answer["exists"]) == (["e", "a"], [], False)
    assert list(answer["skipped"]) == ["b"]
    assert "enabled" in answer["skipped"]["b"] or "disabled" in answer["skipped"]["b"]
    assert list(answer["failed"]) == ["c"]
    assert "$.customer_mappings.c.ses_role_arn" in answer["failed"]["c"]
    assert answer["config_version"] == {
        "config": there.version("config.json"),
        "ses_config": there.version("SESConfig.json"),
    }


@pytest.mark.parametrize(
    "payload",
    [
        {"action": "manage-topics-all"},
        {"action": "manage-topic-all", "include": ["nobody", "a"], "prune": True},
        {"action": "manage-topic-all", "prune": True, "confirm_customers": 4},
        {"action": "manage-topic-all", "resumes": "r0"},
        {"action": "help", "dry_run": True, "x": 1},
        {"hop": 1},
        {"cancel": RUN},
        {},
        "text",
        None,
    ],
)
def test_what_would_be_refused_has_the_problems_of_the_refusal(monkeypatch: pytest.MonkeyPatch, payload: Any) -> None:
    """The same texts as a run gets; the function does not fail, so no alarm hears of it."""
    there = deployed(monkeypatch)
    counted: list[str | None] = []
    monkeypatch.setattr(report, "emit_refusal", lambda action, **_: counted.append(action))
    answer = there.invoke({"preview": payload})
    assert (there.s3.keys("runs/"), counted, answer["customers"]) == ([], [], [])
    if payload in ({"hop": 1}, {"cancel": RUN}):
        assert any("unknown field" in problem for problem in answer["problems"])
        return
    with pytest.raises(RunRefusedError) as refused:
        there.invoke(payload)
    assert answer["problems"] == [str(problem) for problem in refused.value.problems]


def test_a_file_that_is_missing_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a run."""
    there = Deployed(monkeypatch, customers("a"), fine)
    (problem,) = preview(there, action="manage-topic-all")["problems"]
    assert "SESConfig.json" in problem


def test_a_run_that_is_there_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be followed, and nothing started; with another request it would be refused."""
    there = deployed(monkeypatch)
    there.run()
    assert preview(there, action="describe-list-all", run_id=RUN)["exists"] is True
    (problem,) = preview(there, action="manage-topic-all", run_id=RUN)["problems"]
    assert "was started with another request" in problem


def test_a_preview_of_a_resume_leaves_the_work_to_the_resume(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where customers stopped is taken by one run, once: not by the question."""
    there = Deployed(monkeypatch, customers("a", "b"), fine)
    time_passes(there, 50.0, lambda _item: goes_on(1))
    resume = there.run(max_customer_concurrency=1)["resume"]
    for _ in range(2):
        assert preview(there, **resume)["customers"] == resume["include"]
    there.lambda_.items.clear()
    time_passes(there, 900.0, fine)
    there.invoke({**resume, "run_id": "r2"})
    assert [one["continuation"] for one in there.lambda_.items if one["customer"]["customer_code"] == "a"] == [
        {"state": {"at": 1}}
    ]


def test_a_preview_beside_other_fields_is_no_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    """And starts nothing."""
    there = deployed(monkeypatch)
    with pytest.raises(RunRefusedError, match=r"\$\.preview: unknown field"):
        there.invoke({"preview": {"action": "describe-list-all"}, "action": "describe-list-all"})
    assert there.lambda_.items == []
