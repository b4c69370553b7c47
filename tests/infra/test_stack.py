"""The template: what security, data and an operator's sleep rest on, and the whole of it as a snapshot."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra import names
from ses_fleet import limits
from ses_fleet.orchestrator import report
from ses_fleet.runs import events, request, summary
from ses_fleet.settings import OrchestratorSettings, WorkerSettings
from strict_aws.iam.policy import Query, evaluate
from tests.infra import synth
from tests.infra.synth import FULL

SNAPSHOT = Path(__file__).parent / "snapshots" / "ses-fleet.template.json"


def test_the_template_is_as_it_was() -> None:
    """Every change of what is deployed is looked at: `make snapshot` writes it anew."""
    assert synth.blanked(synth.template(**FULL)) == SNAPSHOT.read_text(encoding="utf-8")


@pytest.mark.parametrize("context", [{}, FULL, {"delete_data_on_destroy": True}])
def test_the_buckets_stay_unless_told_otherwise(context: dict[str, Any]) -> None:
    """Destroying or changing the stack leaves configuration, records, contacts and backups.

    A first deployment that fails leaves nothing: its buckets are empty, and the next one makes its own.
    """
    kept = [
        (one["DeletionPolicy"], one["UpdateReplacePolicy"])
        for one in synth.resources("AWS::S3::Bucket", **context).values()
    ]
    wanted = ("Delete", "Delete") if context.get("delete_data_on_destroy") else ("RetainExceptOnCreate", "Retain")
    assert kept == [wanted, wanted]


def test_a_bucket_is_encrypted_private_and_tls_only() -> None:
    """Both of them, against whoever asks."""
    policies = [one["Properties"] for one in synth.resources("AWS::S3::BucketPolicy").values()]
    for name, bucket in synth.resources("AWS::S3::Bucket").items():
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        (policy,) = [one["PolicyDocument"] for one in policies if one["Bucket"] == {"Ref": name}]
        assert [
            (one["Effect"], one["Action"], one["Condition"]) for one in policy["Statement"] if one["Action"] == "s3:*"
        ] == [("Deny", "s3:*", {"Bool": {"aws:SecureTransport": "false"}})]


def test_what_is_kept_how_long_is_set_by_prefix() -> None:
    """Records and contacts 90 days, backups 400, unless the context says otherwise; config.json keeps its versions.

    The index of open runs has its own week, and so have people files. Leases, one small object for an account and
    Region, stay.
    """

    def days(**context: Any) -> dict[str, int]:
        rules = synth.one("AWS::S3::Bucket", "StorageResults", **context)["LifecycleConfiguration"]["Rules"]
        return {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}

    week = {"open/": 7, "data/requests/": 7}
    assert days() == {"runs/": 90, "data/": 90, "backups/": 400, **week}
    assert days(runs_days=8, data_days=1, backups_days=3650) == {"runs/": 8, "data/": 1, "backups/": 3650, **week}


def test_both_buckets_have_versions_and_the_old_ones_end() -> None:
    """What is overwritten or deleted can be brought back for a while; then nothing of it is left, nor its marker."""

    def old(bucket: str, **context: Any) -> tuple[str, int, bool]:
        found = synth.one("AWS::S3::Bucket", bucket, **context)
        (rule,) = [one for one in found["LifecycleConfiguration"]["Rules"] if one["Id"] == "old-versions"]
        assert "Prefix" not in rule, "of every key"
        days = rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        return found["VersioningConfiguration"]["Status"], days, rule["ExpiredObjectDeleteMarker"]

    assert old("StorageResults") == ("Enabled", 30, True)
    assert old("StorageResults", old_versions_days=7) == ("Enabled", 7, True)
    assert old("StorageConfig", old_versions_days=7) == ("Enabled", 400, True)


def test_tombstones_never_expire() -> None:
    """No rule ends what lies below erased/: only what was overwritten there goes, by the rule of every key."""
    for context in ({}, {"old_versions_days": 7, "delete_data_on_destroy": True}):
        rules = synth.one("AWS::S3::Bucket", "StorageResults", **context)["LifecycleConfiguration"]["Rules"]
        applying = [one for one in rules if "erased/1-r/k/h.json".startswith(one.get("Prefix", ""))]
        assert [one["Id"] for one in applying] == ["old-versions", "abandoned-uploads"]
        assert not any(
            name.startswith(("ExpirationIn", "ExpirationDate", "Transition")) for one in applying for name in one
        )


def test_old_signs_of_life_leases_and_people_files_go_after_a_day() -> None:
    """Of the first two there is one every few seconds of a run, and two a slice; the last are people's addresses.

    No other prefix has a rule for old versions.
    """
    rules = synth.one("AWS::S3::Bucket", "StorageResults")["LifecycleConfiguration"]["Rules"]
    own = {one["Prefix"]: one.get("NoncurrentVersionExpiration") for one in rules if "Prefix" in one}
    day = {"NoncurrentDays": 1}
    kept_longer = {"runs/": None, "data/": None, "backups/": None}
    assert own == {**kept_longer, "open/": day, "leases/": day, "data/requests/": day}


def test_uploads_that_were_given_up_do_not_stay() -> None:
    """In both buckets: nobody sees their parts, and they are paid for."""
    for bucket in ("StorageConfig", "StorageResults"):
        rules = synth.one("AWS::S3::Bucket", bucket)["LifecycleConfiguration"]["Rules"]
        ends = [one["AbortIncompleteMultipartUpload"] for one in rules if "AbortIncompleteMultipartUpload" in one]
        assert ends == [{"DaysAfterInitiation": 1}]


def test_an_existing_config_bucket_is_used_and_not_made() -> None:
    """Only its files are read."""
    made = synth.resources("AWS::S3::Bucket", config_bucket="acme-metadata")
    assert [name.startswith("StorageResults") for name in made] == [True]
    reading = synth.statements("FunctionsOrchestratorRole", config_bucket="acme-metadata", config_key="a/config.json")
    assert {text for text in synth.strings(reading[0]["Resource"]) if "acme-metadata" in text} == {
        ":s3:::acme-metadata/a/config.json",
        ":s3:::acme-metadata/SESConfig.json",
    }


def test_no_policy_has_a_star_that_aws_does_not_force() -> None:
    """Neither an action nor a resource; only X-Ray, when it is on, and the account's alias know none.

    Nobody deletes, but for the orchestrator below open/.
    """
    policies = synth.resources("AWS::IAM::Policy", **FULL) | synth.resources("AWS::IAM::ManagedPolicy", **FULL)
    assert len(policies) == 7
    deleting: list[tuple[str, list[str], str]] = []
    for name, policy in policies.items():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            actions = list(synth.strings(statement["Action"]))
            assert not any("*" in action for action in actions), name
            if any("Delete" in action for action in actions):
                deleting.append((name, actions, synth.resolved(statement["Resource"])))
            if not all(action.startswith("xray:") or action == "iam:ListAccountAliases" for action in actions):
                assert "*" not in list(synth.strings(statement["Resource"])), name
    ((name, actions, resource),) = deleting
    assert name.startswith("FunctionsOrchestratorRole")
    assert actions == ["s3:DeleteObject"]
    assert re.fullmatch(r"arn:aws:s3:::StorageResults\w+/open/\*", resource)


def test_the_functions_may_do_what_the_design_says_and_no_more() -> None:
    """Actions by role; which keys they read and write is in the snapshot."""
    on_behalf = {
        *("logs:CreateLogStream", "logs:PutLogEvents"),
        *("sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"),
    }

    def actions(role: str) -> set[str]:
        return {text for one in synth.statements(role) for text in synth.strings(one["Action"])} - on_behalf

    assert actions("FunctionsOrchestratorRole") == {
        *(
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:ListBucketVersions",
            "s3:ListBucket",
            "s3:PutObject",
            "s3:DeleteObject",
        ),
        "lambda:InvokeFunction",
    }
    assert actions("FunctionsWorkerRole") == {
        *("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject"),
        "sts:AssumeRole",
    }


GET_SECRET = "secretsmanager:GetSecretValue"
ERASURE_ARN = f"arn:aws:secretsmanager:{synth.REGION}:{synth.ACCOUNT}:secret:ses-fleet/erasure-AbC123"


@pytest.mark.parametrize(
    ("secret", "resource"),
    [
        ("ses-fleet/erasure", f"arn:aws:secretsmanager:{synth.REGION}:{synth.ACCOUNT}:secret:ses-fleet/erasure-??????"),
        pytest.param(ERASURE_ARN, ERASURE_ARN, marks=pytest.mark.matrix),
    ],
)
def test_both_functions_read_the_erasure_secret_and_no_other(secret: str, resource: str) -> None:
    """Its name, or its ARN, is in their environments; of a name AWS adds six characters in the ARN."""
    for function in ("FunctionsOrchestrator", "FunctionsWorker"):
        allowed = [
            one for one in synth.statements(f"{function}Role", erasure_secret=secret) if GET_SECRET in one["Action"]
        ]
        assert [(one["Action"], synth.resolved(one["Resource"])) for one in allowed] == [(GET_SECRET, resource)]
        variables = synth.one("AWS::Lambda::Function", function, erasure_secret=secret)["Environment"]["Variables"]
        assert variables["ERASURE_SECRET"] == secret
        assert not any("secretsmanager" in text for text in synth.strings(synth.statements(f"{function}Role")))


def test_the_worker_assumes_only_roles_of_the_patterns() -> None:
    """In whatever account: those are in config.json."""
    (assuming,) = [
        one
        for one in synth.statements("FunctionsWorkerRole", role_patterns=["teams/*/mailer"])
        if one["Action"] == "sts:AssumeRole"
    ]
    assert ":iam::*:role/teams/*/mailer" in list(synth.strings(assuming["Resource"]))


def test_the_functions_carry_their_fixed_names() -> None:
    """Callers and customers' trust policies name them."""
    functions = {one["Properties"]["FunctionName"] for one in synth.resources("AWS::Lambda::Function").values()}
    roles = {one["Properties"].get("RoleName") for one in synth.resources("AWS::IAM::Role").values()}
    assert functions == {names.Names().orchestrator, names.Names().worker}
    assert {names.Names().orchestrator, names.Names().worker} <= roles


def test_both_functions_run_the_same_package() -> None:
    """One asset: what the orchestrator sends is what the worker reads."""
    codes = [json.dumps(one["Properties"]["Code"]) for one in synth.resources("AWS::Lambda::Function").values()]
    assert len(set(codes)) == 1


def test_the_functions_environment_is_what_they_read() -> None:
    """The settings models of both take it, and the slice fits the worker's timeout."""
    context = {"worker": {"timeout_seconds": 120, "environment": {"GROUP_ROLE_PATTERN": "(?P<role>.+)"}}}

    def variables(function: str) -> dict[str, str]:
        found = synth.one("AWS::Lambda::Function", function, **context)["Environment"]["Variables"]
        return {name: value if isinstance(value, str) else "a-bucket" for name, value in found.items()}

    orchestrator = OrchestratorSettings.from_env({"AWS_REGION": "x", **variables("FunctionsOrchestrator")})
    worker = WorkerSettings.from_env({"AWS_REGION": "x", **variables("FunctionsWorker")})
    assert orchestrator.slice_budget + limits.WORKER_MARGIN_SECONDS <= 120
    assert worker.group_role_pattern.pattern == "(?P<role>.+)"


def test_an_event_that_failed_is_not_run_again_but_kept() -> None:
    """No retries by Lambda, an hour at most, then the queue of dead letters."""
    configs = synth.resources("AWS::Lambda::EventInvokeConfig")
    assert len(configs) == 2
    for config in configs.values():
        properties = config["Properties"]
        assert (properties["MaximumRetryAttempts"], properties["MaximumEventAgeInSeconds"]) == (0, 3600)
        (target,) = synth.strings(properties["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][:1])
        assert target.startswith("FunctionsDeadLetters")


def test_logs_are_json_and_end() -> None:
    """Groups of our own, with a retention; INFO, as the metrics are log lines."""
    groups = [one["Properties"] for one in synth.resources("AWS::Logs::LogGroup", log_days=30).values()]
    assert {one["LogGroupName"] for one in groups} == {
        f"/aws/lambda/{names.Names().orchestrator}",
        f"/aws/lambda/{names.Names().worker}",
    }
    assert {one["RetentionInDays"] for one in groups} == {30}
    for function in synth.resources("AWS::Lambda::Function").values():
        logging = function["Properties"]["LoggingConfig"]
        assert (logging["LogFormat"], logging["ApplicationLogLevel"]) == ("JSON", "INFO")


def test_tracing_and_concurrency_are_settings() -> None:
    """Off and unreserved unless the context says so."""
    assert "TracingConfig" not in synth.one("AWS::Lambda::Function", "FunctionsWorker")
    assert "ReservedConcurrentExecutions" not in synth.one("AWS::Lambda::Function", "FunctionsWorker")
    worker = synth.one("AWS::Lambda::Function", "FunctionsWorker", **FULL)
    assert worker["TracingConfig"] == {"Mode": "Active"}
    assert worker["ReservedConcurrentExecutions"] == 50


def schedules(**context: Any) -> dict[str, dict[str, Any]]:
    """By name."""
    found = [one["Properties"] for one in synth.resources("AWS::Scheduler::Schedule", **context).values()]
    return {one["Name"]: one for one in found}


def test_each_schedules_input_is_a_run_that_the_orchestrator_takes() -> None:
    """With what Scheduler fills in; one firing is one run, however often it is delivered."""
    made = schedules(**FULL)
    del made[names.Names().reaper_schedule]
    assert list(made) == [one["name"] for one in FULL["schedules"]]
    for properties in made.values():
        text = properties["Target"]["Input"]
        text = text.replace("<aws.scheduler.schedule-arn>", "arn:aws:scheduler:eu-west-1:1:schedule/ses-fleet/x")
        fired = [text.replace("<aws.scheduler.scheduled-time>", f"2026-01-0{day}T03:00:00Z") for day in (1, 2)]
        starts = [request.parse(json.loads(one)) for one in (fired[0], fired[0], fired[1])]
        assert starts[0].request.on_deadline == "continue"
        assert starts[0].run_id == starts[1].run_id != starts[2].run_id
        assert len(text.encode()) <= limits.SCHEDULE_INPUT_BYTES


@pytest.mark.parametrize("context", [{}, FULL])
def test_the_reaper_looks_every_five_minutes_whatever_else_is_scheduled(context: dict[str, Any]) -> None:
    """Always on, by an event that starts no run; a pass that failed is not tried again, but kept."""
    reaper = schedules(**context)["ses-fleet-reaper"]
    assert (reaper["GroupName"], reaper["State"]) == (names.Names().stack, "ENABLED")
    assert reaper["ScheduleExpression"] == "rate(5 minutes)"
    assert "StartDate" not in reaper, "the first look comes at once"
    assert reaper["FlexibleTimeWindow"] == {"Mode": "OFF"}
    target = reaper["Target"]
    assert events.is_reap(json.loads(target["Input"]))
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0
    letters, orchestrator = target["DeadLetterConfig"]["Arn"], target["Arn"]
    assert letters["Fn::GetAtt"][0].startswith("FunctionsDeadLetters")
    assert orchestrator["Fn::GetAtt"][0].startswith("FunctionsOrchestrator")


def test_only_our_schedules_may_start_runs_by_their_role() -> None:
    """The role trusts Scheduler for our group alone, and may invoke the orchestrator alone."""
    role = synth.one("AWS::IAM::Role", "SchedulesRole", **FULL)
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    group = next(name for name in synth.resources("AWS::Scheduler::ScheduleGroup", **FULL))
    assert trust["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [group, "Arn"]}}}
    invoking = synth.statements("SchedulesRole", **FULL)[0]
    assert (invoking["Action"], invoking["Resource"]["Fn::GetAtt"][0][:21]) == (
        "lambda:InvokeFunction",
        "FunctionsOrchestrator",
    )


ALARMS = {
    "run-refused": "RunRefused",
    "customers-failed": "CustomersFailed",
    "customers-not-started": "CustomersNotStarted",
    "orchestrator-errors": "Errors",
    "worker-errors": "Errors",
    "worker-throttles": "Throttles",
    "dead-letters": "ApproximateNumberOfMessagesVisible",
    "runs-lost": "RunsLost",
    "reaper-failed": "ReaperFailures",
}


def alarms(**context: Any) -> dict[str, dict[str, Any]]:
    """By name, without the product's."""
    found = [one["Properties"] for one in synth.resources("AWS::CloudWatch::Alarm", **context).values()]
    return {one["AlarmName"].removeprefix("ses-fleet-"): one for one in found}


def test_every_alarm_goes_off_at_the_first() -> None:
    """And is quiet while nothing happens; dry runs, which have a service of their own, alarm nobody."""
    found = alarms()
    del found["reaper-silent"]
    assert {name: one["MetricName"] for name, one in found.items()} == ALARMS
    for name, one in found.items():
        assert (one["Threshold"], one["EvaluationPeriods"]) == (1, 1)
        assert one["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert one["TreatMissingData"] == ("ignore" if name == "dead-letters" else "notBreaching")
        assert one["AlarmDescription"]
        if one["Namespace"] == "SesFleet":
            assert one["Dimensions"] == [{"Name": "service", "Value": "ses-fleet"}]


def test_a_reaper_that_is_silent_for_a_quarter_of_an_hour_alarms() -> None:
    """No data is what silence looks like. One late pass, or two in one period, alarms nobody."""
    one = alarms()["reaper-silent"]
    assert (one["Namespace"], one["MetricName"], one["Statistic"]) == ("SesFleet", "ReaperPasses", "Sum")
    assert one["Dimensions"] == [{"Name": "service", "Value": "ses-fleet"}]
    assert (one["Period"], one["EvaluationPeriods"]) == (300, 3)
    assert one["Threshold"] == 1
    assert (one["ComparisonOperator"], one["TreatMissingData"]) == ("LessThanThreshold", "breaching")
    assert "DatapointsToAlarm" not in one, "each of the periods"


def test_each_alarm_of_lost_runs_says_what_to_do() -> None:
    """Where to look, in what its mail says; which is no longer than CloudWatch takes."""
    told = {name: one["AlarmDescription"] for name, one in alarms().items()}
    assert "ended by the reaper within about six minutes" in told["orchestrator-errors"]
    assert "schedule ses-fleet-reaper" in told["reaper-silent"]
    assert "kind = reaper" in told["reaper-failed"]
    assert "`ses-fleet runs list`" in told["runs-lost"]
    assert all(len(text) <= 1_024 for text in told.values())


def test_a_reservation_means_to_be_throttled() -> None:
    """No alarm says so then."""
    assert "worker-throttles" in alarms()
    assert "worker-throttles" not in alarms(worker={"reserved_concurrency": 5})


def emitted(capsys: pytest.CaptureFixture[str]) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    """Every metric that the orchestrator emits, with each of its sets of dimensions."""
    for dry_run in (False, True):
        report.emit_start("r", "describe-list-all", dry_run=dry_run)
        report.emit_start("r", "import-aws-contact-all", dry_run=dry_run)
        report.emit_refusal(None, dry_run=dry_run)
        for action in ("describe-list-all", "describe-topics-all", "import-aws-contact-all"):
            ended = summary.refused("r", action, dry_run, "2026-01-01T00:00:00Z", ())
            report.emit_run(ended.model_copy(update={"differs": True}))
    report.emit_reaper(failed=0, lost=0)
    found = set()
    for line in capsys.readouterr().out.splitlines():
        record = json.loads(line)
        for directive in record["_aws"]["CloudWatchMetrics"]:
            for metric, names_ in itertools.product(directive["Metrics"], directive["Dimensions"]):
                found.add((metric["Name"], frozenset((name, record[name]) for name in names_)))
    return found


def test_every_alarm_and_graph_looks_at_a_metric_that_is_emitted(capsys: pytest.CaptureFixture[str]) -> None:
    """With just its dimensions: one that nobody emits is silent for ever."""
    known = emitted(capsys)
    for name, one in alarms(**FULL).items():
        if one["Namespace"] == "SesFleet":
            asked = (one["MetricName"], frozenset((d["Name"], d["Value"]) for d in one["Dimensions"]))
            assert asked in known, name
    body = "".join(synth.strings(synth.one("AWS::CloudWatch::Dashboard", "Monitoring")["DashboardBody"]))
    graphed = set(re.findall(r'\["SesFleet","(\w+)","service","([\w-]+)"', body))
    assert len(graphed) == 16
    assert {(name, frozenset({("service", service)})) for name, service in graphed} <= known


def test_a_schedule_may_alarm_when_something_differs(capsys: pytest.CaptureFixture[str]) -> None:
    """Until a run says that nothing does: runs are hours apart. One that is off alarms nobody."""
    daily = {"expression": "rate(1 day)", "alarm_on_difference": True}
    wanted = [
        {"name": "drift", "payload": {"action": "describe-topics-all"}, **daily},
        {"name": "import", "payload": {"action": "import-aws-contact-all", "dry_run": True}, **daily},
        {"name": "off", "payload": {"action": "describe-topics-all"}, "enabled": False, **daily},
    ]
    found = {name: one for name, one in alarms(schedules=wanted).items() if name.endswith("-differs")}
    assert list(found) == ["schedule-drift-differs", "schedule-import-differs"]
    known = emitted(capsys)
    for one in found.values():
        assert (one["MetricName"], one["Statistic"], one["TreatMissingData"]) == (
            "CustomersDiffering",
            "Maximum",
            "ignore",
        )
        assert (one["Threshold"], one["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
        assert (one["MetricName"], frozenset((d["Name"], d["Value"]) for d in one["Dimensions"])) in known


def test_a_schedule_that_did_not_run_alarms_while_an_alarm_can_look_back() -> None:
    """Daily and weekly ones; not a monthly one, which says so, nor one that is off."""
    found = {name: one for name, one in alarms(**FULL).items() if name.startswith("schedule-")}
    assert {name: one["EvaluationPeriods"] for name, one in found.items()} == {
        "schedule-nightly-did-not-run": 25,
        "schedule-look-did-not-run": 168,
    }
    for one in found.values():
        assert (one["MetricName"], one["Period"], one["TreatMissingData"]) == ("RunsStarted", 3600, "breaching")
        assert one["Period"] * one["EvaluationPeriods"] <= limits.ALARM_WINDOW_SECONDS
    services = {name: {d["Name"]: d["Value"] for d in one["Dimensions"]} for name, one in found.items()}
    assert services["schedule-look-did-not-run"] == {"service": "ses-fleet-dry-run", "action": "describe-list-all"}
    assert services["schedule-nightly-did-not-run"] == {"service": "ses-fleet", "action": "import-aws-contact-all"}


def test_alarms_tell_whom_the_context_names() -> None:
    """People by a topic of ours, or a topic that is there, or nobody."""
    assert not any("AlarmActions" in one for one in alarms().values())
    existing = "arn:aws:sns:eu-west-1:123456789012:ops"
    assert all(one["AlarmActions"] == [existing] for one in alarms(alarm_topic_arn=existing).values())
    assert all(one["AlarmActions"] for one in alarms(**FULL).values())
    subscriptions = [
        one["Properties"]["Endpoint"] for one in synth.resources("AWS::SNS::Subscription", **FULL).values()
    ]
    assert subscriptions == ["ops@acme.example"]
    (policy,) = synth.resources("AWS::SNS::TopicPolicy", **FULL).values()
    allowed = [one for one in policy["Properties"]["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    assert [one["Principal"] for one in allowed] == [{"Service": "cloudwatch.amazonaws.com"}], "alarms may publish"


ORCHESTRATOR, WORKER = (
    f"arn:aws:iam::{synth.ACCOUNT}:role/{name}" for name in (names.Names().orchestrator, names.Names().worker)
)
ADMIN, ROOT = (f"arn:aws:iam::{synth.ACCOUNT}:{name}" for name in ("role/admin", "root"))
OPEN, LEASE = "open/r/0-x.json", "leases/111122223333-us-east-1.json"
PEOPLE = "data/requests/0123456789abcdef0123456789abcdef.jsonl"
TOMBSTONE = f"erased/111122223333-us-east-1/k1/{'0' * 64}.json"
RECEIPT = "receipts/r.json"
KEYS = (
    *("runs/r/plan.json", OPEN, PEOPLE, "data/r/acme/x", "backups/acme/r/x", "backups/identity/acme.json"),
    *(LEASE, TOMBSTONE, RECEIPT, "elsewhere"),
)


def refuses(action: str, key: str, principal: str | None, **context: Any) -> bool:
    """Whether the results bucket refuses it, whatever the caller's own policies say."""
    (made,) = [name for name in synth.resources("AWS::S3::Bucket", **context) if name.startswith("StorageResults")]
    (found,) = [
        synth.resolved(one["Properties"]["PolicyDocument"])
        for one in synth.resources("AWS::S3::BucketPolicy", **context).values()
        if one["Properties"]["Bucket"] == {"Ref": made}
    ]
    known = {"aws:SecureTransport": "true", **({} if principal is None else {"aws:PrincipalArn": principal})}
    asked = Query(action, f"arn:aws:s3:::{made}/{key}", known, ("somebody",))
    return evaluate([found], asked, resource_based=True).explicit_deny


def may(action: str, principal: str | None, **context: Any) -> tuple[str, ...]:
    """The keys for which the bucket leaves the matter to the caller's own policies."""
    return tuple(key for key in KEYS if not refuses(action, key, principal, **context))


WRITES = ("s3:PutObject", "s3:ReplicateObject")
DELETES = ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ReplicateDelete")
BACKUPS = ("backups/acme/r/x", "backups/identity/acme.json")


@pytest.mark.parametrize("action", WRITES)
def test_only_the_functions_write_the_results_each_below_its_prefixes(action: str) -> None:
    """Whoever could write runs/ could have everybody pruned, and backups/ say who a list's people are.

    Open runs are what the reaper ends, leases what keeps two writers from one list, and tombstones what keeps erased
    people out, receipts what was proven: none is anybody else's.
    Administrators, the account's root, services and nobody in particular are refused alike. A people file says whom its
    own run is for, and no more: who uploads one is a matter of people's own policies.
    """
    assert may(action, ORCHESTRATOR) == ("runs/r/plan.json", OPEN, PEOPLE, "data/r/acme/x", RECEIPT, "elsewhere")
    assert may(action, WORKER) == (PEOPLE, "data/r/acme/x", *BACKUPS, LEASE, TOMBSTONE, "elsewhere")
    for other in (ADMIN, ROOT, f"{WORKER}-2", WORKER.replace(synth.ACCOUNT, "999999999999"), None):
        assert may(action, other) == (PEOPLE,), other


@pytest.mark.parametrize("action", DELETES)
def test_nobody_deletes_results(action: str) -> None:
    """What is there ends by the bucket's own rules; only open runs end by the orchestrator's hand."""
    for who in (WORKER, ADMIN, ROOT, f"{ORCHESTRATOR}-2", None):
        assert may(action, who) == (), who
    assert may(action, ORCHESTRATOR) == (OPEN,)


def test_named_administrators_copy_backups_over_and_erase() -> None:
    """Those of `data_admins` write backups/ and delete below data/ and backups/, and nothing of runs/ even so."""
    named = {"data_admins": [ADMIN, f"arn:aws:iam::{synth.ACCOUNT}:role/sso/Keeper_*"]}
    for who in (ADMIN, f"arn:aws:iam::{synth.ACCOUNT}:role/sso/Keeper_1a2b"):
        assert may("s3:PutObject", who, **named) == (PEOPLE, *BACKUPS)
        assert may("s3:DeleteObjectVersion", who, **named) == (PEOPLE, "data/r/acme/x", *BACKUPS)
    assert (may("s3:PutObject", ROOT, **named), may("s3:DeleteObject", ROOT, **named)) == ((PEOPLE,), ())


def test_what_is_to_be_lost_can_be_emptied() -> None:
    """`delete_data_on_destroy` lets whoever may otherwise delete everything; who writes stays said."""
    for who in (ADMIN, ROOT):
        for action in DELETES:
            assert may(action, who, delete_data_on_destroy=True) == KEYS
        assert may("s3:PutObject", who, delete_data_on_destroy=True) == (PEOPLE,)


def test_reading_the_results_is_not_kept_from_anybody_by_the_bucket() -> None:
    """That is for people's own policies."""
    assert may("s3:GetObject", ADMIN) == may("s3:GetObject", WORKER) == KEYS


def test_who_starts_runs_may_not_read_contacts() -> None:
    """And the other way round: each gets objects below its own prefixes."""

    def gets(name: str) -> tuple[set[str], set[str]]:
        policy = synth.one("AWS::IAM::ManagedPolicy", f"PeoplePolicies{name}")["PolicyDocument"]
        actions = {action for one in policy["Statement"] for action in synth.strings(one["Action"])}
        objects = [one["Resource"] for one in policy["Statement"] if one["Action"] == "s3:GetObject"]
        return actions, {text for text in synth.strings(objects) if text.endswith("/*")}

    starting = {"iam:ListAccountAliases", "lambda:GetFunctionConfiguration", "lambda:InvokeFunction"}
    assert gets("Invoker") == ({*starting, "s3:GetObject", "s3:ListBucket"}, {"/runs/*", "/open/*", "/receipts/*"})
    assert gets("DataReader") == ({"s3:GetObject", "s3:ListBucket"}, {"/data/*", "/backups/*"})
    assert gets("Configurer")[0].isdisjoint({"lambda:InvokeFunction"})
    assert gets("Requester") == ({"s3:PutObject"}, set()), "who uploads people files gets nothing"


@pytest.mark.matrix
def test_the_architecture_and_the_runtime_are_settings() -> None:
    """Python 3.13 on arm64 unless the context says otherwise."""

    def of(**context: Any) -> tuple[str, list[str]]:
        function = synth.one("AWS::Lambda::Function", "FunctionsWorker", **context)
        return function["Runtime"], function["Architectures"]

    assert of() == ("python3.13", ["arm64"])
    assert of(python_version="3.11", architecture="x86_64") == ("python3.11", ["x86_64"])


def test_the_topic_of_the_context_is_told_and_no_other() -> None:
    """The orchestrator knows it and may publish to it; without one it may publish nowhere."""
    made = synth.one("AWS::Lambda::Function", "FunctionsOrchestrator", **FULL)["Environment"]["Variables"]
    assert (made["NOTIFY_TOPIC_ARN"], made["NOTIFY_ON"]) == (FULL["notify"]["topic_arn"], "failed,differs")
    published = [one for one in synth.statements("FunctionsOrchestratorRole", **FULL) if one["Action"] == "sns:Publish"]
    assert [one["Resource"] for one in published] == [FULL["notify"]["topic_arn"]]
    plain = synth.one("AWS::Lambda::Function", "FunctionsOrchestrator")["Environment"]["Variables"]
    assert not {"NOTIFY_TOPIC_ARN", "NOTIFY_ON"} & plain.keys()
    assert "sns:Publish" not in json.dumps(synth.statements("FunctionsOrchestratorRole"))


# Where CloudFormation takes a physical name, which two stacks of one account cannot share.
NAMING = ("FunctionName", "RoleName", "ManagedPolicyName", "LogGroupName", "AlarmName", "DashboardName", "GroupName")


def physical_names(**context: Any) -> dict[str, list[str]]:
    """Every physical name in the template, by the type of its resource; a schedule's is inside its group."""
    found: dict[str, list[str]] = {}
    for one in synth.template(**context)["Resources"].values():
        given = one.get("Properties", {})
        kinds = (*NAMING, "Name") if one["Type"] == "AWS::Scheduler::ScheduleGroup" else NAMING
        found.setdefault(one["Type"], []).extend(given[key] for key in kinds if isinstance(given.get(key), str))
    return {kind: names_ for kind, names_ in found.items() if names_}


def test_two_deployments_of_an_account_share_no_name() -> None:
    """Every fixed name begins with the deployment's: as many as by default, and none of the default's."""
    default, other = physical_names(**FULL), physical_names(**FULL, name="fleet-two")
    assert {kind: len(given) for kind, given in other.items()} == {kind: len(given) for kind, given in default.items()}
    for kind, given in other.items():
        begins = ("/aws/lambda/fleet-two-",) if kind == "AWS::Logs::LogGroup" else ("fleet-two",)
        assert all(name.startswith(begins) for name in given), (kind, given)
    assert {
        "AWS::Lambda::Function",
        "AWS::IAM::Role",
        "AWS::IAM::ManagedPolicy",
        "AWS::CloudWatch::Alarm",
    } <= other.keys()


def test_a_deployments_metrics_and_policies_are_its_own() -> None:
    """Its alarms look at its own service, and nothing in it names what belongs to another one."""
    made = json.dumps(synth.template(**FULL, name="fleet-two"))
    for theirs in ("ses-fleet-worker", "ses-fleet-orchestrator", "ses-fleet-reaper", "schedule-group/ses-fleet"):
        assert theirs not in made
    for one in alarms(**FULL, name="fleet-two").values():
        if one["Namespace"] == "SesFleet":
            (service,) = [d["Value"] for d in one["Dimensions"] if d["Name"] == "service"]
            assert service in ("fleet-two", "fleet-two-dry-run")
    for function in ("FunctionsOrchestrator", "FunctionsWorker"):
        variables = synth.one("AWS::Lambda::Function", function, **FULL, name="fleet-two")["Environment"]["Variables"]
        assert variables["POWERTOOLS_SERVICE_NAME"] == "fleet-two"
