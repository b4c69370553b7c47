"""Parameters that say something of a person: where their values lie, and what stands in their place.

A parameter is personal when its field in the catalogue says so (`personal=True`). Its value lies in one object below
data/, which only those who may read contacts can read. Everywhere else (plan.json, `resume`, what is sent to workers,
logs) MASK stands in its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ses_fleet import limits
from ses_fleet.actions.params import Params
from ses_fleet.aws.s3 import Bucket

# It has blanks, and no user name of Identity Center has any (identitystore API, UserName).
MASK = "[personal: give it again]"


def names(params: type[Params]) -> frozenset[str]:
    """Return the names of an action's personal parameters."""
    fields = params.model_fields.items()
    return frozenset(
        name
        for name, field in fields
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("personal") is True
    )


def values(params: type[Params], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the given params that are personal, by name."""
    return {name: given[name] for name in sorted(names(params)) if given.get(name) is not None}


def masked(params: type[Params], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given params with MASK in place of every personal value."""
    return {**given, **dict.fromkeys(values(params, given), MASK)}


def hidden(params: type[Params], given: Mapping[str, Any]) -> list[str]:
    """Return the names of the params that have MASK in place of a value."""
    return [name for name in sorted(names(params)) if given.get(name) == MASK]


def stored(found: Mapping[str, Any]) -> bytes:
    """Return the body of the object that holds the values."""
    return json.dumps({"params": dict(found)}, sort_keys=True).encode()


def read(bucket: Bucket, key: str) -> dict[str, Any] | None:
    """Return the values in that object, or None when there is no such object; AwsCallError when it is unreadable."""
    found = bucket.find(key, limit=limits.MAX_PERSONAL_PARAMS_BYTES)
    return None if found is None else dict(json.loads(found.body)["params"])
