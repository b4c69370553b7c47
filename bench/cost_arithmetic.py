"""What AWS's prices and its rule of CPU per MB make of measured figures. Nothing is measured here.

Prices are those of us-east-1 on demand, without the free tier, as AWS's price pages had them in November 2026. A run is
the worst that can be: no environment is warm, and each of them is billed for its init.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PRICES_DATE = "November 2026"
MB_OF_ONE_CPU = 1_769  # Lambda developer guide: one vCPU at 1,769 MB, in proportion below
GB_SECOND = 0.0000133334  # Lambda on arm64, which is what is deployed; x86_64 is 0.0000166667
LAMBDA_REQUEST = 0.20 / 1_000_000
S3_WRITE = 0.005 / 1_000  # PUT and LIST; a GET is a twelfth of it
LOG_GB = 0.50  # CloudWatch Logs, taken in
STATE_TRANSITION = 0.025 / 1_000  # Step Functions, Standard
EXPRESS_REQUEST = 1.00 / 1_000_000  # Step Functions, Express
EXPRESS_GB_SECOND = 0.00001667
EXPRESS_STEP_SECONDS = 0.1  # duration is rounded up to this
EXPRESS_MB = 64  # memory is billed in pieces of this
MAP_PARENT_TRANSITIONS = 3  # start, Map, end
GB = 1024.0


@dataclass(frozen=True)
class Measured:
    """What was measured of one describe-list. CPU and waits in seconds; counts are for each customer, or for the run.

    `worker_wait` is what the worker waits for STS and SES, `run_wait` what the orchestrator waits for S3 before and
    after the fan-out. A cold start's CPU is that of init.
    """

    worker_cpu: float
    worker_wait: float
    worker_init_cpu: float
    orchestrator_cpu: float
    orchestrator_init_cpu: float
    run_wait: float
    s3_calls: float
    run_s3_calls: float
    worker_log_bytes: float
    orchestrator_log_bytes: float


@dataclass(frozen=True)
class RunCost:
    """The dollars and the seconds of one run. What the orchestrator costs includes its record and its log."""

    seconds: float
    worker: float
    orchestrator: float

    @property
    def total(self) -> float:
        """Return all dollars of the run."""
        return self.worker + self.orchestrator


@dataclass(frozen=True)
class Sizes:
    """The memory of the two functions in MB, and how many workers run at once."""

    worker_mb: int
    orchestrator_mb: int
    concurrency: int


def cpus_of(memory_mb: int) -> float:
    """Return the CPUs that a function of so much memory has."""
    return memory_mb / MB_OF_ONE_CPU


def seconds_of(cpu: float, wait: float, memory_mb: int) -> float:
    """Return how long something takes that computes and waits in turns, in one thread: more than a CPU is no use."""
    return wait + cpu / min(cpus_of(memory_mb), 1.0)


def lambda_dollars(seconds: float, invocations: float, memory_mb: int) -> float:
    """Return what so many billed seconds and invocations of a function cost."""
    return seconds * memory_mb / GB * GB_SECOND + invocations * LAMBDA_REQUEST


def worker_seconds(measured: Measured, memory_mb: int) -> float:
    """Return how long a warm worker takes for one customer."""
    return seconds_of(measured.worker_cpu, measured.worker_wait, memory_mb)


def run_cost(customers: int, sizes: Sizes, measured: Measured) -> RunCost:
    """Return what a run costs in which every environment is cold."""
    once = worker_seconds(measured, sizes.worker_mb)
    init = seconds_of(measured.worker_init_cpu, 0.0, sizes.worker_mb)
    seconds = _orchestrator_seconds(customers, sizes, measured, init, once)
    start = seconds_of(measured.orchestrator_init_cpu, 0.0, sizes.orchestrator_mb)
    return RunCost(
        seconds=start + seconds,
        worker=_workers(customers, sizes, measured, init, once),
        orchestrator=lambda_dollars(start + seconds, 1, sizes.orchestrator_mb)
        + (customers * measured.s3_calls + measured.run_s3_calls) * S3_WRITE
        + customers * measured.orchestrator_log_bytes / GB**3 * LOG_GB,
    )


def standard_map(customers: int, sizes: Sizes, measured: Measured) -> float:
    """Return the dollars of the same workers under a Distributed Map whose children are Standard, one Task each."""
    transitions = MAP_PARENT_TRANSITIONS + customers
    return run_cost(customers, sizes, measured).worker + transitions * STATE_TRANSITION


def express_map(customers: int, sizes: Sizes, measured: Measured) -> float:
    """Return the same with Express children, which run at least once rather than once, for five minutes at most."""
    once = worker_seconds(measured, sizes.worker_mb)
    billed = math.ceil(once / EXPRESS_STEP_SECONDS) * EXPRESS_STEP_SECONDS
    child = EXPRESS_REQUEST + billed * EXPRESS_MB / GB * EXPRESS_GB_SECOND
    parent = MAP_PARENT_TRANSITIONS * STATE_TRANSITION
    return run_cost(customers, sizes, measured).worker + customers * child + parent


def _workers(customers: int, sizes: Sizes, measured: Measured, init: float, once: float) -> float:
    environments = min(customers, sizes.concurrency)
    seconds = customers * once + environments * init
    log = customers * measured.worker_log_bytes / GB**3 * LOG_GB
    return lambda_dollars(seconds, customers, sizes.worker_mb) + log


def _orchestrator_seconds(customers: int, sizes: Sizes, measured: Measured, init: float, once: float) -> float:
    """How long the orchestrator runs after its init: its workers' waves, or its own CPU if that takes longer."""
    waves = math.ceil(customers / sizes.concurrency) * once + init
    computing = seconds_of(customers * measured.orchestrator_cpu, 0.0, sizes.orchestrator_mb)
    return measured.run_wait + max(waves, computing)
