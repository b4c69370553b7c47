"""Every customer of a run is in exactly one of the sets that its record tells."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ses_fleet.runs import standing
from ses_fleet.runs.standing import Standing
from tests.unit.runs.recorded import Recorded

facts = st.fixed_dictionaries(
    {"named": st.none() | st.integers(1, 4), "other": st.none() | st.integers(1, 4),
     "slices": st.none() | st.integers(1, 4), "result": st.booleans()}
)  # fmt: skip


def recorded(customers: list[dict[str, Any]]) -> tuple[Recorded, Standing]:
    """A run of which these things were written, by two invocations, and what its record says."""
    there = Recorded(len(customers))
    there.sign({index: one["named"] for index, one in enumerate(customers) if one["named"]})
    there.sign({index: one["other"] for index, one in enumerate(customers) if one["other"]}, hop=1, owner="o1")
    for index, one in enumerate(customers):
        if one["slices"]:
            there.progress(index, one["slices"])
        if one["result"]:
            there.result(index)
    return there, standing.of(there.record, there.hops, there.plan)


@settings(deadline=None, max_examples=200)
@given(st.lists(facts, max_size=8))
def test_every_customer_is_in_exactly_one_set(customers: list[dict[str, Any]]) -> None:
    """Its result decides; else the highest number of a slice that named it, beside the slices that answered."""
    _, found = recorded(customers)
    everybody = [*found.known, *found.in_doubt, *found.progress, *found.waiting]
    assert sorted(everybody) == list(range(len(customers)))
    for index, one in enumerate(customers):
        named, slices = max(one["named"] or 0, one["other"] or 0), one["slices"] or 0
        if one["result"]:
            assert index in found.known
        elif named > slices:
            assert index in found.in_doubt
        elif slices:
            assert found.progress[index].continuation == {"at": slices}
        else:
            assert index in found.waiting


def test_signs_are_read_before_results_are() -> None:
    """Who is named no longer because its result was stored in between has one."""
    there = Recorded(1)
    there.sign({0: 1})
    there.result_comes_between_the_looks(0)
    assert standing.of(there.record, there.hops, there.plan) == Standing(known=(0,))
