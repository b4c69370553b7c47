"""What an invocation of the orchestrator runs in: its settings, its buckets, its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from aws_lambda_powertools import Logger

from ses_fleet import limits
from ses_fleet.aws import clients
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config import config_json
from ses_fleet.config.config_json import FleetConfig
from ses_fleet.errors import ConfigurationError
from ses_fleet.logs import make_logger
from ses_fleet.orchestrator import wanted_topics
from ses_fleet.orchestrator.wanted_topics import WantedTopics
from ses_fleet.runs.models import RunRequest
from ses_fleet.settings import OrchestratorSettings


@dataclass(frozen=True)
class Environment:
    """One invocation's settings and buckets. `context` is Lambda's."""

    context: Any
    settings: OrchestratorSettings
    config_bucket: Bucket
    results_bucket: Bucket

    @classmethod
    def of(cls, context: Any, variables: Mapping[str, str]) -> Self:
        """Return the environment that the function's variables describe; ConfigurationError when they are wrong."""
        settings = OrchestratorSettings.from_env(variables)
        s3 = clients.client(
            "s3",
            settings.region,
            attempts=limits.S3_ATTEMPTS,
            connections=limits.ORCHESTRATOR_S3_CONNECTIONS,
        )
        return cls(context, settings, Bucket(s3, settings.config_bucket), Bucket(s3, settings.results_bucket))

    @property
    def function_arn(self) -> str:
        """Return the ARN under which this function was invoked."""
        return str(self.context.invoked_function_arn)

    def remaining(self) -> float:
        """Return the seconds until the function's own deadline."""
        seconds: float = self.context.get_remaining_time_in_millis() / 1000
        return seconds

    def logger(self, run_id: str | None, action: str | None) -> Logger:
        """Return a logger whose every line names the run, its action and this invocation."""
        return make_logger(run_id=run_id, action=action, function_request_id=self.context.aws_request_id)

    def fleet_config(self) -> FleetConfig:
        """Read config.json as it is now; ConfigurationError when it is missing, unreadable or of another shape."""
        partition = self.function_arn.split(":")[1]
        key, region = self.settings.config_key, self.settings.region
        return config_json.load(self.config_bucket, key, region=region, partition=partition)

    def fleet_config_meanwhile(self) -> FleetConfig:
        """Read config.json in a later invocation of a run; without customers when it was broken since.

        The run still gets its end: its customers fail, as config.json no longer describes them.
        """
        try:
            return self.fleet_config()
        except ConfigurationError:
            return FleetConfig({}, None)

    def wanted_topics(self, request: RunRequest) -> WantedTopics:
        """Read SESConfig.json if the request's action uses it; ConfigurationError when it is wrong and needed."""
        return wanted_topics.read(request, self.config_bucket, self.settings.ses_config_key)
