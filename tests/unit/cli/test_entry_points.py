"""How the command is found and started: its version, as a module, and the shell's completion."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

SES_FLEET = [str(Path(sys.executable).parent / "ses-fleet")]
AS_MODULE = [sys.executable, "-m", "ses_fleet_cli"]
BARE = {"HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
WITHOUT_CREDENTIALS = {"AWS_REGION": "us-east-1"}
WITHOUT_PROFILE = {"AWS_PROFILE": "none", "AWS_REGION": "us-east-1"}


def run(command: list[str], **variables: str) -> tuple[int, str, str]:
    """Run a command with some more variables: exit code, output, errors."""
    environment = {**os.environ, **variables}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("command", [SES_FLEET, AS_MODULE])
def test_it_says_its_version(command: list[str]) -> None:
    """As it is installed; nothing else is done, whatever else is asked for."""
    said = (0, f"ses-fleet {version('ses-fleet')}\n", "")
    assert run([*command, "--version"]) == said
    assert run([*command, "--version", "runs", "list"]) == said


def test_the_module_of_the_local_cloud_is_local_up() -> None:
    """With its options and its exit codes."""
    module = run([sys.executable, "-m", "ses_fleet_local", "--conditions", "unkind"])
    assert module == (2, "", 'ses-fleet: --conditions is aws or kind, not "unkind"\n')
    assert module == run([*SES_FLEET, "local", "up", "--conditions", "unkind"])


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ses-fleet ", ["invoke", "apply", "erasure-key", "local", "config", "runs", "backups"]),
        ("ses-fleet invoke describe-t", ["describe-topics", "describe-topics-all"]),
        ("ses-fleet invoke hel", ["help"]),
        ("ses-fleet invoke describe-list --dry", ["--dry-run"]),
    ],
)
@pytest.mark.parametrize("command", [SES_FLEET, pytest.param(AS_MODULE, marks=pytest.mark.matrix)])
def test_the_shell_completes_commands_actions_and_flags(line: str, offered: list[str], command: list[str]) -> None:
    """What `--install-completion` puts into the shell asks for this."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    code, output, errors = run(command, _SES_FLEET_COMPLETE="complete_bash", **words)
    assert (code, output.split(), errors) == (0, offered, "")


def test_the_completion_is_for_the_commands_own_name() -> None:
    """Also when it was started as a module; of the shell that it was started from."""
    # The shell stays its parent, as it has something to do afterwards.
    code, script, errors = run(["bash", "-c", f"{shlex.join([*AS_MODULE, '--show-completion'])}; exit $?"])
    assert (code, errors) == (0, "")
    assert "_SES_FLEET_COMPLETE=complete_bash" in script


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({}, "NoRegionError"),
        (WITHOUT_CREDENTIALS, "NoCredentialsError"),
        (WITHOUT_PROFILE, "ProfileNotFound"),
    ],
)
def test_the_actions_are_listed_without_any_aws(variables: dict[str, str], why: str) -> None:
    """Those of the command itself; it is said on stderr why no function was asked."""
    bare = {**BARE, **variables}
    ended = subprocess.run([*SES_FLEET, "invoke", "help"], capture_output=True, text=True, check=False, env=bare)
    assert ended.returncode == 0
    assert "describe-list-all  (changes nothing)" in ended.stdout
    assert why in ended.stderr
    assert ended.stderr.endswith(f". These are the actions that this command knows, version {version('ses-fleet')}\n")


@pytest.mark.parametrize(
    "variables",
    [{}, *(pytest.param(one, marks=pytest.mark.matrix) for one in (WITHOUT_CREDENTIALS, WITHOUT_PROFILE))],
)
def test_the_actions_are_told_as_json_without_any_aws(variables: dict[str, str]) -> None:
    """On stdout, and nothing else there."""
    as_json = [*SES_FLEET, "invoke", "help", "--output", "json"]
    ended = subprocess.run(as_json, capture_output=True, text=True, check=False, env={**BARE, **variables})
    assert (ended.returncode, json.loads(ended.stdout)["action"]) == (0, "help")


def test_the_local_cloud_is_loaded_only_where_it_is_used() -> None:
    """It takes longer to load than everything else, and may not be installed."""
    look = "import sys, ses_fleet_cli.main; print(sorted({'moto', 'cheroot', 'ses_fleet_local'} & sys.modules.keys()))"
    assert run([sys.executable, "-c", look]) == (0, "[]\n", "")
