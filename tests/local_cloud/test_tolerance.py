"""Strict tolerance and ramps with real processes: what the accounts saw, not what the run says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_cloud.conftest import Cloud, Mark, fleet, ses_fleet
from tests.local_cloud.stages import broken, peak_at_risk, spans

SIX = {"customer_mappings": dict([*fleet(16)["customer_mappings"].items()][10:])}
TEN = {"customer_mappings": dict([*fleet(20)["customer_mappings"].items()][10:])}
LAST_TWO = ("300000000019", "300000000020")
REFUSED = {"operation": "ListContactLists", "fault": "deny", "times": None}
SLOW_READ = {"operation": "ListContactLists", "fault": "delay", "seconds": 0.1, "times": None}
SLOW = {"operation": "AssumeRole", "fault": "delay", "seconds": 0.2, "times": None}


def accounts(cloud: Cloud, mark: Mark, *, refused: bool) -> list[str]:
    """Return the accounts that were asked for their lists since then, in order; or those alone that refused it."""
    asked = [one for one in cloud.journal(mark) if one["operation"] == "ListContactLists"]
    return [str(one["account"]) for one in asked if not refused or one["http_status"] >= 400]


@pytest.mark.parametrize("concurrency", [1, 2, 5, 0])
def test_failures_are_never_more_than_a_strict_run_may_have(cloud: Cloud, concurrency: int) -> None:
    """Every account refuses: two are asked, however many could be at once; a soft run asks as many as it has places."""
    cloud.put_config(SIX)
    asked: dict[str, Any] = {"max_failures": 2, "max_customer_concurrency": concurrency}
    mark = cloud.mark()
    with cloud.faults(SLOW, REFUSED):
        summary = cloud.run(failure_mode="strict", **asked)
    assert len(set(accounts(cloud, mark, refused=True))) == 2
    assert (summary["failed_count"], summary["not_started_count"]) == (2, 4)
    assert summary["concurrency"]["peak"] <= 2
    again = cloud.run(**summary["resume"])
    assert (again["successful_count"], again["exit_code"]) == (6, 0)


@pytest.mark.parametrize("concurrency", [1, 2, 5, 0])
def test_failed_and_under_way_are_never_more_than_a_strict_run_may_have(cloud: Cloud, concurrency: int) -> None:
    """Four of ten refuse. In the journal never more than three have failed or are under way, and at times three are."""
    cloud.put_config(TEN)
    refusing = [{**REFUSED, "account": account} for account in ("300000000012", "300000000014", *LAST_TWO)]
    with cloud.faults(SLOW_READ, *refusing):
        summary = cloud.run(failure_mode="strict", max_failures=3, max_customer_concurrency=concurrency)
    assert peak_at_risk(summary, spans(cloud, summary["run_id"])) == 3
    assert (summary["failed_count"], summary["not_started_count"]) == (3, 1)
    assert [*broken(cloud, summary["run_id"])] == []


def test_stages_follow_each_other_in_the_accounts(cloud: Cloud) -> None:
    """One, three, six; the terminal and the Summary say where the run is, and so does one that is stopped."""
    cloud.put_config(SIX)
    mark = cloud.mark()
    stages = ("--ramp", "1", "--ramp", "50%", "--ramp", "100%")
    with cloud.faults({**SLOW, "account": "300000000012"}):
        shown = ses_fleet(cloud, "invoke", "describe-list-all", *stages)
    assert "🔄 Processing 6 customers concurrently, in 3 stages..." in shown.stdout
    assert "   🪜 Ramp: stage 3 of 3 (up to 6 of 6 customers that could start)" in shown.stdout
    first = list(dict.fromkeys(accounts(cloud, mark, refused=False)))
    assert first[0] == "300000000011"
    assert set(first[1:3]) == {"300000000012", "300000000013"}
    mark = cloud.mark()
    with cloud.faults({**REFUSED, "account": "300000000013"}):
        shown = ses_fleet(cloud, "invoke", "describe-list-all", *stages)
    assert shown.returncode == 1
    assert "   🪜 Ramp: stage 2 of 3 (up to 3 of 6 customers that could start)" in shown.stdout
    why = "stage 2 of 3 of the ramp has not succeeded (not successful: f13): no further customer was started"
    assert f"   ⏸️  f14, f15, f16 (3 customers): {why}" in shown.stdout
    assert set(accounts(cloud, mark, refused=False)) == {"300000000011", "300000000012", "300000000013"}
