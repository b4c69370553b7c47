"""What a dry run of an action on people would do for one customer: the plan that a later run applies, and no more."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ses_fleet.config.topics import WantedTopic
from ses_fleet.model_bases import Stored


class PeoplePlan(Stored):
    """The changes of people's contacts, or of entries on the suppression list; in CustomerResult of a dry run.

    Only their numbers are here. Whom they are of lies below data/, in files `plan-*` of JSON Lines: `{email, change,
    what}`, where `what` has the value before and after of everything that changes.
    """

    kind: Literal["people"] = Field(default="people", description="always `people`, where topics have `topics`")
    place: str | None = Field(default=None, description="the contact list's name; null where nothing of one changes")
    given_to_all: tuple[str, ...] = Field(
        default=(), description="topics whose default status was OPT_IN, which every new contact gets"
    )
    prefix: str = Field(description="where the files with the changes lie: the key's prefix in the results bucket")
    parts: int = Field(description="how many files there are")
    digest: str = Field(
        description="a digest of the files, which begin with a random text: no address can be tried out"
    )
    created: int = Field(default=0, description="contacts, or entries on the suppression list, that come into being")
    updated: int = Field(default=0, description="contacts that change")
    removed: int = Field(default=0, description="contacts, or entries on the suppression list, that go")
    opt_ins: dict[str, int] = Field(default_factory=dict, description="by topic, how many contacts are opted in to it")
    opt_outs: dict[str, int] = Field(
        default_factory=dict, description="by topic, how many contacts are opted out of it"
    )
    unsubscribed: int = Field(default=0, description="contacts that are unsubscribed from everything")
    suppressed: int = Field(default=0, description="addresses that are put on the suppression list")
    overwritten: int = Field(
        default=0, description="changes after which something is not refused any more that somebody refused"
    )
    topics: tuple[WantedTopic, ...] | None = Field(
        default=None, description="the topics of SESConfig.json by which an import was planned; else null"
    )

    @property
    def wanted(self) -> tuple[WantedTopic, ...] | None:
        """Return the topics of SESConfig.json as they were when the plan was made; None where they say nothing."""
        return self.topics

    @property
    def changes(self) -> int:
        """Return how many changes the plan has."""
        return self.created + self.updated + self.removed
