"""What the journal says of a run's customers: who was with a worker when, and whether stages and bounds were kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.local_cloud.conftest import Cloud


@dataclass(frozen=True)
class Span:
    """From the first call of a customer's workers in its account to the end of the last one."""

    began: str
    ended: str


def spans(cloud: Cloud, run_id: str) -> dict[str, Span]:
    """The customers, by code, in whose accounts this run's workers called SES."""
    found: dict[str, Span] = {}
    for entry in cloud.journal():
        owner = re.search(r"/ses-fleet-(f\d+)-(.+)$", entry["principal"] or "")
        if owner is not None and owner[2] == run_id and entry["service"] == "sesv2":
            before = found.get(owner[1], Span(entry["started_at"], entry["ended_at"]))
            began, ended = min(before.began, entry["started_at"]), max(before.ended, entry["ended_at"])
            found[owner[1]] = Span(began, ended)
    return found


def peak_at_risk(summary: dict[str, Any], seen: Mapping[str, Span]) -> int:
    """The most customers that had failed or were under way when one of them was started."""
    failed = {code for code, status in statuses(summary).items() if status == "failed"}
    return max(
        sum(other.began <= one.began and (code in failed or other.ended > one.began) for code, other in seen.items())
        for one in seen.values()
    )


def statuses(summary: dict[str, Any]) -> dict[str, str]:
    """By customer."""
    return {one["customer_code"]: one["status"] for one in summary["results"]}


def broken(cloud: Cloud, run_id: str) -> Iterator[str]:
    """What this run, which is over, did not keep of what its plan.json and its Summary say."""
    plan, summary = (json.loads(cloud.stored(f"runs/{run_id}/{name}.json")) for name in ("plan", "summary"))
    seen, ended, allowed = spans(cloud, run_id), statuses(summary), plan["failures_allowed"]
    codes = [one["customer_code"] for one in plan["customers"]]
    stages = [[codes[index] for index in stage] for stage in plan["ramp"]]
    earlier: list[str] = []
    at = 0
    for number, stage in enumerate(stages):
        missed = [code for code in earlier if ended[code] in ("failed", "not_started")]
        succeeded = len(missed) <= allowed and all(
            "successful" in [ended[code] for code in before] for before in stages[:number]
        )
        at += succeeded
        for code in [code for code in stage if code in seen]:
            late = [one for one in earlier if ended[one] == "successful" and seen[one].ended > seen[code].began]
            if late or not succeeded:
                yield f"{code} of stage {number + 1} was started: {late} had not ended, {missed} were not successful"
        earlier += stage
    told = {"stages": [sum(map(len, stages[: number + 1])) for number in range(len(stages))], "at": at}
    if summary["ramp"] != (told if stages else None):
        yield f"the Summary says {summary['ramp']}, not {told}"
    if plan["strict"]:
        failed = [code for code, status in ended.items() if status == "failed"]
        if len(failed) > allowed or (seen and peak_at_risk(summary, seen) > allowed):
            yield f"{failed} failed, {peak_at_risk(summary, seen)} were at risk at once, and {allowed} may be"
