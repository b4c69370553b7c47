"""What has to change for a list to have the wanted topics. Nothing is called here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ses_fleet.actions.data.manage_topic import ManageTopicData, TopicUpdate
from ses_fleet.config.topics import Topic, differences
from ses_fleet.worker.context import State


@dataclass(frozen=True)
class TopicPlan:
    """`desired` is the complete list of topics afterwards; the other fields say how it differs from now.

    `unmanaged` are topics that are not wanted and stay.
    """

    desired: tuple[Topic, ...]
    added: tuple[str, ...]
    updated: tuple[TopicUpdate, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    unmanaged: tuple[str, ...]

    def data(self, *, list_created: bool) -> ManageTopicData:
        """Return the plan as the result's data has it."""
        return ManageTopicData(
            list_created=list_created,
            added=self.added,
            updated=self.updated,
            removed=self.removed,
            unchanged=self.unchanged,
            unmanaged=self.unmanaged,
        )


def make(current: Sequence[Topic], wanted: Sequence[Topic], removable: Collection[str] = ()) -> TopicPlan:
    """Return the plan for a list with the topics `current` to have the topics `wanted`.

    Existing topics keep their order and new ones follow. A different order is no difference, nor is an empty text where
    there was none. `removable` are the topics that may be removed when they are not wanted.
    """
    want = {topic.name: topic for topic in wanted}
    have = {topic.name: topic for topic in current}
    added = [topic for topic in wanted if topic.name not in have]
    updated = [
        TopicUpdate(topic=topic.name, field=found.field, before=found.have, after=found.want)
        for topic in current
        if topic.name in want
        for found in differences(topic, want[topic.name])
    ]
    removed = [name for name in have if name not in want and name in removable]
    changed = {entry.topic for entry in updated}
    return TopicPlan(
        desired=(*(want.get(name, topic) for name, topic in have.items() if name not in removed), *added),
        added=tuple(topic.name for topic in added),
        updated=tuple(updated),
        removed=tuple(removed),
        unchanged=tuple(name for name in have if name in want and name not in changed),
        unmanaged=tuple(name for name in have if name not in want and name not in removed),
    )


class TopicLedger:
    """What one customer's run has written to the topics, over all its slices. `state` is JSON."""

    def __init__(self, state: State) -> None:
        self.list_created: bool = state.get("list_created", False)
        self._added: list[str] = state.get("added", [])
        self._updated = [TopicUpdate.model_validate(one) for one in state.get("updated", ())]
        self._removed: list[str] = state.get("removed", [])

    @property
    def wrote(self) -> bool:
        """Return whether this run has written anything."""
        return bool(self.list_created or self._added or self._updated or self._removed)

    def state(self) -> State:
        """Return what the next slice continues from."""
        return {
            "list_created": self.list_created,
            "added": self._added,
            "updated": [one.model_dump(mode="json", by_alias=True) for one in self._updated],
            "removed": self._removed,
        }

    def add(self, done: TopicPlan, *, list_created: bool) -> None:
        """Add a plan that was written."""
        self.list_created |= list_created
        self._added += [name for name in done.added if name not in self._added]
        self._updated += done.updated
        self._removed += [name for name in done.removed if name not in self._removed]

    def plan(self, now: TopicPlan) -> TopicPlan:
        """Return the plan of the list as it is now, with what this run wrote in place of what is left to do."""
        touched = {*self._added, *(entry.topic for entry in self._updated)}
        return replace(
            now,
            added=tuple(self._added),
            updated=tuple(self._updated),
            removed=tuple(self._removed),
            unchanged=tuple(name for name in now.unchanged if name not in touched),
        )
