"""One local cloud for the whole test session: a process of its own, asked over HTTP like any other client's."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.config import Config

from ses_fleet_local.accounts import package
from tests.local_cloud import forked, leaks
from tests.local_cloud.forked import Forked

ROOT = Path(__file__).resolve().parents[2]
SES_FLEET = str(Path(sys.executable).parent / "ses-fleet")
HUB = "123456789012"
CONFIG_BUCKET, RESULTS_BUCKET = f"ses-fleet-config-{HUB}", f"ses-fleet-results-{HUB}"
ORCHESTRATOR, WORKER = "ses-fleet-orchestrator", "ses-fleet-worker"
SAMPLE = json.loads((ROOT / "examples" / "config.json").read_text())
FLEET_SIZE = 25
# `make test-aws` and `make test-tls` run this suite under other conditions than the kind ones over HTTP.
CONDITIONS = os.environ.get("SES_FLEET_TEST_CONDITIONS", "kind")
TLS = os.environ.get("SES_FLEET_TEST_TLS") == "1"
FREE_LEASE = b'{"free": true}'
# How often a function that is Pending is looked at.
_SETTLING = {"Delay": 0.1, "MaxAttempts": 600}
# An account of the session's local cloud, and a Region that it has not enabled.
NOT_EVERYWHERE, NOT_ENABLED = "300000000024", "af-south-1"
_bundles: dict[str, str] = {}  # what vouches for the certificate of a local cloud, by its URL
# One for the sessions of all clients: reading botocore's models anew took five sixths of the time of making a client.
_MODELS = botocore.loaders.create_loader()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what only holds where nothing is unkind."""
    marker = item.get_closest_marker("kind_only")
    if marker is not None and CONDITIONS != "kind":
        pytest.skip(f"kind only: {marker.args[0]}")


def fleet(count: int = FLEET_SIZE) -> dict[str, Any]:
    """A config.json of so many plain customers, f01, f02 and so on, with no list in their accounts."""
    return {"customer_mappings": {f"f{n:02d}": _customer(n) for n in range(1, count + 1)}}


def _customer(number: int) -> dict[str, Any]:
    return {
        "customer_code": f"f{number:02d}",
        "customer_name": f"Fleet {number}",
        "environment": "prod" if number % 2 else "nonprod",
        "region": "us-east-1",
        "ses_role_arn": f"arn:aws:iam::{300000000000 + number}:role/contact-manager",
    }


@dataclass(frozen=True)
class Invoked:
    """What Invoke answered."""

    function_error: str | None
    body: Any


class Contact(NamedTuple):
    """A contact with its explicit preferences, `{topic: status}`."""

    email: str
    preferences: dict[str, str]
    unsubscribed: bool


def _contact(record: dict[str, Any]) -> Contact:
    chosen = {one["topicName"]: one["subscriptionStatus"] for one in record["topicPreferences"]}
    return Contact(record["emailAddress"], chosen, record["unsubscribeAll"])


class Mark(NamedTuple):
    """A moment in the journal."""

    seq: int
    time: str


class Cloud:
    """A client of the local cloud."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ca_bundle = _bundles.get(url)
        self._trust = ssl.create_default_context(cafile=self.ca_bundle)
        self.results_bucket = RESULTS_BUCKET  # another one's name in a deployed stack
        self.spoken: list[str] = []  # what commands printed that were run against it
        self.others_streams: set[str] = set()  # log streams of functions that were given other code
        self._seen = 0  # where the journal stood at the last mark
        self.lambda_ = self.client("lambda")
        self.s3 = self.client("s3")
        self.logs = self.client("logs")

    def client(self, service: str, account: str = HUB, region: str = "us-east-1", **keys: str) -> Any:
        """A boto3 client as that account's administrator, or with the keys given."""
        credentials = {"aws_access_key_id": account, "aws_secret_access_key": "local", **keys}
        config = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=120)
        core = botocore.session.get_session()
        core.register_component("data_loader", _MODELS)
        factory: Any = boto3.session.Session(botocore_session=core)
        place = {"region_name": region, "endpoint_url": self.url, "verify": self.ca_bundle}
        return factory.client(service, config=config, **place, **credentials)

    def environment(self) -> dict[str, str]:
        """What the AWS CLI and ours need to be the hub's administrator."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "AWS_ENDPOINT_URL": self.url,
            **({"AWS_CA_BUNDLE": self.ca_bundle} if self.ca_bundle else {}),
            "AWS_ACCESS_KEY_ID": HUB,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def put_config(self, config: Any) -> None:
        """Replace config.json; a string or bytes is written as it is."""
        body = config if isinstance(config, bytes) else json.dumps(config).encode()
        self.s3.put_object(Bucket=CONFIG_BUCKET, Key="config.json", Body=body)

    def invoke(self, payload: Any, function: str = ORCHESTRATOR) -> Invoked:
        """Invoke and read the answer."""
        answer = self.lambda_.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        return Invoked(answer.get("FunctionError"), json.loads(answer["Payload"].read()))

    def run(self, **payload: Any) -> dict[str, Any]:
        """A run that is not refused; its Summary."""
        invoked = self.invoke({"action": "describe-list-all", **payload})
        assert invoked.function_error is None, invoked.body
        return dict(invoked.body)

    def journal(self, since: Mark | None = None) -> list[dict[str, Any]]:
        """The journal's entries; after a mark only what began after it: others may still end."""
        since = since or Mark(0, "")
        lines = self.control("GET", f"journal?since={since.seq}").splitlines()
        return [entry for entry in map(json.loads, lines) if entry["started_at"] > since.time]

    @contextlib.contextmanager
    def variables(self, function: str, *, timeout: int | None = None, **changes: str) -> Iterator[None]:
        """Give a function other environment variables, and its own back afterwards."""
        now = self.lambda_.get_function_configuration(FunctionName=function)
        settings: dict[str, Any] = {"Environment": {"Variables": {**now["Environment"]["Variables"], **changes}}}
        if timeout is not None:
            settings["Timeout"] = timeout
        with self.function_changed(function, **settings):
            yield

    @contextlib.contextmanager
    def faults(self, *rules: dict[str, Any]) -> Iterator[None]:
        """Have these faults, and none afterwards."""
        self.control("PUT", "faults", json.dumps(rules).encode())
        try:
            yield
        finally:
            self.control("PUT", "faults", b"[]")

    def stored(self, key: str) -> bytes:
        """An object of the results bucket."""
        return bytes(self.s3.get_object(Bucket=self.results_bucket, Key=key)["Body"].read())

    def keys(self, prefix: str) -> list[str]:
        """The keys in the results bucket below a prefix, in their order."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.results_bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def mark(self) -> Mark:
        """Where the journal stands: what comes after is this test's."""
        entries = self.journal(Mark(self._seen, ""))
        self._seen = int(entries[-1]["seq"]) if entries else self._seen
        return Mark(self._seen, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}")

    def control(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """One of the local cloud's own controls."""
        return self.fetch(urllib.request.Request(f"{self.url}/_ses_fleet/{path}", method=method, data=body))  # noqa: S310

    def fetch(self, request: urllib.request.Request | str) -> bytes:
        """What a URL of the local cloud leads to."""
        with urllib.request.urlopen(request, timeout=60, context=self._trust) as response:  # noqa: S310  # loopback
            return bytes(response.read())

    def list_now(self, account: str, region: str = "us-east-1") -> dict[str, Any] | None:
        """The account's list, with its topics in SES's shape: what is, also where SES's reads show what was."""
        lines = self.control("GET", f"contacts/{account}/{region}").splitlines()
        return json.loads(lines[0]) if lines else None

    def contacts_now(self, account: str, region: str = "us-east-1") -> list[Contact]:
        """The contacts of the account's list, as they are."""
        listed = self.list_now(account, region)
        assert listed is not None
        lines = self.control("GET", f"contacts/{account}/{region}/{listed['contactListName']}").splitlines()
        return [_contact(json.loads(line)) for line in lines[1:]]

    def without_list(self, account: str, region: str = "us-east-1") -> None:
        """Have no contact list in the account."""
        listed = self.list_now(account, region)
        if listed is not None:
            self.client("sesv2", account, region).delete_contact_list(ContactListName=listed["contactListName"])

    @contextlib.contextmanager
    def conditions(self, **changes: Any) -> Iterator[None]:
        """Have these conditions, and those from before afterwards."""
        before = {"preset": "kind", **json.loads(self.control("GET", "conditions"))}
        self.control("PUT", "conditions", json.dumps(changes).encode())
        try:
            yield
        finally:
            self.control("PUT", "conditions", json.dumps(before).encode())

    def leases_over(self) -> None:
        """Let the leases that killed or abandoned workers hold be over, as they are by themselves after 350 s."""
        for key in self.keys("leases/"):
            self.s3.put_object(Bucket=self.results_bucket, Key=key, Body=FREE_LEASE)

    def caught_up(self) -> None:
        """Return when SES's reads show all that was written before."""
        time.sleep(json.loads(self.control("GET", "conditions"))["read_lag_seconds"])

    def update_code(self, function: str, archive: bytes) -> None:
        """Give a function other code, and wait until it is the one that runs."""
        self.lambda_.update_function_code(FunctionName=function, ZipFile=archive)
        self.settled(function)

    def update_configuration(self, function: str, **settings: Any) -> None:
        """Give a function other settings, and wait until it is run with them."""
        self.lambda_.update_function_configuration(FunctionName=function, **settings)
        self.settled(function)

    def settled(self, function: str) -> None:
        """Return when a function is neither being created nor being updated."""
        for waiter in ("function_active_v2", "function_updated_v2"):
            self.lambda_.get_waiter(waiter).wait(FunctionName=function, WaiterConfig=_SETTLING)

    def log_records(self, run_id: str, function: str = ORCHESTRATOR) -> list[dict[str, Any]]:
        """The JSON records of a run in a function's log group."""
        return [record for record in self._records(function) if record.get("run_id") == run_id]

    def log_messages(self, function: str = ORCHESTRATOR) -> list[str]:
        """Every line of a function's log group."""
        return [message for _, message in self.log_events(function)]

    def log_events(self, function: str) -> Iterator[tuple[str, str]]:
        """(log stream, line) of a function's log group."""
        for page in self.logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}"):
            for event in page["events"]:
                yield event["logStreamName"], event["message"]

    def _streams(self, function: str) -> set[str]:
        pages = self.logs.get_paginator("describe_log_streams").paginate(logGroupName=f"/aws/lambda/{function}")
        return {stream["logStreamName"] for page in pages for stream in page["logStreams"]}

    def _records(self, function: str) -> Iterator[dict[str, Any]]:
        for message in self.log_messages(function):
            with contextlib.suppress(ValueError):
                yield json.loads(message)

    @contextlib.contextmanager
    def function_changed(self, function: str = WORKER, *, code: str | None = None, **settings: Any) -> Iterator[None]:
        """Give a function other code (of <name>/handler.py), timeout or memory, and its own back afterwards."""
        before = self.lambda_.get_function_configuration(FunctionName=function)
        known = {"Timeout": before["Timeout"], "Environment": before["Environment"], "MemorySize": before["MemorySize"]}
        try:
            if code is not None:
                self.update_code(function, handler_zip(function, code))
            self.update_configuration(function, **settings)
            streams = self._streams(function)
            yield
        finally:
            if code is not None:
                self.others_streams |= self._streams(function) - streams
                self.update_code(function, original_code())
            self.update_configuration(function, **known)


def ses_fleet(
    cloud: Cloud | None, *arguments: str, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command against the local cloud, or against nothing."""
    environment = {**(cloud.environment() if cloud else {"PATH": os.environ["PATH"]}), **variables}
    ended = forked.run(arguments, environment, stdin)
    if cloud is not None:
        cloud.spoken += [ended.stdout, ended.stderr]
    return ended


def handler_zip(function: str, code: str) -> bytes:
    """A package with one handler module."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"ses_fleet/{function.removeprefix('ses-fleet-')}/handler.py"), code)
    return buffer.getvalue()


@functools.cache
def original_code() -> bytes:
    """The functions' own package, as the local cloud has it: what is unpacked and compiled of it already is used."""
    return package(ROOT / "lambdas" / "ses_fleet")


def local_up(*arguments: str) -> tuple[str, ...]:
    """The arguments of `local up` under the suite's conditions, unless others are given.

    A function has four environments at most, unless more are wanted: each takes a third of a second to start.
    """
    return (
        *("local", "up", *arguments),
        *(() if "--conditions" in arguments else ("--conditions", CONDITIONS)),
        *(() if "--max-environments" in arguments else ("--max-environments", "4")),
        *(("--tls",) if TLS and "--tls" not in arguments else ()),
    )


def exports_in(printed: str) -> dict[str, str]:
    """The variables that `local up` has printed before it was ready."""
    lines = printed.partition("# ready\n")[0].splitlines()
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def start(*arguments: str) -> tuple[Forked, dict[str, str]]:
    """`ses-fleet local up` as a process, once it said `# ready`; the exports it printed."""
    process = Forked(local_up(*arguments), os.environ)
    while "# ready\n" not in (printed := process.written()[0]):
        assert process.returncode is None, process.communicate()[1]
        time.sleep(0.01)
    exports = exports_in(printed)
    if "AWS_CA_BUNDLE" in exports:
        _bundles[exports["AWS_ENDPOINT_URL"]] = exports["AWS_CA_BUNDLE"]
    return process, exports


@contextlib.contextmanager
def running(*arguments: str, reaper: bool = False) -> Iterator[tuple[Forked, Cloud]]:
    """A local cloud of one's own; whatever the test does, it is gone afterwards."""
    process, exports = start(*arguments)
    cloud = Cloud(exports["AWS_ENDPOINT_URL"])
    try:
        if not reaper:
            without_reaper(cloud)
        yield process, cloud
        if process.returncode is None:
            assert leaks.found(cloud) == []
    finally:
        process.kill()
        process.communicate()


def without_reaper(cloud: Cloud) -> None:
    """Delete its schedule: tests count calls and records, and what fires by itself would be among them."""
    scheduler = cloud.client("scheduler")
    with contextlib.suppress(scheduler.exceptions.ResourceNotFoundException):
        scheduler.delete_schedule(GroupName="ses-fleet", Name="ses-fleet-reaper")


def stop(process: Forked) -> tuple[int | None, str]:
    """End it as a person would: exit code, stderr. It must not wait for functions that run."""
    process.terminate()
    errors = process.communicate(timeout=30)[1]
    return process.returncode, errors


def session_files(directory: Path) -> tuple[str, ...]:
    """The arguments of `local up` for examples/ and the fleet's accounts, whose files are written there."""
    config = {**SAMPLE, "customer_mappings": {**SAMPLE["customer_mappings"], **fleet()["customer_mappings"]}}
    config["customer_mappings"]["f02"]["external_id"] = "secret-of-f02"
    path = directory / "config.json"
    path.write_text(json.dumps(config))
    scenario = path.with_name("scenario.json")
    accounts = json.loads((ROOT / "examples" / "scenario.json").read_text())["accounts"]
    scenario.write_text(json.dumps({"accounts": {**accounts, NOT_EVERYWHERE: {"disabled_regions": [NOT_ENABLED]}}}))
    return "--port", "0", "--config", str(path), "--scenario", str(scenario), "--ses-rate", "0"


@pytest.fixture(scope="session")
def cloud_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The session's local cloud: examples/ and the fleet's accounts."""
    process, exports = start(*session_files(tmp_path_factory.mktemp("cloud")))
    cloud = Cloud(exports["AWS_ENDPOINT_URL"])
    without_reaper(cloud)
    yield cloud
    leaked = leaks.found(cloud)
    code, errors = stop(process)
    assert leaked == []
    assert code == 0
    assert "Traceback" not in errors, errors


@pytest.fixture(scope="module")
def files_cloud(cloud_process: Cloud) -> Iterator[Cloud]:
    """The session's local cloud for one file, after which the examples' lists and contacts are the same as before.

    The next file, whichever it is, counts them.
    """
    before = _people(cloud_process)
    yield cloud_process
    assert _people(cloud_process) == before, "this file changes people in the session's cloud: it needs one of its own"


def _people(cloud: Cloud) -> dict[str, tuple[dict[str, Any] | None, list[Contact]]]:
    """The list of each of the examples' customers, with its contacts."""
    found: dict[str, tuple[dict[str, Any] | None, list[Contact]]] = {}
    for code, customer in SAMPLE["customer_mappings"].items():
        place = (customer["ses_role_arn"].rpartition("::")[2].partition(":")[0], customer["region"])
        listed = cloud.list_now(*place) if place[0] else None
        found[code] = (listed, cloud.contacts_now(*place) if listed else [])
    return found


@pytest.fixture
def cloud(files_cloud: Cloud) -> Cloud:
    """The session's local cloud, with the example's config.json in its bucket."""
    files_cloud.put_config(SAMPLE)
    return files_cloud
