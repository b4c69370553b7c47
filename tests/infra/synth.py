"""The stack synthesised in process, without packing the functions."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import aws_cdk as cdk
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from infra import context as contexts
from infra.stack import SesFleetStack

ACCOUNT, REGION = "123456789012", "eu-west-1"
Resource = dict[str, Any]

FULL: dict[str, Any] = {
    "alarm_emails": ["ops@acme.example"],
    "tracing": True,
    "erasure_secret": "ses-fleet/erasure",
    "notify": {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:told", "on": ["failed", "differs"]},
    "worker": {"reserved_concurrency": 50},
    "schedules": [
        {
            "name": "nightly",
            "expression": "cron(0 3 * * ? *)",
            "time_zone": "Europe/Berlin",
            "payload": {"action": "import-aws-contact-all"},
        },
        {"name": "look", "expression": "rate(7 days)", "payload": {"action": "describe-list-all", "dry_run": True}},
        {"name": "monthly", "expression": "cron(0 3 1 * ? *)", "payload": {"action": "list-contacts-all"}},
        {"name": "off", "expression": "rate(1 day)", "payload": {"action": "describe-topics-all"}, "enabled": False},
    ],
}


@functools.cache
def _template(context: str) -> str:
    app = cdk.App(context={"aws:cdk:bundling-stacks": [], "aws:cdk:version-reporting": False})
    stack = SesFleetStack(app, contexts.read(context), env=cdk.Environment(account=ACCOUNT, region=REGION))
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return json.dumps(Template.from_stack(stack).to_json())


def template(**context: Any) -> dict[str, Any]:
    """The template for a context."""
    return dict(json.loads(_template(json.dumps(context))))


def resources(kind: str, **context: Any) -> dict[str, Resource]:
    """The template's resources of one type, by logical id."""
    return {name: one for name, one in template(**context)["Resources"].items() if one["Type"] == kind}


def one(kind: str, logical_id: str, **context: Any) -> Resource:
    """The properties of the one resource of a type whose logical id begins so."""
    (found,) = [found for name, found in resources(kind, **context).items() if name.startswith(logical_id)]
    return dict(found["Properties"])


def statements(logical_id: str, **context: Any) -> list[dict[str, Any]]:
    """What a role's own policy allows."""
    return list(one("AWS::IAM::Policy", logical_id, **context)["PolicyDocument"]["Statement"])


def blanked(document: dict[str, Any]) -> str:
    """A template's text without what changes with every line of code, and without this machine's paths."""
    for resource in document["Resources"].values():
        resource.pop("Metadata", None)
    # The CDK's own check of its bootstrap, in every stack.
    document.pop("Rules", None)
    document.pop("Parameters", None)
    return re.sub(r"\b[0-9a-f]{64}\b", "HASH", json.dumps(document, indent=1, sort_keys=True)) + "\n"


def resolved(value: Any) -> Any:
    """A part of a template as CloudFormation would have it in this account and Region, for what the stack uses.

    A resource is called by its logical id, in its ARN, too.
    """
    if isinstance(value, list):
        return [resolved(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["Ref"]:
        # A topic's Ref is its ARN.
        return _arn(value["Ref"]) if "Topic" in value["Ref"] else _PSEUDO.get(value["Ref"], value["Ref"])
    if list(value) == ["Fn::Join"]:
        separator, parts = value["Fn::Join"]
        return separator.join(resolved(parts))
    if list(value) == ["Fn::Sub"]:
        return re.sub(r"\$\{([^}]+)\}", lambda found: _PSEUDO.get(found[1], "1"), value["Fn::Sub"])
    if list(value) == ["Fn::GetAtt"]:
        return _arn(value["Fn::GetAtt"][0])
    return {name: resolved(entry) for name, entry in value.items()}


_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
    "RolePath": "/",
}
# What a resource's ARN looks like, by the beginning of its logical id; a log group's ends with its streams.
_ARNS = {
    "Storage": "arn:aws:s3:::{}",
    "FunctionsDeadLetters": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
    "FunctionsOrchestratorLogs": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "FunctionsWorkerLogs": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "FunctionsOrchestrator": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "FunctionsWorker": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "MonitoringTopic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}",
    "SchedulesGroup": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{{}}",
}


def _arn(logical_id: str) -> str:
    return next(form.format(logical_id) for prefix, form in _ARNS.items() if logical_id.startswith(prefix))


def strings(value: Any) -> Iterator[str]:
    """Every text in a document, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from strings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from strings(entry)
