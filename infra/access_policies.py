"""Who may start runs, say whom they are for, and read contacts: policies for people's roles, apart from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.functions import Functions
from infra.settings import Settings
from infra.storage import Storage
from ses_fleet.runs import hub_policies


class AccessPolicies(Construct):
    """Policies that are apart from each other, to be attached to people's roles.

    `invoker`: start and follow runs. `requester`: upload people files. `data-reader`: read what holds addresses.
    `configurer`: change the configuration.
    """

    def __init__(self, scope: Construct, functions: Functions, storage: Storage, settings: Settings) -> None:
        super().__init__(scope, "PeoplePolicies")
        names = settings.names
        results = storage.results.bucket_arn
        iam.ManagedPolicy(
            self,
            "Invoker",
            managed_policy_name=names.policy("invoker"),
            description="Start runs of ses-fleet, and read their records, which hold no contact address",
            statements=_statements(
                hub_policies.invoker_statements(
                    orchestrator=functions.orchestrator.function_arn, results_bucket=results
                )
            ),
        )
        iam.ManagedPolicy(
            self,
            "DataReader",
            managed_policy_name=names.policy("data-reader"),
            description="Read the contacts that runs of ses-fleet exported, and the backups",
            statements=_statements(hub_policies.data_reader_statements(results_bucket=results)),
        )
        iam.ManagedPolicy(
            self,
            "Requester",
            managed_policy_name=names.policy("requester"),
            description="Upload the files that say whom runs of ses-fleet are for, and read none",
            statements=_statements(hub_policies.requester_statements(results_bucket=results)),
        )
        iam.ManagedPolicy(
            self,
            "Configurer",
            managed_policy_name=names.policy("configurer"),
            description="Read, upload and roll back the configuration of ses-fleet, and start no run",
            statements=_statements(
                hub_policies.configurer_statements(
                    orchestrator=functions.orchestrator.function_arn,
                    config_bucket=storage.config.bucket_arn,
                    config_keys=(settings.config_key, settings.ses_config_key),
                )
            ),
        )


def _statements(documents: Sequence[dict[str, Any]]) -> list[iam.PolicyStatement]:
    return [iam.PolicyStatement.from_json(one) for one in documents]
