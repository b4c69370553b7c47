"""list-suppressed: every entry once, whatever the slices; counts in the result, addresses in S3 alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.actions.params import ListSuppressedParams
from ses_fleet.errors import CustomerError
from ses_fleet.worker.actions import list_suppressed
from tests.unit.worker.test_find_contact import suppress
from tests.unit.worker.world import ACCOUNT, REGION, World


def params(**given: Any) -> ListSuppressedParams:
    """Checked parameters."""
    return ListSuppressedParams.model_validate(given)


def test_each_entry_is_written_with_reason_and_time() -> None:
    """A customer needs no contact list for it."""
    world = suppress(World(made=False), "a/b@x.example", reason="COMPLAINT")
    suppress(world, "c@x.example", "d@x.example")
    done = world.run(list_suppressed.run, params())
    assert done.data == {"total": 3, "reasons": {"BOUNCE": 2, "COMPLAINT": 1}, "parts": 1}
    first, *_ = written = world.written()
    assert [one["email"] for one in written] == ["a/b@x.example", "c@x.example", "d@x.example"]
    assert first["reason"] == "COMPLAINT"
    assert first["since"].endswith("Z")
    assert list(world.objects.written) == ["data/run-1/acme/suppressed-00001.jsonl.gz"]
    assert world.asked == ["ListSuppressedDestinations"]
    assert "@" not in json.dumps([world.lines, done.data])


def test_an_empty_list_has_no_file() -> None:
    """Zero is a number, not nothing."""
    done = World(made=False).run(list_suppressed.run, params())
    assert done.data == {"total": 0, "reasons": {}, "parts": 0}


def test_filters_are_ses_own() -> None:
    """By reason, and by time."""
    world = suppress(World(made=False), "a@x.example", reason="COMPLAINT")
    world.time.sleep(86_400)
    suppress(world, "b@x.example", reason="COMPLAINT")
    suppress(world, "c@x.example")
    assert world.data(list_suppressed.run, params(reasons=["BOUNCE"]))["total"] == 1
    since = "2026-09-22T00:00:00Z"  # between the two
    world.objects.written.clear()
    data = world.data(list_suppressed.run, params(reasons=["COMPLAINT"], since=since))
    assert [one["email"] for one in world.written()] == ["b@x.example"]
    assert data["reasons"] == {"COMPLAINT": 1}


@pytest.mark.parametrize("conditions", [{}, {"token_seconds": 30}])
def test_slices_and_refused_tokens_lose_and_repeat_nothing(conditions: dict[str, Any]) -> None:
    """What is handed on has no address."""
    world = World(made=False, **conditions)
    suppress(world, *(f"s{n}@x.example" for n in range(4_500)))
    done = world.run(list_suppressed.run, params(), budget=2.5, per_second=0.5 if not conditions else 1)
    assert done.data["total"] == 4_500
    prefix = str(done.data_location).removeprefix("s3://results/")
    lines = [json.loads(line) for line in world.written_below(f"{prefix}suppressed-").splitlines()]
    assert [one["email"] for one in lines] == [f"s{n}@x.example" for n in range(4_500)]
    assert "@" not in json.dumps(world.states)


def test_the_sandbox_has_none() -> None:
    """The customer fails, and says what to do."""
    world = World(made=False)
    world.ses.set_account(ACCOUNT, REGION, production_access=False, sending_enabled=True)
    with pytest.raises(CustomerError, match="request production access") as error:
        world.run(list_suppressed.run, params())
    assert error.value.type == "SesSandbox"
