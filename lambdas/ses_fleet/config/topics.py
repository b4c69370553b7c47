"""A topic of a contact list, and the one comparison of two of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field

from ses_fleet.model_bases import Stored

_COMPARED = ("display_name", "description", "default_status")


class Topic(Stored):
    """A topic as a contact list has it. `default_status` is OPT_IN or OPT_OUT, as SES names it."""

    name: str = Field(description="the topic's name")
    display_name: str | None = Field(default=None, description="what subscribers read, or null")
    description: str | None = Field(default=None, description="its description, or null")
    default_status: str = Field(description="OPT_IN or OPT_OUT: what holds for a contact without a choice of its own")


class WantedTopic(Topic):
    """A topic that every customer's list should have, as SESConfig.json says after expansion.

    `opt_in_roles` are the roles whose people are opted in to it when they are imported.
    """

    opt_in_roles: tuple[str, ...] = Field(default=(), description="roles whose people an import opts in to it")


@dataclass(frozen=True)
class Difference:
    """One field of a topic that is not as wanted: its name in Topic, the value that is there, and the wanted one."""

    field: str
    have: str | None
    want: str | None


def differences(have: Topic, want: Topic) -> Iterator[Difference]:
    """Yield the fields in which two topics of one name differ; an empty text and none are the same."""
    for field in _COMPARED:
        before, after = getattr(have, field), getattr(want, field)
        if (before or "") != (after or ""):
            yield Difference(field, before, after)
