"""Parameters that say something of a person: where their values lie, and what stands in their place.

A parameter is personal when its field in the catalogue says so (`personal=True`). Its value lies in one object below
data/, which whoever may read contacts may read; everywhere else, in plan.json, `resume`, what is sent to workers and
what is logged, MASK stands for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ses_fleet.aws.s3 import Bucket

if TYPE_CHECKING:
    from ses_fleet.actions.params import Params

# With blanks: no user name of Identity Center has any (identitystore API, UserName).
MASK = "[personal: give it again]"
_MAX_BYTES = 1024 * 1024


def names(params: type[Params]) -> frozenset[str]:
    """The personal parameters of an action."""
    fields = params.model_fields.items()
    return frozenset(
        name
        for name, field in fields
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("personal") is True
    )


def values(params: type[Params], given: Mapping[str, Any]) -> dict[str, Any]:
    """The personal ones of these params that were given."""
    return {name: given[name] for name in sorted(names(params)) if given.get(name) is not None}


def masked(params: type[Params], given: Mapping[str, Any]) -> dict[str, Any]:
    """The params with MASK in place of everything personal."""
    return {**given, **dict.fromkeys(values(params, given), MASK)}


def hidden(params: type[Params], given: Mapping[str, Any]) -> list[str]:
    """The names of those that have MASK in place of a value."""
    return [name for name in sorted(names(params)) if given.get(name) == MASK]


def stored(found: Mapping[str, Any]) -> bytes:
    """The object that holds the values."""
    return json.dumps({"params": dict(found)}, sort_keys=True).encode()


def read(bucket: Bucket, key: str) -> dict[str, Any] | None:
    """The values in that object, None when there is no such object; AwsCallError when it cannot be read."""
    found = bucket.find(key, limit=_MAX_BYTES)
    return None if found is None else dict(json.loads(found.body)["params"])
