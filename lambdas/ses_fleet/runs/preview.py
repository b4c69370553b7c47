"""The answer to `{"preview": PAYLOAD}`: what a run of the payload would begin with."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ses_fleet.model_bases import Stored
from ses_fleet.runs.models import ConfigVersion


class Preview(Stored):
    """What a run would begin with, or why it would be refused.

    `problems` are those of a refusal; then nothing else is said. `exists` is whether there is a run with the payload's
    id and request already. `customers` are the codes of those that a worker would be sent for, in the order in which
    they start, `skipped` and `failed` have those that get their result without one, with the reason. `people_rows` is
    how many rows the people file has. `defaults` are fields that the payload does not say, from config.json.
    """

    problems: tuple[str, ...] = ()
    exists: bool = False
    customers: tuple[str, ...] = ()
    skipped: dict[str, str] = Field(default_factory=dict)
    failed: dict[str, str] = Field(default_factory=dict)
    people_rows: int | None = None
    defaults: dict[str, Any] = Field(default_factory=dict)
    config_version: ConfigVersion = ConfigVersion()
