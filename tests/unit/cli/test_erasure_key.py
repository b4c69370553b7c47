"""`erasure-key`: the text for the secret, which whoever reads erased people takes."""

from __future__ import annotations

import base64
import json
import re
import subprocess

import pytest

from ses_fleet.people.hash_keys import HashKeys
from ses_fleet_cli import erasure_key
from ses_fleet_cli.errors import CommandError
from tests.unit.cli.test_entry_points import SES_FLEET


def test_a_new_secret_has_one_key_of_32_random_bytes() -> None:
    """Its id has a random part too, so that it is never a lost key's."""
    texts = [erasure_key.with_new_key() for _ in range(20)]
    made = [json.loads(text) for text in texts]
    assert len({one["current"] for one in made}) == len({json.dumps(one["keys"]) for one in made}) == 20
    for text, one in zip(texts, made, strict=True):
        assert HashKeys.parse(text).current == one["current"]
        assert re.fullmatch(r"20[0-9]{6}-[0-9a-f]{8}", one["current"])
        ((key_id, key),) = one["keys"].items()
        assert (key_id, len(base64.b64decode(key))) == (one["current"], 32)


def test_a_newer_key_becomes_the_current_one_and_the_older_stay() -> None:
    """Just as they were: their tombstones need them."""
    first = erasure_key.with_new_key()
    second = json.loads(erasure_key.with_new_key(first))
    older = json.loads(first)["keys"]
    assert older.items() < second["keys"].items()
    assert second["current"] not in older
    assert second["keys"].keys() == {*older, second["current"]}


@pytest.mark.parametrize("present", ["", "None", '{"current": "k", "keys": {"k": "c2VjcmV0LXZhbHVl"}}'])
def test_what_is_no_secret_is_refused_without_repeating_it(present: str) -> None:
    """The AWS CLI prints None, or nothing, when there is no text."""
    with pytest.raises(CommandError) as error:
        erasure_key.with_new_key(present)
    assert error.value.exit_code == 2
    assert error.value.message.startswith("standard input is not the secret's present text: $")
    assert "c2VjcmV0" not in error.value.message


def test_the_command_prints_the_text_and_nothing_else() -> None:
    """It needs no AWS; with --add it takes the present text from standard input."""

    def run(*flags: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [*SES_FLEET, "erasure-key", *flags]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

    first = run()
    assert (first.returncode, first.stderr) == (0, "")
    second = run("--add", stdin=first.stdout)
    assert second.returncode == 0
    assert HashKeys.parse(second.stdout).ids > HashKeys.parse(first.stdout).ids
    wrong = run("--add", stdin="nonsense")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "nonsense" not in wrong.stderr


def test_the_hashes_of_an_address_are_those_that_receipts_have() -> None:
    """By every key, whatever the upper and lower case, so that a receipt can be shown to be about somebody."""
    text = erasure_key.with_new_key(erasure_key.with_new_key())
    held = HashKeys.parse(text)
    command = [*SES_FLEET, "erasure-key", "--hash", " Ada@Corp.example "]
    ended = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = dict(line.split(" ") for line in ended.stdout.splitlines())
    assert lines == {key_id: held.hash_of("ada@corp.example", key_id) for key_id in held.ids}
    assert len(lines) == 2


def test_a_hash_needs_an_address_and_the_secret() -> None:
    """A typing error would prove that nobody was erased."""
    with pytest.raises(CommandError, match="--hash: is no address"):
        erasure_key.hashes(erasure_key.with_new_key(), "ada")
    with pytest.raises(CommandError, match="not the secret's present text"):
        erasure_key.hashes("", "ada@corp.example")
    both = subprocess.run(
        [*SES_FLEET, "erasure-key", "--add", "--hash", "ada@corp.example"],
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (both.returncode, "give one of the two" in both.stderr) == (2, True)
