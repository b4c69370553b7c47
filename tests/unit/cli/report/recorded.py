"""Runs as the record has them, for reports."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.runs.work import ErrorInfo
from ses_fleet_cli.report import content, page
from ses_fleet_cli.runs import Shown
from tests.unit.cli.stored import summary

TOPICS = ("news", "offers", "alerts")
DENIED = ErrorInfo(
    category="authentication",
    type="AccessDenied",
    message="could not assume the role. Check in account 300000000003 that the role exists",
)


def result(code: str, status: Any = "successful", **more: Any) -> CustomerResult:
    """A customer's result, with its block."""
    known = {"customer_name": f"{code} GmbH", "account_id": "300000000003", "region": "eu-central-1"}
    return CustomerResult(**{**known, "logs": (f"Customer {code}: done",), **more}, customer_code=code, status=status)


def run(action: str, *results: CustomerResult, **more: Any) -> Summary:
    """A run that is over."""
    counts = Counter(one.status for one in results)
    counted = {f"{status}_count": count for status, count in counts.items()}
    known = {"exit_code": 1 if counts["failed"] else 0, "total_customers": len(results), "closed_by": "orchestrator"}
    return summary("run-1", action=action, results=results, **{**known, **counted, **more})


def drift(*missing: str, extra: tuple[str, ...] = (), different: tuple[str, ...] = ()) -> dict[str, Any]:
    """How a customer's topics differ: the display names of `different`."""
    changed = [{"topic": name, "field": "display_name", "have": "Old", "want": "New"} for name in different]
    return {"missing": missing, "extra": extra, "different": changed}


def described(count: int = 3) -> Summary:
    """A run of describe-topics-all on so many customers, of whom one failed, one was skipped and some differ."""
    codes = [f"c{number:04d}" for number in range(count)]
    topics = {name: {code: 1_000 + place for place, code in enumerate(codes)} for name in TOPICS}
    differs = {code: drift("offers") if place % 7 == 0 else drift() for place, code in enumerate(codes)}
    fleet = {"topics": topics, "drift": differs}
    others = (result("bad", "failed", error=DENIED), result("off", "skipped", warnings=("no ses_role_arn",)))
    done = (result(code, data={"topics": []}, differs=bool(differs[code]["missing"])) for code in codes)
    results = (*done, *others)
    return run("describe-topics-all", *results, fleet=fleet, resume={"action": "describe-topics-all"})


def html(whole: Summary, **payload: Any) -> str:
    """The page of a run that was asked for with this payload."""
    return page.html(content.of(Shown(None, whole, "finished", payload=payload), whole))
