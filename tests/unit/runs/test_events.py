"""The events that start a run: which run each is about, and what a run's own continuation looks like."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from ses_fleet.errors import RequestError
from ses_fleet.runs import events, request
from tests.unit.runs.test_request import bus_event, trigger


def test_a_run_gets_an_id_of_our_form() -> None:
    """YYYYMMDDTHHMMSSZ and six hex digits, for those who start it; no two are alike."""
    now = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
    assert re.fullmatch(r"20260301T060000Z-[0-9a-f]{6}", events.new_run_id(now))
    assert len({events.new_run_id(now) for _ in range(3)}) == 3


def test_a_start_without_an_id_takes_that_of_its_request() -> None:
    """Lambda delivers an event again under the same request id, so that is the same run; it says nothing else."""
    first = request.parse({"action": "describe-list-all"}, "q1")
    assert re.fullmatch(r"request-[0-9a-f]{16}", first.run_id)
    assert not first.named
    assert first.run_id == request.parse({"action": "describe-list-all"}, "q1").run_id
    assert first.run_id != request.parse({"action": "describe-list-all"}, "q2").run_id
    named = request.parse({"action": "describe-list-all", "run_id": "mine"}, "q1")
    assert (named.run_id, named.named) == ("mine", True)


def test_the_same_trigger_is_the_same_run() -> None:
    """The id comes from schedule and time, so that a second delivery is no second run."""
    first = request.parse(trigger())
    assert first.run_id == request.parse(trigger()).run_id
    assert first.named
    assert first.run_id.startswith("20260301T060000Z-")
    assert first.run_id != request.parse(trigger(arn="arn:aws:scheduler:us-east-1:1:schedule/g/m")).run_id
    assert first.run_id != request.parse(trigger(time="2026-03-01T06:00:01Z")).run_id


def test_an_event_bus_event_carries_the_payload_in_detail() -> None:
    """A delivery that comes twice is one run; another payload under the same event id is another."""
    first = request.parse(bus_event({"action": "describe-list-all"}))
    assert first.request.action == "describe-list-all"
    assert first.run_id == request.parse(bus_event({"action": "describe-list-all"})).run_id
    other = request.parse(bus_event({"action": "describe-list-all", "dry_run": True}))
    assert other.run_id != first.run_id


def test_the_order_of_a_payloads_fields_makes_no_other_run() -> None:
    """A bus that delivers twice may write the JSON anew."""
    one = request.parse(bus_event({"action": "describe-list-all", "dry_run": True}))
    assert one.run_id == request.parse(bus_event({"dry_run": True, "action": "describe-list-all"})).run_id


def test_the_event_that_continues_a_run_is_known_again() -> None:
    """And nothing else is taken for one."""
    event = events.hop_event("describe-list-all", "a-run", 2)
    assert events.hop_of(event) == events.HopStart("a-run", 2)
    assert events.hop_of({"action": "describe-list-all", "run_id": "a-run"}) is None
    assert events.hop_of("hop") is None


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"hop": 0}, "$.hop"),
        ({"hop": 501}, "$.hop"),
        ({"hop": True}, "$.hop"),
        ({"hop": 1.0}, "$.hop"),
        ({"hop": "1"}, "$.hop"),
        ({"dry_run": True}, "$.hop"),
        ({"run_id": "a/b"}, "$.run_id"),
        ({"run_id": 5}, "$.run_id"),
    ],
)
def test_a_malformed_continuation_is_refused(changes: dict[str, Any], path: str) -> None:
    """A caller who sets `hop` would otherwise take over somebody's run."""
    event = {**events.hop_event("describe-list-all", "a-run", 1), **changes}
    with pytest.raises(RequestError) as error:
        events.hop_of(event)
    assert [problem.path for problem in error.value.problems] == [path]


@pytest.mark.parametrize(
    ("event", "is_one"),
    [({"reap": True}, True), ({"reap": 1}, False), ({"reap": False}, False), ({"reap": True, "action": "help"}, False),
     ({}, False), ("reap", False), (None, False)],
)  # fmt: skip
def test_the_reapers_event_is_that_and_nothing_beside_it(event: Any, is_one: bool) -> None:
    """Whatever else comes is checked as a payload."""
    assert events.is_reap(event) is is_one


def test_the_event_that_stops_a_run_names_it() -> None:
    """And nothing else is taken for one."""
    assert events.cancel_of({"cancel": "a-run"}) == "a-run"
    assert events.cancel_of({"action": "describe-list-all"}) is None
    assert events.cancel_of(["cancel"]) is None


@pytest.mark.parametrize(
    "event", [{"cancel": 5}, {"cancel": None}, {"cancel": "a/b"}, {"cancel": ""}, {"cancel": "a-run", "dry_run": True}]
)
def test_a_malformed_stop_is_refused(event: Any) -> None:
    """Whoever means to stop a run must not start or miss one."""
    with pytest.raises(RequestError) as error:
        events.cancel_of(event)
    assert [problem.path for problem in error.value.problems] == ["$.cancel"]
