"""docs/operating.md says what the code does: names that the worker may assume, settings, and how long things stay."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from infra import customer_role
from infra.settings import Settings
from ses_fleet import limits
from tests.infra import synth

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
DEFAULTS = Settings()
SCHEDULED_NAME = "nightly"
SCHEDULED = {
    "schedules": [
        {
            "name": SCHEDULED_NAME,
            "expression": "rate(1 day)",
            "payload": {"action": "describe-topics-all"},
            "alarm_on_difference": True,
        }
    ]
}
# Roles of the hub itself, which nobody assumes by their names.
OWN = {"ses-fleet-orchestrator", "ses-fleet-worker", "admin"}


def section(title: str) -> str:
    """The text below a heading, up to the next one of its rank."""
    return GUIDE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_customers_roles_in_the_guide_are_ones_that_the_worker_may_assume() -> None:
    """Whoever copies an example, the one for a second Region among them, needs to change no `role_patterns`."""
    onboarding = section("2. Onboard a customer")
    named = re.findall(r"(?:\bRoleName=|:role/)([\w+=,.@-]+)", onboarding)
    defaults = [one["Parameters"]["RoleName"]["Default"] for one in customer_role.templates().values()]
    assert any("RoleName=" in line for line in onboarding.splitlines())
    assert len({*named} - {*defaults}) >= 1, "a second stack has a name of its own"
    for name in {*named, *defaults} - OWN:
        assert any(fnmatchcase(name, pattern) for pattern in DEFAULTS.role_patterns), name


def test_every_setting_is_in_the_guide_and_no_other() -> None:
    """By the name under which cdk.json takes it."""
    known = set(Settings.model_fields)
    names = {name for cells in rows(section("1. Deploy")) for name in re.findall(r"`(\w+)(?:\.\w+)?`", cells[0])}
    assert names == known


@pytest.mark.parametrize(
    ("prefix", "days"),
    [
        ("runs/", DEFAULTS.runs_days),
        ("data/", DEFAULTS.data_days),
        ("backups/", DEFAULTS.backups_days),
        ("backups/identity/", DEFAULTS.backups_days),
    ],
)
def test_the_lifetimes_in_the_guide_are_true(prefix: str, days: int) -> None:
    """How long it is current, and how long anything of it is left: old versions are kept, too."""
    (cells,) = [cells for cells in rows(section("What is kept how long")) if cells[0] == f"`{prefix}`"]
    assert str(days) in cells[2]
    assert cells[3].startswith(f"{days + DEFAULTS.old_versions_days} days")


def test_how_long_open_runs_are_kept_is_in_the_guide() -> None:
    """Their days, and those of their old versions, are no settings."""
    (cells,) = [cells for cells in rows(section("What is kept how long")) if cells[0] == "`open/`"]
    assert cells[2].startswith(f"{limits.OPEN_RUN_DAYS} days")
    assert cells[3].startswith(f"{limits.OPEN_RUN_DAYS + limits.OLD_OPEN_RUN_DAYS} days")
    assert cells[3].endswith(f"each earlier one {limits.OLD_OPEN_RUN_DAYS} day")


def test_how_long_who_held_a_list_is_kept_is_in_the_guide() -> None:
    """The lease itself stays."""
    (cells,) = [cells for cells in rows(section("What is kept how long")) if cells[0] == "`leases/`"]
    assert cells[2] == "always"
    assert cells[3] == f"never; each earlier state {limits.OLD_LEASE_DAYS} day"


def test_the_guide_has_every_alarm_and_no_other() -> None:
    """Under the name that its mail has; those of schedules are one line."""
    made = [one["Properties"]["AlarmName"] for one in synth.resources("AWS::CloudWatch::Alarm", **SCHEDULED).values()]
    known = {name.removeprefix("ses-fleet-").replace(SCHEDULED_NAME, "NAME") for name in made}
    assert {cells[0].strip("`") for cells in rows(section("Alarms"))} == known


def test_the_guide_counts_the_reapers_looks() -> None:
    """Its costs are of so many in 30 days."""
    looks = 30 * 24 * 60 // limits.REAPER_MINUTES
    costs = section("Runs end by themselves")
    assert f"{looks:,} in 30 days" in costs
    assert f"every {limits.REAPER_MINUTES} minutes" in costs
    assert DEFAULTS.orchestrator.memory_mb == 1024
    assert f"{looks:,} × 0.5 s × 1 GB = {looks * 0.5:,.0f} GB-seconds" in costs


def test_the_memory_in_the_guide_is_the_default() -> None:
    """Of both functions."""
    (cells,) = [cells for cells in rows(section("1. Deploy")) if cells[0] == "`orchestrator`, `worker`"]
    assert re.findall(r"([\d,]+) MB", cells[1]) == [
        f"{DEFAULTS.orchestrator.memory_mb:,}",
        f"{DEFAULTS.worker.memory_mb:,}",
    ]


def commands(title: str, verb: str) -> str:
    """The command `aws cloudformation VERB` below a heading of the third rank, its lines joined."""
    text = GUIDE.partition(f"\n### {title}\n")[2].partition("\n## ")[0].replace("\\\n", " ")
    (found,) = re.findall(rf"^aws cloudformation {verb} .*$", text, re.MULTILINE)
    return str(found)


@pytest.mark.parametrize(
    ("verb", "operation"),
    [("create-stack-set", "CreateStackSet"), ("create-stack-instances", "CreateStackInstances")],
)
def test_the_commands_of_the_stack_set_have_the_apis_own_members(verb: str, operation: str) -> None:
    """As botocore's model has them, which the AWS CLI makes its flags of; values of enumerations too."""
    model: Any = botocore.session.get_session().get_service_model("cloudformation").operation_model(operation)
    flags = {f"--{xform_name(name, '-')}": shape for name, shape in model.input_shape.members.items()}
    command = commands("Onboard many accounts", verb)
    given = dict(re.findall(r"(--[a-z-]+) ([^-].*?)(?= --|$)", command))
    assert given.keys() <= flags.keys()
    required = {f"--{xform_name(name, '-')}" for name in model.input_shape.required_members}
    assert required <= given.keys()
    for flag, value in given.items():
        inside = getattr(flags[flag], "members", {})
        names = [part.partition("=")[0] for part in value.strip().split(",")] if inside else []
        assert set(names) <= inside.keys(), flag
        known = getattr(flags[flag], "enum", None) or getattr(getattr(flags[flag], "member", None), "enum", None)
        assert not known or value.strip() in known, flag


def test_the_parameters_of_the_stack_set_are_the_templates() -> None:
    """With values that it takes, and everything that has no default."""
    parameters = customer_role.customer_role()["Parameters"]
    command = commands("Onboard many accounts", "create-stack-set")
    given = dict(re.findall(r"ParameterKey=(\w+),ParameterValue=(<[^>]+>|\S+)", command))
    assert given.keys() <= parameters.keys()
    assert {name for name, one in parameters.items() if "Default" not in one} <= given.keys()
    for name, value in given.items():
        assert value.startswith("<") or value in parameters[name].get("AllowedValues", [value]), name
    assert given["ExternalIdSuffix"] == "AccountId", "overrides do not reach accounts that come later"
