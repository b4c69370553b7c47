"""Findings of cdk-nag's AwsSolutions pack that we accept, each with its reason. Any other one fails the synthesis."""

from __future__ import annotations

from collections.abc import Iterator

import aws_cdk as cdk
from constructs import Construct, IConstruct

from infra.settings import Settings
from ses_fleet.runs.keys import PEOPLE_FILES, PERSONAL_PARAMS

_LOGS = (
    "Server access logs are best effort and would need a bucket of their own; to record who read addresses, "
    "turn on CloudTrail data events (docs/operating.md)."
)
_DEAD_LETTERS = "This is the queue of dead letters; an alarm watches it, and nothing consumes it."
_RUNTIME = "The runtime is the operator's setting; python3.13 is supported until 2029."
_PREFIX = "Keys are named by run and customer; the prefix is the boundary between records, addresses and backups."
_TRACES = "X-Ray's PutTraceSegments and PutTelemetryRecords know no resource."
_ALIAS = "The account's alias, which questions show, is no resource: IAM's ListAccountAliases knows none."
_ROLES = "Customers' accounts are in config.json, not known here; the name's pattern is the operator's setting."


def acknowledge(stack: cdk.Stack, settings: Settings) -> None:
    """Acknowledge every finding that we accept, with the reason why."""
    for path, rule, reason in _findings(stack, settings):
        construct = _at(stack, path)
        if construct is not None:
            cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))


def _findings(stack: cdk.Stack, settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield (path of the construct, finding, reason) of each."""
    results = stack.get_logical_id(_element(stack, "Storage/Results/Resource"))
    for bucket in ("Config", "Results"):
        yield f"Storage/{bucket}", "AwsSolutions-S1", _LOGS
    yield "Functions/DeadLetters", "AwsSolutions-SQS3", _DEAD_LETTERS
    for name in ("Orchestrator", "Worker"):
        yield f"Functions/{name}", "AwsSolutions-L1", _RUNTIME
        if settings.tracing:
            yield f"Functions/{name}Role", "AwsSolutions-IAM5[Resource::*]", _TRACES
    for path, prefixes in (
        (
            "Functions/OrchestratorRole",
            ("runs", "open", "receipts", PERSONAL_PARAMS.removesuffix("/*"), PEOPLE_FILES.removesuffix("/*")),
        ),
        ("Functions/WorkerRole", ("data", "backups", "leases", "erased", PEOPLE_FILES.removesuffix("/*"))),
        ("PeoplePolicies/Invoker", ("runs", "open", "receipts")),
        ("PeoplePolicies/DataReader", ("data", "backups")),
        ("PeoplePolicies/Requester", (PEOPLE_FILES.removesuffix("/*"),)),
    ):
        for prefix in prefixes:
            yield path, f"AwsSolutions-IAM5[Resource::<{results}.Arn>/{prefix}/*]", _PREFIX
    for name in ("Invoker", "Configurer"):
        yield f"PeoplePolicies/{name}", "AwsSolutions-IAM5[Resource::*]", _ALIAS
    for pattern in settings.role_patterns:
        yield (
            "Functions/WorkerRole",
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::*:role/{pattern}]",
            _ROLES,
        )


def _at(stack: cdk.Stack, path: str) -> IConstruct | None:
    """The construct of a path; None for a bucket that is not the stack's own."""
    found: IConstruct | None = stack
    for name in path.split("/"):
        found = found.node.try_find_child(name) if found is not None else None
    return None if found is None or _is_imported(found) else found


def _is_imported(construct: IConstruct) -> bool:
    return isinstance(construct, Construct) and not construct.node.children


def _element(stack: cdk.Stack, path: str) -> cdk.CfnElement:
    found = _at(stack, path.rpartition("/")[0])
    child = found.node.default_child if found is not None else None
    assert isinstance(child, cdk.CfnElement)  # noqa: S101  # the stack has just made it
    return child
