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
from infra.customer_role import CUSTOMER_ROLE, TEMPLATES
from infra.settings import Settings
from ses_fleet import limits
from ses_fleet.actions.catalogue import needing_more_than, payload_names
from ses_fleet.actions.role_version import ROLE_VERSION
from tests.deploy import account
from tests.deploy.deployment import CONFIG, CONTEXT, CUSTOMER, OTHER, REGION, Deployment
from tests.local_cloud.conftest import HUB

# The first test waits for the deployment, on a machine that may be busy.
pytestmark = pytest.mark.timeout(300)
ACME = {"customer_code": "acme"}
# Stand for the ids of people files, which are uploaded when the story begins.
PEOPLE_FILE, SUPPRESSED_FILE = "people", "suppressed"
ONE_PERSON = {"params": {"confirm_people": 1}}
LIFTED = {"params": {"confirm_people": 1, "ticket": "T-1"}}
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
    {"action": "find-contact", **ACME, "people": PEOPLE_FILE},
    {"action": "find-contact-all", "people": PEOPLE_FILE, "include": ["acme"]},
    {"action": "set-suppressed", **ACME, "people": SUPPRESSED_FILE},
    {"action": "set-suppressed-all", "people": SUPPRESSED_FILE, "include": ["acme"], "params": {"confirm_people": 1}},
    {"action": "list-suppressed", **ACME, "params": {"reasons": ["BOUNCE"]}},
    {"action": "list-suppressed-all"},
    {"action": "remove-contacts", **ACME, "people": PEOPLE_FILE, **ONE_PERSON},
    {
        "action": "remove-contacts-all",
        "include": ["acme"],
        "confirm_customers": 1,
        "people": PEOPLE_FILE,
        **ONE_PERSON,
    },
    {"action": "set-contacts", **ACME, "people": PEOPLE_FILE},
    {"action": "set-contacts-all", "include": ["acme"], "people": PEOPLE_FILE},
    {"action": "erase-contact", **ACME, "people": PEOPLE_FILE, **ONE_PERSON},
    {"action": "un-erase", **ACME, "people": PEOPLE_FILE, **LIFTED},
    {"action": "erase-contact-all", "include": ["acme"], "people": PEOPLE_FILE, **ONE_PERSON},
    {"action": "un-erase-all", "include": ["acme"], "people": PEOPLE_FILE, **LIFTED},
    {"action": "validate-access", **ACME},
    {"action": "validate-access-all"},
    {"action": "check-health", **ACME},
    {"action": "check-health-all", "include": ["acme"]},
    {"action": "backup-list", **ACME, "params": {"with_attributes": True}},
    {"action": "backup-list-all", "run_id": "story-backup", "include": ["acme"]},
    {"action": "restore-list", **ACME, "params": {"backup": "story-backup"}},
    {"action": "manage-topic", **ACME, "prune": True, "run_id": "story-prune"},
    {"action": "restore-topics", **ACME, "params": {"backup": "story-prune"}},
]


def is_a_twin(step: dict[str, Any]) -> bool:
    """Whether the action for one customer is what its -all does for all."""
    return f"{step['action']}-all" in payload_names() and "run_id" not in step


@pytest.mark.parametrize(
    ("story", "by_aws_cli"),
    [([one for one in STORY if not is_a_twin(one)], False), pytest.param(STORY, True, marks=pytest.mark.matrix)],
)
def test_every_action_runs_from_the_deployed_package(
    story: list[dict[str, Any]], by_aws_cli: bool, deployment: Deployment
) -> None:
    """Under the deployed roles and the customers' own templates; no warning but of a missing list.

    The long story is told to the AWS CLI; in the short one the API is called, as the other tests have the AWS CLI.
    """
    assert {step["action"] for step in STORY} == set(payload_names())
    account.without_list(deployment.cloud)
    account.with_identity(deployment.cloud)
    account.with_people(deployment.cloud, 6)
    account.with_secret(deployment)
    assert deployment.invoke(action="help")["exit_code"] == 0
    files = {
        PEOPLE_FILE: account.people_file(deployment, "p0@corp.example"),
        SUPPRESSED_FILE: account.people_file(deployment, {"email": "gone@corp.example", "reason": "BOUNCE"}),
    }
    for step in ({**one, **({"people": files[one["people"]]} if "people" in one else {})} for one in story):
        if step.get("run_id") == "story-prune":
            account.with_list(deployment.cloud, "p0@corp.example", topics=(account.CALENDAR, account.OLD))
            account.opted_in(deployment.cloud, "p0@corp.example", "old")
        answer = deployment.invoke(**step) if by_aws_cli else deployment.cloud.invoke(step).body
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
    entries = [entry for entry in deployment.cloud.journal(mark) if not is_orchestrators(entry)]
    calls = [(entry["service"], entry["operation"]) for entry in entries]
    assert calls.count(("sesv2", "CreateImportJob")) == 1
    assert ("sesv2", "CreateContact") not in calls
    assert calls.count(("s3", "DeleteObject")) == 1
    assert account.addresses(deployment.cloud) == {f"p{n}@corp.example" for n in range(6)}


def test_who_may_only_be_looked_at_is_not_changed(deployment: Deployment) -> None:
    """AccessLevel ReadOnly: reading works, and what changes fails with what to check."""
    answer = deployment.invoke(action="manage-topic-all", include=["looked-at"])
    (result,) = answer["results"]
    assert (answer["exit_code"], result["error"]["category"]) == (1, "operation")
    role = f"arn:aws:iam::{OTHER}:role/ses-fleet-contact-manager"
    assert f"Check that {role} allows ses:CreateContactList" in result["error"]["message"]
    assert deployment.invoke(action="describe-list", customer_code="looked-at")["exit_code"] == 0


def version_1(template: dict[str, Any]) -> dict[str, Any]:
    """The customers' template as it was before roles said their version."""
    old: dict[str, Any] = json.loads(json.dumps(template))
    del old["Outputs"]["RoleVersion"], old["Resources"]["Role"]["Properties"]["Tags"]
    for policy in old["Resources"]["Role"]["Properties"]["Policies"]:
        document = policy.get("PolicyDocument") or policy["Fn::If"][1]["PolicyDocument"]
        document["Statement"] = [one for one in document["Statement"] if one["Action"] != ["iam:ListRoleTags"]]
    return old


def test_a_customer_with_a_role_of_an_older_template_updates_the_stack(deployment: Deployment) -> None:
    """By the command of docs/operating.md, without a parameter: validate-access finds the role behind, then not."""

    def deploy(file: Path) -> None:
        deployment.aws(
            *("cloudformation", "deploy", "--stack-name", "ses-fleet-access"),
            *("--capabilities", "CAPABILITY_NAMED_IAM", "--template-file", str(file)),
            account=OTHER,
        )

    def validated() -> tuple[int | None, list[str], str]:
        (result,) = deployment.invoke(action="validate-access", customer_code="looked-at")["results"]
        (check,) = [one for one in result["data"]["checks"] if one["name"] == "role_version"]
        return result["data"]["role_version"], result["data"]["role_too_old_for"], check["status"]

    current, old = TEMPLATES / CUSTOMER_ROLE, deployment.directory / "old.template.json"
    old.write_text(json.dumps(version_1(json.loads(current.read_text(encoding="utf-8")))), encoding="utf-8")
    deploy(old)
    try:
        behind = validated()
    finally:
        deploy(current)
    assert behind == (None, needing_more_than(1), "finding")
    assert validated() == (ROLE_VERSION, [], "ok")
    (stack,) = deployment.cloud.client("cloudformation", account=OTHER).describe_stacks()["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert outputs["RoleVersion"] == str(ROLE_VERSION)


def test_the_functions_are_what_the_template_says(deployment: Deployment) -> None:
    """Handler, time, memory and environment; the code is the published asset, byte for byte."""
    client = deployment.cloud.lambda_
    orchestrator = client.get_function_configuration(FunctionName=names.Names().orchestrator)
    worker = client.get_function_configuration(FunctionName=names.Names().worker)
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
    mark, ended = cloud.mark(), len(deployment.reports())
    with deployment.without_reaper(), cloud.conditions(schedules_twice_share=1):
        assert deployment.advance(86_400) == len(actions)
    fired = [entry for entry in cloud.journal(mark) if entry["operation"] == "Fire"]
    assert [entry["http_status"] for entry in fired] == [202] * 2 * len(actions), fired
    deployment.waits_until(lambda: len(deployment.reports()) >= ended + len(fired))
    for name, action in actions.items():
        (prefix,) = runs_of(deployment, f"schedule/{names.Names().stack}/{name} ", fired)
        summary = deployment.waits_for(f"{prefix}summary.json")
        assert (summary["exit_code"], summary["action"]) == (0, action), summary
    started = [entry for entry in cloud.journal(mark) if entry["operation"] == "Invoke" and is_orchestrators(entry)]
    assert len(started) == 2 * len(actions), "two customers, once for each schedule"


# An orchestrator that is killed when its run exists, and before anybody is sent.
KILL = {"operation": "PutObject", "path": "plan.json", "fault": "kill_after", "times": 1}


def ended_by_the_schedule(deployment: Deployment, run_id: str) -> dict[str, Any]:
    """The Summary of a run that was lost, once the reaper's schedule has fired late enough."""
    summary = f"runs/{run_id}/summary.json"

    def is_over() -> bool:
        deployment.advance(limits.REAPER_MINUTES * 60)
        time.sleep(1)  # the age of a sign of life is S3's, whose clock cannot be moved
        return summary in deployment.cloud.keys(summary)

    deployment.waits_until(is_over)
    return dict(deployment.waits_for(summary))


@pytest.mark.matrix
def test_a_run_whose_orchestrator_is_killed_is_ended_by_the_schedule(deployment: Deployment) -> None:
    """By the deployed role, in buckets with their policies: with a true Summary, from which the rest is resumed."""
    cloud, run_id = deployment.cloud, f"killed-{time.time_ns()}"
    account.with_list(cloud, topics=(account.OLD,))
    mark = cloud.mark()
    # The worker does all of its work, and nobody hears of it.
    deaf = {"operation": "Invoke", "path": f"/{names.Names().worker}/", "fault": "kill_after", "times": 1}
    with cloud.variables(names.Names().orchestrator, DEAD_AFTER_SECONDS="3"):
        with cloud.faults(deaf):
            killed = deployment.invoke(action="manage-topic-all", include=["acme"], run_id=run_id)
        assert killed["errorType"] == "Runtime.ExitError", killed
        summary = ended_by_the_schedule(deployment, run_id)
    fired = [entry for entry in cloud.journal(mark) if entry["operation"] == "Fire"]
    assert {entry["http_status"] for entry in fired if names.Names().reaper_schedule in entry["reason"]} == {202}
    assert (summary["closed_by"], summary["exit_code"], summary["total_customers"]) == ("reaper", 1, 1)
    (result,) = summary["results"]
    assert (result["status"], result["error"]["outcome_unknown"]) == ("failed", True)
    assert cloud.keys(f"open/{run_id}/") == []
    resumed = json.loads(deployment.ses_fleet("runs", "resume", run_id, "--yes", "--output", "json").stdout)
    assert (resumed["exit_code"], resumed["successful_count"]) == (0, 1)


@pytest.mark.matrix
def test_a_run_goes_on_with_the_version_of_the_configuration_that_it_began_with(deployment: Deployment) -> None:
    """In another invocation, which the schedule starts: another role since then is a warning, and nobody's failure.

    Who was disabled since then is not started.
    """
    cloud, run_id = deployment.cloud, f"pinned-{time.time_ns()}"
    account.with_list(cloud)
    place = {"Bucket": deployment.outputs["ConfigBucket"], "Key": "config.json"}
    before = cloud.s3.get_object(**place)
    body, changed = before["Body"].read(), json.loads(json.dumps(CONFIG))
    changed["customer_mappings"]["acme"]["external_id"] = "another-one"
    changed["customer_mappings"]["looked-at"]["enabled"] = False
    # Signs of life come every twelfth of it: fewer seconds, and a busy machine lets a living run look dead.
    with cloud.variables(names.Names().orchestrator, DEAD_AFTER_SECONDS="8"):
        # Where Identity Center is read first, the first sign of life names nobody: none is in doubt after the kill.
        imports = {"action": "import-aws-contact-all", "dry_run": True, "on_deadline": "continue", "run_id": run_id}
        with cloud.faults(KILL):
            killed = deployment.invoke(**imports)
        assert killed["errorType"] == "Runtime.ExitError", killed
        cloud.s3.put_object(**place, Body=json.dumps(changed).encode())
        try:
            summary = ended_by_the_schedule(deployment, run_id)
        finally:
            cloud.s3.put_object(**place, Body=body)
    plan = json.loads(cloud.stored(f"runs/{run_id}/plan.json"))
    assert plan["pinned"]["config"] == before["VersionId"]
    assert json.loads(cloud.stored(f"runs/{run_id}/hops/0/end.json"))["by"] == "reaper"
    assert (summary["closed_by"], summary["exit_code"]) == ("orchestrator", 0), summary["results"]
    found = {one["customer_code"]: one["status"] for one in summary["results"]}
    assert found == {"acme": "successful", "looked-at": "skipped"}
    assert any("config.json changed while the run was under way" in one for one in summary["warnings"])


@pytest.mark.matrix
def test_one_run_at_a_time_writes_to_a_list(deployment: Deployment) -> None:
    """By a lease, which the bucket's policy lets the worker alone write: the second run asks SES nothing meanwhile."""
    cloud, number = deployment.cloud, time.time_ns()
    account.with_list(cloud, topics=(account.OLD,))
    mark, lease, runs = cloud.mark(), f"leases/{CUSTOMER}-{REGION}.json", [f"first-{number}", f"second-{number}"]
    with cloud.faults({"operation": "UpdateContactList", "fault": "delay", "seconds": 6, "times": 1}):
        deployment.send(action="manage-topic", run_id=runs[0], **ACME)
        deployment.waits_until(lambda: lease in cloud.keys(lease) and runs[0] in cloud.stored(lease).decode())
        deployment.send(action="manage-topic", run_id=runs[1], **ACME)
        summaries = [deployment.waits_for(f"runs/{run_id}/summary.json") for run_id in runs]
    assert [one["exit_code"] for one in summaries] == [0, 0], summaries
    assert json.loads(cloud.stored(lease)) == {"free": True}
    calls = cloud.journal(mark)
    (written,) = [one for one in calls if one["operation"] == "UpdateContactList"]
    meanwhile = [one for one in calls if written["started_at"] < one["started_at"] < written["ended_at"]]
    assert [one for one in meanwhile if one["service"] == "sesv2"] == []
    looks = [one for one in meanwhile if f":assumed-role/{names.Names().worker}/" in one["principal"]]
    assert {one["operation"] for one in looks} == {"GetObject", "PutObject"}, "the second run found it held"


@pytest.mark.matrix
def test_each_alarm_of_a_run_looks_at_a_metric_that_the_deployed_function_emits(deployment: Deployment) -> None:
    """With just its dimensions, after a run, a dry run, a refused start and a look of the reaper."""
    assert deployment.invoke(action="describe-list-all")["exit_code"] == 0
    assert deployment.invoke(action="manage-topic-all", dry_run=True)["exit_code"] == 0
    assert deployment.invoke(action="describe-lists-all")["errorType"] == "RequestError"
    assert deployment.invoke(reap=True)["failed"] == []
    emitted = set()
    for line in deployment.cloud.log_messages(names.Names().orchestrator):
        if '"_aws"' in line:
            record = json.loads(line)
            for one in record["_aws"]["CloudWatchMetrics"]:
                dimensions = [frozenset((name, record[name]) for name in names_) for names_ in one["Dimensions"]]
                emitted |= {(metric["Name"], known) for metric in one["Metrics"] for known in dimensions}
    alarms = deployment.cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    asked = {
        (one["MetricName"], frozenset((known["Name"], known["Value"]) for known in one["Dimensions"]))
        for one in alarms
        if one["Namespace"] == "SesFleet"
    }
    assert {name for name, _ in asked} == {
        *("RunRefused", "CustomersFailed", "CustomersNotStarted", "RunsStarted"),
        *("RunsLost", "ReaperFailures", "ReaperPasses"),
    }
    assert asked <= emitted


def runs_of(deployment: Deployment, schedule: str, fired: list[dict[str, Any]]) -> set[str]:
    """The prefixes of the runs of a schedule's firings, which are of one scheduled time."""
    (moment,) = {
        entry["reason"].partition(" of ")[2].partition(",")[0] for entry in fired if schedule in entry["reason"]
    }
    keys = deployment.cloud.keys("runs/" + moment.replace("-", "").replace(":", ""))
    return {key[: key.index("/", len("runs/")) + 1] for key in keys}


def is_orchestrators(entry: dict[str, Any]) -> bool:
    """Whether the orchestrator made this call."""
    return f":assumed-role/{names.Names().orchestrator}/" in entry["principal"]


def test_an_event_that_is_refused_is_run_once_and_lies_in_the_queue(deployment: Deployment) -> None:
    """No retries: the deployed event configuration says so; the letter has the payload and the reason."""
    mark = deployment.cloud.mark()
    event = {"action": "describe-lists-all", "run_id": f"refused-{time.time_ns()}"}
    deployment.send(**event)
    letter = deployment.letter(lambda one: one["requestPayload"].get("run_id") == event["run_id"])
    assert letter["requestPayload"] == event
    assert letter["responsePayload"]["errorType"] == "RequestError"
    assert letter["requestContext"]["condition"] == "RetriesExhausted"
    refusals = [
        entry
        for entry in deployment.cloud.journal(mark)
        if (entry["operation"], entry["service"]) == ("PutObject", "s3")
    ]
    assert len(refusals) == 1, "its record was written once, so it ran once"


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


@pytest.mark.matrix
def test_who_may_start_runs_and_who_may_read_contacts_are_apart(deployment: Deployment) -> None:
    """Each policy is enough for its part, by our own command, and lets nobody do the other's."""
    account.with_list(deployment.cloud, "one@corp.example")
    invoker = session_with(deployment, names.Names().policy("invoker"))
    reader = session_with(deployment, names.Names().policy("data-reader"))
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
        for key in ("elsewhere", "open/forged/0-x.json", "leases/111122223333-us-east-1.json"):
            assert not puts(keys, key)
            assert not works(keys, "rm", f"{place}/{key}")
        assert not works(keys, "rm", f"{place}/{record}")
    assert not puts(admin, "backups/identity/nobody.json")
    assert not works(admin, "rm", f"{place}/{exported}")
    assert puts(root, "backups/identity/nobody.json")
    assert works(root, "rm", f"{place}/backups/identity/nobody.json")
    assert works(root, "rm", f"{place}/{exported}")
    assert deployment.ses_fleet("runs", "show", answer["run_id"]).returncode == 0


@pytest.mark.matrix
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
