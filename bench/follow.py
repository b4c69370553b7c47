"""Measure how late `ses-fleet invoke` shows the last block of a run, from far away. `python -m bench.follow`

Every call of S3 takes 80 ms, as from a laptop, and the command follows a run of 200 customers. The run's end is when
the last object of its record has been written, as the journal says; a block may come before it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from datetime import datetime
from pathlib import Path
from statistics import median

from bench import figures
from bench.figures import ROOT
from bench.local_cloud import COMMAND, KEYS, LocalCloud, local_cloud
from bench.stand_in import stand_in
from bench.stand_in_answers import World
from ses_fleet_local.accounts import HUB_REGION, WORKER

_LAPTOP_S3_SECONDS = 0.08
_BLOCK = "Customer: "  # the heading of a customer's block
_LONGEST = 600


def main() -> None:
    """Print how late the last block was in each run, and save the figures."""
    arguments = _arguments()
    with stand_in(World(arguments.customers)) as served:
        endpoints = {f"AWS_ENDPOINT_URL_{service}": served.url for service in ("STS", "SESV2")}
        with local_cloud(arguments.customers, arguments.concurrency, arguments.checkout) as cloud:
            cloud.set_variables(WORKER, endpoints)
            cloud.run(max_customer_concurrency=arguments.concurrency)
            cloud.set_s3_seconds(_LAPTOP_S3_SECONDS)
            command = arguments.checkout / COMMAND.relative_to(ROOT)
            late = [_late(cloud, command, arguments.concurrency) for _ in range(arguments.rounds)]
    shown = f"{', '.join(f'{one:.2f}' for one in late)} s after the run's end, median {median(late):.2f} s"
    size = f"{arguments.customers} customers, {arguments.concurrency} at once"
    print(f"{size}, S3 {1000 * _LAPTOP_S3_SECONDS:.0f} ms: last block shown {shown}")
    figures.save("follow", {"customers": arguments.customers, "concurrency": arguments.concurrency, "late": late})


def _late(cloud: LocalCloud, command: Path, concurrency: int) -> float:
    """Run the command once. Return the seconds from the run's end to its last block; RuntimeError if one is missing."""
    since = len(cloud.journal())
    whole = [str(command), "invoke", "describe-list-all", "--max-customer-concurrency", str(concurrency)]
    with subprocess.Popen(whole, env=_environment(cloud), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = [time.time() for line in process.stdout if line.startswith(_BLOCK)]
    if process.returncode or len(shown) != cloud.customers:
        raise RuntimeError(f"{len(shown)} of {cloud.customers} blocks were shown, exit code {process.returncode}")
    ends = [
        datetime.fromisoformat(entry["ended_at"]).timestamp()
        for entry in cloud.journal(since)
        if entry["operation"] == "PutObject" and (entry["environment"] or "").startswith("ses-fleet-orchestrator")
    ]
    return shown[-1] - max(ends)


def _environment(cloud: LocalCloud) -> dict[str, str]:
    keys = {name.upper(): value for name, value in KEYS.items() if name != "region_name"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    region = {"AWS_REGION": HUB_REGION, "AWS_DEFAULT_REGION": HUB_REGION}
    return {**kept, **keys, **region, "AWS_ENDPOINT_URL": cloud.url, "PYTHONUNBUFFERED": "1"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--checkout", type=Path, default=ROOT, help="whose command and functions are measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
