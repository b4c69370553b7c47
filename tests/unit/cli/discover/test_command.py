"""The flags of `config discover`, and files that it does not take: refused before AWS is asked, exit code 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ses_fleet_cli.discover import command
from ses_fleet_cli.discover.command import Wanted
from ses_fleet_cli.discover.organization import Selection
from ses_fleet_cli.discover.templates import Templates
from ses_fleet_cli.errors import CommandError

ROLE = "arn:aws:iam::{account_id}:role/contact-manager"


def refusal(call: Any, *given: Any, **more: Any) -> str:
    """The message of a wrong command line."""
    with pytest.raises(CommandError) as error:
        call(*given, **more)
    assert error.value.exit_code == 2
    return error.value.message


def test_tags_of_one_key_are_alternatives() -> None:
    """A value may have an equals sign, and may be empty, which is not any value."""
    found = command.selection(["root", "ou-abcd-12345678"], ["a=1", "a=2=3", "b", "c="], recursive=True)
    tags = {"a": frozenset({"1", "2=3"}), "b": frozenset[str](), "c": frozenset({""})}
    assert found == Selection(("root", "ou-abcd-12345678"), True, tags)


@pytest.mark.parametrize(
    ("units", "tags", "recursive", "said"),
    [
        ([], [], False, "say which accounts: --ou, --tag, or --ou root --recursive"),
        ([], ["a"], True, "--recursive goes with --ou"),
        (["Work"], [], False, '--ou "Work" is not the id of a unit'),
        (["ou-abcd"], [], False, '--ou "ou-abcd" is not the id'),
        ([], ["=x"], False, '--tag "=x" has no key'),
        ([], ["a", "a=b"], False, '--tag "a" is there for any value'),
        ([], ["a=b", "a"], False, '--tag "a" is there for any value'),
    ],
)
def test_a_selection_that_cannot_be_meant_is_refused(
    units: list[str], tags: list[str], recursive: bool, said: str
) -> None:
    """With what to give instead."""
    assert refusal(command.selection, units, tags, recursive=recursive).startswith(said)


@pytest.mark.parametrize(
    ("output", "templates", "said"),
    [
        ("yaml", {}, '--output is text, json or diff, not "yaml"'),
        ("text", {"region": "us-east-9"}, '--region "us-east-9" is not the name of an AWS Region'),
        ("text", {"role_arn": ROLE.replace("aws", "aws-iso", 1)}, "--role-arn is of partition aws-iso"),
        ("text", {"code": "x"}, "--code must have {name} or {account_id} in it"),
    ],
)
def test_other_flags_that_cannot_be_meant_are_refused(
    output: str, templates: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """The file need not even be there."""
    made = Templates(**{"role_arn": ROLE, **templates})
    assert refusal(command.run, Wanted(tmp_path / "config.json", Selection(), made, output)).startswith(said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ('{"topics": []}', "has no object customer_mappings: is it config.json?"),
        ('{"customer_mappings": null}', "has no object customer_mappings"),
        ("[]", "has no object customer_mappings"),
        ('{"customer_mappings": {"a": {}, "a": {}}}', "the key is there more than once"),
    ],
)
def test_a_file_that_is_no_config_json_is_left_alone(content: str, said: str, tmp_path: Path) -> None:
    """With the problems that a run would have with it."""
    file = tmp_path / "config.json"
    file.write_text(content)
    wanted = Wanted(file, Selection(), Templates(ROLE), write=True)
    assert said in refusal(command.run, wanted)
    assert file.read_text() == content


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """As every command says it."""
    assert "cannot be read: Is a directory" in refusal(command.run, Wanted(tmp_path, Selection(), Templates(ROLE)))
