"""Templates in JSON or YAML, the parameters that they take, and the capabilities that they need."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from strict_aws.http.messages import AwsError

# Reads the value of a parameter of Systems Manager.
ReadParameter = Callable[[str], str]
_SSM_TYPE = "AWS::SSM::Parameter::Value<"
# What gets a name from the template, by the property that holds it: CloudFormation wants to hear that this is meant.
_IAM_NAMES = {"AWS::IAM::Role": "RoleName", "AWS::IAM::Policy": "", "AWS::IAM::ManagedPolicy": "ManagedPolicyName"}


@dataclass(frozen=True)
class Template:
    """A template's text and its parsed sections."""

    text: str
    resources: Mapping[str, Mapping[str, Any]]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    description: str | None = None

    def capabilities(self) -> list[str]:
        """The capabilities that the caller must acknowledge, such as CAPABILITY_NAMED_IAM."""
        iam = [(one, _IAM_NAMES[one["Type"]]) for one in self.resources.values() if one["Type"] in _IAM_NAMES]
        named = any(name in one.get("Properties", {}) for one, name in iam)
        return ["CAPABILITY_NAMED_IAM"] if named else ["CAPABILITY_IAM"] if iam else []


def parse(text: str) -> Template:
    """Return the template of this text; raise AwsError (ValidationError) when it is not a template."""
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe one
    except (ValueError, yaml.YAMLError) as error:
        raise invalid(f"Template format error: {error}") from None
    resources = document.get("Resources") if isinstance(document, dict) else None
    if not isinstance(resources, dict) or not resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    for name, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise invalid(
                f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
            )
    return Template(
        text=text,
        resources=resources,
        parameters=document.get("Parameters") or {},
        conditions=document.get("Conditions") or {},
        mappings=document.get("Mappings") or {},
        outputs=document.get("Outputs") or {},
        description=document.get("Description"),
    )


def invalid(message: str) -> AwsError:
    """Return CloudFormation's ValidationError, its answer to nearly everything that is wrong with a request."""
    return AwsError("ValidationError", message)


def parameter_texts(
    template: Template, given: Iterable[Mapping[str, str]], before: Mapping[str, str]
) -> dict[str, str]:
    """Return the text of every parameter: as given, as before where UsePreviousValue says so, or its default."""
    texts: dict[str, str] = {}
    for entry in given:
        name = entry["ParameterKey"]
        if entry.get("UsePreviousValue") == "true":
            if name not in before:
                raise invalid(f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true here")
            texts[name] = before[name]
        else:
            texts[name] = entry.get("ParameterValue", "")
    unknown = sorted(texts.keys() - template.parameters.keys())
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    defaults = {name: str(one["Default"]) for name, one in template.parameters.items() if "Default" in one}
    texts = {**defaults, **texts}
    missing = [name for name in template.parameters if name not in texts]
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    for name, text in texts.items():
        _check(name, text, template.parameters[name])
    return {name: texts[name] for name in template.parameters}


def parameter_values(template: Template, texts: Mapping[str, str], read: ReadParameter) -> dict[str, str | list[str]]:
    """Return the value that a Ref to each parameter gives."""
    values: dict[str, str | list[str]] = {}
    for name, text in texts.items():
        kind = str(template.parameters[name]["Type"])
        value = read(text) if kind.startswith(_SSM_TYPE) else text
        is_list = "CommaDelimitedList" in kind or "List<" in kind
        values[name] = [part.strip() for part in value.split(",")] if is_list else value
    return values


def _check(name: str, text: str, declared: Mapping[str, Any]) -> None:
    allowed = [str(value) for value in declared.get("AllowedValues", [text])]
    if text not in allowed:
        raise invalid(f"Parameter '{name}' must be one of AllowedValues [{', '.join(allowed)}]")
    if re.fullmatch(str(declared.get("AllowedPattern", ".*")), text, re.DOTALL) is None:
        raise invalid(
            f"Parameter {name} failed to satisfy constraint: {declared.get('ConstraintDescription', 'AllowedPattern')}"
        )
    if not int(declared.get("MinLength", 0)) <= len(text) <= int(declared.get("MaxLength", len(text))):
        raise invalid(f"Parameter '{name}' must contain at least {declared.get('MinLength', 0)} characters, or fewer")


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """A YAML loader that knows CloudFormation's short forms. Dates stay text: a policy's Version looks like one."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
_Loader.yaml_implicit_resolvers = {
    first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
