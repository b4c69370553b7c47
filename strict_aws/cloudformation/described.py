"""Stacks, their resources and their events in the shapes of CloudFormation's answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from strict_aws.cloudformation.stack import Request, Stack
from strict_aws.cloudformation.template import Template


def stack(one: Stack) -> dict[str, Any]:
    """Return a stack in the shape of DescribeStacks."""
    request = one.current
    return {
        **stack_summary(one),
        "Description": request.template.description if request else None,
        "Parameters": parameters(request.texts, one.values) if request else [],
        "Outputs": [dict(output) for output in one.outputs],
        "Tags": tags(request.tags) if request else [],
        "Capabilities": list(request.capabilities) if request else [],
        "RoleARN": request.role_arn if request else None,
        "NotificationARNs": [],
        "DisableRollback": False,
        "EnableTerminationProtection": one.protected,
    }


def stack_summary(one: Stack) -> dict[str, Any]:
    """Return a stack in the shape of ListStacks."""
    return {
        "StackId": one.id,
        "StackName": one.name,
        "CreationTime": one.created_at,
        "LastUpdatedTime": one.updated_at,
        "DeletionTime": one.deleted_at,
        "StackStatus": one.status,
        "StackStatusReason": one.reason,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def events(one: Stack) -> list[dict[str, Any]]:
    """Return a stack's events in the shape of DescribeStackEvents, the newest first."""
    return [
        {
            "StackId": one.id,
            "StackName": one.name,
            "EventId": event.id,
            "LogicalResourceId": event.logical_id,
            "PhysicalResourceId": event.physical_id,
            "ResourceType": event.kind,
            "ResourceStatus": event.status,
            "ResourceStatusReason": event.reason,
            "Timestamp": event.at,
        }
        for event in reversed(one.events)
    ]


def resources(one: Stack) -> list[dict[str, Any]]:
    """Return the resources that a stack has now in the shape of DescribeStackResources."""
    last = {event.logical_id: event for event in one.events}
    return [
        {
            "StackId": one.id,
            "StackName": one.name,
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": resource.made.physical_id,
            "ResourceType": resource.kind,
            "ResourceStatus": last[logical_id].status,
            "ResourceStatusReason": last[logical_id].reason,
            "Timestamp": last[logical_id].at,
        }
        for logical_id, resource in one.resources.items()
    ]


def resource_detail(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return one of `resources` in the shape of DescribeStackResource."""
    detail = {name: value for name, value in shown.items() if name != "Timestamp"}
    return {**detail, "LastUpdatedTimestamp": shown["Timestamp"]}


def resource_summary(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return one of `resources` in the shape of ListStackResources."""
    detail = resource_detail(shown)
    return {name: value for name, value in detail.items() if name not in ("StackId", "StackName")}


def parameters(texts: Mapping[str, str], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return parameters as they were given, with the values that Systems Manager holds for them."""
    resolved = {name: value for name, value in values.items() if isinstance(value, str) and value != texts.get(name)}
    return [
        {"ParameterKey": name, "ParameterValue": text, "ResolvedValue": resolved.get(name)}
        for name, text in texts.items()
    ]


def tags(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Return tags, given as (key, value) pairs, in CloudFormation's shape."""
    return [{"Key": key, "Value": value} for key, value in pairs]


def validated(one: Template) -> dict[str, Any]:
    """Return a template in the shape of ValidateTemplate."""
    shown = template(one)
    declared = [
        {name: value for name, value in parameter.items() if name != "ParameterType"}
        for parameter in shown["Parameters"]
    ]
    return {**{name: value for name, value in shown.items() if name != "ResourceTypes"}, "Parameters": declared}


def template(one: Template) -> dict[str, Any]:
    """Return a template in the shape of GetTemplateSummary."""
    return {
        "Description": one.description,
        "Capabilities": one.capabilities(),
        "ResourceTypes": sorted({str(resource["Type"]) for resource in one.resources.values()}),
        "Parameters": [
            {
                "ParameterKey": name,
                "ParameterType": declared.get("Type"),
                "DefaultValue": declared.get("Default"),
                "NoEcho": False,
                "Description": declared.get("Description"),
            }
            for name, declared in one.parameters.items()
        ],
    }


def changes(one: Stack, wanted: Request) -> list[dict[str, Any]]:
    """Return the changes that a change set announces.

    They are derived from the two templates alone: another parameter value may cause more changes, or fewer.
    """
    old = one.current.template.resources if one.current is not None else {}
    new = wanted.template.resources
    other_texts = one.current is not None and one.current.texts != wanted.texts
    added = [("Add", name, new[name]) for name in new if name not in old]
    changed = [("Modify", name, new[name]) for name in new if name in old and (other_texts or old[name] != new[name])]
    removed = [("Remove", name, old[name]) for name in old if name not in new]
    return [
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": action,
                "LogicalResourceId": name,
                "PhysicalResourceId": one.resources[name].made.physical_id if name in one.resources else None,
                "ResourceType": definition["Type"],
                "Replacement": "Conditional" if action == "Modify" else None,
                "Scope": [],
                "Details": [],
            },
        }
        for action, name, definition in [*added, *changed, *removed]
    ]
