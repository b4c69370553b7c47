"""Who may start runs, say whom they are for, and read contacts: policies for people's roles, apart from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.functions import Functions
from infra.names import Names
from infra.storage import Storage
from ses_fleet.runs import hub_policies


class AccessPolicies(Construct):
    """`invoker`: start and follow runs. `requester`: upload people files. `data-reader`: read what holds addresses."""

    def __init__(self, scope: Construct, names: Names, functions: Functions, storage: Storage) -> None:
        super().__init__(scope, "PeoplePolicies")
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


def _statements(documents: Sequence[dict[str, Any]]) -> list[iam.PolicyStatement]:
    return [iam.PolicyStatement.from_json(one) for one in documents]
