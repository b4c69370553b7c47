"""Resource types whose properties are the parameters of one API call.

A second operation changes such a resource, and a third one removes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strict_aws.cloudformation import api as apis
from strict_aws.cloudformation.api import Api
from strict_aws.cloudformation.resources.base import Made, Place, Properties, ResourceType, forgiving, lower_first


@dataclass(frozen=True)
class Operations:
    """The operations of a service for one resource type.

    `create` and `update` may be the same. `name` is the property that names the resource; `keys` are further properties
    that identify it. `arn` is a pattern with places for region, account and name. `deletes_by` is the parameter of
    `delete` that takes a list of names, where it does. With `lower` the API's names begin with a small letter. `limit`
    is how many characters a made-up name has at most.
    """

    service: str
    create: str
    update: str
    delete: str
    name: str
    arn: str
    keys: tuple[str, ...] = ()
    deletes_by: str | None = None
    lower: bool = False
    limit: int = 64


class SimpleType(ResourceType):
    """One such resource type. The id of a resource is its name."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        known = apis.known(operations.service, operations.create)
        self.properties = (  # type: ignore[misc]  # as the class's, of every instance
            frozenset(name[:1].upper() + name[1:] for name in known) if operations.lower else known
        )
        self.replacing = frozenset({operations.name, *operations.keys})  # type: ignore[misc]

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Make the resource by its name, or by one that is made up."""
        does = self._operations
        name = str(properties.get(does.name) or place.name(does.limit))
        api.call(does.service, does.create, self._parameters({**properties, does.name: name}))
        group = properties.get("GroupName", "default")
        arn = does.arn.format(region=api.region, account=api.account, name=name, group=group)
        return Made(name, {"Arn": arn})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Put all properties of the resource anew."""
        does = self._operations
        api.call(does.service, does.update, self._parameters({**new, does.name: made.physical_id}))
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Delete the resource by its name."""
        does = self._operations
        if does.deletes_by is not None:
            parameters: Mapping[str, Any] = {does.deletes_by: [made.physical_id]}
        else:
            keys = {key: properties[key] for key in does.keys if key in properties}
            parameters = self._parameters({**keys, does.name: made.physical_id})
        forgiving(api, does.service, does.delete, parameters)

    def _parameters(self, properties: Properties) -> Properties:
        return dict(lower_first(properties)) if self._operations.lower else properties


class LogGroup(ResourceType):
    """The type AWS::Logs::LogGroup, with its retention."""

    properties = frozenset({"LogGroupName", "RetentionInDays"})
    replacing = frozenset({"LogGroupName"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Make the log group; refuse one that exists, as AWS does."""
        name = str(properties.get("LogGroupName") or place.name(512))
        api.call("logs", "CreateLogGroup", {"logGroupName": name})
        return Made(name, {"Arn": f"arn:aws:logs:{api.region}:{api.account}:log-group:{name}:*"})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Return the log group as it is, because everything that can change is set by `settle`."""
        return made

    def settle(self, api: Api, made: Made, old: Properties, new: Properties) -> None:
        """Set for how many days the group keeps its events, or remove the limit."""
        group = {"logGroupName": made.physical_id}
        if "RetentionInDays" in new:
            api.call("logs", "PutRetentionPolicy", {**group, "retentionInDays": new["RetentionInDays"]})
        elif "RetentionInDays" in old:
            api.call("logs", "DeleteRetentionPolicy", group)

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Delete the log group with its streams."""
        forgiving(api, "logs", "DeleteLogGroup", {"logGroupName": made.physical_id})


class StoredParameter(ResourceType):
    """The type AWS::SSM::Parameter, a parameter of Systems Manager."""

    properties = frozenset({"Name", "Type", "Value", "Description", "Tier", "AllowedPattern"})
    replacing = frozenset({"Name"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Make the parameter; refuse one that exists."""
        name = str(properties.get("Name") or place.name(128))
        api.call("ssm", "PutParameter", {**properties, "Name": name})
        return Made(name, {"Type": properties["Type"], "Value": properties["Value"]})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Overwrite the value of the parameter."""
        api.call("ssm", "PutParameter", {**new, "Name": made.physical_id, "Overwrite": True})
        return Made(made.physical_id, {"Type": new["Type"], "Value": new["Value"]})

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Delete the parameter from Systems Manager."""
        forgiving(api, "ssm", "DeleteParameter", {"Name": made.physical_id})


SCHEDULE = SimpleType(
    Operations(
        *("scheduler", "CreateSchedule", "UpdateSchedule", "DeleteSchedule", "Name"),
        arn="arn:aws:scheduler:{region}:{account}:schedule/{group}/{name}",
        keys=("GroupName",),
    )
)
SCHEDULE_GROUP = SimpleType(
    Operations(
        *("scheduler", "CreateScheduleGroup", "CreateScheduleGroup", "DeleteScheduleGroup", "Name"),
        arn="arn:aws:scheduler:{region}:{account}:schedule-group/{name}",
    )
)
ALARM = SimpleType(
    Operations(
        *("cloudwatch", "PutMetricAlarm", "PutMetricAlarm", "DeleteAlarms", "AlarmName"),
        arn="arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
        deletes_by="AlarmNames",
        limit=255,
    )
)
DASHBOARD = SimpleType(
    Operations(
        *("cloudwatch", "PutDashboard", "PutDashboard", "DeleteDashboards", "DashboardName"),
        arn="arn:aws:cloudwatch::{account}:dashboard/{name}",
        deletes_by="DashboardNames",
        limit=255,
    )
)
METRIC_FILTER = SimpleType(
    Operations(
        *("logs", "PutMetricFilter", "PutMetricFilter", "DeleteMetricFilter", "FilterName"),
        arn="",
        keys=("LogGroupName",),
        lower=True,
        limit=512,
    )
)
REPOSITORY = SimpleType(
    Operations(
        *("ecr", "CreateRepository", "PutImageTagMutability", "DeleteRepository", "RepositoryName"),
        arn="arn:aws:ecr:{region}:{account}:repository/{name}",
        lower=True,
        limit=256,
    )
)
