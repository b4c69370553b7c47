"""cdk.json's context: every problem of it in one message, before anything is synthesised."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra import context as contexts
from infra.settings import Settings
from tests.infra.synth import FULL

DESCRIBE = {"action": "describe-list-all"}


def problems(context: Any) -> list[str]:
    """The lines of the one message."""
    with pytest.raises(contexts.ContextError) as error:
        contexts.read(context)
    return str(error.value).splitlines()


def schedule(**changes: Any) -> dict[str, Any]:
    """A context with one schedule that is right but for the changes."""
    return {"schedules": [{"name": "s", "expression": "rate(1 day)", "payload": DESCRIBE, **changes}]}


def test_every_default_is_taken_from_nothing() -> None:
    """An empty object is enough; the same as text, as the command line passes it."""
    assert contexts.read({}) == contexts.read("{}") == Settings()
    assert contexts.read({}).role_patterns == ["*contact-manager", "*contact-importer"]


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (None, 'context "ses-fleet": $: missing in cdk.json'),
        ("{", 'context "ses-fleet": $: "{" is not JSON'),
        ([], 'context "ses-fleet": $: must be a JSON object, not a list'),
        ({"schedule": []}, 'context "ses-fleet": $.schedule: unknown setting; did you mean "schedules"?'),
        (
            {"worker": {"memory": 512}},
            'context "ses-fleet": $.worker.memory: unknown setting; did you mean "memory_mb"?',
        ),
        (
            {"worker": {"memory_mb": 64}},
            'context "ses-fleet": $.worker.memory_mb: must be at least 128, not 64',
        ),
        (
            {"orchestrator": {"memory_mb": 20_000}},
            'context "ses-fleet": $.orchestrator.memory_mb: must be at most 10240, not 20000',
        ),
        (
            {"worker": {"timeout_seconds": 59}},
            'context "ses-fleet": $.worker.timeout_seconds: must be at least 60, not 59',
        ),
        (
            {"worker": {"timeout_seconds": 400}},
            'context "ses-fleet": $.worker.timeout_seconds: must be at most 290, not 400',
        ),
        (
            {"orchestrator": {"timeout_seconds": 901}},
            'context "ses-fleet": $.orchestrator.timeout_seconds: must be at most 900, not 901',
        ),
        (
            {"worker": {"reserved_concurrency": 0}},
            'context "ses-fleet": $.worker.reserved_concurrency: must be at least 1, not 0',
        ),
        ({"log_days": 31}, 'context "ses-fleet": $.log_days: must be one of 1, 3, 5, 7, 14, 30,'),
        (
            {"python_version": "3.9"},
            'context "ses-fleet": $.python_version: must be "3.11", "3.12", "3.13" or "3.14", not "3.9"',
        ),
        ({"architecture": "arm"}, 'context "ses-fleet": $.architecture: must be "arm64" or "x86_64", not "arm"'),
        (
            {"config_bucket": "s3://acme"},
            'context "ses-fleet": $.config_bucket: "s3://acme" is not the name of a bucket',
        ),
        ({"config_bucket": "a..b"}, 'context "ses-fleet": $.config_bucket: "a..b" is not the name of a bucket'),
        (
            {"config_bucket": "192.168.0.1"},
            'context "ses-fleet": $.config_bucket: "192.168.0.1" is not the name of a bucket',
        ),
        ({"config_key": "*"}, 'context "ses-fleet": $.config_key: must match ^[A-Za-z0-9!_.()/-]{1,512}$, not "*"'),
        ({"runs_days": 10**12}, 'context "ses-fleet": $.runs_days: must be at most 36500, not 1000000000000'),
        ({"alarm_topic_arn": "ops"}, 'context "ses-fleet": $.alarm_topic_arn: "ops" is not the ARN of an SNS topic'),
        (
            {"alarm_topic_arn": "arn:aws:sns:us-east-1:123456789012:ops", "alarm_emails": ["a@b.example"]},
            'context "ses-fleet": $.alarm_topic_arn: alarm_emails are for a topic of the stack\'s own',
        ),
        (
            {"alarm_emails": ["a@b.example"] * 2},
            'context "ses-fleet": $.alarm_emails[0]: "a@b.example" is there more than once',
        ),
        ({"alarm_emails": ["ops"]}, 'context "ses-fleet": $.alarm_emails[0]: "ops" is not an e-mail address'),
        ({"role_patterns": []}, 'context "ses-fleet": $.role_patterns: must not be empty'),
        ({"role_patterns": ["arn:aws:iam::1:role/x"]}, "is not a pattern of role names such as"),
        ({"role_patterns": ["/x"]}, "is not a pattern of role names"),
        ({"role_patterns": ["x" * 600]}, "is not a pattern of role names"),
        ({"role_patterns": ["*"]}, '$.role_patterns[0]: "*" would let the worker assume nearly every role'),
        ({"role_patterns": ["*a*b*"]}, '$.role_patterns[0]: "*a*b*" would let the worker assume nearly every role'),
        ({"data_admins": ["admin"]}, '$.data_admins[0]: "admin" is not the ARN of a role, a user or the root'),
        (
            {"data_admins": ["arn:aws:sts::123456789012:assumed-role/admin/me"]},
            'assumed-role/admin/me" is a session: name its role, arn:aws:iam::123456789012:role/…',
        ),
        ({"data_admins": ["arn:aws:iam::*:role/admin"]}, "is not the ARN of a role, a user or the root"),
        ({"data_admins": ["*"]}, "is not the ARN of a role, a user or the root"),
        (
            {"data_admins": ["arn:aws:iam::123456789012:role/*"]},
            '"arn:aws:iam::123456789012:role/*" would mean nearly everybody',
        ),
        (
            {"data_admins": ["arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/*"]},
            "would mean nearly everybody: give at least four characters in a row after the last /",
        ),
        (
            {"erasure_secret": "a secret"},
            '$.erasure_secret: "a secret" is not the name of a secret such as ses-fleet/erasure, nor an ARN',
        ),
        ({"erasure_secret": ""}, '$.erasure_secret: "" is not the name of a secret'),
        (
            {"erasure_secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ses-fleet/erasure"},
            "nor an ARN with its last six characters",
        ),
        (
            {"worker": {"environment": {"ERASURE_SECRET": "x"}}},
            "$.worker.environment.ERASURE_SECRET: is set by the stack",
        ),
        ({"old_versions_days": 0}, "$.old_versions_days: must be at least 1, not 0"),
        (
            {"orchestrator": {"timeout_seconds": 90}},
            "$.orchestrator.timeout_seconds: 90 seconds leave no time to start a customer: the margins alone are 90 s",
        ),
        (
            {"orchestrator": {"environment": {"START_MARGIN_SECONDS": "inf"}}},
            "$.orchestrator.timeout_seconds: 900 seconds leave no time to start a customer",
        ),
        (
            {"worker": {"environment": {"DEFAULT_CONTACT_LIST_DESCRIPTION": "x" * 4000}}},
            "$.worker.environment: has 4032 bytes, more than the 3000 that Lambda leaves",
        ),
        (
            {"worker": {"environment": {"RESULTS_BUCKET": "x"}}},
            "$.worker.environment.RESULTS_BUCKET: is set by the stack",
        ),
        (
            {"worker": {"environment": {"SES_BURSTS": "5"}}},
            'SES_BURSTS: is not read by the worker; did you mean "SES_BURST"?',
        ),
        ({"worker": {"environment": {"GROUP_ROLE_PATTERN": "x"}}}, "$.worker.environment.GROUP_ROLE_PATTERN: "),
        (
            {"worker": {"timeout_seconds": 100}, "orchestrator": {"environment": {"SLICE_BUDGET_SECONDS": "99"}}},
            "SLICE_BUDGET_SECONDS: a slice of 99 s does not fit into the worker's timeout_seconds of 100",
        ),
        (
            schedule(name="a b"),
            'context "ses-fleet": $.schedules[0].name: must match ^[0-9A-Za-z_.-]{1,64}$, not',
        ),
        (
            schedule(name="ses-fleet-reaper"),
            '$.schedules[0].name: "ses-fleet-reaper" is the stack\'s own, which ends lost runs: take another',
        ),
        (
            {"notify": {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:told.fifo"}},
            '$.notify.topic_arn: "arn:aws:sns:eu-west-1:123456789012:told.fifo" is not the ARN of an SNS topic',
        ),
        (
            {"notify": {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:told", "on": ["fail"]}},
            "$.notify.on[0]: must be",
        ),
        ({"notify": {}}, "$.notify.topic_arn: missing"),
        ({"name": "Fleet_Two"}, "$.name: must match"),
        ({"name": "f" * 29}, "$.name: must match"),
        (
            {"name": "two", **schedule(name="two-reaper")},
            '$.schedules[0].name: "two-reaper" is the stack\'s own, which ends lost runs',
        ),
        ({"orchestrator": {"environment": {"NOTIFY_ON": "failed"}}}, "NOTIFY_ON: is set by the stack"),
        (
            schedule(alarm_on_difference=True),
            "$.schedules[0].alarm_on_difference: a run of this payload does not find out whether something differs",
        ),
        (schedule(expression="0 6 * * *"), '"0 6 * * *" is none of cron(...), rate(...) and at(...)'),
        (schedule(expression="cron(0 6 * * * *)"), "Invalid combination of day-of-month"),
        (schedule(expression="cron(0 25 * * ? *)"), "Invalid hour value '25'"),
        (schedule(expression="rate(1 week)"), '"rate(1 week)" must be like "rate(1 hour)"'),
        (schedule(time_zone="Mars"), '$.schedules[0].time_zone: "Mars" is no IANA time zone'),
        (schedule(time_zone="localtime"), '$.schedules[0].time_zone: "localtime" is no IANA time zone'),
        (schedule(payload={"detail": DESCRIBE}), "$.schedules[0].payload.action: missing"),
        (
            schedule(payload={"action": "manage-topic-all", "prune": True}),
            "$.schedules[0].payload.confirm_customers: missing: a run that removes everywhere is refused unless",
        ),
        (
            schedule(payload={**DESCRIBE, "include": [f"c{n:044d}" for n in range(7_000)]}),
            "more than the 262144 of a schedule's input",
        ),
        (schedule(payload={"action": "describe-lists-all"}), "$.schedules[0].payload.action: unknown action"),
        (
            schedule(payload={**DESCRIBE, "customer_code": "x"}),
            "$.schedules[0].payload.customer_code: describe-list-all",
        ),
        (schedule(payload={**DESCRIBE, "params": {"x": 1}}), "$.schedules[0].payload.params.x: unknown parameter"),
        (schedule(payload={**DESCRIBE, "run_id": "mine"}), "$.schedules[0].payload.run_id: is filled in for each run"),
        (
            schedule(payload={"action": "help"}),
            "$.schedules[0].payload.action: help starts no run, so it cannot be scheduled",
        ),
        ({"schedules": schedule()["schedules"] * 2}, '$.schedules[1].name: "s" is another schedule\'s name'),
    ],
)
def test_what_is_wrong_is_said(context: Any, expected: str) -> None:
    """With its place and what would be right."""
    lines = problems(context)
    assert len([line for line in lines if expected in line]) == 1, lines


def test_one_message_names_every_problem() -> None:
    """Of shape and of meaning, in every part."""
    lines = problems(
        {
            "log_days": 2,
            "role_patterns": ["*"],
            "worker": {"timeout_seconds": 1000, "environment": {"X": "1"}},
            "schedules": [
                {"name": "a", "expression": "daily", "time_zone": "Mars", "payload": {"action": "nothing"}},
                {"name": "b", "expression": "rate(1 day)", "payload": {"action": "manage-topic"}},
            ],
        }
    )
    paths = [line.split(": ")[1] for line in lines]
    assert paths == [
        "$.worker.timeout_seconds",
        "$.log_days",
        "$.role_patterns[0]",
        "$.worker.environment.X",
        "$.schedules[0].expression",
        "$.schedules[0].time_zone",
        "$.schedules[0].payload.action",
        "$.schedules[1].payload.customer_code",
    ]


def test_the_administrators_of_data_are_roles_users_or_the_root() -> None:
    """In whatever partition, with a path, and with a star for what single sign-on makes up."""
    arns = [
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::123456789012:user/ana",
        "arn:aws-us-gov:iam::123456789012:role/team/admin",
        "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Keeper_*",
    ]
    assert contexts.read({"data_admins": arns}).data_admins == arns


def test_a_null_in_a_payload_is_a_field_not_given() -> None:
    """It takes nothing away from what every schedule has."""
    made = contexts.read(schedule(payload={**DESCRIBE, "on_deadline": None, "max_failures": None}))
    assert made.schedules[0].event == {"on_deadline": "continue", **DESCRIBE}


@pytest.mark.parametrize("key", list(FULL))
def test_the_context_of_the_tests_is_right(key: str) -> None:
    """Each part by itself."""
    contexts.read(json.dumps({key: FULL[key]}))
