"""The text of the secret by whose keys erased people are remembered: a first key, or a newer one beside the others.

And the hashes of an address, by which a receipt or a tombstone is shown to be about somebody.
"""

from __future__ import annotations

import base64
import json
import secrets

from ses_fleet import clock, limits
from ses_fleet.errors import ConfigurationError
from ses_fleet.people import addresses
from ses_fleet.people.hash_keys import HashKeys
from ses_fleet_cli.errors import usage


def with_new_key(present: str | None = None) -> str:
    """Return the JSON text of a secret with a new current key, beside those of `present`, the text that it has now.

    Raise CommandError with exit code 2, which repeats nothing of `present`, when that is no such text.
    """
    keys = {} if present is None else _checked_keys(present)
    # With a random part: a key that took a lost one's id would hide that those tombstones mean nobody any more.
    key_id = f"{clock.now():%Y%m%d}-{secrets.token_hex(4)}"
    key = base64.b64encode(secrets.token_bytes(limits.HASH_KEY_BYTES)).decode()
    return json.dumps({"current": key_id, "keys": {**keys, key_id: key}})


def hashes(present: str, address: str) -> dict[str, str]:
    """Return {key id: hash} of an address by every key of a secret, as receipts and tombstones have them.

    `present` is the secret's text. Raise CommandError with exit code 2 when it is no such text, or `address` none.
    """
    wrong = addresses.problem_of(address)
    if wrong is not None:
        raise usage(f"--hash: {wrong}")
    held = _parsed(present)
    return {key_id: held.hash_of(address, key_id) for key_id in sorted(held.ids)}


def _checked_keys(present: str) -> dict[str, str]:
    _parsed(present)
    return dict(json.loads(present.removeprefix("\ufeff"))["keys"])


def _parsed(present: str) -> HashKeys:
    try:
        return HashKeys.parse(present)
    except ConfigurationError as error:
        found = "; ".join(str(problem) for problem in error.problems)
        raise usage(f"standard input is not the secret's present text: {found}") from None
