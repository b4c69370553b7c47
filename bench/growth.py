"""Measure time, CPU and memory as customers and as contacts become more. `python -m bench.growth`

Customers: the orchestrator with workers that take one second, 500 at once and S3 at 30 ms; and whole runs in the local
cloud, 10 at once, with STS and SES at 60 ms a call. Contacts: describe-list of one list, unpaced.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from statistics import median
from typing import Any

from bench import fan_out, figures
from bench.fleet import Fleet, fleet
from bench.local_cloud import PARTS, S3_SECONDS, local_cloud
from bench.stand_in import Timing, stand_in
from bench.stand_in_answers import World
from ses_fleet_local.accounts import WORKER

CONCURRENCY, WHOLE_CONCURRENCY = 500, 10
EXPLICIT = 3
# Of fewer contacts a run takes less CPU than the kernel's clock shows: so many customers have such a list each.
_FEW_CONTACTS, _SMALL_LISTS = 10_000, 50
_CALLS, _CALL_SECONDS = 3, 0.06


def main() -> None:
    """Print a line for each size, and save the figures."""
    arguments = _arguments()
    figures.save(
        "growth",
        {
            "orchestrator": [_printed(one) for one in orchestrator(arguments.customers, arguments.rounds)],
            "whole": [_printed(one) for one in whole_runs(arguments.whole, arguments.rounds)],
            "contacts": [_printed(one) for one in contacts(arguments.contacts)],
        },
    )


def orchestrator(sizes: list[int], rounds: int) -> Iterator[dict[str, Any]]:
    """Yield what the orchestrator alone takes for each number of customers, in a process that did nothing before."""
    with stand_in(timing=Timing(worker=1.0)) as served:
        for customers in sizes:
            one = fan_out.FanOut(customers, min(CONCURRENCY, customers), 1.0, S3_SECONDS)
            fan_out.measure(one, served, rounds, with_pool=False)
            yield {
                "customers": customers,
                "at once": one.concurrency,
                "seconds": min(one.walls),
                "ideal seconds": one.ideal,
                "CPU seconds": median(one.cpu),
                "peak MB": one.peak_mb,
            }


def whole_runs(sizes: list[int], rounds: int) -> Iterator[dict[str, Any]]:
    """Yield what a whole run takes for each number of customers, environments warm, CPU in seconds by part."""
    with stand_in(World(max(sizes, default=1)), Timing(delay=_CALL_SECONDS)) as served:
        endpoints = {f"AWS_ENDPOINT_URL_{service}": served.url for service in ("STS", "SESV2")}
        for customers in sizes:
            with local_cloud(customers, WHOLE_CONCURRENCY) as cloud:
                cloud.set_variables(WORKER, endpoints)
                cloud.set_s3_seconds(S3_SECONDS)
                payload = {"params": {"count_contacts": False}, "max_customer_concurrency": WHOLE_CONCURRENCY}
                cloud.run(**payload)
                before = cloud.usage()
                walls = [cloud.run(**payload)[1] for _ in range(rounds)]
                after = cloud.usage()
            yield {
                "customers": customers,
                "seconds": min(walls),
                "ideal seconds": math.ceil(customers / WHOLE_CONCURRENCY) * _CALLS * _CALL_SECONDS,
                **{f"{part} CPU seconds": (after[part].cpu - before[part].cpu) / rounds for part in PARTS},
                "orchestrator's peak MB": after["orchestrator"].peak_mb,
            }


def contacts(sizes: list[int]) -> Iterator[dict[str, Any]]:
    """Yield what describe-list takes of the worker for each size of a list: CPU and time of one, memory above idle."""
    with fleet(_SMALL_LISTS) as made:
        made.run()
        idle = {name: now for name, (now, _) in made.memory_mb(WORKER).items()}
        for size in sorted(sizes):
            yield _with_contacts(made, _SMALL_LISTS if size < _FEW_CONTACTS else 1, size, idle)


def _with_contacts(made: Fleet, lists: int, size: int, idle: dict[str, float]) -> dict[str, Any]:
    made.fill(size, EXPLICIT, lists)
    before = made.cpu_seconds(WORKER)
    selected = [f"c{number:04d}" for number in range(lists)]
    summary, seconds = made.run(max_customer_concurrency=WHOLE_CONCURRENCY, include=selected)
    spent = sum(value - before[name] for name, value in made.cpu_seconds(WORKER).items())
    return {
        "contacts": size,
        "lists": lists,
        "seconds": seconds,
        "slices": max(result["attempts"] for result in summary["results"]),
        "worker's CPU ms a list": 1000 * spent / lists,
        "peak MB above idle": max(most - idle[name] for name, (_, most) in made.memory_mb(WORKER).items()),
    }


def _printed(one: dict[str, Any]) -> dict[str, Any]:
    shown = (f"{name} {value:,.2f}" if isinstance(value, float) else f"{name} {value:,}" for name, value in one.items())
    print("; ".join(shown), flush=True)
    return one


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="*", default=[10, 50, 200, 500, 1_000, 2_000, 5_000])
    parser.add_argument("--whole", type=int, nargs="*", default=[10, 50, 200, 1_000], help="customers of whole runs")
    parser.add_argument("--contacts", type=int, nargs="*", default=[0, 100, 1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
