"""What a deployed role is granted, and taking one of it away for a while, on a warm cloud."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from infra import names
from tests.deploy.deployment import Deployment

# An IAM action on one resource, as the tests name it.
Grant = tuple[str, str]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


class Role:
    """A role with its inline policies."""

    def __init__(self, deployment: Deployment, account: str, name: str) -> None:
        self._iam = deployment.cloud.client("iam", account=account)
        self._outputs = deployment.outputs
        self._name = name

    def grants(self) -> set[Grant]:
        """Every action on every resource."""
        return {grant for _, statements in self._policies() for one in statements for grant in self._of(one)}

    def actions(self) -> set[str]:
        """Every action, on whatever."""
        return {action for action, _ in self.grants()}

    @contextlib.contextmanager
    def without(self, action: str, resource: str | None = None) -> Iterator[None]:
        """The same role less one grant, or less one action on whatever; all of it again afterwards."""
        before = list(self._policies())
        try:
            for policy, statements in before:
                left = [kept for one in statements for kept in self._less(one, action, resource)]
                self._put(policy, left)
            yield
        finally:
            for policy, statements in before:
                self._put(policy, statements)

    def _policies(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        for name in self._iam.list_role_policies(RoleName=self._name)["PolicyNames"]:
            found = self._iam.get_role_policy(RoleName=self._name, PolicyName=name)
            yield name, found["PolicyDocument"]["Statement"]

    def _put(self, policy: str, statements: list[dict[str, Any]]) -> None:
        # A policy of nothing is none: what is left may be nothing.
        nothing = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": statements or [nothing]}
        self._iam.put_role_policy(RoleName=self._name, PolicyName=policy, PolicyDocument=json.dumps(document))

    def _of(self, statement: dict[str, Any]) -> Iterator[Grant]:
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                yield action, self._label(resource)

    def _less(self, statement: dict[str, Any], action: str, resource: str | None) -> Iterator[dict[str, Any]]:
        """The statement as one for each grant, without the one taken."""
        for name in _listed(statement["Action"]):
            for arn in _listed(statement["Resource"]):
                if name != action or (resource is not None and self._label(arn) != resource):
                    yield {**statement, "Action": name, "Resource": arn}

    def _label(self, arn: str) -> str:
        """An ARN without what differs from deployment to deployment."""
        for output, label in (("ConfigBucket", "config"), ("ResultsBucket", "results")):
            if self._outputs[output] in arn:
                return label + arn.partition(self._outputs[output])[2]
        if ":secret:" in arn:
            return arn.rpartition(":secret:")[2]
        for name in (names.Names().orchestrator, names.Names().worker):
            if arn.endswith(f":function:{name}"):
                return name
        return arn.rpartition(":role/")[2]
