"""The one stack: its parts, and the outputs that an operator needs."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from infra.access_policies import AccessPolicies
from infra.functions import Functions
from infra.monitoring import Monitoring
from infra.nag_exceptions import acknowledge
from infra.schedules import Schedules
from infra.settings import Settings
from infra.storage import Storage


class SesFleetStack(cdk.Stack):
    """The stack, `ses-fleet` by default: storage, two functions, schedules, monitoring, and policies for people."""

    def __init__(self, scope: Construct, settings: Settings, **props: Any) -> None:
        super().__init__(
            scope,
            settings.names.stack,
            description="ses-fleet: one SES contact-list operation in every customer's account",
            **props,
        )
        storage = Storage(self, settings)
        functions = Functions(self, settings, storage)
        Schedules(self, settings, functions.orchestrator, functions.dead_letters)
        Monitoring(self, settings, functions)
        AccessPolicies(self, functions, storage, settings)
        acknowledge(self, settings)
        for name, value in {
            "ConfigBucket": storage.config.bucket_name,
            "ResultsBucket": storage.results.bucket_name,
            "OrchestratorFunction": functions.orchestrator.function_name,
            "WorkerRole": functions.worker_role_arn,
            "DeadLetters": functions.dead_letters.queue_url,
        }.items():
            cdk.CfnOutput(self, name, value=value)
