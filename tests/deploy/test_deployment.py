"""The deployed stack, run as an operator runs it: the CDK, the AWS CLI, our command, customers' own CloudFormation."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from infra import bundling, names
from infra.settings import Settings
from ses_fleet.actions.catalogue import payload_names
from tests.deploy import account
from tests.deploy.deployment import CONTEXT, OTHER, Deployment
from tests.local_cloud.conftest import HUB

ACME = {"customer_code": "acme"}
# Every action by both of its names, in an order in which each finds what it needs.
STORY: list[dict[str, Any]] = [
    {"action": "manage-topic-all", "include": ["acme"]},
    {"action": "manage-topic", **ACME},
    {"action": "import-aws-contact", **ACME, "params": {"username": "p0"}},
    {"action": "import-aws-contact-all", "include": ["acme"]},
    {"action": "describe-list", **ACME},
    {"action": "describe-list-all"},
    {"action": "describe-topics", **ACME},
    {"action": "describe-topics-all"},
    {"action": "list-contacts", **ACME},
    {"action": "list-contacts-all"},
    {"action": "validate-access", **ACME},
    {"action": "validate-access-all"},
    {"action": "backup-list", **ACME, "params": {"with_attributes": True}},
    {"action": "backup-list-all", "run_id": "story-backup", "include": ["acme"]},
    {"action": "restore-list", **ACME, "params": {"backup": "story-backup"}},
    {"action": "manage-topic", **ACME, "prune": True, "run_id": "story-prune"},
    {"action": "restore-topics", **ACME, "params": {"backup": "story-prune"}},
]


def test_every_action_runs_from_the_deployed_package(deployment: Deployment) -> None:
    """By the AWS CLI, under the deployed roles and the customers' own templates; no warning but of a missing list."""
    assert {step["action"] for step in STORY} == set(payload_names())
    account.without_list(deployment.cloud)
    account.with_people(deployment.cloud, 6)
    assert deployment.invoke(action="help")["exit_code"] == 0
    for step in STORY:
        if step.get("run_id") == "story-prune":
            account.with_list(deployment.cloud, "p0@corp.example", topics=(account.CALENDAR, account.OLD))
            account.opted_in(deployment.cloud, "p0@corp.example", "old")
        answer = deployment.invoke(**step)
        assert answer.get("exit_code") == 0, (step, answer)
        for result in answer["results"]:
            assert [one for one in result["warnings"] if "aws_region" not in one and "no contact list" not in one] == []
    assert account.addresses(deployment.cloud) == {"p0@corp.example"}


def test_six_new_people_come_by_one_import_job(deployment: Deployment) -> None:
    """Through the bucket of the customer's template, which SES may read for that account; the file does not stay."""
    account.with_list(deployment.cloud)
    account.with_people(deployment.cloud, 6)
    mark = deployment.cloud.mark()
    answer = deployment.invoke(action="import-aws-contact-all", include=["acme"])
    assert answer["exit_code"] == 0, answer
    assert answer["results"][0]["data"]["created"] == 6
    calls = [(entry["service"], entry["operation"]) for entry in deployment.cloud.journal(mark)]
    assert calls.count(("sesv2", "CreateImportJob")) == 1
    assert ("sesv2", "CreateContact") not in calls
    assert calls.count(("s3", "DeleteObject")) == 1
    assert account.addresses(deployment.cloud) == {f"p{n}@corp.example" for n in range(6)}


def test_who_may_only_be_looked_at_is_not_changed(deployment: Deployment) -> None:
    """AccessLevel ReadOnly: reading works, and what changes fails with what to check."""
    answer = deployment.invoke(action="manage-topic-all", include=["looked-at"])
    (result,) = answer["results"]
    assert (answer["exit_code"], result["error"]["category"]) == (1, "operation")
    assert f"Check that arn:aws:iam::{OTHER}:role/ses-fleet-contact-manager allows it" in result["error"]["message"]
    assert deployment.invoke(action="describe-list", customer_code="looked-at")["exit_code"] == 0


def test_the_functions_are_what_the_template_says(deployment: Deployment) -> None:
    """Handler, time, memory and environment; the code is the published asset, byte for byte."""
    client = deployment.cloud.lambda_
    orchestrator = client.get_function_configuration(FunctionName=names.ORCHESTRATOR)
    worker = client.get_function_configuration(FunctionName=names.WORKER)
    for found, wanted in ((orchestrator, CONTEXT["orchestrator"]), (worker, CONTEXT["worker"])):
        assert (found["Timeout"], found["MemorySize"]) == (wanted["timeout_seconds"], wanted["memory_mb"])
    assert orchestrator["Handler"] == "ses_fleet.orchestrator.handler.handler"
    assert orchestrator["Environment"]["Variables"]["RESULTS_BUCKET"] == deployment.outputs["ResultsBucket"]
    assert worker["Environment"]["Variables"]["IMPORT_JOB_THRESHOLD"] == "3"
    bucket = f"cdk-hnb659fds-assets-{HUB}-us-east-1"
    assets = deployment.cloud.s3.list_objects_v2(Bucket=bucket)["Contents"]
    bodies = [deployment.cloud.s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in assets]
    hashes = {base64.b64encode(hashlib.sha256(body).digest()).decode() for body in bodies}
    assert {orchestrator["CodeSha256"], worker["CodeSha256"]} <= hashes
    assert orchestrator["CodeSha256"] == worker["CodeSha256"]


def test_each_schedule_fires_and_is_one_run_however_often_it_is_delivered(deployment: Deployment) -> None:
    """A day passes by Scheduler's clock: each schedule is due once, as the deployed role; each delivery comes twice.

    Both deliveries are one run, which starts one worker for each customer.
    """
    cloud = deployment.cloud
    account.with_list(cloud)
    actions = {schedule["name"]: schedule["payload"]["action"] for schedule in CONTEXT["schedules"]}
    mark, ended = cloud.mark(), len(reports(deployment))
    with cloud.conditions(schedules_twice_share=1):
        moved = json.loads(cloud.control("PUT", "scheduler-clock", b'{"advance_seconds": 86400}'))
    assert moved["fired"] == len(actions)
    fired = [entry for entry in cloud.journal(mark) if entry["operation"] == "Fire"]
    assert [entry["http_status"] for entry in fired] == [202] * 2 * len(actions), fired
    wait_for_reports(deployment, ended + len(fired))
    for name, action in actions.items():
        (prefix,) = runs_of(deployment, f"schedule/{names.SCHEDULE_GROUP}/{name} ", fired)
        summary = deployment.waits_for(f"{prefix}summary.json")
        assert (summary["exit_code"], summary["action"]) == (0, action), summary
    started = [entry for entry in cloud.journal(mark) if entry["operation"] == "Invoke" and is_orchestrators(entry)]
    assert len(started) == 2 * len(actions), "two customers, once for each schedule"


def runs_of(deployment: Deployment, schedule: str, fired: list[dict[str, Any]]) -> set[str]:
    """The prefixes of the runs of a schedule's firings, which are of one scheduled time."""
    (moment,) = {
        entry["reason"].partition(" of ")[2].partition(",")[0] for entry in fired if schedule in entry["reason"]
    }
    keys = deployment.cloud.keys("runs/" + moment.replace("-", "").replace(":", ""))
    return {key[: key.index("/", len("runs/")) + 1] for key in keys}


def is_orchestrators(entry: dict[str, Any]) -> bool:
    """Whether the orchestrator made this call."""
    return f":assumed-role/{names.ORCHESTRATOR}/" in entry["principal"]


def reports(deployment: Deployment) -> list[str]:
    """A line for every invocation of the orchestrator that has ended."""
    return [line for line in deployment.cloud.log_messages(names.ORCHESTRATOR) if '"platform.report"' in line]


def wait_for_reports(deployment: Deployment, count: int) -> None:
    """Return when so many of its invocations have ended."""
    end = time.monotonic() + 60
    while len(reports(deployment)) < count:
        assert time.monotonic() < end, "an invocation did not end"
        time.sleep(0.1)


def test_an_event_that_is_refused_is_run_once_and_lies_in_the_queue(deployment: Deployment) -> None:
    """No retries: the deployed event configuration says so; the letter has the payload and the reason."""
    mark = deployment.cloud.mark()
    event = {"action": "describe-lists-all", "run_id": f"refused-{time.time_ns()}"}
    deployment.cloud.lambda_.invoke(
        FunctionName=names.ORCHESTRATOR, InvocationType="Event", Payload=json.dumps(event).encode()
    )
    letter = next_letter(deployment, event["run_id"])
    assert letter["requestPayload"] == event
    assert letter["responsePayload"]["errorType"] == "RequestError"
    assert letter["requestContext"]["condition"] == "RetriesExhausted"
    refusals = [
        entry
        for entry in deployment.cloud.journal(mark)
        if (entry["operation"], entry["service"]) == ("PutObject", "s3")
    ]
    assert len(refusals) == 1, "its record was written once, so it ran once"


def next_letter(deployment: Deployment, run_id: str) -> dict[str, Any]:
    """The message about that run."""
    sqs = deployment.cloud.client("sqs")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for message in sqs.receive_message(QueueUrl=deployment.outputs["DeadLetters"]).get("Messages", []):
            letter = dict(json.loads(message["Body"]))
            if letter["requestPayload"].get("run_id") == run_id:
                return letter
        time.sleep(0.1)
    raise AssertionError("no dead letter came")


def test_our_command_follows_a_run_of_the_deployed_function(deployment: Deployment) -> None:
    """It learns the buckets from the function: nothing of them is configured on the operator's machine."""
    account.with_list(deployment.cloud)
    ended = deployment.ses_fleet("invoke", "describe-list-all", "--output", "json")
    summary = json.loads(ended.stdout)
    assert summary["successful_count"] == 2
    listed = json.loads(deployment.ses_fleet("runs", "list", "--output", "json").stdout)
    assert summary["run_id"] in [run["run_id"] for run in listed]


def session_with(deployment: Deployment, policy: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """Credentials of a person's role that has this policy of the stack and nothing else, for a shell.

    With statements it has those, and the name is only the role's.
    """
    iam = deployment.cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=f"person-{policy}", AssumeRolePolicyDocument=document)["Role"]
    if statements:
        own = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName=role["RoleName"], PolicyName="own", PolicyDocument=own)
    else:
        iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=f"arn:aws:iam::{HUB}:policy/{policy}")
    keys = deployment.cloud.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="person")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def test_who_may_start_runs_and_who_may_read_contacts_are_apart(deployment: Deployment) -> None:
    """Each policy is enough for its part, by our own command, and lets nobody do the other's."""
    account.with_list(deployment.cloud, "one@corp.example")
    invoker = session_with(deployment, names.INVOKER_POLICY)
    reader = session_with(deployment, names.DATA_READER_POLICY)
    started = deployment.ses_fleet("invoke", "list-contacts-all", "--output", "json", **invoker)
    run_id = json.loads(started.stdout)["run_id"]
    assert deployment.ses_fleet("runs", "show", run_id, **invoker).returncode == 0
    place = f"s3://{deployment.outputs['ResultsBucket']}"
    data, record = f"{place}/data/{run_id}/acme/contacts-00001.jsonl.gz", f"{place}/runs/{run_id}/summary.json"
    copies = {
        (who, source): deployment.aws("s3", "cp", source, str(deployment.directory / "copy"), check=False, **keys)
        for who, keys in (("invoker", invoker), ("reader", reader))
        for source in (data, record)
    }
    assert {key: ended.returncode == 0 for key, ended in copies.items()} == {
        ("invoker", data): False,
        ("invoker", record): True,
        ("reader", data): True,
        ("reader", record): False,
    }
    assert deployment.ses_fleet("invoke", "describe-list-all", check=False, **reader).returncode == 3


@pytest.mark.matrix
def test_nobody_but_the_functions_writes_results(deployment: Deployment) -> None:
    """Not whoever may do everything in the account, by our bucket's own word; reading stays theirs.

    Whoever is named in `data_admins`, here the root, copies backups over and erases contacts, and no more.
    """
    account.with_list(deployment.cloud, "one@corp.example")
    answer = deployment.invoke(action="list-contacts", **ACME)
    assert answer["exit_code"] == 0, answer
    record, exported = f"runs/{answer['run_id']}/summary.json", f"data/{answer['run_id']}/acme/contacts-00001.jsonl.gz"
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    admin, root = session_with(deployment, "admin", anything), dict[str, str]()
    place = f"s3://{deployment.outputs['ResultsBucket']}"
    (deployment.directory / "forged").write_text("{}")

    def works(keys: dict[str, str], *command: str) -> bool:
        return deployment.aws("s3", *command, check=False, **keys).returncode == 0

    def puts(keys: dict[str, str], key: str) -> bool:
        return works(keys, "cp", str(deployment.directory / "forged"), f"{place}/{key}")

    for keys in (admin, root):
        assert works(keys, "cp", f"{place}/{record}", str(deployment.directory / "copy"))
        assert not puts(keys, record)
        assert not puts(keys, exported)
        assert not puts(keys, "elsewhere")
        assert not works(keys, "rm", f"{place}/{record}")
    assert not puts(admin, "backups/identity/nobody.json")
    assert not works(admin, "rm", f"{place}/{exported}")
    assert puts(root, "backups/identity/nobody.json")
    assert works(root, "rm", f"{place}/backups/identity/nobody.json")
    assert works(root, "rm", f"{place}/{exported}")
    assert deployment.ses_fleet("runs", "show", answer["run_id"]).returncode == 0


def test_the_package_for_lambda_has_the_same_files(deployment: Deployment, tmp_path: Path) -> None:
    """The default target against the one that ran here: but for compiled parts, file by file; small enough."""
    default = Settings()
    before = os.umask(0o077)
    try:
        bundling.build(bundling.Target(default.python_version, default.architecture), tmp_path)
    finally:
        os.umask(before)
    (ran,) = (deployment.directory / "cdk.out").glob("asset.*/ses_fleet/orchestrator/handler.py")
    ours, theirs = source_files(tmp_path), source_files(ran.parents[2])
    assert ours == theirs
    assert {
        "ses_fleet/orchestrator/handler.py",
        "ses_fleet/worker/handler.py",
        "botocore/data/sesv2/2019-09-27/service-2.json.gz",
    } <= ours
    assert compiled(tmp_path)
    assert compiled(ran.parents[2])
    assert zipped_size(tmp_path) <= 15_000_000
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o644}, "Lambda reads them as another user, whatever the umask here"


def source_files(package: Path) -> set[str]:
    """Everything that does not depend on the target."""
    paths = (path for path in package.rglob("*") if path.is_file())
    return {
        str(path.relative_to(package))
        for path in paths
        if path.suffix not in (".pyc", ".so") and not (path.name == "WHEEL" and "pydantic_core" in str(path))
    }


def compiled(package: Path) -> list[Path]:
    """Compiled extensions."""
    return list(package.rglob("*.so"))


def zipped_size(package: Path) -> int:
    """Bytes of its zip."""
    return Path(shutil.make_archive(str(package.parent / "zipped"), "zip", package)).stat().st_size
