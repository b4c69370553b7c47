"""What the orchestrator's invocations of one run leave for each other, and for those who watch the run.

An invocation is a hop, number 0 the first. Each has one claim (hop 0: plan.json), signs of life while it lasts, and one
end. docs/decisions/2026-11-every-run-ends.md draws how they follow each other.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.model_bases import Stored


class Progress(Stored):
    """A customer that is not finished, as one invocation of the orchestrator hands it to the next.

    `slices` is how many slices have answered, `continuation` where the last of them stopped. `work_of` is the run that
    began the work, where this run resumes it. `waits_for` is as in a WorkResult: its slices only waited so far. So is
    `phase_over`: its next slice begins the second phase.
    """

    index: int
    customer_code: str
    slices: int = 0
    attempts: int = 0
    api_calls: int = 0
    seconds: float = 0.0
    logs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    continuation: dict[str, Any] | None = None
    work_of: str | None = None
    waits_for: str | None = None
    phase_over: bool = False


class HopClaim(Stored):
    """hops/<n>/claim.json: the further invocation has begun; a second delivery of its event then does nothing.

    `owner` is the token of the invocation that claimed it, by which it recognises its own claim.
    """

    hop: int
    owner: str
    claimed_at: str
    deadline: str


class HopEnd(Stored):
    """hops/<n>/end.json: what follows the n-th invocation. Written once, by the invocation itself or by the reaper.

    `next` is the number of the hop that goes on, or None: the run is closed. `owner` is the token of whoever decided
    it. `peak` is the most customers that were in flight at once so far. `people` is what was read of Identity Centers,
    by the name of the source, and `reading` the hop that began what is still being read. `restarts` counts the hops in
    a row that gave no sign of life and were replaced, `idle` those in a row that sent nobody.
    """

    hop: int
    owner: str
    by: Literal["orchestrator", "reaper"]
    ended_at: str
    next: int | None
    reason: str
    peak: int = 0
    people: dict[str, DirectoryFiles] = Field(default_factory=dict)
    reading: int = 0
    restarts: int = 0
    idle: int = 0


class SignOfLife(Stored):
    """open/<run>/<hop>-<owner>.json: the invocation is alive, and nobody is sent whom it does not name.

    `named` are the customers that may be with a worker, each with the number of its slice, from 1; who has a result is
    named no longer.
    """

    run_id: str
    hop: int
    owner: str
    number: int
    named: dict[int, int] = Field(default_factory=dict)


class Cancel(Stored):
    """cancel.json: somebody cancelled the run. Written once: the first request counts."""

    run_id: str
    asked_at: str
