"""A local cloud with many customers and warm environments, and what its processes use of CPU and memory."""

from __future__ import annotations

import io
import json
import os
import time
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bench import processes
from ses_fleet import limits
from ses_fleet.aws import clients
from ses_fleet_local.accounts import CONFIG_BUCKET, HUB_REGION, ORCHESTRATOR, WORKER
from ses_fleet_local.cloud import LocalCloud, Options
from strict_aws.ses import bulk

_LOG_EVENT_BYTES = 26  # CloudWatch Logs, PutLogEvents: what each event counts beside its message
_FIRST_ACCOUNT = 200_000_000_000
_TOPICS = [
    {"TopicName": f"topic-{number}", "DisplayName": f"Topic {number}", "DefaultSubscriptionStatus": "OPT_OUT"}
    for number in range(6)
]


class Fleet:
    """So many customers in a local cloud, each with one contact list of six topics."""

    def __init__(self, cloud: LocalCloud, customers: int, environments: int, entry: Mapping[str, str]) -> None:
        self.cloud = cloud
        self._accounts = [str(_FIRST_ACCOUNT + number) for number in range(customers)]
        mappings = {f"c{n:04d}": {**_customer(n, account), **entry} for n, account in enumerate(self._accounts)}
        cloud.add_customers({"customer_mappings": mappings})
        for account in self._accounts:
            cloud.aws.ses.create_list(account, HUB_REGION, "main", description=None, topics=_TOPICS)
        self.response_bytes = 0
        self._lambda = clients.client("lambda", HUB_REGION, read_timeout=limits.ORCHESTRATOR_FUNCTION_TIMEOUT_SECONDS)
        cloud.aws.runtime.prewarm(cloud.function(WORKER), environments)
        cloud.aws.runtime.prewarm(cloud.function(ORCHESTRATOR), 1)

    def fill(self, contacts: int, explicit: int = 1, lists: int | None = None) -> None:
        """Fill every list, or so many, up to so many contacts, each with `explicit` preferences of its own."""
        names = [topic["TopicName"] for topic in _TOPICS]
        for account in self._accounts[:lists]:
            made = bulk.generate(count=contacts, seed=1, opt_in=dict.fromkeys(names[:explicit], 0.5), topics=names)
            self.cloud.aws.ses.fill(account, HUB_REGION, "main", made)

    def run(self, **payload: Any) -> tuple[dict[str, Any], float]:
        """Run the payload, describe-list-all by default. Return its Summary, and the seconds that the caller waited."""
        body = json.dumps({"action": "describe-list-all", **payload}).encode()
        began = time.perf_counter()
        answer = self._lambda.call("invoke", FunctionName=ORCHESTRATOR, Payload=body)
        self.response_bytes = int(answer["ResponseMetadata"]["HTTPHeaders"]["content-length"])
        summary = json.loads(answer["Payload"].read())
        seconds = time.perf_counter() - began
        if summary.get("exit_code") != 0:
            raise RuntimeError(f"the run did not succeed: {json.dumps(summary)[:500]}")
        return summary, seconds

    def cpu_seconds(self, function: str) -> dict[str, float]:
        """Return the CPU seconds (user and system) of every environment of a function, by its id."""
        return {name: processes.cpu_seconds(pid) for name, pid in self._pids(function).items()}

    def replace_code(self, function: str, module: str, source: str) -> None:
        """Replace a function's code by one module of this source."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(module, source)
        self._lambda.call("update_function_code", FunctionName=function, ZipFile=buffer.getvalue())

    def set_memory(self, function: str, megabytes: int) -> None:
        """Set a function's memory, in megabytes."""
        self._lambda.call("update_function_configuration", FunctionName=function, MemorySize=megabytes)

    def put_ses_config(self, document: Any) -> None:
        """Replace SESConfig.json in the hub's config bucket."""
        s3 = clients.client("s3", HUB_REGION)
        s3.call("put_object", Bucket=CONFIG_BUCKET, Key="SESConfig.json", Body=json.dumps(document).encode())

    def put_faults(self, *rules: dict[str, Any]) -> None:
        """Replace the faults that the local cloud injects."""
        self.put("faults", rules)

    def put(self, control: str, document: Any) -> None:
        """Send a document to one of the local cloud's own controls."""
        url = f"{self.cloud.url}/_ses_fleet/{control}"
        request = urllib.request.Request(url, method="PUT", data=json.dumps(document).encode())  # noqa: S310  # loopback
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310

    def log_bytes(self, name: str) -> int:
        """Return the bytes that CloudWatch has counted of the log of `worker` or `orchestrator`."""
        logs = clients.client("logs", HUB_REGION)
        size, more = 0, {"logGroupName": f"/aws/lambda/ses-fleet-{name}"}
        while more:
            answer = logs.call("filter_log_events", **more)
            size += sum(len(event["message"].encode()) + _LOG_EVENT_BYTES for event in answer["events"])
            more = {**more, "nextToken": answer["nextToken"]} if "nextToken" in answer else {}
        return size

    def memory_mb(self, function: str) -> dict[str, tuple[float, float]]:
        """Return the resident memory in MB, (now, most so far), of every environment of a function, by its id."""
        return {name: processes.memory_mb(pid) for name, pid in self._pids(function).items()}

    def _pids(self, function: str) -> dict[str, int]:
        return {one.id: one.pid for one in self.cloud.aws.runtime.environments() if one.function == function}


@contextmanager
def fleet(
    customers: int, environments: int = 10, ses_rate: float = 0, entry: Mapping[str, str] | None = None
) -> Iterator[Fleet]:
    """Run a fleet in a local cloud of this process. With `ses_rate` 0 SES is neither throttled nor paced.

    `entry` is what every customer has in config.json beside its code, its Region and its role.
    """
    cloud = LocalCloud(Options(ses_rate=ses_rate, max_environments=environments))
    cloud.start()
    try:
        os.environ.update(cloud.environment())
        yield Fleet(cloud, customers, environments, entry or {})
    finally:
        cloud.stop()


def _customer(number: int, account: str) -> dict[str, str]:
    return {
        "customer_code": f"c{number:04d}",
        "region": HUB_REGION,
        "ses_role_arn": f"arn:aws:iam::{account}:role/contact-manager",
    }
