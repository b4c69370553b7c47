"""A local cloud in this process, with a small fleet whose lists are filled anew before every scenario."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

import ses_fleet
from ses_fleet_local import accounts
from ses_fleet_local.cloud import LocalCloud, Options
from strict_aws.backend import seeding
from strict_aws.http.messages import Request
from strict_aws.identity_center.instances import default_store_id
from strict_aws.ses import bulk
from strict_aws.ses.jobs import ImportJobSettings
from tests.chaos.plants import Plant
from tests.chaos.witness import REGION, Witness
from tests.local_cloud.conftest import CONFIG_BUCKET, HUB, ORCHESTRATOR, RESULTS_BUCKET, WORKER, Cloud, fleet

IC = "400000000001"
MOST_CUSTOMERS = 6
TOPICS_BACKUP, LIST_BACKUP = "chaos-topics", "chaos-list"
GROUP = "ccoe-cloud-acme-111122223333-x-idp-portal-dba"
# Numbers of ses_fleet/limits.py that only say how long something waits, so that a scenario takes seconds.
SMALL = {
    "REAPER_MARGIN_SECONDS": "2.0",
    "IMPORT_JOB_POLL_SECONDS": "(0.2, 1.0)",
    "CHANGE_PAUSE_SECONDS": "(0.1, 0.2)",
    "BACK_OFF_SECONDS": "1.0",
    "READ_BACK_PAUSES_SECONDS": "(0.3, 0.6, 1.2, 2.4)",
    "LEASE_GRACE_SECONDS": "2.0",
    "LEASE_WAIT_SECONDS": "1.5",
    "LEASE_LOOK_SECONDS": "(0.2, 0.4)",
    "LEASE_CALL_SECONDS": "2.0",
}
STALE_PERCENT = 50  # plans of people have a few changes here
VARIABLES = {
    ORCHESTRATOR: {
        "DEAD_AFTER_SECONDS": "2",
        "START_MARGIN_SECONDS": "2.5",
        "RETURN_MARGIN_SECONDS": "1.2",
        "SLICE_BUDGET_SECONDS": "1.5",
    },
    WORKER: {
        "IMPORT_JOB_THRESHOLD": "2",
        "PRUNE_LIMIT_PERCENT": "60",
        "WRITE_MARGIN_SECONDS": "3",
        "PLAN_STALE_PERCENT": str(STALE_PERCENT),
    },
}
SECONDS = {ORCHESTRATOR: 6, WORKER: 9}
WARM = {ORCHESTRATOR: 2, WORKER: 3}

CALENDAR = {"TopicName": "calendar", "DisplayName": "Calendar", "DefaultSubscriptionStatus": "OPT_OUT"}
NEWS = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_IN"}
OLD = {"TopicName": "old", "DisplayName": "Old", "DefaultSubscriptionStatus": "OPT_OUT"}
SES_CONFIG = {"topics": [{**CALENDAR, "Description": "", "OptInRoles": ["dba"]}, {**NEWS, "Description": ""}]}
OTHER_SES_CONFIG = {"topics": [*SES_CONFIG["topics"], {**OLD, "TopicName": "extra", "Description": ""}]}

NEW = [f"new{number}@corp.example" for number in range(4)]  # in Identity Center; the first one with the role
STAYING = ["stay0@corp.example", "stay1@corp.example"]  # with the role
LEAVING = ["left0@corp.example", "left1@corp.example"]  # not in Identity Center any more; the second one opted out
OWN = [f"own{number}@corp.example" for number in range(4)]
REFUSING = ["gone@corp.example", "quiet@corp.example"]  # unsubscribed from everything; opted out of both topics
EVERYBODY = (*NEW, *STAYING, *LEAVING, *OWN, *REFUSING)

_Found = TypeVar("_Found")


class World:
    """The local cloud, what it saw (`witness`), and a client of it that is patient (`cloud`)."""

    def __init__(self, local: LocalCloud, witness: Witness) -> None:
        self.local = local
        self.witness = witness
        self.cloud = Cloud(local.url)
        self._seconds = SECONDS[ORCHESTRATOR]

    def control(self, method: str, path: str, document: Any) -> bytes:
        """Send one of the local cloud's control requests; no fault is ever in its way."""
        body = json.dumps(document).encode()
        return self.local.aws.handle(Request(method, f"/_ses_fleet/{path}", "", {}, body)).body

    def faults(self, rules: list[dict[str, Any]]) -> None:
        """Have these faults and no others."""
        self.control("PUT", "faults", rules)

    def put(self, name: str, document: Any) -> None:
        """Put config.json or SESConfig.json; bytes are written as they are."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        seeding.put_object(self.local.aws.moto, HUB, CONFIG_BUCKET, name, body)

    def patiently(self, call: Callable[[], _Found], seconds: float = 30) -> _Found:
        """Return what `call` returns, tried again while faults are in its way."""
        until = time.monotonic() + seconds
        while True:
            try:
                return call()
            except (BotoCoreError, ClientError) as error:
                code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
                if code == "NoSuchKey" or time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys in the results bucket below a prefix."""
        return self.patiently(lambda: self.cloud.keys(prefix))

    def stored(self, key: str) -> Any:
        """Return a JSON object of the results bucket, or None when there is none."""
        try:
            return json.loads(self.patiently(lambda: self.cloud.stored(key)))
        except ClientError:
            return None

    def kill(self, function: str) -> None:
        """Kill all environments of a function that run something."""
        self.witness.kill(self.local.aws.runtime, function)

    def hold(self, *, held: bool) -> None:
        """Have no orchestrator start, so that events wait; or let them go."""
        client = self.cloud.lambda_
        if held:
            self.patiently(
                lambda: client.put_function_concurrency(FunctionName=ORCHESTRATOR, ReservedConcurrentExecutions=0)
            )
        else:
            self.patiently(lambda: client.delete_function_concurrency(FunctionName=ORCHESTRATOR))

    def prepare(self, scenario: dict[str, Any]) -> None:
        """Fill the fleet's lists, files and Identity Center as a scenario begins."""
        self.faults([])
        self.control("PUT", "conditions", scenario["conditions"])
        self._give_time(scenario.get("orchestrator_seconds", self._seconds))
        self.put("config.json", config_of(scenario))
        self.put("SESConfig.json", SES_CONFIG)
        for key in self.keys("leases/"):
            self.cloud.s3.delete_object(Bucket=RESULTS_BUCKET, Key=key)
        for code, shape in scenario["lists"].items():
            self._fill(code, shape)
        jobs = scenario["import_jobs"]
        for code in scenario["lists"]:
            self.local.aws.ses.set_import_jobs(account(code), REGION, ImportJobSettings(**jobs))
        self.witness.forget()

    def _give_time(self, seconds: int) -> None:
        """Give the orchestrator so many seconds for one invocation."""
        if seconds != self._seconds:
            self.cloud.update_configuration(ORCHESTRATOR, Timeout=seconds)
            self.local.aws.runtime.prewarm(self.local.function(ORCHESTRATOR), WARM[ORCHESTRATOR])
            self._seconds = seconds

    def _fill(self, code: str, shape: str) -> None:
        self._refill(code, shape)
        known = {
            "customer_code": code,
            "run_id": "before",
            "account_id": account(code),
            "region": REGION,
            "identity_store_id": default_store_id(IC, REGION),
            "addresses": sorted([*STAYING, *LEAVING]),
        }
        seeding.put_object(
            self.local.aws.moto, HUB, RESULTS_BUCKET, f"backups/identity/{code}.json", json.dumps(known).encode()
        )

    def _refill(self, code: str, shape: str) -> None:
        there = self.cloud.list_now(account(code))
        if there is not None:
            self.witness.act(account(code), "DeleteContactList", ContactListName=there["contactListName"])
        topics, records = SHAPES[shape]
        if topics is None:
            return
        ses = self.local.aws.ses
        ses.create_list(account(code), REGION, "main", description="Lists", topics=topics)
        lines = "\n".join(map(json.dumps, records)).encode()
        ses.fill(account(code), REGION, "main", bulk.parse_import_lines(lines))

    def told_twice(self) -> list[str]:
        """Return what was told of runs more often than once in the orchestrator's log."""
        told: Counter[str] = Counter()
        for message in self.cloud.log_messages(ORCHESTRATOR):
            with contextlib.suppress(ValueError):
                record = json.loads(message)
                if record.get("kind") == "summary":
                    told[str(record.get("run_id"))] += 1
        return [f"{run_id} has {times} summaries in the log" for run_id, times in told.items() if times > 1]

    def back_up(self) -> None:
        """Make the backups that scenarios restore from: of a list, and of topics that a prune removed."""
        codes = [f"f{number:02d}" for number in range(1, MOST_CUSTOMERS + 1)]
        for code in codes:
            self._refill(code, "full")
        saved = self.cloud.run(action="backup-list-all", run_id=LIST_BACKUP, on_deadline="continue")
        pruned = self.cloud.run(
            action="manage-topic-all",
            run_id=TOPICS_BACKUP,
            prune=True,
            confirm_customers=len(codes),
            on_deadline="continue",
        )
        for run_id in (LIST_BACKUP, TOPICS_BACKUP):
            while self.stored(f"runs/{run_id}/summary.json") is None:
                time.sleep(0.1)
        assert {saved["exit_code"], pruned["exit_code"]} <= {0, None}, (saved, pruned)


def _record(email: str, unsubscribed: bool = False, **chosen: str) -> dict[str, Any]:
    preferences = [{"topicName": topic, "subscriptionStatus": status} for topic, status in chosen.items()]
    return {"emailAddress": email, "unsubscribeAll": unsubscribed, "topicPreferences": preferences}


_MINIMAL = [
    _record(STAYING[0]),
    _record(LEAVING[0]),
    _record(LEAVING[1], calendar="OPT_OUT"),
    *(_record(email) for email in OWN),
    _record(REFUSING[0], unsubscribed=True),
    _record(REFUSING[1], calendar="OPT_OUT"),
]
_FULL = [
    _record(STAYING[0], calendar="OPT_IN", old="OPT_IN"),
    _record(STAYING[1]),
    _record(LEAVING[0], news="OPT_IN"),
    _record(LEAVING[1], calendar="OPT_OUT", old="OPT_IN"),
    *(_record(email, old="OPT_IN") for email in OWN),
    _record(REFUSING[0], unsubscribed=True, old="OPT_IN"),
    _record(REFUSING[1], calendar="OPT_OUT", news="OPT_OUT", old="OPT_OUT"),
]
# What a list holds when a scenario begins: (topics, contacts); without topics there is no list.
SHAPES: dict[str, tuple[list[dict[str, Any]] | None, list[dict[str, Any]]]] = {
    "full": ([CALENDAR, NEWS, OLD], _FULL),
    "small": ([CALENDAR, NEWS], _MINIMAL),
    "drifted": ([{**CALENDAR, "DisplayName": "Kalender"}, OLD], [_record(email, old="OPT_IN") for email in OWN]),
    "none": (None, []),
}


def account(code: str) -> str:
    """Return a customer's account."""
    return str(300000000000 + int(code[1:]))


def config_of(scenario: dict[str, Any]) -> dict[str, Any]:
    """Return the scenario's config.json."""
    return config(scenario["customers"])


def config(customers: int) -> dict[str, Any]:
    """Return a config.json of so many customers that share an Identity Center; every second one has a bucket."""
    made = fleet(customers)
    for code, customer in made["customer_mappings"].items():
        customer["identity_center_role_arn"] = f"arn:aws:iam::{IC}:role/importer"
        if int(code[1:]) % 2:
            customer["import_bucket"] = f"{code}-import"
    return made


def quick_package(plant: Plant | None = None) -> bytes:
    """Return the functions' package with the waits of SMALL, and with a planted bug."""
    original = accounts.package(Path(ses_fleet.__file__).parent)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(original)) as source, zipfile.ZipFile(made, "w") as target:
        for info in source.infolist():
            text = source.read(info).decode()
            if info.filename == "ses_fleet/limits.py":
                for name, value in SMALL.items():
                    text, found = re.subn(rf"(?m)^{name} = [^#\n]*", f"{name} = {value}  ", text)
                    assert found == 1, f"limits.py has no {name}"
            for file, old, bug in plant.edits() if plant else ():
                if info.filename == f"ses_fleet/{file}":
                    assert old in text, f"{file} is not as the bug needs it"
                    text = text.replace(old, bug)
            target.writestr(info, text.encode())
    return made.getvalue()


def _people() -> dict[str, Any]:
    users = [{"username": email.partition("@")[0], "email": email} for email in (*NEW, *STAYING, REFUSING[0])]
    members = [email.partition("@")[0] for email in (NEW[0], *STAYING)]
    return {"region": REGION, "users": users, "groups": [{"name": GROUP, "members": members}]}


@contextlib.contextmanager
def running(plant: Plant | None = None) -> Iterator[World]:
    """Have a local cloud, with a bug in its functions if one is to be planted; there can be only one in a process."""
    witness = Witness()
    with tempfile.TemporaryDirectory() as folder, witness.invocations_seen():
        for name, document in (
            ("config", config(MOST_CUSTOMERS)),
            ("ses", SES_CONFIG),
            ("scenario", {"accounts": {IC: {"identity_centers": [_people()]}}}),
        ):
            (Path(folder) / name).write_text(json.dumps(document))
        config_file, ses_file, scenario = (Path(folder) / name for name in ("config", "ses", "scenario"))
        options = Options(config=config_file, ses_config=ses_file, scenario=scenario, ses_rate=0, max_environments=8)
        local = LocalCloud(options)
        witness.attach(local.aws)
        local.start()
        try:
            os.environ.update(local.environment())  # this process has no other AWS
            world = World(local, witness)
            world.back_up()
            code = quick_package(plant)
            for name in (ORCHESTRATOR, WORKER):
                world.cloud.update_code(name, code)
                now = world.cloud.lambda_.get_function_configuration(FunctionName=name)
                variables = {"Variables": {**now["Environment"]["Variables"], **VARIABLES[name]}}
                world.cloud.update_configuration(name, Environment=variables, Timeout=SECONDS[name])
                local.aws.runtime.prewarm(local.function(name), WARM[name])
            yield world
        finally:
            local.stop()
