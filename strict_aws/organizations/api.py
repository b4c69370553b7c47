"""The HTTP API of Organizations, and of the tags of its accounts."""

from __future__ import annotations

from strict_aws.http import protocols
from strict_aws.http.messages import Request, Response
from strict_aws.http.operations import Operation, json_body
from strict_aws.iam.identity import Caller
from strict_aws.organizations import tagging
from strict_aws.organizations.service import StrictOrganizations
from strict_aws.organizations.tagging import StrictTagging


class OrganizationsApi:
    """Answers requests for both services."""

    def __init__(self, organizations: StrictOrganizations, tags: StrictTagging) -> None:
        self._organizations = organizations
        self._tags = tags

    def handle(self, operation: Operation, caller: Caller, request: Request) -> Response:
        """Return the answer to one request; raise AwsError as AWS would."""
        body, key = json_body(request), caller.access_key_id
        if operation.service == tagging.SERVICE:
            return protocols.json_answer(self._tags.call(caller.account, caller.region, operation.name, body))
        return protocols.json_answer(self._organizations.call(caller.account, operation.name, body, caller=key))
