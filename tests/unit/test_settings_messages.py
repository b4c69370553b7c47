"""The functions' environment variables: every one that is missing or wrong is named at once."""

from __future__ import annotations

import pytest

from ses_fleet.errors import ConfigurationError
from ses_fleet.settings import OrchestratorSettings, WorkerSettings

WORKER = {"AWS_REGION": "us-east-1", "RESULTS_BUCKET": "results"}


def refused(settings: type[OrchestratorSettings | WorkerSettings], environment: dict[str, str]) -> list[str]:
    """The problems of an environment, without the path that all of them begin with."""
    with pytest.raises(ConfigurationError) as error:
        settings.from_env(environment)
    return [str(problem).removeprefix("$.environment_variables.") for problem in error.value.problems]


def test_everything_that_is_missing_is_named_with_what_it_is_for() -> None:
    """Nobody deploys again for each of them."""
    assert refused(OrchestratorSettings, {}) == [
        "CONFIG_BUCKET: missing: the bucket of config.json and SESConfig.json",
        "RESULTS_BUCKET: missing: the bucket of run records, data and backups",
        "WORKER_FUNCTION_NAME: missing: the function that is invoked for each customer",
        "AWS_REGION: missing: the function's own Region, set by Lambda",
    ]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SES_REQUESTS_PER_SECOND", "many", 'must be a number, not "many"'),
        ("SES_BURST", "0", 'must be at least 1, not "0"'),
        ("SES_BURST", "1.5", 'must be an integer, not "1.5"'),
        ("RESULTS_BUCKET", "", "must not be empty"),
        ("PRUNE_LIMIT_PERCENT", "101", 'must be at most 100, not "101"'),
        ("VERIFY_CONTACTS", "yes", 'must be "on" or "off", not "yes"'),
        ("GROUP_ROLE_PATTERN", "(", 'must be a regular expression, not "("'),
        ("GROUP_ROLE_PATTERN", "x", "must be a regular expression with a group (?P<role>...)"),
        ("DEFAULT_CONTACT_LIST_NAME", "a b", 'must match ^[A-Za-z0-9_-]{1,64}$, not "a b"'),
    ],
)
def test_a_wrong_variable_is_told_in_our_words(name: str, value: str, told: str) -> None:
    """As the person wrote it, and what it should be."""
    assert refused(WorkerSettings, {**WORKER, name: value}) == [f"{name}: {told}"]


def test_variables_of_others_are_theirs() -> None:
    """Lambda's own, and those of layers."""
    assert WorkerSettings.from_env({**WORKER, "PATH": "/bin"}) == WorkerSettings.from_env(WORKER)


def test_every_variable_has_a_description() -> None:
    """It is told where the variable is missing, and the reference is made of it."""
    for settings in (OrchestratorSettings, WorkerSettings):
        assert all(field.alias and field.description for field in settings.model_fields.values())
