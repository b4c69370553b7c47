"""The costs are those that AWS's prices and its rule of CPU per MB make of what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import cost, cost_arithmetic
from bench.cost_arithmetic import Measured, Sizes

MEASURED = Measured(
    worker_cpu=0.01,
    worker_wait=0.2,
    worker_init_cpu=0.3,
    orchestrator_cpu=0.003,
    orchestrator_init_cpu=0.2,
    run_wait=0.4,
    s3_calls=1,
    run_s3_calls=13,
    worker_log_bytes=5_000,
    orchestrator_log_bytes=2_000,
)
SIZES = Sizes(worker_mb=512, orchestrator_mb=1_024, concurrency=50)


def test_cpu_is_stretched_by_the_part_of_a_cpu_that_the_memory_buys_and_waiting_is_not() -> None:
    """A second of CPU takes two at half a CPU; above one CPU a single thread gets no faster."""
    half = cost_arithmetic.MB_OF_ONE_CPU / 2
    assert cost_arithmetic.seconds_of(1.0, 0.5, int(half)) == pytest.approx(2.5, rel=0.01)
    assert cost_arithmetic.seconds_of(1.0, 0.5, 4 * cost_arithmetic.MB_OF_ONE_CPU) == 1.5


def test_an_invocation_costs_its_gigabyte_seconds_and_its_request() -> None:
    """A thousand of a second each at one GB are a thousand GB-seconds."""
    assert cost_arithmetic.lambda_dollars(1_000, 1_000, 1_024) == pytest.approx(0.0133334 + 0.0002)


def test_a_run_lasts_as_long_as_its_waves_or_the_orchestrator_s_cpu_whichever_is_longer() -> None:
    """With CPU enough the waves decide; without, the orchestrator does."""
    once = cost_arithmetic.worker_seconds(MEASURED, 512)
    init = MEASURED.worker_init_cpu / cost_arithmetic.cpus_of(512)
    start = MEASURED.orchestrator_init_cpu / cost_arithmetic.cpus_of(1_024)
    run = cost_arithmetic.run_cost(500, SIZES, MEASURED)
    assert run.seconds == pytest.approx(start + 0.4 + 10 * once + init)
    busy = cost_arithmetic.run_cost(500, SIZES, replace(MEASURED, orchestrator_cpu=1.0))
    assert busy.seconds == pytest.approx(start + 0.4 + 500 / cost_arithmetic.cpus_of(1_024))


def test_every_environment_of_a_run_is_billed_for_its_init_once() -> None:
    """A run of twice as many customers in as many environments pays for no more cold starts."""
    once, twice = (cost_arithmetic.run_cost(n, SIZES, MEASURED).worker for n in (50, 100))
    warm = cost_arithmetic.lambda_dollars(50 * cost_arithmetic.worker_seconds(MEASURED, 512), 50, 512)
    log = 50 * 5_000 / 1024**3 * cost_arithmetic.LOG_GB
    assert twice - once == pytest.approx(warm + log)


def test_a_distributed_map_pays_a_transition_or_an_express_workflow_for_each_customer() -> None:
    """Beside the same workers; the one that is always on is the parent's."""
    workers = cost_arithmetic.run_cost(1_000, SIZES, MEASURED).worker
    standard = cost_arithmetic.standard_map(1_000, SIZES, MEASURED) - workers
    express = cost_arithmetic.express_map(1_000, SIZES, MEASURED) - workers
    assert standard == pytest.approx(1_003 * 0.000025)
    seconds = 0.3  # 0.235, rounded up to tenths
    assert express == pytest.approx(3 * 0.000025 + 1_000 * (0.000001 + seconds / 16 * 0.00001667))


def test_what_is_billed_comes_from_what_the_benchmarks_saved() -> None:
    """Over TLS where that was measured, the median of CPU, and counts of describe-list."""

    def ours(worker: float) -> list[dict[str, object]]:
        return [{"name": "ses-fleet", "cpu": [{"worker": worker}, {"worker": worker + 2}, {"worker": worker + 1}]}]

    calls = [{"case": {"name": "describe-list"}, "customer": {"s3": 1.0}, "run": {"s3": 13.0}}]
    peers: dict[str, object] = {"delay": 0.06, "http": ours(5.0), "tls": ours(7.0)}
    known = {
        "against_peers": peers,
        "fan_out": {"sizes": [{"customers": 1_000, "cpu": [3.0, 2.0, 4.0]}]},
        "cold_start": {"worker": {"init": 0.3, "first": 0.02}, "orchestrator": {"init": 0.2, "first": 0.1}},
        "calls": {"cases": calls, "log_bytes": {"worker": 5_000, "orchestrator": 2_000}},
    }
    measured = cost.of_figures(known)
    assert measured == replace(MEASURED, worker_cpu=0.008, worker_wait=3 * 0.06, run_wait=13 * 0.03)
    del peers["tls"]
    assert cost.of_figures(known).worker_cpu == 0.006
