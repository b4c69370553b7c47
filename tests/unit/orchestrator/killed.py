"""An orchestrator that is killed while one of its customers is with a worker."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ses_fleet import limits
from tests.unit.orchestrator.deployed import Context, Deployed, Json, code_of


class Killed(BaseException):
    """What ends an invocation as a kill does: nobody catches it."""


def die(monkeypatch: pytest.MonkeyPatch, there: Deployed, code: str, event: Json) -> None:
    """Invoke the orchestrator, and kill it when this customer is with a worker."""
    dead, gone, worker = threading.Event(), threading.Event(), there.lambda_.worker

    def remaining(self: Context) -> int:
        if dead.is_set():
            raise Killed
        return int(self.seconds * 1000)

    def answers(item: Json) -> Json:
        if code_of(item) == code:
            dead.set()
            gone.wait(30)
        return worker(item)

    with monkeypatch.context() as patched:
        patched.setattr(Context, "get_remaining_time_in_millis", remaining)
        patched.setattr(limits, "LOOK_SECONDS", 0.02)
        there.lambda_.worker = answers
        with pytest.raises(Killed):
            there.invoke(event)
        gone.set()
    there.lambda_.worker = worker


def reap(there: Deployed) -> dict[str, Any]:
    """What the reaper says that it did, a minute and a bit after whatever was last."""
    there.s3.advance(63)
    return there.invoke({"reap": True})
