"""What is so of a run, at every moment of it."""

from __future__ import annotations

import pytest

from ses_fleet.runs import state
from ses_fleet.runs import summary as summaries
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.runs.state import State
from tests.unit.runs.recorded import Recorded


def of(there: Recorded) -> State:
    """What is so of the run."""
    return state.of(there.record, there.plan)


def statuses(found: State) -> list[str]:
    """In config order."""
    return [one.status for one in found.summary.results]


def finished(there: Recorded, results: tuple[CustomerResult, ...] = ()) -> Summary:
    """The Summary of a run that is over."""
    made = summaries.unfinished(there.plan, results, "s3://x", "w").model_copy(update={"exit_code": 0})
    assert there.record.write_summary(made)
    return made


def test_a_run_that_is_over_is_its_summary() -> None:
    """Whatever else its record says."""
    there = Recorded()
    there.sign({0: 1})
    assert of(there).position is not None
    made = finished(there)
    assert of(there) == State(made)


def test_of_two_who_say_the_same_of_its_end_one_has_written_it() -> None:
    """Two reapers of one moment: the run is logged and counted once."""
    there = Recorded()
    made = finished(there)
    assert not there.record.write_summary(made)
    assert there.record.summary() == made


def test_everybody_is_what_the_record_says() -> None:
    """A result, named for a worker, between two slices, or not started as far as anybody knows."""
    there = Recorded(4)
    there.result(0, "failed")
    there.sign({1: 1})
    there.progress(2, 1)
    found = of(there)
    assert statuses(found) == ["failed", "under_way", "under_way", "not_started"]
    assert found.summary.results[3].warnings == ("no result yet",)
    assert (found.summary.exit_code, found.summary.under_way_count, found.summary.closed_by) == (None, 2, None)


@pytest.mark.parametrize(
    ("seconds", "began", "ended"),
    [
        (4, "the run is under way (invocation 1, last sign of life 4 s ago)", ")"),
        (40, "the run has given no sign of life for 40 s (invocation 1); if that lasts, the reaper", "it before"),
        (90, "the run has given no sign of life for 90 s (invocation 1): the reaper, which looks", "it before"),
    ],
)
def test_where_the_run_is_is_told(seconds: int, began: str, ended: str) -> None:
    """And what happens next if it gives no sign of life."""
    there = Recorded()
    there.sign()
    there.s3.advance(seconds)
    (told,) = of(there).summary.warnings
    assert told.startswith(began)
    assert told.endswith(ended)


def test_a_run_that_waits_or_ends_is_told_so() -> None:
    """It is not dead."""
    there = Recorded()
    there.end(0, 1)
    there.s3.advance(100)
    assert of(there).summary.warnings == ("the run has waited for its next invocation (number 2) for 100 s",)
    there.end(1, None)
    assert of(there).summary.warnings == ("the run ended 0 s ago, and its summary is being written",)


def test_a_run_that_no_index_has_is_told_so() -> None:
    """Its signs of life have expired, and nobody finds it; one of an earlier version never had any."""
    assert of(Recorded()).summary.warnings == (
        "the run gives no sign of life, and it is not among the open runs: the reaper does not find it",
    )
    found = of(Recorded(record_format=1))
    assert (found.summary.warnings, found.position) == (
        ("the run was begun by an earlier version of ses-fleet, which left no summary",),
        None,
    )


def test_a_run_that_ended_while_it_was_looked_at_is_over() -> None:
    """Its signs of life were removed after its Summary was written: it is never called dead for that."""
    there = Recorded()
    there.sign()
    made: list[Summary] = []

    def happens(operation: str, key: str, done: bool) -> None:
        if (operation, done) == ("list_objects_v2", False) and key.startswith("runs/"):
            there.s3.hook.happens = lambda _operation, _key, _done: None
            made.append(finished(there))
            there.hops.remove_signs()

    there.s3.hook.happens = happens
    assert of(there) == State(made[0])


def test_who_gets_its_result_meanwhile_has_one() -> None:
    """Names are read before results: nobody is not started who was named a moment before."""
    there = Recorded(1)
    there.sign({0: 1})
    there.result_comes_between_the_looks(0)
    assert statuses(of(there)) == ["successful"]
