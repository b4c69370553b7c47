"""The keys that erased people are remembered by: what a secret says, and what nobody without it can tell."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from typing import Any

import pytest

from ses_fleet.errors import ConfigurationError
from ses_fleet.identifiers import HASH_KEY_ID_WORDS
from ses_fleet.people.hash_keys import HashKeys

OLD, NEW = bytes(range(32)), bytes(range(100, 140))
ADA = "Ada.Lovelace@X.example"


def text(key: bytes) -> str:
    """A key as the secret has it."""
    return base64.b64encode(key).decode()


def secret(**changes: Any) -> str:
    """The text of a secret with two keys."""
    return json.dumps({"current": "k2", "keys": {"k1": text(OLD), "k2": text(NEW)}, **changes})


def test_a_hash_is_the_hmac_sha256_of_the_case_folded_address() -> None:
    """With the current key, or with one that is named; whoever has the key can compute it again."""
    keys = HashKeys.parse(secret())
    expected = {
        key_id: hmac.new(key, b"ada.lovelace@x.example", hashlib.sha256).hexdigest()
        for key_id, key in (("k1", OLD), ("k2", NEW))
    }
    assert keys.ids == set(expected)
    assert keys.current == "k2"
    assert keys.hash_of(ADA) == keys.hash_of(ADA.upper(), "k2") == expected["k2"]
    assert keys.hash_of(ADA, "k1") == expected["k1"]


def test_one_person_is_one_hash_however_the_address_is_written() -> None:
    """As everywhere: folded, not lowered, so that a sharp s is two."""
    keys = HashKeys.parse(secret())
    assert keys.hash_of("straße@x.example") == keys.hash_of("STRASSE@x.example")
    assert keys.hash_of("ada@x.example") != keys.hash_of("ada+1@x.example")


def problems(document: str) -> list[str]:
    """What is wrong with the text of a secret."""
    with pytest.raises(ConfigurationError) as error:
        HashKeys.parse(document)
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("", "$: the secret is not JSON: Expecting value at line 1, column 1"),
        ("[]", "$: must be a JSON object, not a list"),
        (json.dumps({"keys": {"k1": text(OLD)}}), "$.current: missing"),
        (json.dumps({"current": "k1"}), "$.keys: missing"),
        (secret(current="k3"), "$.current: is not the id of one of the keys"),
        (secret(current="K2"), f"$.current: must be the id of a key, {HASH_KEY_ID_WORDS}, not a text of 2 characters"),
        (secret(keys={"k2": "c2hvcnQ="}), "$.keys: key 1 is not the base64 of at least 32 bytes"),
        (secret(keys={"k2": text(NEW)[:-1]}), "$.keys: key 1 is not the base64 of at least 32 bytes"),
        (secret(keys={"k2": "ü" * 60}), "$.keys: key 1 is not the base64 of at least 32 bytes"),
        (secret(keys={"k2": 7}), "$.keys.(a name of 2 characters): must be a string, not a number"),
        (secret(more=1), "$.(a name of 4 characters): unknown key"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(document: str, problem: str) -> None:
    """With its place."""
    assert problem in problems(document)


@pytest.mark.parametrize(
    "document",
    [
        secret(keys={text(NEW): "k2"}),
        secret(current=text(NEW)),
        secret(**{text(NEW): 1}),
        json.dumps(text(NEW)),
        f'{{"current": "k2", "keys": {{"{text(NEW)}": 1, "{text(NEW)}": 2}}}}',
        f'{{"{text(NEW)}": NaN}}',
        text(NEW),
        secret(keys={"k2": text(NEW) + "="}),
        secret(keys={"k2": [text(NEW)]}),
    ],
)
def test_no_problem_repeats_a_key(document: str) -> None:
    """Wherever in the text it stands, also where a name belongs."""
    found = problems(document)
    assert found
    assert text(NEW)[:12] not in " ".join(found)


def test_nothing_shows_a_key(caplog: pytest.LogCaptureFixture) -> None:
    """Not the object, nor what is logged of it."""
    keys = HashKeys.parse(secret())
    logging.getLogger().warning("%r %s", keys, [keys])
    shown = f"{keys!r} {keys} {caplog.text}"
    assert "HashKeys(2 keys)" in shown
    assert text(OLD) not in shown
    assert str(OLD) not in shown
