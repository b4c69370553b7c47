"""Time the orchestrator alone, beside a bare boto3 pool that does the same Invokes and PUTs. `python -m bench.fan_out`

A stand-in answers Lambda's Invoke as a worker that takes one second; every call of S3 takes 30 ms. The two take turns
in one run. Ideal is customers ÷ concurrency, rounded up, times the worker's seconds.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import figures
from bench.figures import ROOT
from bench.local_cloud import S3_SECONDS, LocalCloud, local_cloud
from bench.stand_in import Running, Timing, stand_in
from ses_fleet_local.accounts import ORCHESTRATOR

SIZES = ((1_000, 200), (5_000, 500))
_LONGEST = 900


@dataclass
class FanOut:
    """What was measured of one size, in seconds and MB."""

    customers: int
    concurrency: int
    worker_seconds: float
    s3_seconds: float
    walls: list[float] = field(default_factory=list)
    pool: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    peak_in_flight: int = 0

    @property
    def ideal(self) -> float:
        """Return the seconds that it takes when nothing but the workers takes time."""
        return math.ceil(self.customers / self.concurrency) * self.worker_seconds

    @property
    def ratio(self) -> float:
        """Return the best time ÷ that of the bare pool."""
        return min(self.walls) / min(self.pool)

    def told(self) -> str:
        """Return the line that is printed of it."""
        cpu = 1000 * median(self.cpu) / self.customers
        return (
            f"{self.customers:,} customers, {self.concurrency} at once, S3 {1000 * self.s3_seconds:.0f} ms: "
            f"{figures.seconds(self.walls)}; ideal {self.ideal:g} s; bare pool {figures.seconds(self.pool)}; "
            f"÷ pool {self.ratio:.2f}, ÷ ideal {min(self.walls) / self.ideal:.2f}; orchestrator {cpu:.1f} ms of CPU a "
            f"customer, peak {self.peak_mb:.0f} MB; most in flight {self.peak_in_flight}"
        )


def main() -> None:
    """Print a line for each size, and save the figures."""
    arguments = _arguments()
    found = []
    with stand_in(timing=Timing(worker=arguments.worker_seconds)) as served:
        for customers, concurrency in arguments.sizes:
            one = FanOut(customers, concurrency, arguments.worker_seconds, arguments.s3_seconds)
            measure(one, served, arguments.rounds, arguments.checkout)
            print(one.told(), flush=True)
            found.append({**vars(one), "ideal": one.ideal, "ratio": one.ratio})
    figures.save("fan_out", {"sizes": found})


def measure(one: FanOut, served: Running, rounds: int, checkout: Path = ROOT, *, with_pool: bool = True) -> None:
    """Measure one size, in so many turns of ses-fleet and of the pool."""
    with local_cloud(one.customers, 1, checkout) as cloud:
        cloud.set_variables(ORCHESTRATOR, {"AWS_ENDPOINT_URL_LAMBDA": served.url})
        cloud.set_s3_seconds(one.s3_seconds)
        cloud.warm(ORCHESTRATOR)
        for _ in range(rounds):
            before = cloud.usage()["orchestrator"]
            summary, wall = cloud.run(max_customer_concurrency=one.concurrency)
            after = cloud.usage()["orchestrator"]
            one.walls.append(wall)
            one.cpu.append(after.cpu - before.cpu)
            one.peak_mb, one.peak_in_flight = after.peak_mb, summary["concurrency"]["peak"]
            if with_pool:
                one.pool.append(bare_pool(cloud, served, one.customers, one.concurrency))


def bare_pool(cloud: LocalCloud, served: Running, customers: int, threads: int) -> float:
    """Return the seconds that a bare pool takes, in a process of its own."""
    command = [sys.executable, "-m", "bench.bare_pool", f"--lambda={served.url}", f"--s3={cloud.url}"]
    command += [f"--customers={customers}", f"--threads={threads}"]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=_LONGEST, check=True)
    seconds: float = json.loads(ended.stdout)["seconds"]
    return seconds


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=_size, default=SIZES, metavar="N/C", help="customers/concurrency")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--worker-seconds", type=float, default=1.0)
    parser.add_argument("--s3-seconds", type=float, default=S3_SECONDS, help="what every call of S3 takes")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="whose local cloud and functions are measured")
    return parser.parse_args()


def _size(text: str) -> tuple[int, int]:
    customers, concurrency = text.split("/")
    return int(customers), int(concurrency)


if __name__ == "__main__":
    main()
