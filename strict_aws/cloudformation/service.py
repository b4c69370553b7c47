"""CloudFormation's operations on stacks and change sets.

What a stack has is made by the services' own APIs, as the account's administrator.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from strict_aws.backend import moto_state
from strict_aws.cloudformation import described, query
from strict_aws.cloudformation import template as templates
from strict_aws.cloudformation.api import Api, Send
from strict_aws.cloudformation.deployment import Deployment
from strict_aws.cloudformation.stack import Request as Wanted
from strict_aws.cloudformation.stack import Stack
from strict_aws.cloudformation.template import Template, invalid
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import Operation
from strict_aws.iam.identity import Caller

_NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


@dataclass
class ChangeSet:
    """A change set: what a stack would become, and the changes that lead there."""

    id: str
    name: str
    stack: Stack
    wanted: Wanted
    creates: bool
    reason: str | None
    changes: list[dict[str, Any]]
    execution: str = "AVAILABLE"
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class CloudFormation:
    """Answers CloudFormation's operations, one at a time.

    When a call that changes a stack returns, the stack is changed.
    """

    def __init__(self, send: Send, url: Callable[[], str]) -> None:
        self._send, self._url = send, url
        self._lock = threading.RLock()
        self._stacks: list[Stack] = []
        self._change_sets: list[ChangeSet] = []
        self._apis: dict[tuple[str, str], Api] = {}
        self._operations: dict[str, Callable[[Caller, dict[str, Any]], dict[str, Any]]] = {
            "CreateChangeSet": self._create_change_set,
            "CreateStack": self._create_stack,
            "DeleteChangeSet": self._delete_change_set,
            "DeleteStack": self._delete_stack,
            "DescribeChangeSet": self._describe_change_set,
            "DescribeStackEvents": self._describe_events,
            "DescribeStackResource": self._describe_resource,
            "DescribeStackResources": self._describe_resources,
            "DescribeStacks": self._describe_stacks,
            "ExecuteChangeSet": self._execute_change_set,
            "GetTemplate": self._get_template,
            "GetTemplateSummary": self._summarise_template,
            "ListChangeSets": self._list_change_sets,
            "ListExports": self._list_exports,
            "ListStackResources": self._list_resources,
            "ListStacks": self._list_stacks,
            "UpdateStack": self._update_stack,
            "UpdateTerminationProtection": self._protect,
            "ValidateTemplate": self._validate_template,
        }

    def handle(self, operation: Operation, caller: Caller, request: Request) -> Response:
        """Return the answer to one request.

        Raise AwsError as CloudFormation would, and 501 for an operation that is not emulated.
        """
        perform = self._operations.get(operation.name)
        if perform is None:
            raise AwsError("NotImplemented", f"strict_aws has no {operation.name} of CloudFormation", 501)
        with self._lock:
            return query.answer(operation.name, perform(caller, query.parameters_of(request)))

    def _create_stack(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        stack = self._find(caller, given["StackName"])
        if stack is not None:
            raise AwsError("AlreadyExistsException", f"Stack [{stack.name}] already exists")
        wanted = self._wanted(given, None)
        stack = self._new(caller, given["StackName"])
        stack.protected = given.get("EnableTerminationProtection") == "true"
        self._deployment(stack).create(wanted)
        return {"StackId": stack.id}

    def _update_stack(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        stack = self._existing(caller, given["StackName"])
        _check_updatable(stack)
        wanted = self._wanted(given, stack.current)
        if wanted.same_as(stack.current):
            raise invalid("No updates are to be performed.")
        self._update(stack, wanted)
        return {"StackId": stack.id}

    def _delete_stack(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        stack = self._find(caller, given["StackName"])
        if stack is None or stack.status == "DELETE_COMPLETE":
            return {}
        if stack.protected:
            raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        self._deployment(stack).delete()
        stack.deleted_at = datetime.now(UTC)
        self._change_sets = [one for one in self._change_sets if one.stack is not stack]
        return {}

    def _create_change_set(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        creates = given.get("ChangeSetType", "UPDATE") == "CREATE"
        stack = self._find(caller, given["StackName"])
        if creates and stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise invalid(f"Stack [{stack.name}] already exists and cannot be created again with the changeSet")
        if not creates and stack is None:
            raise invalid(f"Stack [{given['StackName']}] does not exist")
        name = given["ChangeSetName"]
        if any(one.stack is stack and one.name == name for one in self._change_sets):
            raise AwsError(
                "AlreadyExistsException", f"ChangeSet {name} cannot be created due to a mismatch with existing"
            )
        before = stack.current if stack is not None else None
        wanted = self._wanted(given, before)
        if stack is None:
            stack = self._new(caller, given["StackName"])
            stack.becomes("REVIEW_IN_PROGRESS", "User Initiated")
        elif not creates:
            _check_updatable(stack)
        arn = f"arn:aws:cloudformation:{caller.region}:{caller.account}:changeSet/{name}/{uuid.uuid4()}"
        reason = _NO_CHANGES if wanted.same_as(before) else None
        changes = [] if reason else described.changes(stack, wanted)
        made = ChangeSet(arn, name, stack, wanted, creates, reason, changes)
        made.execution = "UNAVAILABLE" if reason else "AVAILABLE"
        self._change_sets.append(made)
        return {"Id": made.id, "StackId": stack.id}

    def _execute_change_set(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        change_set = self._change_set(caller, given)
        if change_set.execution != "AVAILABLE":
            message = f"ChangeSet [{change_set.id}] cannot be executed in its current execution status"
            raise AwsError("InvalidChangeSetStatus", f"{message} of [{change_set.execution}]")
        stack = change_set.stack
        self._change_sets = [one for one in self._change_sets if one.stack is not stack]
        if change_set.creates:
            self._deployment(stack).create(change_set.wanted)
        else:
            self._update(stack, change_set.wanted)
        return {}

    def _describe_change_set(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        one = self._change_set(caller, given)
        return {
            "ChangeSetName": one.name,
            "ChangeSetId": one.id,
            "StackId": one.stack.id,
            "StackName": one.stack.name,
            "CreationTime": one.created_at,
            "ExecutionStatus": one.execution,
            "Status": "FAILED" if one.reason else "CREATE_COMPLETE",
            "StatusReason": one.reason,
            "Capabilities": list(one.wanted.capabilities),
            "Parameters": described.parameters(one.wanted.texts, {}),
            "Tags": described.tags(one.wanted.tags),
            "Changes": one.changes,
        }

    def _delete_change_set(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        try:
            gone = self._change_set(caller, given)
        except AwsError as error:
            if error.code == "ChangeSetNotFound":
                return {}  # deleting one that is not there succeeds
            raise
        self._change_sets.remove(gone)
        return {}

    def _list_change_sets(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        stack = self._existing(caller, given["StackName"])
        found = [one for one in self._change_sets if one.stack is stack]
        return {"Summaries": [{"ChangeSetId": one.id, "ChangeSetName": one.name, "StackId": stack.id} for one in found]}

    def _describe_stacks(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        if "StackName" in given:
            return {"Stacks": [described.stack(self._existing(caller, given["StackName"], deleted=True))]}
        return {"Stacks": [described.stack(one) for one in self._of(caller) if one.deleted_at is None]}

    def _list_stacks(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        statuses = given.get("StackStatusFilter", [])
        found = [one for one in self._of(caller) if not statuses or one.status in statuses]
        return {"StackSummaries": [described.stack_summary(one) for one in found]}

    def _describe_events(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        return {"StackEvents": described.events(self._existing(caller, given["StackName"], deleted=True))}

    def _describe_resources(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        found = described.resources(self._existing(caller, given["StackName"], deleted=True))
        wanted = given.get("LogicalResourceId")
        return {"StackResources": [one for one in found if wanted in (None, one["LogicalResourceId"])]}

    def _describe_resource(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        wanted = given["LogicalResourceId"]
        found = self._describe_resources(caller, given)["StackResources"]
        if not found:
            raise invalid(f"Resource {wanted} does not exist for stack {given['StackName']}")
        return {"StackResourceDetail": described.resource_detail(found[0])}

    def _list_resources(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        found = self._describe_resources(caller, given)["StackResources"]
        return {"StackResourceSummaries": [described.resource_summary(one) for one in found]}

    def _get_template(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        if "ChangeSetName" in given:
            return {"TemplateBody": self._change_set(caller, given).wanted.template.text}
        stack = self._existing(caller, given["StackName"], deleted=True)
        text = stack.current.template.text if stack.current is not None else ""
        return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}

    def _summarise_template(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        stack = self._existing(caller, given["StackName"]) if "StackName" in given else None
        return described.template(_template(given, stack.current if stack is not None else None))

    def _validate_template(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return described.validated(_template(given, None))

    def _protect(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        stack = self._existing(caller, given["StackName"])
        stack.protected = given["EnableTerminationProtection"] == "true"
        return {"StackId": stack.id}

    def _list_exports(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        exports = self._exports(caller.account, caller.region)
        return {"Exports": [{"Name": name, "Value": value} for name, value in exports.items()]}

    def _wanted(self, given: Mapping[str, Any], before: Wanted | None) -> Wanted:
        template = _template(given, before)
        capabilities = given.get("Capabilities", [])
        needed = template.capabilities()
        if needed and not {*needed, "CAPABILITY_NAMED_IAM"} & set(capabilities):
            raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(needed)}]")
        texts = templates.parameter_texts(template, given.get("Parameters", []), before.texts if before else {})
        tags = tuple((tag["Key"], tag["Value"]) for tag in given.get("Tags", []))
        adopts = given.get("ImportExistingResources") == "true"
        return Wanted(template, texts, tags, tuple(capabilities), given.get("RoleARN"), adopts)

    def _update(self, stack: Stack, wanted: Wanted) -> None:
        stack.updated_at = datetime.now(UTC)
        self._deployment(stack).update(wanted)

    def _deployment(self, stack: Stack) -> Deployment:
        place = (stack.account, stack.region)
        api = self._apis.setdefault(place, Api(self._send, self._url(), *place))
        return Deployment(stack, api, lambda: self._exports(*place))

    def _exports(self, account: str, region: str) -> dict[str, str]:
        stacks = [one for one in self._stacks if (one.account, one.region) == (account, region)]
        outputs = [output for one in stacks if one.deleted_at is None for output in one.outputs]
        return {output["ExportName"]: output["OutputValue"] for output in outputs if "ExportName" in output}

    def _new(self, caller: Caller, name: str) -> Stack:
        stack = Stack.new(caller.account, caller.region, name)
        self._stacks.append(stack)
        return stack

    def _of(self, caller: Caller) -> list[Stack]:
        return [one for one in self._stacks if (one.account, one.region) == (caller.account, caller.region)]

    def _find(self, caller: Caller, name_or_id: str, *, deleted: bool = False) -> Stack | None:
        """By its name while it is there; by its id also when it is gone."""
        for stack in reversed(self._of(caller)):
            is_there = stack.status != "DELETE_COMPLETE"
            if (stack.name == name_or_id and is_there) or (stack.id == name_or_id and (is_there or deleted)):
                return stack
        return None

    def _existing(self, caller: Caller, name_or_id: str, *, deleted: bool = False) -> Stack:
        stack = self._find(caller, name_or_id, deleted=deleted)
        if stack is None:
            raise invalid(f"Stack with id {name_or_id} does not exist")
        return stack

    def _change_set(self, caller: Caller, given: Mapping[str, Any]) -> ChangeSet:
        """By its id, or by its name in its stack."""
        name = given["ChangeSetName"]
        stack = self._existing(caller, given["StackName"]) if "StackName" in given else None
        for one in self._change_sets:
            if one.id == name or (one.name == name and one.stack is stack):
                return one
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)


def _template(given: Mapping[str, Any], before: Wanted | None) -> Template:
    if "TemplateBody" in given:
        return templates.parse(given["TemplateBody"])
    if "TemplateURL" in given:
        return templates.parse(_stored(given["TemplateURL"]))
    if before is None:
        raise invalid("Either Template URL or Template Body must be specified.")
    return before.template


def _stored(url: str) -> str:
    place = urlsplit(url)
    host, path = place.hostname or "", unquote(place.path.lstrip("/"))
    bucket, separator, _ = host.partition(".s3.")
    if not separator:
        bucket, _, path = path.partition("/")
    body = moto_state.read_object(bucket, path)
    if body is None:
        raise invalid(f"S3 error: there is no {path} in bucket {bucket}")
    return body.decode()


def _check_updatable(stack: Stack) -> None:
    if stack.current is None or stack.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
