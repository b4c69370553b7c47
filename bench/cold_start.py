"""Measure the CPU of a cold start beside that of `import boto3`. `python -m bench.cold_start`

A cold start is a function's init and its first invocation, for describe-list: the worker's against a stand-in for STS
and SES, the orchestrator's with one customer. Fresh processes of each kind take turns. The files are those of the
deployed package, with its bytecode; boto3, which is not in it, is compiled alike and uses the package's botocore.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench import figures, package
from bench.figures import ROOT
from bench.local_cloud import LocalCloud, config_of, local_cloud
from bench.stand_in import Timing, stand_in
from ses_fleet_local.accounts import HUB_ACCOUNT, HUB_REGION, ORCHESTRATOR, WORKER

_SCRIPT = ROOT / "bench" / "cold_process.py"
_HANDLERS = {"worker": WORKER, "orchestrator": ORCHESTRATOR}
_LONGEST = 120

Started = dict[str, dict[str, float]]


def main() -> None:
    """Print a line for each kind of process, with its ratio to `import boto3`, and save the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    with stand_in(timing=Timing(worker=0.0)) as served, local_cloud(1, 1) as cloud:
        found = measured(cloud, served.url, parser.parse_args().rounds)
    for line in told(found):
        print(line)
    figures.save("cold_start", found)


def measured(cloud: LocalCloud, stand_in_url: str, rounds: int) -> Started:
    """Return the median CPU seconds of init and first invocation: of `boto3`, `clients`, `worker`, `orchestrator`."""
    path = f"{package.built()}{os.pathsep}{package.boto3_alone()}"
    runs: defaultdict[str, list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            for name in ("boto3", "clients", *_HANDLERS):
                command = [name]
                if name in _HANDLERS:
                    event = Path(folder) / f"{name}.json"
                    event.write_text(json.dumps(_event(name, number)))
                    command = [f"ses_fleet.{name}.handler", str(event)]
                runs[name].append(_process(command, _variables(cloud, name, stand_in_url, path)))
    return {
        name: {part: median(one[part] for one in ones) for part in ("init", "first")} for name, ones in runs.items()
    }


def told(found: Started) -> list[str]:
    """Return the lines that are printed: CPU in ms, and how many times that of `import boto3`."""
    boto3 = found["boto3"]["init"]
    return [
        f"{name}: init {1000 * one['init']:.0f} ms, first invocation {1000 * one['first']:.0f} ms of CPU; "
        f"÷ import boto3: {(one['init'] + one['first']) / boto3:.2f}"
        for name, one in found.items()
    ]


def _event(name: str, number: int) -> dict[str, Any]:
    """The event of a handler's first invocation, a run of its own."""
    if name == "orchestrator":
        return {"action": "describe-list-all"}
    (customer,) = config_of(1)["customer_mappings"].values()
    account = customer["ses_role_arn"].split(":")[4]
    return {
        "run_id": f"cold-start-{number}",
        "action": "describe-list",
        "customer": {**customer, "customer_name": customer["customer_code"], "account_id": account},
        "params": {"count_contacts": False},
        "slice_budget_seconds": 240.0,
    }


def _variables(cloud: LocalCloud, name: str, stand_in_url: str, path: str) -> dict[str, str]:
    function = cloud.variables(_HANDLERS[name]) if name in _HANDLERS else {}
    services = ("LAMBDA",) if name == "orchestrator" else ("STS", "SESV2")
    return {
        **function,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": path,
        "AWS_REGION": HUB_REGION,
        "AWS_DEFAULT_REGION": HUB_REGION,
        "AWS_ACCESS_KEY_ID": HUB_ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL": cloud.url,
        **{f"AWS_ENDPOINT_URL_{service}": stand_in_url for service in services},
    }


def _process(command: list[str], variables: Mapping[str, str]) -> dict[str, float]:
    """Run a fresh process and return its CPU seconds; RuntimeError unless its invocation went well."""
    whole = [sys.executable, "-S", "-B", "-P", str(_SCRIPT), *command]
    ended = subprocess.run(whole, env=dict(variables), capture_output=True, text=True, timeout=_LONGEST, check=False)
    if ended.returncode:
        raise RuntimeError(f"{command[0]} failed: {ended.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    answer = found.pop("answer")
    if answer is not None and (answer.get("error") or answer.get("exit_code")):
        raise RuntimeError(f"{command[0]} failed: {json.dumps(answer)[:2000]}")
    return found


if __name__ == "__main__":
    main()
