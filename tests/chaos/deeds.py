"""Who did what, by what the services saw: the session's name in the journal says for whom and in which run."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from tests.chaos.run import Evidence, RunSeen
from tests.chaos.witness import Invocation, SesCall


def verb(run: RunSeen) -> str:
    """Return the action's name without -all."""
    return str(run.plan["request"]["action"]).removesuffix("-all")


def results(run: RunSeen) -> list[dict[str, Any]]:
    """Return the results in the Summary, none without one."""
    return [] if run.summary is None else list(run.summary["results"])


def workers(seen: Evidence, run: RunSeen) -> list[Invocation]:
    """Return the workers that the run sent, for all customers, in turn."""
    return [one for one in seen.invocations if one.run_id == run.run_id and one.customer is not None]


def sent_to(seen: Evidence, run: RunSeen, code: str) -> list[Invocation]:
    """Return the workers that the run sent for a customer, in turn."""
    return [one for one in seen.invocations if one.run_id == run.run_id and one.customer == code]


def owner(principal: str | None) -> tuple[str, str] | None:
    """Return (customer, run) of a session's principal, or None for others."""
    found = re.search(r"/ses-fleet-(f\d\d)-(.+)$", principal or "")
    return None if found is None else (found[1], found[2])


def owners(seen: Evidence) -> dict[str, tuple[str, str]]:
    """Return (customer, run) by access key."""
    found = {entry.access_key_id: owner(entry.principal) for entry in seen.journal if entry.service == "sesv2"}
    return {key: one for key, one in found.items() if key is not None and one is not None}


def keys(seen: Evidence, code: str, run_id: str) -> set[str]:
    """Return the access keys that the run had for a customer."""
    return {key for key, one in owners(seen).items() if one == (code, run_id)}


def owner_of(seen: Evidence, call: SesCall) -> tuple[str, str] | None:
    """Return (customer, run) of a call, or None of one that is not ses-fleet's."""
    return owners(seen).get(call.caller)


def code_of(call: SesCall) -> str:
    """Return the customer in whose account a call was made."""
    return f"f{int(call.account[-2:]):02d}"


def writes(seen: Evidence, run: RunSeen, sent: Invocation | None = None) -> list[SesCall]:
    """Return what this run wrote to lists; only what came while this invocation lasted, if one is given."""
    of = owners(seen)
    made = [call for call in seen.calls if call.wrote and of.get(call.caller, ("", ""))[1] == run.run_id]
    if sent is None:
        return made
    return [call for call in made if sent.began <= call.at <= (sent.ended or float("inf"))]


def named(calls: list[SesCall]) -> list[str]:
    """Return the first of these calls as text."""
    return [f"{code_of(call)} {call.operation}" for call in calls][:6]


def lag(seen: Evidence) -> float:
    """Return by how many seconds a read of SES may be late."""
    return float(seen.scenario["conditions"].get("read_lag_seconds", 0.0))


def iso(epoch: float) -> str:
    """Return a moment as the journal has it."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def only_waited(sent: Invocation) -> bool:
    """Whether the worker said that it did nothing, because others have the list."""
    if not isinstance(sent.answer, dict):
        return False
    waits = sent.answer.get("continuation") or {}
    return sent.answer.get("not_started") is not None or waits.get("ran") is False
