"""Whatever breaks at whichever request of S3: the run ends, everybody is accounted for once, every status is true."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.errors import AwsCallError, ConfigurationError
from tests.unit.orchestrator.deployed import RUN, TOPIC, Context, Deployed, Json, code_of, customers, slices, statuses
from tests.unit.orchestrator.killed import Killed

CODES = ["a", "b", "c"]


class Breaking:
    """A run of two hops, something of which breaks at its n-th request of S3.

    With `effect`, that request has its effect first. With `kill`, whoever sent it is killed with all its threads; else
    one answer is lost.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, *, effect: bool, kill: bool) -> None:
        self.there = Deployed(monkeypatch, customers(*CODES), self.worker)
        self.there.put("SESConfig.json", {"topics": [TOPIC]})
        self.there.s3.hook.happens = self.happens
        self.at, self.effect, self.kill = at, effect, kill
        self.asked = 0
        self.broke = self.dead = False
        self.lock = threading.Lock()
        monkeypatch.setattr(limits, "LOOK_SECONDS", 0.02)
        monkeypatch.setattr(limits, "SIGN_LOOK_SECONDS", 0.002)
        monkeypatch.setattr("ses_fleet.aws.s3._wait", lambda _: None)
        monkeypatch.setattr(Context, "get_remaining_time_in_millis", lambda context: self.remaining(context))

    def worker(self, item: Json) -> Json:
        """Two slices for everybody; the first hop's time ends with the first answer."""
        if not self.there.lambda_.events and not self.broke:
            self.there.context.seconds = 50.0
        return slices(item)

    def remaining(self, context: Context) -> int:
        """Nobody who was killed asks for the time."""
        if self.dead:
            raise Killed
        return int(context.seconds * 1000)

    def happens(self, operation: str, _key: str, done: bool) -> None:
        """Break, once the request is there."""
        with self.lock:
            self.asked += not done
            if not self.broke and self.asked >= self.at and done is self.effect:
                self.broke = True
                self.dead = self.kill
                self.fail(operation)
        if self.dead:
            self.fail(operation)

    def fail(self, operation: str) -> None:
        """What whoever asked gets; a thread that was killed says no more than one that failed."""
        if self.kill and threading.current_thread() is threading.main_thread():
            raise Killed
        raise AwsCallError("s3", operation, "lost", "SlowDown", "no", 503)

    def invoke(self, event: Json) -> None:
        """One invocation, which may fail or be killed."""
        with suppress(Killed, AwsCallError, ConfigurationError):
            self.there.invoke(event)
        self.dead = False

    def finish(self) -> None:
        """Have events arrive, and the reaper come every few minutes, until the run is over."""
        seen = 0
        for _ in range(8):
            while seen < len(self.there.lambda_.events):
                seen += 1
                self.invoke(self.there.lambda_.events[seen - 1])
            if not self.there.s3.keys("open/"):
                return
            self.there.s3.advance(2_000)
            self.invoke({"reap": True})


@pytest.mark.parametrize("kill", [True, False])
@pytest.mark.parametrize("effect", [True, False])
@pytest.mark.parametrize(
    ("on_deadline", "at"), [*(("continue", at) for at in range(1, 40)), *(("stop", at) for at in range(1, 20))]
)
def test_a_run_ends_whatever_breaks(
    monkeypatch: pytest.MonkeyPatch, on_deadline: str, at: int, effect: bool, kill: bool
) -> None:
    """A kill, an answer that is lost: before and after the effect of every request of a start, a hop and their ends."""
    run = Breaking(monkeypatch, at, effect=effect, kill=kill)
    there = run.there
    run.invoke({"action": "manage-topic-all", "run_id": RUN, "max_customer_concurrency": 1, "on_deadline": on_deadline})
    run.finish()
    assert run.broke or at > 12
    assert there.s3.keys("open/") == []
    sent = Counter((code_of(item), item["continuation"] is None) for item in there.lambda_.items)
    assert not [one for one, count in sent.items() if count > 1]
    if not there.s3.keys(f"runs/{RUN}/plan.json"):
        assert there.lambda_.items == []
        return
    kept = there.kept("summary.json")
    found = statuses(kept)
    assert list(found) == CODES
    for code, status in found.items():
        slices_sent = sum(count for (other, _), count in sent.items() if other == code)
        assert status in {0: ("not_started", "failed"), 1: ("failed",), 2: ("successful", "failed")}[slices_sent]
    assert {code: there.kept(f"results/{code}.json")["status"] for code in CODES} == found
    for code in CODES:
        error: Any = next(one["error"] for one in kept["results"] if one["customer_code"] == code)
        if error is not None and error["type"] == "OrchestratorLost":
            assert error["outcome_unknown"]
