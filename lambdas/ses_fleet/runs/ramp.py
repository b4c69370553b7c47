"""A ramp: the stages in which a run reaches its customers, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ses_fleet import limits
from ses_fleet.runs import results
from ses_fleet.runs.models import CustomerResult, RampPosition, RunPlan, Status
from ses_fleet.text import printable


def sizes(asked: Sequence[int | str], customers: int) -> list[int]:
    """Return how many of so many customers have been started once each stage is reached; each stage adds somebody.

    A percentage is rounded down, and is one customer at least. A stage that adds nobody to the one before is left out.
    """
    found: list[int] = []
    for stage in asked:
        share = max(1, customers * int(stage.rstrip("%")) // 100) if isinstance(stage, str) else stage
        size = min(share, customers)
        if size > (found[-1] if found else 0):
            found.append(size)
    return found


def stages(asked: Sequence[int | str] | None, in_turn: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return the customers of each stage of the ramp; `in_turn` are the run's, in the order in which they start."""
    ends = sizes(asked or (), len(in_turn))
    return tuple(tuple(in_turn[begin:end]) for begin, end in zip([0, *ends], ends, strict=False))


class Ramp:
    """Follows a run through its stages, as its customers' results come in.

    A stage has succeeded when each of its customers has a result, one at least is successful, and no more than
    `allowed` of all stages so far have failed or were not started. Those that are skipped show nothing.
    """

    def __init__(self, stages: Sequence[Sequence[int]], allowed: int) -> None:
        self.at = 0
        self._allowed = allowed
        self._stages = tuple(stages)
        self._stage_of = {index: stage for stage, members in enumerate(stages) for index in members}
        self._open = [set(members) for members in stages]
        self._successes = [0] * len(self._stages)
        self._missed: list[list[str]] = [[] for _ in stages]

    def __len__(self) -> int:
        """Return the number of stages."""
        return len(self._stages)

    def note(self, index: int, code: str, status: Status) -> None:
        """Take in how a customer ended; once for each."""
        stage = self._stage_of.get(index)
        if stage is None or index not in self._open[stage]:
            return
        self._open[stage].discard(index)
        self._successes[stage] += status == "successful"
        if status in ("failed", "not_started"):
            self._missed[stage].append(code)
        while not self._is_last and not self._open[self.at] and self._successes[self.at] and self._is_within:
            self.at += 1

    def stage_of(self, index: int) -> int:
        """Return the number of a customer's stage, from 0."""
        return self._stage_of.get(index, 0)

    def why_stopped(self) -> str | None:
        """Return why the next stage never starts, or None while it may."""
        if self._is_last or (self._is_within and (self._open[self.at] or self._successes[self.at])):
            return None
        missed = [code for stage in self._missed[: self.at + 1] for code in stage]
        why = f"not successful: {named(missed)}" if missed else "all of its customers were skipped"
        stage = f"stage {self.at + 1} of {len(self)} of the ramp has not succeeded ({why})"
        return f"{stage}: no further customer was started"

    @property
    def _is_last(self) -> bool:
        return self.at >= len(self._stages) - 1

    @property
    def _is_within(self) -> bool:
        return sum(map(len, self._missed[: self.at + 1])) <= self._allowed


def named(codes: Sequence[str]) -> str:
    """Return the codes of customers as a message names them: the first ones, and how many others there are."""
    others = len(codes) - limits.NAMED_SILENT
    first = ", ".join(printable(code) for code in codes[: limits.NAMED_SILENT])
    return first + (f" and {others} more" if others > 0 else "")


def position(plan: RunPlan, found: Sequence[CustomerResult]) -> RampPosition | None:
    """Return at which stage a run is, or ended; None for a run without a ramp. `found` has all customers' results."""
    if not plan.ramp:
        return None
    ramp = Ramp(plan.ramp, plan.failures_allowed or 0)
    ended: Mapping[int, CustomerResult] = {index: one for index, one in enumerate(found) if not _is_open(one)}
    for members in plan.ramp:
        for index in members:
            if index in ended:
                ramp.note(index, ended[index].customer_code, ended[index].status)
    totals = [sum(map(len, plan.ramp[: number + 1])) for number in range(len(plan.ramp))]
    return RampPosition(stages=tuple(totals), at=ramp.at + 1)


def told(position: RampPosition) -> str:
    """Return in words where a run stands in its ramp: the stage, and how many customers it reaches."""
    reached, customers = position.stages[position.at - 1], position.stages[-1]
    return f"stage {position.at} of {len(position.stages)} (up to {reached} of {customers} customers that could start)"


def _is_open(result: CustomerResult) -> bool:
    return result.status == "under_way" or result.warnings[-1:] == (results.NO_RESULT_YET,)
