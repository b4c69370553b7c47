"""What CloudFormation tells of stacks that have something of everything, and of one that failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.strict_aws.conformance import hooks
from tests.strict_aws.conformance.wire import shape_problems
from tests.strict_aws.conformance.world import World

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${AWS::StackName}-queue"}}}
TEMPLATE: dict[str, Any] = {
    "Description": "Something of everything",
    "Parameters": {
        "Level": {"Type": "String", "Default": "Read", "Description": "How much", "AllowedValues": ["Read", "Write"]},
        "Secret": {"Type": "String", "NoEcho": True},
    },
    "Resources": {"Queue": QUEUE, "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
    "Outputs": {
        "Arn": {
            "Description": "Of the queue",
            "Value": {"Fn::GetAtt": ["Queue", "Arn"]},
            "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-arn"}},
        },
        "Level": {"Value": {"Ref": "Level"}},
    },
}
CHANGED = {**TEMPLATE, "Resources": {"Handle": TEMPLATE["Resources"]["Handle"], "Other": QUEUE}, "Outputs": {}}
FAILING = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "no such name!"}}}}
GIVEN = [
    {"ParameterKey": "Level", "ParameterValue": "Write"},
    {"ParameterKey": "Secret", "ParameterValue": "x"},
]
READING = (
    *("DescribeStackEvents", "DescribeStackResources", "DescribeStacks", "GetTemplate", "GetTemplateSummary"),
    *("ListChangeSets", "ListStackResources"),
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """With a stack that was made, changed in part, and has a change set."""
    hooks.check_every_answer(monkeypatch)
    made = World()
    yield made
    made.close()


def all_told(world: World, name: str) -> list[str]:
    """Everything that is wrong with any answer about a stack."""
    found: list[str] = []
    asked: list[tuple[str, dict[str, Any]]] = [
        *((operation, {"StackName": name}) for operation in READING),
        *(("DescribeStackResource", {"StackName": name, "LogicalResourceId": one}) for one in ("Queue", "Handle")),
        ("DescribeStacks", {}),
        ("ListStacks", {}),
        ("ListExports", {}),
    ]
    for operation, parameters in asked:
        answered = world.wire.ask("cloudformation", operation, parameters)
        assert answered is not None
        assert answered.status in (200, 400), (operation, answered)
        if answered.status == 200:
            found += [
                f"{operation}: {problem}" for problem in shape_problems("cloudformation", operation, answered.body)
            ]
    return found


def test_a_stack_with_everything_is_told_in_shape(world: World) -> None:
    """Parameters, outputs, exports, tags; before and after a change; its template; its change set."""
    stack = {"StackName": "whole", "Parameters": GIVEN, "Tags": [{"Key": "team", "Value": "a<b>&c"}]}
    world.ask("cloudformation", "CreateStack", **stack, TemplateBody=json.dumps(TEMPLATE))
    assert all_told(world, "whole") == []
    change = {**stack, "ChangeSetName": "next", "TemplateBody": json.dumps(CHANGED)}
    world.ask("cloudformation", "CreateChangeSet", **change)
    world.ask("cloudformation", "DescribeChangeSet", StackName="whole", ChangeSetName="next")
    world.ask("cloudformation", "ValidateTemplate", TemplateBody=json.dumps(TEMPLATE))
    world.ask("cloudformation", "ExecuteChangeSet", StackName="whole", ChangeSetName="next")
    assert all_told(world, "whole") == []
    world.ask("cloudformation", "DeleteStack", StackName="whole")
    assert all_told(world, "whole") == []


def test_a_stack_that_failed_is_told_in_shape(world: World) -> None:
    """Its answers have the model's shape, and its events the reasons."""
    world.ask("cloudformation", "CreateStack", StackName="failed", TemplateBody=json.dumps(FAILING))
    answered = world.wire.ask("cloudformation", "DescribeStacks", {"StackName": "failed"})
    assert answered is not None
    assert b"<StackStatus>ROLLBACK_COMPLETE</StackStatus>" in answered.body
    assert all_told(world, "failed") == []
