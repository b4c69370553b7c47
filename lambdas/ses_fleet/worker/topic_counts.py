"""Opt-ins and opt-outs of each topic over all contacts, in memory that does not grow with their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ses_fleet.actions.data.described_topic import DescribedTopic
from ses_fleet.config.topics import Topic
from ses_fleet.worker.contact_list import ContactList, explicit_preferences
from ses_fleet.worker.context import ActionContext, State


class TopicCounts:
    """Counts contacts. UnsubscribeAll overrides an explicit preference, which overrides the topic's default."""

    def __init__(self, state: State) -> None:
        self._count(state)

    def _count(self, state: State) -> None:
        self.total: int = state.get("total", 0)
        self.unsubscribed_all: int = state.get("unsubscribed_all", 0)
        self._explicit = Counter({(topic, status): count for topic, status, count in state.get("explicit", ())})

    def forget(self) -> None:
        """Set all counts to zero, because all pages are read again."""
        self._count({})

    def state(self) -> State:
        """Return what the next slice continues from; JSON."""
        explicit = [[topic, status, count] for (topic, status), count in self._explicit.items()]
        return {"total": self.total, "unsubscribed_all": self.unsubscribed_all, "explicit": explicit}

    def add(self, contacts: list[dict[str, Any]]) -> None:
        """Count the contacts of one page of ListContacts."""
        self.total += len(contacts)
        for contact in contacts:
            if contact.get("UnsubscribeAll"):
                self.unsubscribed_all += 1
                continue
            for choice in explicit_preferences(contact).items():
                self._explicit[choice] += 1

    def opted_in(self, topic: Topic) -> int:
        """Return how many contacts receive this topic."""
        if topic.default_status != "OPT_IN":
            return self._explicit[topic.name, "OPT_IN"]
        return self.total - self.unsubscribed_all - self._explicit[topic.name, "OPT_OUT"]


def with_counts(contact_list: ContactList, counts: TopicCounts | None) -> tuple[DescribedTopic, ...]:
    """Return the list's topics as the result's data has them; their numbers are None when nothing was counted."""
    return tuple(
        DescribedTopic(
            **topic.model_dump(),
            opted_in=None if counts is None else counts.opted_in(topic),
            opted_out=None if counts is None else counts.total - counts.opted_in(topic),
        )
        for topic in contact_list.topics
    )


def log_counts(context: ActionContext, topics: Sequence[DescribedTopic], counts: TopicCounts | None) -> None:
    """Log a line for each topic and, when contacts were counted, one with the total."""
    for topic in topics:
        numbers = "" if counts is None else f": {topic.opted_in} opted in, {topic.opted_out} opted out"
        context.log(f"   {topic.name} (default {topic.default_status}){numbers}")
    if counts is not None:
        context.log(
            f"👥 Customer {context.code}: {counts.total} contacts, "
            f"{counts.unsubscribed_all} unsubscribed from everything"
        )
