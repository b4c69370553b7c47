"""An environment that served one customer makes no call with its credentials for another."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.local_cloud.conftest import HUB, Cloud, running


def journal_of(tmp_path: Path, customers: int) -> list[dict[str, Any]]:
    """What was called when so many customers were served by three environments."""
    mappings = {
        f"c{number:03d}": {"region": "us-east-1", "ses_role_arn": f"arn:aws:iam::{400000000000 + number}:role/r"}
        for number in range(customers)
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"customer_mappings": mappings}))
    with running("--port", "0", "--config", str(path), "--ses-rate", "0", "--max-environments", "3") as (_, cloud):
        own: Cloud = cloud
        mark = own.mark()
        summary = own.run(max_customer_concurrency=12)
        assert summary["successful_count"] == customers
        return own.journal(mark)


@pytest.mark.parametrize("customers", [60, pytest.param(500, marks=pytest.mark.matrix)])
def test_three_environments_keep_all_customers_apart(customers: int, tmp_path: Path) -> None:
    """Every key is used by one environment, in one account, for one customer, and never again after the next one's."""
    entries = journal_of(tmp_path, customers)
    calls = [e for e in entries if e["service"] == "sesv2"]
    assert len({e["environment"] for e in calls}) == 3
    owners: defaultdict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for entry in calls:
        owners[entry["access_key_id"]].add((entry["environment"], entry["account"], entry["principal"]))
    assert all(len(owner) == 1 for owner in owners.values())
    assert len(owners) == customers
    assert len({entry["account"] for entry in calls}) == customers
    for environment in {e["environment"] for e in calls}:
        in_order = [e for e in entries if e["environment"] == environment]
        served: list[str] = []
        for entry in sorted(in_order, key=lambda e: e["started_at"]):
            if entry["account"] != HUB and (not served or served[-1] != entry["account"]):
                served.append(entry["account"])
        assert len(served) == len(set(served))  # nobody comes back once another was served
    assert all(e["account"] == HUB for e in entries if e["service"] != "sesv2")
