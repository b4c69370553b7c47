"""What an invocation of the orchestrator runs in: its settings, its buckets, its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from aws_lambda_powertools import Logger

from ses_fleet import limits
from ses_fleet.aws import kept_clients
from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.logs import make_logger
from ses_fleet.settings import OrchestratorSettings


def warm_up(region: str) -> None:
    """Make the clients that every run needs, in the function's init phase."""
    _s3(region)
    _quick_s3(region)
    invoke_client(region)


def invoke_client(region: str) -> AwsClient:
    """Return the client that invokes workers, without connections of an earlier invocation.

    An Invoke that is lost with a dead connection may have run, for all that is known.
    """
    return kept_clients.of_function(
        "lambda",
        region,
        new_connections=True,
        connect_timeout=limits.INVOKE_CONNECT_TIMEOUT_SECONDS,
        read_timeout=limits.INVOKE_READ_TIMEOUT_SECONDS,
        connections=limits.MAX_CONCURRENCY,
    )


def _s3(region: str) -> AwsClient:
    return kept_clients.of_function(
        "s3", region, attempts=limits.S3_ATTEMPTS, connections=limits.ORCHESTRATOR_S3_CONNECTIONS
    )


def _quick_s3(region: str) -> AwsClient:
    connect, read = limits.SIGN_TIMEOUT_SECONDS
    return kept_clients.of_function("s3", region, connect_timeout=connect, read_timeout=read)


@dataclass(frozen=True)
class Environment:
    """One invocation's settings and buckets. `context` is Lambda's, and `signs_bucket` the results bucket once more.

    Its client gives up early: a sign of life that takes long is better sent anew.
    """

    context: Any
    settings: OrchestratorSettings
    config_bucket: Bucket
    results_bucket: Bucket
    signs_bucket: Bucket

    @classmethod
    def of(cls, context: Any, variables: Mapping[str, str]) -> Self:
        """Return the environment that the function's variables describe; ConfigurationError when they are wrong."""
        settings = OrchestratorSettings.from_env(variables)
        s3, quick = _s3(settings.region), _quick_s3(settings.region)
        config, results = settings.config_bucket, settings.results_bucket
        return cls(context, settings, Bucket(s3, config), Bucket(s3, results), Bucket(quick, results))

    @property
    def function_arn(self) -> str:
        """Return the ARN under which this function was invoked."""
        return str(self.context.invoked_function_arn)

    @property
    def unversioned_arn(self) -> str:
        """Return the ARN of this function without a version or alias."""
        return ":".join(self.function_arn.split(":")[:7])

    @property
    def request_id(self) -> str:
        """Return the id of this invocation; Lambda delivers an event again under the same one."""
        return str(self.context.aws_request_id)

    @property
    def partition(self) -> str:
        """Return the partition of AWS that this function runs in, such as `aws`."""
        return self.function_arn.split(":")[1]

    def remaining(self) -> float:
        """Return the seconds until the function's own deadline."""
        seconds: float = self.context.get_remaining_time_in_millis() / 1000
        return seconds

    def logger(self, run_id: str | None, action: str | None) -> Logger:
        """Return a logger whose every line names the run, its action and this invocation."""
        return make_logger(run_id=run_id, action=action, function_request_id=self.context.aws_request_id)
