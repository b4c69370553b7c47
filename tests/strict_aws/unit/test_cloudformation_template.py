"""Templates: how they are read, the parameters they take, and what their functions give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from strict_aws.cloudformation.intrinsics import Resolver
from strict_aws.cloudformation.template import Template, parameter_texts, parameter_values, parse
from strict_aws.http.messages import AwsError

QUEUE = {"Q": {"Type": "AWS::SQS::Queue"}}


class Made:
    """Resources that are there: their ids are their names in small letters."""

    def reference(self, logical_id: str) -> str:
        """What a Ref gives in these tests."""
        return logical_id.lower()

    def attribute(self, logical_id: str, name: str) -> Any:
        """What a Fn::GetAtt gives in these tests."""
        return f"{logical_id.lower()}/{name}"

    def exported(self, name: str) -> str:
        """What a Fn::ImportValue gives in these tests."""
        return f"exported {name}"


CONDITIONS = {
    "Yes": {"Fn::Equals": [{"Ref": "Level"}, "Manage"]},
    "No": {"Fn::Not": [{"Condition": "Yes"}]},
    "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
    "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
}
VALUES: dict[str, Any] = {"Level": "Manage", "AWS::Region": "eu-west-1", "Names": ["a", "b"]}
TEMPLATE = Template("", QUEUE, conditions=CONDITIONS, mappings={"M": {"eu-west-1": {"size": "7"}}})
NO_VALUE = {"Ref": "AWS::NoValue"}
PLAIN = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}


def resolved(node: Any) -> Any:
    """Its value in the template above."""
    return Resolver(TEMPLATE, VALUES, Made()).resolve(node)


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ("text", "text"),
        ({"Ref": "Level"}, "Manage"),
        ({"Ref": "Names"}, ["a", "b"]),
        ({"Ref": "Q"}, "q"),
        ({"Fn::GetAtt": ["Q", "Arn"]}, "q/Arn"),
        ({"Fn::GetAtt": "Q.Arn"}, "q/Arn"),
        ({"Fn::Sub": "${Q} in ${AWS::Region}: ${Q.Arn}, ${!Literal}"}, "q in eu-west-1: q/Arn, ${Literal}"),
        ({"Fn::Sub": ["${x}-${Level}", {"x": {"Ref": "Q"}}]}, "q-Manage"),
        ({"Fn::Join": ["-", ["x", {"Ref": "Q"}, {"Ref": "Level"}]]}, "x-q-Manage"),
        ({"Fn::Join": [",", {"Ref": "Names"}]}, "a,b"),
        ({"Fn::Select": ["1", {"Fn::Split": ["/", "a/b/c"]}]}, "b"),
        ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "size"]}, "7"),
        ({"Fn::ImportValue": {"Fn::Sub": "${Level}-x"}}, "exported Manage-x"),
        ({"Fn::Base64": "abc"}, "YWJj"),
        ({"Fn::ToJsonString": {"a": {"Ref": "Q"}}}, '{"a": "q"}'),
        ({"Fn::If": ["Yes", "then", {"Fn::GetAtt": ["Gone", "Arn"]}]}, "then"),
        ({"Fn::If": ["No", "then", "else"]}, "else"),
        ({"Fn::If": ["Both", 1, {"Fn::If": ["Either", 2, 3]}]}, 2),
        ([1, NO_VALUE, {"Fn::If": ["Yes", 2, NO_VALUE]}], [1, 2]),
        ({"a": NO_VALUE, "b": {"c": {"Fn::If": ["No", 1, NO_VALUE]}}}, {"b": {}}),
        (
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        ),
    ],
)
def test_what_functions_give(node: Any, value: Any) -> None:
    """As CloudFormation's reference has them."""
    assert resolved(node) == value


@pytest.mark.parametrize(
    "node", [{"Fn::Cidr": ["10.0.0.0/8", 1, 1]}, {"Fn::If": ["Unknown", 1, 2]}, {"Fn::FindInMap": ["M", "x", "size"]}]
)
def test_what_functions_refuse(node: Any) -> None:
    """A function, a condition or a mapping that there is not: never a value made up."""
    with pytest.raises(AwsError, match="Template"):
        resolved(node)


YAML = """
Parameters: {Level: {Type: String}}
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17}
      Name: !Sub '${Level}-x'
      Arn: !GetAtt Q.Arn
      Count: 3
      Choice: !If [Manages, !Ref Level, !Ref 'AWS::NoValue']
Outputs: {O: {Condition: Manages, Value: !Join ['', [a, !Ref R]]}}
"""


def test_yaml_has_short_forms_and_no_dates() -> None:
    """A policy's version stays a text."""
    properties = parse(YAML).resources["R"]["Properties"]
    assert properties["AssumeRolePolicyDocument"] == {"Version": "2012-10-17"}
    assert (properties["Name"], properties["Count"]) == ({"Fn::Sub": "${Level}-x"}, 3)
    assert properties["Arn"] == {"Fn::GetAtt": ["Q", "Arn"]}
    assert properties["Choice"]["Fn::If"][1:] == [{"Ref": "Level"}, {"Ref": "AWS::NoValue"}]
    assert parse(YAML).outputs["O"]["Value"] == {"Fn::Join": ["", ["a", {"Ref": "R"}]]}


@pytest.mark.parametrize(
    "text", ["", "{", "just text", "a: [", '{"Resources": {}}', '{"Resources": {"R": {"Kind": 1}}}']
)
def test_what_is_no_template_is_refused(text: str) -> None:
    """The refusals have CloudFormation's own words."""
    with pytest.raises(AwsError, match="Template format error") as error:
        parse(text)
    assert error.value.code == "ValidationError"


@pytest.mark.parametrize(
    ("kind", "properties", "needed"),
    [
        ("IAM::Role", {}, ["CAPABILITY_IAM"]),
        ("IAM::Role", {"RoleName": "r"}, ["CAPABILITY_NAMED_IAM"]),
        ("IAM::Policy", {"PolicyName": "p"}, ["CAPABILITY_IAM"]),
        ("IAM::ManagedPolicy", {"ManagedPolicyName": "p"}, ["CAPABILITY_NAMED_IAM"]),
        ("SQS::Queue", {"QueueName": "q"}, []),
    ],
)
def test_capabilities(kind: str, properties: dict[str, str], needed: list[str]) -> None:
    """What must be acknowledged: roles and policies, and more so their names."""
    assert Template("", {"R": {"Type": f"AWS::{kind}", "Properties": properties}}).capabilities() == needed


DECLARED: Mapping[str, Mapping[str, Any]] = {
    "Level": {"Type": "String", "Default": "ReadOnly", "AllowedValues": ["ReadOnly", "Manage"]},
    "Id": {"Type": "String", "AllowedPattern": "[a-z]+", "MinLength": 2, "MaxLength": "4"},
}


def texts(given: Mapping[str, str | None], before: Mapping[str, str] | None = None) -> dict[str, str]:
    """The parameters of a template; None = the previous value."""
    entries = [
        {"ParameterKey": name, **({"UsePreviousValue": "true"} if value is None else {"ParameterValue": value})}
        for name, value in given.items()
    ]
    return parameter_texts(Template("", QUEUE, parameters=DECLARED), entries, before or {})


def test_parameters_are_given_previous_or_default() -> None:
    """In this order; a previous value that is not asked for does not count."""
    assert texts({"Id": "abc"}) == {"Level": "ReadOnly", "Id": "abc"}
    assert texts({"Id": None}, before={"Id": "old", "Level": "Manage"}) == {"Level": "ReadOnly", "Id": "old"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Id": "abc", "Other": "x"},
        {"Id": "abc", "Level": "All"},
        {"Id": "ABC"},
        {"Id": "a"},
        {"Id": "abcde"},
        {"Id": None},
    ],
)
def test_parameters_that_do_not_fit_are_refused(given: dict[str, str | None]) -> None:
    """Missing, unknown, not allowed, too short, too long, no previous value."""
    with pytest.raises(AwsError) as error:
        texts(given)
    assert error.value.code == "ValidationError"


def test_lists_and_stored_parameters_become_values() -> None:
    """A list is split, a parameter of Systems Manager is read."""
    kinds = {"A": "CommaDelimitedList", "B": "AWS::SSM::Parameter::Value<String>", "C": "Number"}
    template = Template("", QUEUE, parameters={name: {"Type": kind} for name, kind in kinds.items()})
    values = parameter_values(template, {"A": "x, y", "B": "/version", "C": "3"}, {"/version": "33"}.__getitem__)
    assert values == {"A": ["x", "y"], "B": "33", "C": "3"}


def test_a_templates_json_may_have_anything() -> None:
    """Sections that are null count as absent."""
    assert parse(json.dumps({"Resources": QUEUE, "Parameters": None, "Outputs": None})).outputs == {}
