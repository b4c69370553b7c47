"""Time ses-fleet beside other ways to do its job, all against one stand-in, in turns. `python -m bench.against_peers`

The job: describe the SES contact list of N accounts, three calls each, with so many accounts in flight. Everybody gets
the same accounts and as many threads. `--help` lists what can be set.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench import figures
from bench.figures import ROOT
from bench.local_cloud import PARTS, S3_SECONDS, LocalCloud, local_cloud
from bench.stand_in import Running, Timing, stand_in
from bench.stand_in_answers import World
from ses_fleet_local.accounts import HUB_REGION, WORKER

PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
CALLS_EACH = 3
S3_NAMES = {S3_SECONDS: "ses-fleet", 0.0: "ses-fleet, S3 at once"}
_LONGEST = 900


@dataclass
class Contender:
    """What was measured of one way to do the job, run by run. CPU is in ms an account, by part; memory in MB."""

    name: str
    accounts: int
    threads: int
    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    cpu: list[dict[str, float]] = field(default_factory=list)
    peak_mb: dict[str, float] = field(default_factory=dict)
    version: str = ""

    def told(self) -> str:
        """Return the line that is printed of it."""
        cpu = self.median_cpu()
        parts = ", ".join(f"{part} {value:.1f}" for part, value in cpu.items())
        memory = ", ".join(f"{part} {value:.0f}" for part, value in self.peak_mb.items())
        cold = f"cold {min(self.cold):.2f} s, " if self.cold else ""
        return (
            f"{self.name}: {self.accounts} accounts, {self.threads} at once: {cold}warm {figures.seconds(self.warm)}; "
            f"CPU ms an account: {parts}, sum {sum(cpu.values()):.1f}; peak MB: {memory}"
        )

    def median_cpu(self) -> dict[str, float]:
        """Return the median CPU in ms an account of each part."""
        return {part: median([one[part] for one in self.cpu]) for part in self.cpu[0]}


def main() -> None:
    """Measure over HTTP and over TLS, print a line for each contender and the ratios, and save the figures."""
    arguments = _arguments()
    found = {}
    for transport in arguments.transports:
        print(f"--- {transport.upper()}: {1000 * arguments.delay:.0f} ms a call of STS and SES", flush=True)
        with served_by(arguments, is_tls=transport == "tls") as served:
            tools = arguments.tls_tools if transport == "tls" else arguments.tools
            found[transport] = [vars(one) for one in measured(served, arguments, tools)]
    ideal = -(-arguments.accounts // arguments.threads) * CALLS_EACH * arguments.delay
    figures.save("against_peers", {"ideal": ideal, "delay": arguments.delay, **found})


@contextmanager
def served_by(arguments: argparse.Namespace, *, is_tls: bool) -> Iterator[Running]:
    """Run the stand-in that everybody is measured against."""
    figures.FOLDER.mkdir(parents=True, exist_ok=True)
    # Not below /tmp, of which functions have their own.
    with tempfile.TemporaryDirectory(dir=figures.FOLDER) as folder:
        world, timing = World(arguments.accounts), Timing(arguments.delay)
        with stand_in(world, timing, Path(folder) / "tls" if is_tls else None) as served:
            yield served


def measured(served: Running, arguments: argparse.Namespace, tools: Sequence[str]) -> list[Contender]:
    """Measure all contenders in turns, print a line of each as well as the ratios, and return them."""
    accounts, threads = arguments.accounts, arguments.threads
    ours = [Contender(name, accounts, threads) for name in S3_NAMES.values()]
    peers = {tool: Contender(tool, *_size(tool, arguments)) for tool in tools}
    with local_cloud(accounts, threads, arguments.checkout) as cloud:
        cloud.set_variables(WORKER, _endpoints(served))
        if not arguments.cold_rounds:
            cloud.run(max_customer_concurrency=threads)  # every environment has worked once
        for number in range(arguments.rounds):
            for seconds, contender in zip(S3_NAMES, ours, strict=True):
                is_cold = number < arguments.cold_rounds and contender is ours[0]
                _measure_ours(cloud, contender, seconds, is_cold=is_cold)
            for tool, contender in peers.items():
                if number < arguments.peer_rounds or tool == "threads":
                    measure_peer(served, contender, arguments.python)
    everybody = [*ours, *peers.values()]
    for contender in everybody:
        print(contender.told(), flush=True)
    for line in ratios(everybody):
        print(line, flush=True)
    return everybody


def ratios(contenders: list[Contender]) -> Iterator[str]:
    """Yield the warm time of ses-fleet ÷ that of each other, of the same number of accounts: the best of each."""
    ours = contenders[0]
    for other in contenders[1:]:
        if other.accounts == ours.accounts:
            yield f"warm, {ours.name} ÷ {other.name}: {min(ours.warm) / min(other.warm):.3f}"


def _measure_ours(cloud: LocalCloud, contender: Contender, s3_seconds: float, *, is_cold: bool) -> None:
    cloud.set_s3_seconds(s3_seconds)
    payload = {"params": {"count_contacts": False}, "max_customer_concurrency": contender.threads}
    if is_cold:
        cloud.make_cold()
        contender.cold.append(cloud.run(**payload)[1])
    before = cloud.usage()
    contender.warm.append(cloud.run(**payload)[1])
    after = cloud.usage()
    contender.cpu.append({part: 1000 * (after[part].cpu - before[part].cpu) / contender.accounts for part in PARTS})
    contender.peak_mb = {part: after[part].peak_mb for part in PARTS}


def measure_peer(served: Running, contender: Contender, python: Path) -> None:
    """Run a tool in a process of its own, cold and warm, and add what it took to the contender of its name."""
    command = [str(python), str(ROOT / "bench" / "peers.py"), contender.name]
    command += ["--accounts", str(contender.accounts), "--threads", str(contender.threads)]
    ended = subprocess.run(
        command, env=_environment(served), capture_output=True, text=True, timeout=_LONGEST, check=False
    )
    if ended.returncode:
        raise SystemExit(f"{contender.name} failed: {ended.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    cold, *warm = found["walls"]
    contender.cold.append(found["import_seconds"] + cold)
    contender.warm += warm
    contender.cpu += [{"tool": value} for value in found["cpu_ms_per_account"][1:]]
    contender.peak_mb = {"tool": max(found["peak_mb"], contender.peak_mb.get("tool", 0.0))}
    contender.version = found["version"]


def _size(tool: str, arguments: argparse.Namespace) -> tuple[int, int]:
    """The accounts and threads of a tool: the loop that does one after the other gets a few accounts."""
    return (arguments.serial_accounts, 1) if tool == "serial" else (arguments.accounts, arguments.threads)


def _endpoints(served: Running) -> dict[str, str]:
    """The variables that send the worker's calls of STS and SES to the stand-in."""
    trusted = {"AWS_CA_BUNDLE": str(served.bundle)} if served.bundle else {}
    return {"AWS_ENDPOINT_URL_STS": served.url, "AWS_ENDPOINT_URL_SESV2": served.url, **trusted}


def _environment(served: Running) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_DEFAULT_REGION": HUB_REGION}
    trusted = {"AWS_CA_BUNDLE": str(served.bundle)} if served.bundle else {}
    return {**ours, **keys, "AWS_ENDPOINT_URL": served.url, **trusted}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    return parser.parse_args()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be set, with the values of the published figures as defaults."""
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--threads", type=int, default=50, help="accounts in flight at once")
    parser.add_argument("--delay", type=float, default=0.06, help="seconds that a call of STS and SES takes")
    parser.add_argument("--rounds", type=int, default=8, help="of ses-fleet and of the script, in turns")
    parser.add_argument("--cold-rounds", type=int, default=1, help="of them with cold environments first")
    parser.add_argument("--peer-rounds", type=int, default=1, help="of the others, which take longer")
    parser.add_argument("--serial-accounts", type=int, default=10, help="accounts of the loop without threads")
    parser.add_argument("--tools", nargs="*", default=["threads", "botocove", "awsrun", "serial"])
    parser.add_argument("--tls-tools", nargs="*", default=["threads", "botocove"], help="of them, over TLS")
    parser.add_argument("--transports", nargs="*", default=["http", "tls"])
    parser.add_argument("--python", type=Path, default=PEERS_PYTHON, help="with bench/peers_requirements.txt")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="whose local cloud and functions are measured")


if __name__ == "__main__":
    main()
