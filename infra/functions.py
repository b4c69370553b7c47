"""The two functions: their limits, and their roles with fixed names, which may do what hub_policies says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import bundling
from infra.settings import Settings
from infra.storage import Storage
from ses_fleet import limits
from ses_fleet.runs import hub_policies


@dataclass(frozen=True)
class _Function:
    """What one of the two differs in from the other. `kind` is its part of the package."""

    kind: Literal["orchestrator", "worker"]
    name: str
    description: str
    memory_mb: int
    timeout_seconds: int
    environment: Mapping[str, str]
    statements: Sequence[Mapping[str, Any]]
    reserved_concurrency: int | None = None

    @property
    def handler(self) -> str:
        return f"ses_fleet.{self.kind}.handler.handler"


class Functions(Construct):
    """`orchestrator` and `worker`, and the queue of events that failed for good."""

    def __init__(self, scope: Construct, settings: Settings, storage: Storage) -> None:
        super().__init__(scope, "Functions")
        self._settings = settings
        self._storage = storage
        self._code = bundling.code(bundling.Target(settings.python_version, settings.architecture))
        self.dead_letters = sqs.Queue(
            self, "DeadLetters", enforce_ssl=True, retention_period=cdk.Duration.days(limits.DEAD_LETTER_DAYS)
        )
        self.worker = self._make(self._worker())
        self.orchestrator = self._make(self._orchestrator())

    @property
    def worker_role_arn(self) -> str:
        """What customers' trust policies name."""
        arn: str = cdk.Stack.of(self).format_arn(
            service="iam", region="", resource="role", resource_name=self._settings.names.worker
        )
        return arn

    def _orchestrator(self) -> _Function:
        part, storage, settings = self._settings.orchestrator, self._storage, self._settings
        return _Function(
            kind="orchestrator",
            name=settings.names.orchestrator,
            description="ses-fleet: plans a run, invokes a worker for each customer, answers with one summary",
            memory_mb=part.memory_mb,
            timeout_seconds=part.timeout_seconds,
            environment={
                **self._erasure_variable(),
                "CONFIG_BUCKET": storage.config.bucket_name,
                "CONFIG_KEY": settings.config_key,
                "SES_CONFIG_KEY": settings.ses_config_key,
                "RESULTS_BUCKET": storage.results.bucket_name,
                "WORKER_FUNCTION_NAME": settings.names.worker,
                "SLICE_BUDGET_SECONDS": f"{settings.slice_budget:g}",
                "DATA_DAYS": str(settings.data_days),
                "BACKUPS_DAYS": str(settings.backups_days),
                "OLD_VERSIONS_DAYS": str(settings.old_versions_days),
                **self._notify_variables(),
                **part.environment,
            },
            statements=hub_policies.orchestrator_statements(
                config_bucket=storage.config.bucket_arn,
                config_keys=(settings.config_key, settings.ses_config_key),
                results_bucket=storage.results.bucket_arn,
                functions=(self._function_arn(settings.names.worker), self._function_arn(settings.names.orchestrator)),
                erasure_secret=self._erasure_secret_arn(),
                notify_topic=None if settings.notify is None else settings.notify.topic_arn,
            ),
        )

    def _worker(self) -> _Function:
        part, results = self._settings.worker, self._storage.results
        return _Function(
            kind="worker",
            name=self._settings.names.worker,
            description="ses-fleet: one slice of one customer's work, under that customer's role",
            memory_mb=part.memory_mb,
            timeout_seconds=part.timeout_seconds,
            reserved_concurrency=part.reserved_concurrency,
            environment={**self._erasure_variable(), "RESULTS_BUCKET": results.bucket_name, **part.environment},
            statements=hub_policies.worker_statements(
                partition=cdk.Aws.PARTITION,
                role_patterns=self._settings.role_patterns,
                results_bucket=results.bucket_arn,
                erasure_secret=self._erasure_secret_arn(),
            ),
        )

    def _notify_variables(self) -> dict[str, str]:
        notify = self._settings.notify
        return {} if notify is None else {"NOTIFY_TOPIC_ARN": notify.topic_arn, "NOTIFY_ON": ",".join(notify.on)}

    def _erasure_variable(self) -> dict[str, str]:
        secret = self._settings.erasure_secret
        return {} if secret is None else {"ERASURE_SECRET": secret}

    def _erasure_secret_arn(self) -> str | None:
        """The ARN in policies: of a secret known by its name, with what stands for the six characters that AWS adds."""
        secret = self._settings.erasure_secret
        if secret is None or secret.startswith("arn:"):
            return secret
        arn: str = cdk.Stack.of(self).format_arn(
            service="secretsmanager",
            resource="secret",
            resource_name=f"{secret}-??????",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        return arn

    def _make(self, wanted: _Function) -> lambda_.Function:
        settings, name = self._settings, wanted.kind.capitalize()
        log_group = logs.LogGroup(
            self,
            f"{name}Logs",
            log_group_name=f"/aws/lambda/{wanted.name}",
            retention=_RETENTIONS[settings.log_days],
            # The name is fixed: one that stayed would be in the way of the next deployment.
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        return lambda_.Function(
            self,
            name,
            function_name=wanted.name,
            description=wanted.description,
            code=self._code,
            handler=wanted.handler,
            runtime=_runtime(settings.python_version),
            architecture=_ARCHITECTURES[settings.architecture],
            memory_size=wanted.memory_mb,
            timeout=cdk.Duration.seconds(wanted.timeout_seconds),
            # Powertools' own variable: logs and metrics are of the deployment.
            environment={**wanted.environment, "POWERTOOLS_SERVICE_NAME": settings.name},
            role=self._role(wanted, log_group),
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            # Not above INFO: the metrics are log lines without a level, and would be dropped.
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=lambda_.SystemLogLevel.INFO,
            tracing=lambda_.Tracing.ACTIVE if settings.tracing else lambda_.Tracing.DISABLED,
            reserved_concurrent_executions=wanted.reserved_concurrency,
            # An event that failed is never run again by itself: nobody knows how far it came.
            retry_attempts=0,
            max_event_age=cdk.Duration.seconds(limits.EVENT_AGE_SECONDS),
            on_failure=destinations.SqsDestination(self.dead_letters),
        )

    def _role(self, wanted: _Function, log_group: logs.LogGroup) -> iam.Role:
        role = iam.Role(
            self,
            f"{wanted.kind.capitalize()}Role",
            # Fixed: customers' trust policies name it.
            role_name=wanted.name,
            description=wanted.description,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        logging = hub_policies.logging_statements(log_group=log_group.log_group_arn)
        for statement in (*wanted.statements, *logging):
            role.add_to_policy(iam.PolicyStatement.from_json(statement))
        return role

    def _function_arn(self, name: str) -> str:
        # By name, not by reference: the orchestrator's own policy names the orchestrator.
        arn: str = cdk.Stack.of(self).format_arn(
            service="lambda", resource="function", resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        return arn


# The CDK has names for the days, in the same order.
_RETENTIONS = dict(zip((*limits.LOG_RETENTION_DAYS, None), logs.RetentionDays, strict=True))
_ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


def _runtime(version: str) -> lambda_.Runtime:
    return lambda_.Runtime(f"python{version}", lambda_.RuntimeFamily.PYTHON)
