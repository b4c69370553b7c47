"""Calls and memory of a run, which decide what it costs. How long it takes is measured in bench/."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ses_fleet_local.accounts import ORCHESTRATOR, WORKER
from tests.local_cloud.conftest import Cloud, running

FEW, MANY = 2, 22


def calls(cloud: Cloud, customers: int) -> Counter[tuple[str, str]]:
    """What is called in a run of so many."""
    mark = cloud.mark()
    include = [f"c{number:03d}" for number in range(customers)]
    summary = cloud.run(include=include, max_customer_concurrency=3)
    assert summary["successful_count"] == customers
    entries = [one for one in cloud.journal(mark) if one["principal"] != "local"]
    return Counter((one["service"], one["operation"]) for one in entries)


def peak_mb(function: str, cloud: Cloud) -> list[float]:
    """The most memory that each process of a function of this cloud has had, in MB."""
    module = {ORCHESTRATOR: b"ses_fleet.orchestrator.handler", WORKER: b"ses_fleet.worker.handler"}[function]
    found = []
    for process in Path("/proc").iterdir():
        here = process.name.isdigit() and cloud.url.encode() in _read(process / "environ")
        if here and module in _read(process / "cmdline"):
            status = dict(line.split(b":", 1) for line in _read(process / "status").splitlines())
            found.append(int(status[b"VmHWM"].split()[0]) / 1024)
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A local cloud with customers that have no list, and three environments of workers."""
    mappings = {
        f"c{number:03d}": {"region": "us-east-1", "ses_role_arn": f"arn:aws:iam::{400000000000 + number}:role/r"}
        for number in range(MANY)
    }
    path = tmp_path_factory.mktemp("fleet") / "config.json"
    path.write_text(json.dumps({"customer_mappings": mappings}))
    with running("--port", "0", "--config", str(path), "--ses-rate", "0", "--max-environments", "3") as (_, cloud):
        yield cloud


def test_a_customer_takes_the_least_calls(fleet: Cloud) -> None:
    """A role is assumed, its lists are read, a worker is invoked and a result stored."""
    each = calls(fleet, MANY)
    each.subtract(calls(fleet, FEW))
    more = MANY - FEW
    assert each["sts", "AssumeRole"] == more
    assert each["lambda", "Invoke"] == more
    assert each["sesv2", "ListContactLists"] == more
    assert sum(number for (service, _), number in each.items() if service == "sesv2") == more
    # A sign of life names who comes next: at most one for each, where few run at once.
    assert more <= each["s3", "PutObject"] <= 2 * more


def test_the_functions_stay_small(fleet: Cloud) -> None:
    """They have 512 MB and more; what is loaded at the start is most of what they use."""
    calls(fleet, MANY)
    for function, most in ((ORCHESTRATOR, 110), (WORKER, 100)):
        used = peak_mb(function, fleet)
        assert used, f"{function} runs in processes"
        assert max(used) < most, f"{function}: {used}"
