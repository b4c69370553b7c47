"""Measure how long invocations take to start over TLS, at a function's part of a CPU. `python -m bench.tls_start`

The stand-in answers Invoke over TLS, and not before all of a run are under way, so that each needs a connection of its
own. Told are the seconds from the first Invoke to the last, the orchestrator's CPU meanwhile, and connections that were
given up before they were ready. S3 is the local cloud's, over HTTP.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import figures, processes
from bench.cost_arithmetic import cpus_of
from bench.cpu_limit import CpuLimitError, limited_to
from bench.figures import ROOT
from bench.local_cloud import LocalCloud, local_cloud
from bench.stand_in import Running, Timing, stand_in
from ses_fleet_local.accounts import ORCHESTRATOR

_SAMPLE_SECONDS = 0.02


@dataclass
class Starts:
    """The starts of some runs with one bundle of authorities and one size of function; None is an unlimited one."""

    bundle: str
    memory_mb: int | None
    invocations: int
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)

    def told(self) -> str:
        """Return the line that is printed of it."""
        limit = f"{self.memory_mb} MB, {cpus_of(self.memory_mb):.2f} CPUs" if self.memory_mb else "no limit of CPU"
        each = 1000 * median(self.cpu) / self.invocations
        worst = f"longest {max(self.seconds):.1f} s, connections given up {sum(self.given_up)}"
        return (
            f"{self.invocations} invocations, {self.bundle} bundle, {limit}: median {median(self.seconds):.1f} s, "
            f"{worst} in {len(self.seconds)} runs; {each:.1f} ms of the orchestrator's CPU each"
        )


def main() -> None:
    """Print a line for each bundle and size of function, and save the figures."""
    arguments = _arguments()
    found = [vars(starts) for bundle in arguments.bundles for starts in _with_bundle(bundle, arguments)]
    figures.save("tls_start", {"starts": found})


def _with_bundle(bundle: str, arguments: argparse.Namespace) -> Iterator[Starts]:
    """Yield what was measured with one bundle: without a limit of CPU, then at each size of the function."""
    number = arguments.invocations
    with _served(number) as served, local_cloud(number, 1, arguments.checkout) as cloud:
        assert served.bundle is not None
        trusted = served.bundle if bundle == "whole" else served.bundle.with_name("ca.pem")
        cloud.set_variables(ORCHESTRATOR, {"AWS_ENDPOINT_URL_LAMBDA": served.url, "AWS_CA_BUNDLE": str(trusted)})
        cloud.warm(ORCHESTRATOR)
        for memory_mb in (None, *arguments.memory_mb):
            starts = Starts(bundle, memory_mb, number)
            is_smallest = memory_mb == min(arguments.memory_mb)
            _measure(starts, cloud, served, arguments.runs if is_smallest else arguments.few_runs)
            if starts.seconds:
                print(starts.told(), flush=True)
                yield starts


@contextmanager
def _served(invocations: int) -> Iterator[Running]:
    figures.FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=figures.FOLDER) as folder,
        stand_in(timing=Timing(hold=invocations), tls=Path(folder) / "tls") as served,
    ):
        yield served


def _measure(starts: Starts, cloud: LocalCloud, served: Running, runs: int) -> None:
    pid = cloud.process_of("orchestrator")
    try:
        with nullcontext() if starts.memory_mb is None else limited_to(cpus_of(starts.memory_mb), [pid]):
            for _ in range(runs):
                _measure_run(starts, cloud, served, pid)
    except CpuLimitError as error:
        print(f"not measured at {starts.memory_mb} MB: {error}", flush=True)


def _measure_run(starts: Starts, cloud: LocalCloud, served: Running, pid: int) -> None:
    served.reset()
    with _sampled(pid) as samples:
        cloud.run(max_customer_concurrency=starts.invocations)
    stats = served.stats()
    starts.seconds.append(stats.last_invoke - stats.first_invoke)
    starts.cpu.append(_at(samples, stats.last_invoke) - _at(samples, stats.first_invoke))
    starts.given_up.append(stats.accepted - stats.connected)


@contextmanager
def _sampled(pid: int) -> Iterator[list[tuple[float, float]]]:
    """Collect (time, CPU seconds) of a process inside the block, fifty times a second."""
    samples: list[tuple[float, float]] = []
    ended = threading.Event()

    def collect() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            samples.append((time.monotonic(), processes.cpu_seconds(pid)))

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def _at(samples: list[tuple[float, float]], moment: float) -> float:
    """Return the CPU seconds that were counted at the first sample after a moment."""
    return samples[min(bisect_left(samples, (moment, 0.0)), len(samples) - 1)][1]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--invocations", type=int, default=500)
    parser.add_argument("--memory-mb", type=int, nargs="*", default=[512, 1024], help="functions' sizes")
    parser.add_argument("--runs", type=int, default=20, help="at the smallest size")
    parser.add_argument("--few-runs", type=int, default=3, help="at other sizes, and without a limit of CPU")
    parser.add_argument(
        "--bundles",
        nargs="*",
        choices=("whole", "small"),
        default=["whole"],
        help="authorities to trust: botocore's with the stand-in's, or the stand-in's alone",
    )
    parser.add_argument("--checkout", type=Path, default=ROOT, help="whose local cloud and functions are measured")
    return parser.parse_args()


if __name__ == "__main__":
    main()
