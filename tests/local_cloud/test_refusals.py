"""Bad input, on the function: a clear error, exit code 2, and no worker call."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.local_cloud.conftest import CONFIG_BUCKET, ORCHESTRATOR, RESULTS_BUCKET, SAMPLE, Cloud, ses_fleet

ALL = {"action": "describe-list-all"}

BAD_REQUESTS: list[tuple[Any, list[str]]] = [
    (
        {"action": "describe-list-al"},
        ['$.action: unknown action "describe-list-al"; did you mean "describe-list-all"?'],
    ),
    ({}, ["$.action: missing"]),
    ({**ALL, "customer_code": "acme"}, ["$.customer_code: describe-list-all runs on every customer", '"include"']),
    ({**ALL, "ses_role_arn": "x"}, ["$.ses_role_arn: describe-list-all runs on every customer"]),
    ({**ALL, "colour": "red"}, ["$.colour: unknown field"]),
    ({**ALL, "max_customer_concurrency": "many"}, ["$.max_customer_concurrency: must be an integer"]),
    ({**ALL, "max_failures": "few"}, ["$.max_failures: must be an integer"]),
    ({**ALL, "include": ["acmee"]}, ['$.include[0]: config.json has no customer "acmee"; did you mean "acme"?']),
    ({**ALL, "exclude": ["globox"]}, ['$.exclude[0]: config.json has no customer "globox"; did you mean "globex"?']),
    ({**ALL, "include": []}, ["$.include: selects nobody"]),
    ({**ALL, "environment": "qa"}, ['$.environment: no customer is of environment "qa"']),
    ({**ALL, "include": ["acme"], "exclude": ["acme"]}, ["together select nobody"]),
    ({**ALL, "params": {"count": 1}}, ["$.params.count: unknown parameter"]),
    ({"action": "describe-list"}, ["$.customer_code: missing"]),
    ({"action": "describe-list", "customer_code": "x"}, ['$.customer_code: config.json has no customer "x"']),
    ("nonsense", ["$: the payload must be a JSON object"]),
    ({**ALL, "include": None}, ["$.include: must not be null"]),
    ({**ALL, "environment": None, "dry_run": None}, ["$.environment: must not be null", "$.dry_run: must not be null"]),
    (
        {"action": "import-aws-contact", "customer_code": "acme", "params": {"username": None}},
        ["$.params.username: must not be null"],
    ),
    ({"action": "list-contacts-all", "params": {"topic": "\ud83d"}}, ["$.params.topic: is not text that UTF-8"]),
    ({**ALL, "run_id": "half", "exclude": ["\udc00"]}, ["$.exclude[0]: is not text that UTF-8"]),
]

BAD_CONFIGS: list[tuple[Any, str]] = [
    (
        b'{"customer_mappings": {,}}',
        "is not JSON: Expecting property name enclosed in double quotes at line 1, column 24",
    ),
    (b'{"customer_mappings": {"a": {}, "a": {}}}', "$.customer_mappings.a: the key is there more than once"),
    (b"[]", "$: must be a JSON object, not a list"),
    (b'{"customer_mappings": {"a": {"customer_name": "\\ud83d"}}}', "$.customer_mappings.a.customer_name: is not text"),
    (b'{"aws_region": "us-east-3", "customer_mappings": {"a": {}}}', '"us-east-3" is not the name of an AWS Region'),
    (b"{}", "$.customer_mappings: missing: no customers are configured"),
    (b'{"customer_mappings": {}}', "$.customer_mappings: no customers are configured"),
    (b" " * (10 * 1024 * 1024 + 1), "has 10485761 bytes, more than the 10485760 allowed"),
]


def refused(cloud: Cloud, payload: Any, error_type: str) -> str:
    """The message of a refused run; no worker was called."""
    mark = cloud.mark()
    invoked = cloud.invoke(payload)
    assert invoked.function_error == "Unhandled"
    assert invoked.body["errorType"] == error_type
    assert [e["operation"] for e in cloud.journal(mark) if e["service"] in ("sts", "sesv2")] == []
    assert len([e for e in cloud.journal(mark) if e["operation"] == "Invoke"]) == 1
    return str(invoked.body["errorMessage"])


def refusals_counted(cloud: Cloud) -> int:
    """How often the metric was emitted."""
    return sum('"RunRefused"' in message for message in cloud.log_messages())


@pytest.mark.parametrize(("payload", "expected"), BAD_REQUESTS)
def test_a_bad_request_is_refused(payload: Any, expected: list[str], cloud: Cloud) -> None:
    """RequestError, naming field and reason."""
    message = refused(cloud, payload, "RequestError")
    assert all(text in message for text in expected), message


@pytest.mark.parametrize(("config", "expected"), BAD_CONFIGS)
def test_a_bad_config_is_refused(config: bytes, expected: str, cloud: Cloud) -> None:
    """ConfigurationError, with path or line and column."""
    cloud.put_config(config)
    assert expected in refused(cloud, ALL, "ConfigurationError")


@pytest.mark.matrix
def test_the_command_says_what_the_function_says_of_a_request(cloud: Cloud) -> None:
    """Exit code 2 and the function's words for every bad payload."""

    def invoke(row: tuple[Any, list[str]]) -> tuple[int, str, str]:
        ended = ses_fleet(cloud, "invoke", "--payload", "-", stdin=json.dumps(row[0]))
        return ended.returncode, ended.stdout, ended.stderr

    with ThreadPoolExecutor(4) as pool:
        for (payload, expected), (code, out, errors) in zip(BAD_REQUESTS, pool.map(invoke, BAD_REQUESTS), strict=True):
            assert (code, out) == (2, ""), payload
            said_here = {"{}": "no action", '"nonsense"': "must hold a JSON object"}.get(json.dumps(payload))
            assert all(text in errors for text in ([said_here] if said_here else expected)), errors


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        BAD_CONFIGS[0],
        *(pytest.param(*case, marks=pytest.mark.matrix) for case in BAD_CONFIGS[1:-1]),
        BAD_CONFIGS[-1],
        (None, "config.json does not exist (NoSuchKey)"),
    ],
)
def test_the_command_says_what_is_wrong_with_the_config(config: bytes | None, expected: str, cloud: Cloud) -> None:
    """Exit code 2, no traceback, nothing on stdout."""
    if config is None:
        cloud.s3.delete_object(Bucket=CONFIG_BUCKET, Key="config.json")
    else:
        cloud.put_config(config)
    ended = ses_fleet(cloud, "invoke", "describe-list-all")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert expected in ended.stderr


def test_the_command_shows_customers_faults_and_warnings(cloud: Cloud) -> None:
    """Exit code 1: each in its block and in the summary, the others run."""
    customers = SAMPLE["customer_mappings"]
    wrong = {f"bad{n}": {**customers["acme"], "customer_code": f"bad{n}"} for n in range(len(CUSTOMER_FAULTS))}
    for (change, _), customer in zip(CUSTOMER_FAULTS, wrong.values(), strict=True):
        customer |= change
    odd = {**customers["globex"], "external_di": "x"}
    cloud.put_config({"customer_mappings": {**wrong, "globex": odd}})
    ended = ses_fleet(cloud, "invoke", "describe-list-all")
    assert ended.returncode == 1
    for _, text in CUSTOMER_FAULTS:
        assert text in ended.stdout
    assert "✅ Successful: 1" in ended.stdout
    assert "unknown key that looks like external_id" in ended.stdout


def test_a_missing_config_is_refused(cloud: Cloud) -> None:
    """It says which object is not there."""
    cloud.s3.delete_object(Bucket=CONFIG_BUCKET, Key="config.json")
    message = refused(cloud, ALL, "ConfigurationError")
    assert f"s3://{CONFIG_BUCKET}/config.json does not exist (NoSuchKey)" in message


def test_a_results_bucket_that_cannot_be_written_is_refused(cloud: Cloud) -> None:
    """A run that could leave no record does not start."""
    variables = cloud.lambda_.get_function_configuration(FunctionName=ORCHESTRATOR)["Environment"]["Variables"]
    broken = {"Variables": {**variables, "RESULTS_BUCKET": "not-there"}}
    with cloud.function_changed(ORCHESTRATOR, Environment=broken):
        message = refused(cloud, ALL, "ConfigurationError")
    assert "s3://not-there/open/" in message
    assert "could not be written (AccessDenied), so nothing was started" in message


def test_a_missing_variable_is_named(cloud: Cloud) -> None:
    """All of them at once; alarms see it, too."""
    before = refusals_counted(cloud)
    with cloud.function_changed(ORCHESTRATOR, Environment={"Variables": {"SLICE_BUDGET_SECONDS": "x"}}):
        message = refused(cloud, ALL, "ConfigurationError")
    assert refusals_counted(cloud) == before + 1
    assert [line.split(":")[0].rsplit(".", 1)[1] for line in message.splitlines()] == [
        "CONFIG_BUCKET",
        "RESULTS_BUCKET",
        "WORKER_FUNCTION_NAME",
        "SLICE_BUDGET_SECONDS",
    ]


def test_a_refusal_is_seen_by_whoever_follows(cloud: Cloud) -> None:
    """A refusal of its own with exit_code 2, the metric, a log record; an existing run's record is left alone."""
    refused(cloud, {**ALL, "run_id": "refused-1", "colour": 1}, "RequestError")
    (key,) = cloud.keys("runs/refused-1/")
    assert key.startswith("runs/refused-1/refusals/")
    summary = json.loads(cloud.stored(key))
    assert (summary["exit_code"], summary["total_customers"]) == (2, 0)
    assert summary["errors"] == ["$.colour: unknown field"]
    records = cloud.log_records("refused-1")
    assert [r["message"] for r in records if r.get("kind") == "refused"] == ["$.colour: unknown field"]
    assert refusals_counted(cloud) > 0
    finished = cloud.run(run_id="good-1", include=["globex"])
    refused(cloud, {**ALL, "run_id": "good-1", "colour": 1}, "RequestError")
    assert json.loads(cloud.stored("runs/good-1/summary.json")) == finished


CUSTOMER_FAULTS = [
    ({"ses_role_arn": "arn:aws:iam::1:role/x"}, "is not a role ARN"),
    ({"ses_role_arn": "arn:aws:iam::444455556666:user/x"}, "is not the ARN of an IAM role"),
    ({"ses_role_arn": "arn:aws-cn:iam::444455556666:role/x"}, "is of partition aws-cn"),
    ({"customer_code": "other"}, "differs from the key"),
    ({"region": "Frankfurt"}, "is not the name of an AWS Region"),
]


@pytest.mark.parametrize(("change", "expected"), CUSTOMER_FAULTS)
def test_one_customers_fault_fails_only_that_customer(change: dict[str, Any], expected: str, cloud: Cloud) -> None:
    """failed (configuration) without a worker call; the others run."""
    customers = SAMPLE["customer_mappings"]
    cloud.put_config({"customer_mappings": {"acme": {**customers["acme"], **change}, "globex": customers["globex"]}})
    mark = cloud.mark()
    summary = cloud.run()
    acme, globex = summary["results"]
    assert (acme["status"], acme["error"]["category"], acme["attempts"]) == ("failed", "configuration", 0)
    assert expected in acme["error"]["message"]
    assert globex["status"] == "successful"
    assert len([e for e in cloud.journal(mark) if e["operation"] == "AssumeRole"]) == 1


def test_a_code_outside_its_grammar_fails_only_that_customer(cloud: Cloud) -> None:
    """And its result lies under a key that nobody else could have chosen."""
    customers = SAMPLE["customer_mappings"]
    hostile = "../../evil\n"
    cloud.put_config({"customer_mappings": {hostile: customers["acme"], "globex": customers["globex"]}})
    summary = cloud.run()
    assert [result["status"] for result in summary["results"]] == ["failed", "successful"]
    assert summary["results"][0]["error"]["category"] == "configuration"
    listed = cloud.s3.list_objects_v2(Bucket=RESULTS_BUCKET, Prefix=f"runs/{summary['run_id']}/results/")
    assert {entry["Key"].rsplit("/", 1)[1] for entry in listed["Contents"]} == {"_0000.json", "globex.json"}


def test_typos_and_shared_lists_are_warnings(cloud: Cloud) -> None:
    """The run goes on."""
    globex = SAMPLE["customer_mappings"]["globex"]
    twin = {**globex, "customer_code": "twin", "ses_role_arm": "x"}
    del twin["identity_center_role_arn"]
    cloud.put_config({"customer_mappings": {"globex": globex, "twin": twin}})
    summary = cloud.run()
    assert summary["exit_code"] == 0
    assert any("have the same account 777788889999 and Region eu-west-1" in text for text in summary["warnings"])
    twin["ses_role_arm"] = twin.pop("ses_role_arn")
    cloud.put_config({"customer_mappings": {"globex": globex, "twin": twin}})
    summary = cloud.run()
    assert (
        "$.customer_mappings.twin.ses_role_arm: unknown key that looks like ses_role_arn; it is not used"
        in summary["warnings"]
    )


def test_a_region_that_does_not_exist_fails_its_customer_before_any_call(cloud: Cloud) -> None:
    """And is nothing that another try could mend; the others run."""
    acme, globex = (SAMPLE["customer_mappings"][code] for code in ("acme", "globex"))
    cloud.put_config({"customer_mappings": {"acme": {**acme, "region": "us-east-3"}, "globex": globex}})
    mark = cloud.mark()
    nowhere, there = cloud.run()["results"]
    error = nowhere["error"]
    assert (nowhere["status"], error["category"], error["retryable"]) == ("failed", "configuration", False)
    assert '"us-east-3" is not the name of an AWS Region' in error["message"]
    assert there["status"] == "successful"
    assert {e["account"] for e in cloud.journal(mark) if e["service"] == "sesv2"} == {"777788889999"}


def test_two_customers_with_one_external_id_are_warned_about(cloud: Cloud) -> None:
    """In the Summary of every run, whoever is selected."""
    mappings = {
        code: {**SAMPLE["customer_mappings"][code], "external_id": "the-same-one"} for code in ("acme", "globex")
    }
    cloud.put_config({"customer_mappings": mappings})
    summary = cloud.run(include=["globex"], dry_run=True)
    assert any("acme, globex have the same one" in warning for warning in summary["warnings"])
