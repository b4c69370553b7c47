"""Where a run is, by S3's own clock alone."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from ses_fleet import clock
from ses_fleet.runs import position
from ses_fleet.runs.position import Position
from tests.unit.runs.recorded import Recorded


def where(there: Recorded) -> Position:
    """Where the run is."""
    return position.of(there.hops, there.plan)


@pytest.mark.parametrize(
    ("age", "dead_after", "phase"),
    [(0, 60, "alive"), (31.9, 60, "alive"), (32, 60, "silent"), (61.9, 60, "silent"), (62, 60, "dead"),
     (-5, 60, "alive"), (math.inf, 60, "dead"), (2.4, 1, "alive"), (2.5, 1, "silent"), (3, 1, "dead")],
)  # fmt: skip
def test_the_age_of_a_sign_says_whether_a_hop_lives(age: float, dead_after: float, phase: str) -> None:
    """Half of the time until it may be ended it is alive, and two seconds are S3's clock's."""
    assert position.phase(age, dead_after) == phase


@pytest.mark.parametrize("hours", [0, 1, -1])
@pytest.mark.parametrize(("seconds", "phase"), [(10, "alive"), (40, "silent"), (100, "dead")])
def test_a_hop_is_as_old_as_its_last_sign(
    monkeypatch: pytest.MonkeyPatch, hours: int, seconds: int, phase: str
) -> None:
    """Whatever the clock of the machine is that asks."""
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(hours=hours))
    there = Recorded()
    there.sign()
    there.s3.advance(seconds)
    assert where(there) == Position(0, phase, float(seconds))  # type: ignore[arg-type]
    there.sign()
    assert where(there) == Position(0, "alive", 0.0)


def test_of_several_starts_of_one_id_the_one_that_wrote_the_plan_counts() -> None:
    """Another one's sign of life keeps nobody alive."""
    there = Recorded()
    there.sign()
    there.s3.advance(100)
    there.sign(owner="another")
    assert where(there) == Position(0, "dead", 100.0)


def test_a_run_whose_signs_are_gone_is_dead() -> None:
    """For how long, nobody knows."""
    assert where(Recorded()) == Position(0, "dead", math.inf)


def test_a_run_waits_for_its_next_invocation_until_that_has_claimed_it() -> None:
    """It is not dead meanwhile, however long that takes; a claim is a sign of life."""
    there = Recorded()
    there.sign()
    end = there.end(0, 1, peak=4)
    there.s3.advance(1_000)
    assert where(there) == Position(1, "waiting", 1_000.0, end)
    assert there.claim(1)
    assert where(there) == Position(1, "alive", 0.0, end)
    there.s3.advance(100)
    assert where(there) == Position(1, "dead", 100.0, end)
    there.sign(hop=1, owner="o")
    assert where(there) == Position(1, "alive", 0.0, end)


def test_a_run_that_has_its_end_is_closing_until_its_summary_is_there() -> None:
    """Whatever signs of life or claims come after it."""
    there = Recorded()
    there.end(0, 1)
    assert there.claim(1)
    end = there.end(1, None)
    there.s3.advance(7)
    there.sign(hop=1, owner="o")
    assert not there.claim(1, "late")
    assert where(there) == Position(1, "closing", 7.0, end=end)


def test_hops_are_counted_as_numbers() -> None:
    """The tenth comes after the ninth; what is no hop is passed over."""
    there = Recorded()
    for hop in range(11):
        end = there.end(hop, hop + 1)
    there.s3.put("results", "runs/r1/hops/x/end.json", b"")
    there.s3.put("results", "runs/r1/hops/1234567/end.json", b"")
    there.sign(hop=1, owner="o")
    assert where(there) == Position(11, "waiting", 0.0, end)
