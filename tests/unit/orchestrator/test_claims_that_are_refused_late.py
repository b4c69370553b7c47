"""A run whose plan may be there stays in the index of open runs, whatever S3 says afterwards."""

from __future__ import annotations

import pytest

from ses_fleet.errors import AwsCallError, ConfigurationError, OrchestratorError
from tests.unit.orchestrator.deployed import RUN, Deployed, customers


def test_a_plan_whose_answer_was_lost_keeps_its_sign_when_reading_it_back_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as with credentials that have just expired: the reaper finds the run, or nobody ever does."""
    there = Deployed(monkeypatch, customers("a", "b"), lambda _item: {"data": {}})
    monkeypatch.setattr("ses_fleet.aws.s3._wait", lambda _: None)
    plan = f"runs/{RUN}/plan.json"

    def happens(operation: str, key: str, done: bool) -> None:
        written = ("results", plan) in there.s3.stored
        if (operation, key, done) == ("put_object", plan, True):
            raise AwsCallError("s3", operation, "lost", "ReadTimeoutError", "no")
        if key == plan and written:
            raise AwsCallError("s3", operation, "refused", "ExpiredToken", "no", 400)

    there.s3.hook.happens = happens
    with pytest.raises((ConfigurationError, OrchestratorError)):
        there.run()
    assert there.s3.keys(plan) == [plan]
    assert there.s3.keys(f"open/{RUN}/") != []
