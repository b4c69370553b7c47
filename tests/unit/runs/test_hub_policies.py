"""What the hub's roles and people's policies may do: what is not named here, nobody of ours may."""

from __future__ import annotations

from typing import Any

from ses_fleet.runs import hub_policies

CONFIG, RESULTS = "arn:aws:s3:::config", "arn:aws:s3:::results"

PEOPLE_FILES = f"{RESULTS}/data/requests/*"


def allowed(statements: list[dict[str, Any]]) -> dict[str, set[str]]:
    """{action: the resources that it is allowed on}; every statement allows."""
    found: dict[str, set[str]] = {}
    for statement in statements:
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            found.setdefault(action, set()).update(statement["Resource"])
    return found


def test_the_orchestrator_reads_configuration_keeps_runs_and_invokes() -> None:
    """Configuration and people files also by version, and it writes neither; else below data/ only what a payload says
    of a person; it deletes below open/ alone.
    """
    statements = hub_policies.orchestrator_statements(
        config_bucket=CONFIG, config_keys=["config.json"], results_bucket=RESULTS, functions=["f1", "f2"]
    )
    kept = {f"{RESULTS}/{keys}" for keys in ("runs/*", "open/*", "receipts/*", "data/*/_personal/*")}
    assert allowed(statements) == {
        "s3:GetObject": {f"{CONFIG}/config.json", PEOPLE_FILES, *kept},
        "s3:GetObjectVersion": {f"{CONFIG}/config.json", PEOPLE_FILES},
        "s3:PutObject": kept,
        "s3:DeleteObject": {f"{RESULTS}/open/*"},
        "s3:ListBucket": {CONFIG, RESULTS},
        "s3:ListBucketVersions": {RESULTS},
        "lambda:InvokeFunction": {"f1", "f2"},
    }


def test_the_worker_assumes_customers_roles_and_keeps_data_backups_and_leases() -> None:
    """It reads no configuration and no run."""
    statements = hub_policies.worker_statements(partition="aws", role_patterns=["a-*", "b/*"], results_bucket=RESULTS)
    kept = {f"{RESULTS}/data/*", f"{RESULTS}/backups/*", f"{RESULTS}/leases/*", f"{RESULTS}/erased/*"}
    assert allowed(statements) == {
        "sts:AssumeRole": {"arn:aws:iam::*:role/a-*", "arn:aws:iam::*:role/b/*"},
        "s3:ListBucket": {RESULTS},
        "s3:GetObject": kept,
        "s3:GetObjectVersion": {PEOPLE_FILES},
        "s3:PutObject": kept,
    }


def test_who_uploads_people_files_reads_none_and_starts_nothing() -> None:
    """Nor writes anything else."""
    assert allowed(hub_policies.requester_statements(results_bucket=RESULTS)) == {"s3:PutObject": {PEOPLE_FILES}}


def test_both_functions_read_the_secret_with_the_keys_of_erased_people_if_there_is_one() -> None:
    """That one, and no other."""
    orchestrator = {"config_bucket": CONFIG, "config_keys": ["c"], "results_bucket": RESULTS, "functions": ["f"]}
    worker = {"partition": "aws", "role_patterns": ["a"], "results_bucket": RESULTS}
    for make, given in (
        (hub_policies.orchestrator_statements, orchestrator),
        (hub_policies.worker_statements, worker),
    ):
        statements: Any = make
        assert allowed(statements(**given, erasure_secret="s"))["secretsmanager:GetSecretValue"] == {"s"}
        assert "secretsmanager:GetSecretValue" not in allowed(statements(**given))


def test_a_function_writes_its_log() -> None:
    """And makes no group."""
    found = allowed(hub_policies.logging_statements(log_group="g"))
    assert found == {"logs:CreateLogStream": {"g"}, "logs:PutLogEvents": {"g"}}


def test_who_configures_writes_two_files_and_starts_nothing() -> None:
    """And reads nothing but those files, with their versions."""
    found = hub_policies.configurer_statements(orchestrator="o", config_bucket=CONFIG, config_keys=["c", "d"])
    files = {f"{CONFIG}/c", f"{CONFIG}/d"}
    assert allowed(found) == {
        "lambda:GetFunctionConfiguration": {"o"},
        "iam:ListAccountAliases": {"*"},
        **dict.fromkeys(("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"), files),
        "s3:ListBucket": {CONFIG},
        "s3:ListBucketVersions": {CONFIG},
    }


def test_who_starts_runs_sees_no_address_and_who_reads_data_starts_none() -> None:
    """Each lists only below what it may read."""
    starts = hub_policies.invoker_statements(orchestrator="o", results_bucket=RESULTS)
    assert allowed(starts) == {
        "lambda:GetFunctionConfiguration": {"o"},
        "lambda:InvokeFunction": {"o"},
        "iam:ListAccountAliases": {"*"},
        "s3:GetObject": {f"{RESULTS}/runs/*", f"{RESULTS}/open/*", f"{RESULTS}/receipts/*"},
        "s3:ListBucket": {RESULTS},
    }
    reads = hub_policies.data_reader_statements(results_bucket=RESULTS)
    assert allowed(reads) == {
        "s3:GetObject": {f"{RESULTS}/data/*", f"{RESULTS}/backups/*"},
        "s3:ListBucket": {RESULTS},
    }
    assert [one["Condition"] for one in [*starts, *reads] if "Condition" in one] == [
        {"StringLike": {"s3:prefix": ["runs/*", "open/*", "receipts/*"]}},
        {"StringLike": {"s3:prefix": ["data/*", "backups/*"]}},
    ]
