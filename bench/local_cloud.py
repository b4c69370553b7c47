"""A local cloud in a process of its own, driven as a user would, so that it shares no lock with the bench."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3.session
from botocore.config import Config

from bench import processes
from bench.figures import ROOT
from bench.processes import Usage
from bench.stand_in_answers import FIRST_ACCOUNT
from ses_fleet_local.accounts import HUB_ACCOUNT, HUB_REGION, ORCHESTRATOR, WORKER

S3_SECONDS = 0.03
COMMAND = ROOT / ".venv" / "bin" / "ses-fleet"
KEYS = {"aws_access_key_id": HUB_ACCOUNT, "aws_secret_access_key": "local", "region_name": HUB_REGION}
_READY_SECONDS, _STOP_SECONDS = 120.0, 15.0
# Whose CPU and memory is told apart.
PARTS = ("worker", "orchestrator", "local cloud")


class RunFailedError(Exception):
    """A run that should have succeeded for everybody did not."""


class LocalCloud:
    """A local cloud that runs at `url`, whose customers are `customers` many."""

    def __init__(self, url: str, pid: int, customers: int) -> None:
        self.url = url
        self.customers = customers
        self._pid = pid
        self._rounds = 0
        config = Config(read_timeout=900, retries={"total_max_attempts": 1})
        self._lambda: Any = boto3.session.Session().client("lambda", endpoint_url=url, config=config, **KEYS)  # type: ignore[call-overload]

    def run(self, **payload: Any) -> tuple[dict[str, Any], float]:
        """Run describe-list-all, or the payload, on all customers. Return its Summary and the seconds that it took.

        Raise RunFailedError unless it succeeded for all of them.
        """
        body = json.dumps({"action": "describe-list-all", **payload})
        began = time.perf_counter()
        answer = self._lambda.invoke(FunctionName=ORCHESTRATOR, Payload=body)
        summary = json.loads(answer["Payload"].read())
        seconds = time.perf_counter() - began
        if summary.get("successful_count") != self.customers:
            raise RunFailedError(json.dumps(summary)[:800])
        return summary, seconds

    def set_variables(self, function: str, variables: Mapping[str, str]) -> None:
        """Add to a function's variables; its environments are replaced by cold ones."""
        all_of_them = {"Variables": {**self.variables(function), **variables}}
        self._lambda.update_function_configuration(FunctionName=function, Environment=all_of_them)

    def variables(self, function: str) -> dict[str, str]:
        """Return the variables that a function was deployed with."""
        found: dict[str, str] = self._lambda.get_function_configuration(FunctionName=function)["Environment"][
            "Variables"
        ]
        return found

    def make_cold(self) -> None:
        """End every environment of both functions."""
        self._rounds += 1
        for function in (ORCHESTRATOR, WORKER):
            self.set_variables(function, {"BENCH_ROUND": str(self._rounds)})

    def warm(self, function: str) -> None:
        """Start an environment of a function by an event that it refuses, so that its start is not measured."""
        self._lambda.invoke(FunctionName=function, Payload=b"{}")

    def set_s3_seconds(self, seconds: float) -> None:
        """Let every call of S3 take so long."""
        url = f"{self.url}/_ses_fleet/conditions"
        body = json.dumps({"latency_seconds": {"s3": seconds}}).encode()
        urllib.request.urlopen(urllib.request.Request(url, method="PUT", data=body), timeout=30).close()  # noqa: S310  # loopback

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the journal's entries after the one of this number."""
        url = f"{self.url}/_ses_fleet/journal?since={since}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  # loopback
            return [json.loads(line) for line in answer.read().splitlines()]

    def process_of(self, part: str) -> int:
        """Return the process id of the one environment of `worker` or `orchestrator`."""
        (pid,) = processes.found(self._pid, lambda command: _part(command) == part)
        return pid

    def usage(self) -> dict[str, Usage]:
        """Return what each of PARTS uses of CPU and memory, since it started."""
        found = processes.usage_by(self._pid, _part)
        return {name: found.get(name, Usage()) for name in PARTS}


@contextmanager
def local_cloud(customers: int, environments: int, checkout: Path = ROOT) -> Iterator[LocalCloud]:
    """Run the local cloud of a checkout, with so many customers and environments, SES neither throttled nor paced."""
    with tempfile.TemporaryDirectory() as folder:
        config, log = Path(folder) / "config.json", Path(folder) / "log"
        config.write_text(json.dumps(config_of(customers)))
        port = _free_port()
        command = [str(checkout / COMMAND.relative_to(ROOT)), "local", "up", "--port", str(port), "--ses-rate", "0"]
        command += ["--config", str(config), "--max-environments", str(environments)]
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=checkout, stdout=output, stderr=output, start_new_session=True)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, process, log)
            yield LocalCloud(url, process.pid, customers)
        finally:
            _stop(process)


def config_of(customers: int) -> dict[str, Any]:
    """Return a config.json of so many customers in the stand-in's accounts."""
    codes = [f"c{number:05d}" for number in range(customers)]
    return {
        "aws_region": HUB_REGION,
        "customer_mappings": {
            code: {
                "customer_code": code,
                "region": HUB_REGION,
                "ses_role_arn": f"arn:aws:iam::{FIRST_ACCOUNT + number}:role/contact-manager",
            }
            for number, code in enumerate(codes)
        },
    }


def _part(command: str) -> str:
    for name in ("worker", "orchestrator"):
        if f"{name}.handler" in command:
            return name
    return "local cloud"


def _free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
    return port


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with suppress(OSError):
            urllib.request.urlopen(f"{url}/_ses_fleet/ready", timeout=2).close()  # noqa: S310  # loopback
            return
        time.sleep(0.1)
    raise RunFailedError(f"the local cloud is not ready: {log.read_text()[-800:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # its functions end with it
        process.wait()
