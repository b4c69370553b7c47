"""Resource types of IAM: roles and policies."""

from __future__ import annotations

from typing import Any

from strict_aws.backend import moto_state
from strict_aws.cloudformation.api import Api
from strict_aws.cloudformation.resources.base import Made, Place, Properties, ResourceType, forgiving


class Role(ResourceType):
    """The type AWS::IAM::Role, with its inline and attached policies."""

    properties = frozenset(
        {
            *("RoleName", "Path", "AssumeRolePolicyDocument", "Description", "MaxSessionDuration"),
            *("PermissionsBoundary", "Tags", "Policies", "ManagedPolicyArns"),
        }
    )
    replacing = frozenset({"RoleName", "Path"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Make the role; its policies are put by `settle`."""
        name = str(properties.get("RoleName") or place.name())
        role = api.call("iam", "CreateRole", {**properties, "RoleName": name})["Role"]
        return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Change the trust policy, the role's settings and its tags."""
        name = made.physical_id
        trust = {"RoleName": name, "PolicyDocument": new["AssumeRolePolicyDocument"]}
        api.call("iam", "UpdateAssumeRolePolicy", trust)
        settings = {
            "Description": new.get("Description", ""),
            "MaxSessionDuration": new.get("MaxSessionDuration", 3600),
        }
        api.call("iam", "UpdateRole", {"RoleName": name, **settings})
        if new.get("PermissionsBoundary"):
            boundary = {"RoleName": name, "PermissionsBoundary": new["PermissionsBoundary"]}
            api.call("iam", "PutRolePermissionsBoundary", boundary)
        elif old.get("PermissionsBoundary"):
            api.call("iam", "DeleteRolePermissionsBoundary", {"RoleName": name})
        before, tags = (_tag_keys(one) for one in (old, new))
        if before - tags:
            api.call("iam", "UntagRole", {"RoleName": name, "TagKeys": sorted(before - tags)})
        if tags:
            api.call("iam", "TagRole", {"RoleName": name, "Tags": new["Tags"]})
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Delete the role with all of its policies, also those that others put later, as CloudFormation does."""
        named = {"RoleName": made.physical_id}
        if moto_state.find_role(made.attributes["Arn"]) is None:
            return
        for attached in api.call("iam", "ListAttachedRolePolicies", named)["AttachedPolicies"]:
            api.call("iam", "DetachRolePolicy", {**named, "PolicyArn": attached["PolicyArn"]})
        for policy in api.call("iam", "ListRolePolicies", named)["PolicyNames"]:
            api.call("iam", "DeleteRolePolicy", {**named, "PolicyName": policy})
        api.call("iam", "DeleteRole", named)

    def settle(self, api: Api, made: Made, old: Properties, new: Properties) -> None:
        """Put the role's inline policies and attach its managed ones; remove those that the template no longer has."""
        name = made.physical_id
        wanted = {policy["PolicyName"]: policy["PolicyDocument"] for policy in new.get("Policies", [])}
        for policy in old.get("Policies", []):
            if policy["PolicyName"] not in wanted:
                forgiving(api, "iam", "DeleteRolePolicy", {"RoleName": name, "PolicyName": policy["PolicyName"]})
        for policy_name, document in wanted.items():
            put = {"RoleName": name, "PolicyName": policy_name, "PolicyDocument": document}
            api.call("iam", "PutRolePolicy", put)
        _attach(api, name, set(old.get("ManagedPolicyArns", [])), set(new.get("ManagedPolicyArns", [])))


class InlinePolicy(ResourceType):
    """The type AWS::IAM::Policy, which is put into roles."""

    properties = frozenset({"PolicyName", "PolicyDocument", "Roles"})
    replacing = frozenset({"PolicyName"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Put the policy into every role that the template names."""
        for role in properties.get("Roles", []):
            api.call("iam", "PutRolePolicy", {**properties, "RoleName": role})
        return Made(place.name())

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Put the policy anew, and remove it from roles that are no longer named."""
        self._remove(api, old, set(old.get("Roles", [])) - set(new.get("Roles", [])))
        for role in new.get("Roles", []):
            api.call("iam", "PutRolePolicy", {**new, "RoleName": role})
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Remove the policy from every role that it was put into."""
        self._remove(api, properties, set(properties.get("Roles", [])))

    @staticmethod
    def _remove(api: Api, properties: Properties, roles: set[str]) -> None:
        for role in roles:
            forgiving(api, "iam", "DeleteRolePolicy", {**properties, "RoleName": role})


class ManagedPolicy(ResourceType):
    """The type AWS::IAM::ManagedPolicy, which is attached to roles."""

    properties = frozenset({"ManagedPolicyName", "PolicyDocument", "Description", "Path", "Roles"})
    replacing = frozenset({"ManagedPolicyName", "Description", "Path"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Make the policy; it is attached by `settle`."""
        name = properties.get("ManagedPolicyName") or place.name(128)
        arn = str(api.call("iam", "CreatePolicy", {**properties, "PolicyName": name})["Policy"]["Arn"])
        return Made(arn, {"PolicyArn": arn})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Make a new default version of the policy, and delete the version before it."""
        policy = {"PolicyArn": made.physical_id}
        if old["PolicyDocument"] != new["PolicyDocument"]:
            api.call("iam", "CreatePolicyVersion", {**policy, **new, "SetAsDefault": True})
            self._delete_versions(api, policy)
        return made

    def settle(self, api: Api, made: Made, old: Properties, new: Properties) -> None:
        """Attach the policy to the roles that the template names, and detach it from others that it named before."""
        before, after = set(old.get("Roles", [])), set(new.get("Roles", []))
        for role in before - after:
            _attach(api, role, {made.physical_id}, set())
        for role in after - before:
            _attach(api, role, set(), {made.physical_id})

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Detach the policy from all roles, and delete it with all of its versions."""
        policy = {"PolicyArn": made.physical_id}
        for role in properties.get("Roles", []):
            forgiving(api, "iam", "DetachRolePolicy", {**policy, "RoleName": role})
        self._delete_versions(api, policy)
        forgiving(api, "iam", "DeletePolicy", policy)

    @staticmethod
    def _delete_versions(api: Api, policy: dict[str, Any]) -> None:
        for version in api.call("iam", "ListPolicyVersions", policy)["Versions"]:
            if not version["IsDefaultVersion"]:
                api.call("iam", "DeletePolicyVersion", {**policy, "VersionId": version["VersionId"]})


def _tag_keys(properties: Properties) -> set[str]:
    return {tag["Key"] for tag in properties.get("Tags", [])}


def _attach(api: Api, role: str, before: set[str], after: set[str]) -> None:
    for arn in before - after:
        forgiving(api, "iam", "DetachRolePolicy", {"RoleName": role, "PolicyArn": arn})
    for arn in sorted(after):
        moto_state.know_aws_policy(api.account, arn)
        api.call("iam", "AttachRolePolicy", {"RoleName": role, "PolicyArn": arn})
