"""Tell what a run costs, and at which memory, from what the other benchmarks measured. `python -m bench.cost`

It reads what against_peers, fan_out, cold_start and calls left in build/bench/, so they are run before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from bench import cost_arithmetic, figures
from bench.cost_arithmetic import Measured, Sizes
from bench.local_cloud import S3_SECONDS
from ses_fleet import limits

CUSTOMERS = ((50, 50), (500, 200), (5_000, 500))  # and how many at once
WORKER_MB = (128, 256, 512, 1_024, 1_769, 3_008)
ORCHESTRATOR_MB = (512, 1_024, 1_769, 3_008)
DEPLOYED = Sizes(limits.WORKER_MEMORY_MB, limits.ORCHESTRATOR_MEMORY_MB, concurrency=0)
_NEEDED = ("against_peers", "fan_out", "cold_start", "calls")


def main() -> None:
    """Print the costs of runs, and both functions at each size; save the figures."""
    known = figures.load()
    missing = [name for name in _NEEDED if name not in known]
    if missing:
        sys.exit(f"not measured yet: {', '.join(missing)}; run python -m bench.NAME first")
    measured = of_figures({name: known[name]["figures"] for name in _NEEDED})
    found: dict[str, Any] = {
        "measured": vars(measured),
        "prices": cost_arithmetic.PRICES_DATE,
        "runs": list(runs(measured)),
        "worker": list(worker_sizes(measured)),
        "orchestrator": list(orchestrator_sizes(measured)),
    }
    for one in (*found["runs"], *found["worker"], *found["orchestrator"]):
        print("; ".join(f"{name} {value:,.4g}" for name, value in one.items()))
    figures.save("cost", found)


def of_figures(known: Mapping[str, Any]) -> Measured:
    """Return what the benchmarks measured of describe-list, over TLS where that was measured."""
    transport = known["against_peers"].get("tls") or known["against_peers"]["http"]
    ours = transport[0]
    calls = next(one for one in known["calls"]["cases"] if one["case"]["name"] == "describe-list")
    fan_out = known["fan_out"]["sizes"][0]
    return Measured(
        worker_cpu=median(one["worker"] for one in ours["cpu"]) / 1000,
        worker_wait=3 * known["against_peers"]["delay"],
        worker_init_cpu=known["cold_start"]["worker"]["init"],
        orchestrator_cpu=median(fan_out["cpu"]) / fan_out["customers"],
        orchestrator_init_cpu=known["cold_start"]["orchestrator"]["init"],
        run_wait=calls["run"]["s3"] * S3_SECONDS,
        s3_calls=calls["customer"]["s3"],
        run_s3_calls=calls["run"]["s3"],
        worker_log_bytes=known["calls"]["log_bytes"]["worker"],
        orchestrator_log_bytes=known["calls"]["log_bytes"]["orchestrator"],
    )


def runs(measured: Measured) -> Iterator[dict[str, float]]:
    """Yield the dollars and seconds of a cold run for each number of customers, beside a Distributed Map's."""
    for customers, concurrency in CUSTOMERS:
        sizes = Sizes(DEPLOYED.worker_mb, DEPLOYED.orchestrator_mb, concurrency)
        cost = cost_arithmetic.run_cost(customers, sizes, measured)
        yield {
            "customers": customers,
            "at once": concurrency,
            "seconds": cost.seconds,
            "workers $": cost.worker,
            "orchestrator $": cost.orchestrator,
            "total $": cost.total,
            "Distributed Map, Standard $": cost_arithmetic.standard_map(customers, sizes, measured),
            "Distributed Map, Express $": cost_arithmetic.express_map(customers, sizes, measured),
        }


def worker_sizes(measured: Measured) -> Iterator[dict[str, float]]:
    """Yield a worker's seconds and dollars at each size, warm and cold."""
    for memory_mb in WORKER_MB:
        warm = cost_arithmetic.worker_seconds(measured, memory_mb)
        init = cost_arithmetic.seconds_of(measured.worker_init_cpu, 0.0, memory_mb)
        yield {
            "worker MB": memory_mb,
            "warm seconds": warm,
            "cold seconds": warm + init,
            "$ per 1,000 warm": 1000 * cost_arithmetic.lambda_dollars(warm, 1, memory_mb),
            "$ per 1,000 cold": 1000 * cost_arithmetic.lambda_dollars(warm + init, 1, memory_mb),
        }


def orchestrator_sizes(measured: Measured) -> Iterator[dict[str, float]]:
    """Yield the orchestrator's seconds, and a run's dollars, at each size."""
    for memory_mb in ORCHESTRATOR_MB:
        one: dict[str, float] = {"orchestrator MB": memory_mb}
        for customers, concurrency in CUSTOMERS:
            cost = cost_arithmetic.run_cost(customers, Sizes(DEPLOYED.worker_mb, memory_mb, concurrency), measured)
            one |= {f"seconds of {customers:,}": cost.seconds, f"$ of {customers:,}": cost.total}
        yield one


if __name__ == "__main__":
    main()
