"""CloudWatch's HTTP API for metric data, in the JSON that botocore speaks to it."""

from __future__ import annotations

from dataclasses import dataclass

from strict_aws.cloudwatch.service import StrictCloudWatch
from strict_aws.http import protocols
from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import Operation, json_body
from strict_aws.iam.identity import Caller


@dataclass(frozen=True)
class CloudWatchApi:
    """Answers the operations on metric data."""

    metrics: StrictCloudWatch

    def handle(self, operation: Operation, caller: Caller, request: Request) -> Response:
        """Return the answer to one request; raise AwsError as CloudWatch would, and 501 for another protocol."""
        if "x-amz-target" not in request.headers:
            raise AwsError("NotImplemented", "strict_aws answers metric data in JSON only", 501)
        params = json_body(request)
        return protocols.json_answer(self.metrics.call(caller.account, caller.region, operation.name, params))
