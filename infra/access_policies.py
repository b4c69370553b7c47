"""Who may start runs, and who may read contacts: two policies to attach to people's roles, apart from each other."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.functions import Functions
from infra.names import DATA_READER_POLICY, INVOKER_POLICY
from infra.storage import Storage


class PeoplePolicies(Construct):
    """`invoker`: start runs and follow them. `data-reader`: read what holds addresses."""

    def __init__(self, scope: Construct, functions: Functions, storage: Storage) -> None:
        super().__init__(scope, "PeoplePolicies")
        orchestrator = functions.orchestrator.function_arn
        self._storage = storage
        iam.ManagedPolicy(
            self,
            "Invoker",
            managed_policy_name=INVOKER_POLICY,
            description="Start runs of ses-fleet, and read their records, which hold no contact address",
            statements=[
                iam.PolicyStatement(
                    actions=["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"], resources=[orchestrator]
                ),
                *self._reading("runs/"),
            ],
        )
        iam.ManagedPolicy(
            self,
            "DataReader",
            managed_policy_name=DATA_READER_POLICY,
            description="Read the contacts that runs of ses-fleet exported, and the backups",
            statements=self._reading("data/", "backups/"),
        )

    def _reading(self, *prefixes: str) -> list[iam.PolicyStatement]:
        """Get and list below the prefixes; a key that is missing there is said to be (404)."""
        bucket = self._storage.results
        keys = [f"{prefix}*" for prefix in prefixes]
        return [
            iam.PolicyStatement(actions=["s3:GetObject"], resources=[bucket.arn_for_objects(key) for key in keys]),
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": keys}},
            ),
        ]
