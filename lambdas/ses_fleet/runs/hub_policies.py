"""What the hub's own roles and people's policies may do, as IAM statements.

The stack and the local cloud both build their roles from these. Every function takes ARNs, which may be references that
CloudFormation resolves, and returns statements as a policy document has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ses_fleet.runs.keys import ERASED, PEOPLE_FILES, PERSONAL_PARAMS, RECEIPTS


def orchestrator_statements(
    *,
    config_bucket: str,
    config_keys: Sequence[str],
    results_bucket: str,
    functions: Sequence[str],
    erasure_secret: str | None = None,
    notify_topic: str | None = None,
) -> list[dict[str, Any]]:
    """Return what the orchestrator's role may do.

    `config_keys` are the objects that it reads in `config_bucket`, and `functions` the ARNs of those that it invokes:
    the worker, and itself to go on with a long run. `erasure_secret` is the secret with the keys by which erased people
    are remembered, `notify_topic` the SNS topic that is told when a run is over; None when there is none.
    """
    return [
        # By version, too: a run goes on with the files that it was planned with.
        _allow(["s3:GetObject", "s3:GetObjectVersion"], [f"{config_bucket}/{key}" for key in config_keys]),
        # Without it S3 answers 403 for a file that does not exist.
        _allow(["s3:ListBucket"], [config_bucket, results_bucket]),
        # Below data/ it keeps what a payload says about a person, and reads that back when S3 says that it exists.
        _allow(
            ["s3:GetObject", "s3:PutObject"],
            [f"{results_bucket}/{keys}" for keys in ("runs/*", "open/*", PERSONAL_PARAMS)],
        ),
        # A receipt is written once, read back when S3 says that it exists, and tells which copies and versions remain.
        _allow(["s3:GetObject", "s3:PutObject"], [f"{results_bucket}/{RECEIPTS}*"]),
        _allow(["s3:ListBucketVersions"], [results_bucket]),
        # By version, too: a run goes on with the people that it began with.
        _allow(["s3:GetObject", "s3:GetObjectVersion"], [f"{results_bucket}/{PEOPLE_FILES}"]),
        # At its end a run leaves the index of open runs; nothing else is ever deleted.
        _allow(["s3:DeleteObject"], [f"{results_bucket}/open/*"]),
        _allow(["lambda:InvokeFunction"], functions),
        *([] if notify_topic is None else [_allow(["sns:Publish"], [notify_topic])]),
        *_reading_secret(erasure_secret),
    ]


def worker_statements(
    *, partition: str, role_patterns: Sequence[str], results_bucket: str, erasure_secret: str | None = None
) -> list[dict[str, Any]]:
    """Return what the worker's role may do.

    `role_patterns` are the paths and names of customers' roles, with `*`; `erasure_secret` is as for the orchestrator.
    """
    return [
        _allow(["sts:AssumeRole"], [f"arn:{partition}:iam::*:role/{pattern}" for pattern in role_patterns]),
        _allow(["s3:ListBucket"], [results_bucket]),
        # Leases and tombstones are written on conditions: If-None-Match needs s3:PutObject, If-Match both.
        _allow(
            ["s3:GetObject", "s3:PutObject"],
            [f"{results_bucket}/{keys}" for keys in ("data/*", "backups/*", "leases/*", f"{ERASED}*")],
        ),
        # The version that the run began with.
        _allow(["s3:GetObjectVersion"], [f"{results_bucket}/{PEOPLE_FILES}"]),
        *_reading_secret(erasure_secret),
    ]


def logging_statements(*, log_group: str) -> list[dict[str, Any]]:
    """Return what a function's role needs to write its log."""
    return [_allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group])]


def invoker_statements(*, orchestrator: str, results_bucket: str) -> list[dict[str, Any]]:
    """Return what a person needs to start runs and to follow them, their signs of life below open/ included.

    No contact address can be read with it.
    """
    return [
        _allow(["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"], [orchestrator]),
        # The name of the account, in questions before something is changed; it is no resource of its own.
        _allow(["iam:ListAccountAliases"], ["*"]),
        *_reading(results_bucket, "runs/", "open/", RECEIPTS),
    ]


def configurer_statements(*, orchestrator: str, config_bucket: str, config_keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a person needs to compare, upload and roll back the configuration. No run is started with it."""
    keys = [f"{config_bucket}/{key}" for key in config_keys]
    return [
        _allow(["lambda:GetFunctionConfiguration"], [orchestrator]),
        _allow(["iam:ListAccountAliases"], ["*"]),
        _allow(["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], keys),
        # Without s3:ListBucket S3 answers 403 for a file that does not exist.
        _allow(["s3:ListBucket", "s3:ListBucketVersions"], [config_bucket]),
    ]


def data_reader_statements(*, results_bucket: str) -> list[dict[str, Any]]:
    """Return what a person needs to read exported contacts and backups."""
    return _reading(results_bucket, "data/", "backups/")


def requester_statements(*, results_bucket: str) -> list[dict[str, Any]]:
    """Return what a person needs to upload people files. None can be read with it, nor any run started."""
    return [_allow(["s3:PutObject"], [f"{results_bucket}/{PEOPLE_FILES}"])]


def _reading(bucket: str, *prefixes: str) -> list[dict[str, Any]]:
    """Get and list below the prefixes: S3 answers 404, not 403, for a key that does not exist there."""
    keys = [f"{prefix}*" for prefix in prefixes]
    return [
        _allow(["s3:GetObject"], [f"{bucket}/{key}" for key in keys]),
        {**_allow(["s3:ListBucket"], [bucket]), "Condition": {"StringLike": {"s3:prefix": keys}}},
    ]


def _reading_secret(secret: str | None) -> list[dict[str, Any]]:
    return [] if secret is None else [_allow(["secretsmanager:GetSecretValue"], [secret])]


def _allow(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
