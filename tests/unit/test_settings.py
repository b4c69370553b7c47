"""The environment variables of the functions: what they are called, what holds without them, what they may be."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ses_fleet.errors import ConfigurationError
from ses_fleet.settings import OrchestratorSettings, WorkerSettings

ORCHESTRATOR = {
    "AWS_REGION": "us-east-1",
    "CONFIG_BUCKET": "c",
    "RESULTS_BUCKET": "r",
    "WORKER_FUNCTION_NAME": "w",
}
WORKER = {"AWS_REGION": "us-east-1", "RESULTS_BUCKET": "r"}


def test_the_orchestrator_needs_its_buckets_its_worker_and_its_region() -> None:
    """The rest has defaults: the files' keys, a slice of 240 s, margins of 60 and 30 s."""
    found = OrchestratorSettings.from_env(ORCHESTRATOR)
    assert (found.config_bucket, found.results_bucket, found.worker_function_name) == ("c", "r", "w")
    assert (found.config_key, found.ses_config_key) == ("config.json", "SESConfig.json")
    assert (found.slice_budget, found.start_margin, found.return_margin) == (240.0, 60.0, 30.0)


def test_the_worker_needs_its_bucket_and_its_region() -> None:
    """The defaults are the documented ones: one request a second, bursts of five, 25 new contacts, 20 %, 35 s."""
    found = WorkerSettings.from_env(WORKER)
    assert (found.ses_requests_per_second, found.ses_burst) == (1.0, 5)
    assert found.identity_center_requests_per_second == 15.0
    assert (found.import_job_threshold, found.prune_limit_percent, found.verify_contacts) == (25, 20.0, "on")
    assert found.write_margin == 35.0
    assert (found.default_list_name, found.default_list_description) == ("main-contact-list", "Subscriptions by topic")


@pytest.mark.parametrize(
    ("group", "role"),
    [
        ("ccoe-cloud-acme-123456789012-idp-sso-dba", "dba"),
        ("ccoe-cloud-acme prod-123456789012-eu-idp-sso-cloudeng", "cloudeng"),
        ("ccoe-cloud-acme-123456789012-idp-a-b-security", "security"),
        ("ccoe-cloud-acme-12345678901-idp-sso-dba", None),
        ("ccoe-cloud-acme-123456789012-sso-dba", None),
        ("a-ccoe-cloud-acme-123456789012-idp-sso-dba", None),
    ],
)
def test_a_groups_role_is_the_last_word_of_its_name(group: str, role: str | None) -> None:
    """Without a GROUP_ROLE_PATTERN of one's own: groups of an account and an identity provider."""
    match = WorkerSettings.from_env(WORKER).group_role_pattern.fullmatch(group)
    assert (match and match["role"]) == role


def problems(kind: Any, known: dict[str, str], **changes: str) -> list[str]:
    """The names of the variables that are refused."""
    with pytest.raises(ConfigurationError) as error:
        kind.from_env({**known, **changes})
    return [problem.path.removeprefix("$.environment_variables.") for problem in error.value.problems]


def test_every_variable_that_is_missing_is_named() -> None:
    """At once, so that nobody deploys once for each."""
    with pytest.raises(ConfigurationError) as error:
        OrchestratorSettings.from_env({})
    assert [problem.path.rpartition(".")[2] for problem in error.value.problems] == [
        *("CONFIG_BUCKET", "RESULTS_BUCKET", "WORKER_FUNCTION_NAME", "AWS_REGION")
    ]
    assert all(problem.text for problem in error.value.problems)


@pytest.mark.parametrize("name", [*ORCHESTRATOR, "CONFIG_KEY", "SES_CONFIG_KEY"])
def test_an_empty_name_is_none(name: str) -> None:
    """A variable that was set to nothing is a mistake."""
    assert problems(OrchestratorSettings, ORCHESTRATOR, **{name: ""}) == [name]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("SLICE_BUDGET_SECONDS", ["0.1", "289.9"], ["0", "-1", "290", "x"]),
        ("START_MARGIN_SECONDS", ["0", "1"], ["-0.1"]),
        ("RETURN_MARGIN_SECONDS", ["0", "1"], ["-0.1"]),
    ],
)
def test_the_orchestrators_times_are_possible_ones(name: str, good: list[str], bad: list[str]) -> None:
    """A slice is shorter than the worker function may run, which is 290 s."""
    for value in good:
        OrchestratorSettings.from_env({**ORCHESTRATOR, name: value})
    for value in bad:
        assert problems(OrchestratorSettings, ORCHESTRATOR, **{name: value}) == [name]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("SES_REQUESTS_PER_SECOND", ["0", "0.5"], ["-0.1"]),
        ("SES_BURST", ["1", "5"], ["0", "1.5"]),
        ("IDENTITY_CENTER_REQUESTS_PER_SECOND", ["0", "20"], ["-1"]),
        ("IMPORT_JOB_THRESHOLD", ["0", "1000000"], ["-1"]),
        ("PRUNE_LIMIT_PERCENT", ["0", "100"], ["-1", "100.5", "101"]),
        ("VERIFY_CONTACTS", ["on", "off"], ["yes", "true", ""]),
        ("DEFAULT_CONTACT_LIST_NAME", ["a", "A_9-" + "x" * 60], ["", "a b", "x" * 65]),
        ("DEFAULT_CONTACT_LIST_DESCRIPTION", ["", "x" * 500], ["x" * 501]),
        ("GROUP_ROLE_PATTERN", ["(?P<role>.+)", "x-(?P<role>[a-z]+)-y"], ["(", ".*", "(?P<name>.*)"]),
    ],
)
def test_the_workers_settings_are_possible_ones(name: str, good: list[str], bad: list[str]) -> None:
    """Names as SES takes them, a share of the list in percent, a pattern that says where the role is."""
    for value in good:
        WorkerSettings.from_env({**WORKER, name: value})
    for value in bad:
        assert problems(WorkerSettings, WORKER, **{name: value}) == [name]


@pytest.mark.parametrize(("kind", "known"), [(OrchestratorSettings, ORCHESTRATOR), (WorkerSettings, WORKER)])
def test_the_erasure_secret_is_a_name_or_a_whole_arn_or_none(kind: Any, known: dict[str, str]) -> None:
    """As Secrets Manager has them; without it nobody can be erased."""
    assert kind.from_env(known).erasure_secret is None
    arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:ses-fleet/erasure-AbC123"
    for value in ("ses-fleet/erasure", "a", "x" * 512, arn):
        assert kind.from_env({**known, "ERASURE_SECRET": value}).erasure_secret == value
    for value in ("", "a b", "x" * 513, arn.rpartition("-")[0], arn.replace("secretsmanager", "ssm"), f"{arn} "):
        assert problems(kind, known, ERASURE_SECRET=value) == ["ERASURE_SECRET"]


def test_a_pattern_of_ones_own_is_taken() -> None:
    """As it is given."""
    own = WorkerSettings.from_env({**WORKER, "GROUP_ROLE_PATTERN": "team-(?P<role>[a-z]+)"}).group_role_pattern
    assert own == re.compile("team-(?P<role>[a-z]+)")


def test_settings_are_as_they_were_when_the_invocation_began() -> None:
    """Nobody changes them meanwhile, and other variables are nobody's business."""
    found = WorkerSettings.from_env({**WORKER, "PATH": "/bin"})
    with pytest.raises(ValueError, match="frozen"):
        found.region = "x"  # type: ignore[misc]
