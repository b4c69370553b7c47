"""What a dry run would do for one customer, and a later run applies; here for the topics of a list."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from ses_fleet import limits
from ses_fleet.config.topics import Topic, WantedTopic, differences
from ses_fleet.model_bases import Stored
from ses_fleet.runs.people_plan import PeoplePlan


class TopicsPlan(Stored):
    """The topics of one contact list, whole, before and after the change; in CustomerResult of a dry run.

    `made_from` is the digest of the list as it was, which a run compares before it writes anything.
    """

    kind: Literal["topics"] = Field(default="topics", description="always `topics`, where people have `people`")
    contact_list: str = Field(description="the list's name, or the name with which it would be created")
    list_created: bool = Field(default=False, description="whether there was no contact list")
    before: tuple[Topic, ...] = Field(default=(), description="the list's topics when the plan was made")
    after: tuple[Topic, ...] = Field(default=(), description="the list's topics once the plan is applied")
    unmanaged: tuple[str, ...] = Field(default=(), description="names of topics that SESConfig.json does not have")
    made_from: str = Field(description="a digest of the list's name and of its topics before")

    @property
    def wanted(self) -> tuple[WantedTopic, ...]:
        """Return the topics of SESConfig.json as they were when the plan was made, without the roles of imports."""
        return tuple(WantedTopic(**topic.model_dump()) for topic in self.after if topic.name not in self.unmanaged)


# In the results of a dry run, and in what a worker is sent that applies it.
SavedPlan = TopicsPlan | PeoplePlan


def digest(name: str | None, topics: Sequence[Topic]) -> str:
    """Return a digest of a contact list's name and topics; `name` is None when there is no list.

    It is the same for topics in another order, and for an empty text in the place of none, as these are no difference.
    """
    said = sorted([one.name, one.display_name or "", one.description or "", one.default_status] for one in topics)
    return hashlib.blake2b(json.dumps([name, said]).encode(), digest_size=limits.PLAN_DIGEST_BYTES).hexdigest()


def changed(before: Sequence[Topic], after: Sequence[Topic]) -> Iterator[tuple[str, str]]:
    """Yield (topic, what) for each topic that differs: "new", "gone", or the names of its fields that differ."""
    was = {topic.name: topic for topic in before}
    for topic in after:
        if topic.name not in was:
            yield topic.name, "new"
        elif fields := [found.field for found in differences(was[topic.name], topic)]:
            yield topic.name, " and ".join(fields)
    now = {topic.name for topic in after}
    yield from ((name, "gone") for name in was if name not in now)
