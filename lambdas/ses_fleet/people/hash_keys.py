"""The keys by which erased people are recognised: what the secret says, and the keyed hash of an address."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

from ses_fleet import json_text, limits, problems
from ses_fleet.errors import ConfigurationError, JsonError, Problem
from ses_fleet.identifiers import HASH_KEY_ID_PATTERN, HASH_KEY_ID_WORDS
from ses_fleet.people import addresses

_WHERE = "the secret"
_KNOWN = ("current", "keys")
_KeyId = Annotated[str, StringConstraints(pattern=f"^{HASH_KEY_ID_PATTERN}$")]


def _field(name: str) -> str:
    """Return the name of a field that the secret must have; any other name may be a key that is in the wrong place."""
    return name if name in _KNOWN else f"(a name of {len(name)} characters)"


_WORDING = problems.Wording(
    problems.Disclosure(problems.size, _field), must={"current": f"the id of a key, {HASH_KEY_ID_WORDS}"}
)


class _Secret(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    current: _KeyId
    keys: dict[_KeyId, str]

    @field_validator("keys")
    @classmethod
    def _long_enough(cls, keys: dict[str, str]) -> dict[str, str]:
        for number, text in enumerate(keys.values(), 1):
            if len(_decoded(text)) < limits.HASH_KEY_BYTES:
                raise ValueError(f"key {number} is not the base64 of at least {limits.HASH_KEY_BYTES} bytes")
        return keys


class HashKeys:
    """All keys of a secret, by their ids. Its repr shows none of them. `current` is the id of the key for new hashes.

    A hash tells nothing of an address to somebody without the key, who would otherwise try all addresses.
    """

    def __init__(self, current: str, keys: dict[str, bytes]) -> None:
        self.current = current
        self._keys = keys

    @classmethod
    def parse(cls, text: str) -> HashKeys:
        """Return the keys that the text of a secret has.

        Raise ConfigurationError with every problem; none repeats anything of the secret.
        """
        try:
            document = json_text.parse(text, _WHERE)
        except JsonError as error:
            # The paths are left out: what stands in the place of a field's name may be a key.
            raise ConfigurationError([Problem("$", problem.text) for problem in error.problems]) from None
        secret, found = problems.attempt(_Secret, document, _WORDING)
        if secret is None:
            raise ConfigurationError(found)
        if secret.current not in secret.keys:
            raise ConfigurationError([Problem("$.current", "is not the id of one of the keys")])
        return cls(secret.current, {key_id: _decoded(key) for key_id, key in secret.keys.items()})

    @property
    def ids(self) -> frozenset[str]:
        """Return the ids of all keys."""
        return frozenset(self._keys)

    def hash_of(self, address: str, key_id: str | None = None) -> str:
        """Return the HMAC-SHA256 of the case-folded address, 64 hexadecimal digits, with the current or a named key."""
        key = self._keys[self.current if key_id is None else key_id]
        return hmac.digest(key, addresses.folded(address).encode("utf-8", "surrogatepass"), "sha256").hex()

    def __repr__(self) -> str:
        return f"HashKeys({len(self._keys)} keys)"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # ValueError: a character outside ASCII
        return b""
