"""A fresh local cloud with nothing in it, and the stack deployed into it by the CDK's own command."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra import names
from infra.customer_role import CUSTOMER_ROLE, IDENTITY_CENTER_ROLE, TEMPLATES
from tests.local_cloud.conftest import HUB, ROOT, Cloud, running

REGION = "us-east-1"
_BIN = Path(sys.executable).parent
_CDK = ROOT / "node_modules" / ".bin" / "cdk"
# The packages of the host: their compiled parts must run here.
HOST = {
    "python_version": f"3.{sys.version_info.minor}",
    "architecture": {"aarch64": "arm64"}.get(platform.machine(), "x86_64"),
}
CUSTOMER, OTHER, PEOPLE = "111122223333", "444455556666", "210987654321"
EXTERNAL_ID, PEOPLES_ID = "acme-4f1c", "people-77ab"
IMPORT_BUCKET = f"ses-fleet-import-{CUSTOMER}-{REGION}"
ERASURE_SECRET = "ses-fleet/erasure"
CONTEXT: dict[str, Any] = {
    **HOST,
    # The administrator that these tests are may look after backups, and write nothing else of the results.
    "data_admins": [f"arn:aws:iam::{HUB}:root"],
    "erasure_secret": ERASURE_SECRET,
    "orchestrator": {"timeout_seconds": 120, "memory_mb": 640},
    "worker": {
        "memory_mb": 320,
        "timeout_seconds": 100,
        "environment": {"IMPORT_JOB_THRESHOLD": "3", "SES_REQUESTS_PER_SECOND": "0", "PRUNE_LIMIT_PERCENT": "60"},
    },
    "schedules": [
        {"name": "look", "expression": "cron(0 3 * * ? *)", "payload": {"action": "describe-list-all"}},
        {
            "name": "topics",
            "expression": "rate(1 day)",
            "payload": {"action": "manage-topic-all", "dry_run": True, "max_failures": "10%"},
        },
    ],
}
CONFIG: dict[str, Any] = {
    "aws_region": REGION,
    "customer_mappings": {
        "acme": {
            "customer_code": "acme",
            "ses_role_arn": f"arn:aws:iam::{CUSTOMER}:role/ses-fleet-contact-manager",
            "external_id": EXTERNAL_ID,
            "import_bucket": IMPORT_BUCKET,
            "identity_center_role_arn": f"arn:aws:iam::{PEOPLE}:role/ses-fleet-contact-importer",
            "identity_center_external_id": PEOPLES_ID,
        },
        "looked-at": {
            "customer_code": "looked-at",
            "ses_role_arn": f"arn:aws:iam::{OTHER}:role/ses-fleet-contact-manager",
            "external_id": "looked-at-9d02",
        },
    },
}
TOPICS = {
    "topics": [
        {
            "TopicName": "calendar",
            "DisplayName": "Calendar",
            "Description": "Changes",
            "DefaultSubscriptionStatus": "OPT_OUT",
            "OptInRoles": ["dba"],
        }
    ]
}


@dataclass
class Deployment:
    """The deployed stack: how it is reached, and its outputs."""

    cloud: Cloud
    directory: Path
    outputs: dict[str, str] = field(default_factory=dict)

    def command(
        self, *command: str, account: str = HUB, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as an account's administrator, as an operator's shell would."""
        environment = {
            **self.cloud.environment(),
            "AWS_ACCESS_KEY_ID": account,
            "AWS_MAX_ATTEMPTS": "1",
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "CI": "true",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
            **variables,
        }
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        self.cloud.spoken += [ended.stdout, ended.stderr]
        assert not check or ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout}\n{ended.stderr}"
        return ended

    def cdk(self, *arguments: str, context: Mapping[str, Any] = CONTEXT) -> subprocess.CompletedProcess[str]:
        """The pinned CDK CLI, on a context instead of cdk.json's."""
        given = ("-c", f"ses-fleet={json.dumps(context)}", "--output", str(self.directory / "cdk.out"))
        return self.command(str(_CDK), *arguments, *given, "--app", f"{sys.executable} app.py")

    def deploy(self, context: Mapping[str, Any] = CONTEXT) -> subprocess.CompletedProcess[str]:
        """Deploy, and learn the outputs."""
        file = self.directory / "outputs.json"
        ended = self.cdk("deploy", "--require-approval", "never", "--outputs-file", str(file), context=context)
        self.outputs = json.loads(file.read_text())[names.Names().stack]
        self.cloud.results_bucket = self.outputs["ResultsBucket"]
        return ended

    def aws(
        self, *arguments: str, account: str = HUB, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """The real AWS CLI."""
        return self.command(str(_BIN / "aws"), *arguments, account=account, check=check, **variables)

    def ses_fleet(self, *arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Our own command."""
        return self.command(str(_BIN / "ses-fleet"), *arguments, check=check, **variables)

    def onboard(self, account: str, template: str, **parameters: str) -> None:
        """A customer deploys one of our templates, in their own account, by CloudFormation."""
        self.aws(
            *("cloudformation", "deploy", "--stack-name", "ses-fleet-access"),
            *("--template-file", str(TEMPLATES / template), "--capabilities", "CAPABILITY_NAMED_IAM"),
            "--no-fail-on-empty-changeset",
            *("--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())),
            account=account,
        )

    def onboard_all(self) -> None:
        """One customer that is managed, one that is looked at, and the account with Identity Center."""
        self.onboard(CUSTOMER, CUSTOMER_ROLE, FleetAccountId=HUB, ExternalId=EXTERNAL_ID, AccessLevel="Manage")
        self.onboard(OTHER, CUSTOMER_ROLE, FleetAccountId=HUB, ExternalId="looked-at-9d02")
        self.onboard(PEOPLE, IDENTITY_CENTER_ROLE, FleetAccountId=HUB, ExternalId=PEOPLES_ID)

    def configure(self) -> None:
        """Push both files by our own command."""
        files = {"config.json": CONFIG, "SESConfig.json": TOPICS}
        for name, content in files.items():
            (self.directory / name).write_text(json.dumps(content), encoding="utf-8")
        self.ses_fleet("config", "push", "--yes", *(str(self.directory / name) for name in files))

    def invoke(self, **payload: Any) -> dict[str, Any]:
        """Invoke the orchestrator by the AWS CLI as the README says; the answer, whatever it is."""
        file, out = self.directory / "payload.json", self.directory / "out.json"
        file.write_text(json.dumps(payload), encoding="utf-8")
        self.aws(
            *("lambda", "invoke", "--cli-read-timeout", "0", "--function-name", names.Names().orchestrator),
            *("--payload", f"fileb://{file}", str(out)),
        )
        return dict(json.loads(out.read_text()))

    def send(self, **payload: Any) -> None:
        """Invoke the orchestrator as an event, of which nobody waits for the end."""
        self.cloud.lambda_.invoke(
            FunctionName=names.Names().orchestrator, InvocationType="Event", Payload=json.dumps(payload).encode()
        )

    def waits_until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Return when it holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.1)

    def waits_for(self, key: str) -> Any:
        """Return an object of the results bucket, once it is there."""
        self.waits_until(lambda: key in self.cloud.keys(key))
        return json.loads(self.cloud.stored(key))

    def reports(self) -> list[dict[str, Any]]:
        """Lambda's record of every invocation of the orchestrator that has ended."""
        lines = [line for line in self.cloud.log_messages(names.Names().orchestrator) if '"platform.report"' in line]
        return [json.loads(line)["record"] for line in lines]

    def letters(self) -> list[dict[str, Any]]:
        """Dead letters that lie in the queue, but for those that somebody got less than half a minute ago."""
        messages = self.cloud.client("sqs").receive_message(
            QueueUrl=self.outputs["DeadLetters"], MaxNumberOfMessages=10
        )
        return [json.loads(message["Body"]) for message in messages.get("Messages", [])]

    def letter(self, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """Return the dead letter that is wanted, once it is there."""
        found: list[dict[str, Any]] = []

        def has_come() -> bool:
            found.extend(letter for letter in self.letters() if wanted(letter))
            return bool(found)

        self.waits_until(has_come)
        (letter,) = found
        return letter

    def advance(self, seconds: int) -> int:
        """Move Scheduler's clock on; how many firings there were."""
        body = json.dumps({"advance_seconds": seconds}).encode()
        return int(json.loads(self.cloud.control("PUT", "scheduler-clock", body))["fired"])

    @contextlib.contextmanager
    def without_reaper(self) -> Iterator[None]:
        """Have its schedule disabled, as a day has hundreds of its passes."""
        scheduler = self.cloud.client("scheduler")
        found = scheduler.get_schedule(GroupName=names.Names().stack, Name=names.Names().reaper_schedule)
        kept = ("GroupName", "Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        schedule = {key: found[key] for key in kept}
        scheduler.update_schedule(**schedule, State="DISABLED")
        try:
            yield
        finally:
            scheduler.update_schedule(**schedule, State="ENABLED")


@contextlib.contextmanager
def newly_deployed(directory: Path) -> Iterator[Deployment]:
    """Bootstrapped and deployed, without a configuration; gone afterwards."""
    with running("--empty", "--port", "0", "--ses-rate", "0") as (_, cloud):
        made = Deployment(cloud, directory)
        made.command(str(_CDK), "bootstrap", f"aws://{HUB}/{REGION}", "--app", "")
        made.deploy()
        yield made


@contextlib.contextmanager
def deployed(directory: Path) -> Iterator[Deployment]:
    """Bootstrapped, deployed, onboarded and configured; gone afterwards."""
    with newly_deployed(directory) as made:
        made.onboard_all()
        made.configure()
        yield made
