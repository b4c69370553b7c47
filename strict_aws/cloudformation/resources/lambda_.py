"""Resource types of Lambda: functions, permissions, and how asynchronous events are handled."""

from __future__ import annotations

import io
import time
import zipfile
from typing import Any

from strict_aws.cloudformation import api as apis
from strict_aws.cloudformation.api import Api
from strict_aws.cloudformation.resources.base import Made, Place, Properties, ResourceType, forgiving, tags

_POLL_SECONDS = 0.1

# What a function has where its template says nothing: an update that removes a property sets these.
_DEFAULTS: dict[str, Any] = {
    "DeadLetterConfig": {"TargetArn": ""},
    "Description": "",
    "Environment": {"Variables": {}},
    "LoggingConfig": {"LogFormat": "Text"},
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
}


class Function(ResourceType):
    """The type AWS::Lambda::Function, with code from a zip in S3 or from the template."""

    properties = apis.known("lambda", "CreateFunction") | {"ReservedConcurrentExecutions"}
    replacing = frozenset({"FunctionName", "PackageType"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Make the function, and return once it can be invoked."""
        name = str(properties.get("FunctionName") or place.name())
        code, labels = _code(properties), tags(properties)
        answer = api.call(
            "lambda", "CreateFunction", {**properties, "FunctionName": name, "Code": code, "Tags": labels}
        )
        _wait(api, name)
        return Made(name, {"Arn": answer["FunctionArn"]})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Change code and configuration, and return once they are in force."""
        name = {"FunctionName": made.physical_id}
        if old["Code"] != new["Code"]:
            api.call("lambda", "UpdateFunctionCode", {**name, **_code(new)})
            _wait(api, made.physical_id)
        taken_away = {key: value for key, value in _DEFAULTS.items() if key in old and key not in new}
        api.call("lambda", "UpdateFunctionConfiguration", {**taken_away, **new, **name})
        _wait(api, made.physical_id)
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Delete the function with everything that was set on it."""
        forgiving(api, "lambda", "DeleteFunction", {"FunctionName": made.physical_id})

    def settle(self, api: Api, made: Made, old: Properties, new: Properties) -> None:
        """Set or remove the function's reserved concurrency."""
        key, function = "ReservedConcurrentExecutions", {"FunctionName": made.physical_id}
        if key in new:
            api.call("lambda", "PutFunctionConcurrency", {**function, key: new[key]})
        elif key in old:
            api.call("lambda", "DeleteFunctionConcurrency", function)


class EventInvokeConfig(ResourceType):
    """The type AWS::Lambda::EventInvokeConfig: how often events are retried, and where failed ones go."""

    properties = apis.known("lambda", "PutFunctionEventInvokeConfig")
    replacing = frozenset({"FunctionName", "Qualifier"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Put the configuration on the function."""
        api.call("lambda", "PutFunctionEventInvokeConfig", properties)
        return Made(place.name())

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Put the whole configuration anew, so that what is left out has its default again.

        It is deleted first, because moto would go on showing the one before.
        """
        self.delete(api, made, old)
        api.call("lambda", "PutFunctionEventInvokeConfig", new)
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Delete the configuration, so that Lambda's defaults are in force again."""
        forgiving(api, "lambda", "DeleteFunctionEventInvokeConfig", properties)


class Permission(ResourceType):
    """The type AWS::Lambda::Permission, a statement of the function's policy."""

    properties = apis.known("lambda", "AddPermission")
    replacing = properties

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Add the statement to the function's policy."""
        statement = place.name(100)
        api.call("lambda", "AddPermission", {**properties, "StatementId": statement})
        return Made(statement)

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Return the resource unchanged, because a changed property always replaces it."""
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Remove the statement from the function's policy."""
        function = {"FunctionName": properties["FunctionName"], "StatementId": made.physical_id}
        forgiving(api, "lambda", "RemovePermission", function)


def _wait(api: Api, name: str) -> None:
    """Return once the function is neither Pending nor being updated, because until then it refuses further changes."""
    while True:
        now = api.call("lambda", "GetFunctionConfiguration", {"FunctionName": name})
        if now.get("State") != "Pending" and now.get("LastUpdateStatus") != "InProgress":
            return
        time.sleep(_POLL_SECONDS)


def _code(properties: Properties) -> dict[str, Any]:
    code = dict(properties["Code"])
    if "ZipFile" in code:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo("index.py"), code["ZipFile"])
        code["ZipFile"] = buffer.getvalue()
    return code
