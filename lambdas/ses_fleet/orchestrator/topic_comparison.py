"""describe-topics across customers: who has how many opt-ins, and where lists differ from SESConfig.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ses_fleet.config.topics import Topic, WantedTopic, differences
from ses_fleet.runs.models import CustomerResult


class TopicFleet:
    """Collects the comparison. `wanted` None = there is no usable SESConfig.json, so no drift can be told."""

    def __init__(self, wanted: Sequence[WantedTopic] | None) -> None:
        self._wanted = None if wanted is None else {topic.name: topic for topic in wanted}
        self._topics: dict[str, dict[str, int]] = {name: {} for name in self._wanted or ()}
        self._drift: dict[str, dict[str, Any]] = {}

    def add(self, result: CustomerResult) -> None:
        """Take in one customer's result; only successful ones can be compared."""
        if result.status != "successful" or result.data is None or "topics" not in result.data:
            return
        topics = result.data["topics"]
        for topic in topics:
            self._topics.setdefault(topic["name"], {})[result.customer_code] = topic["opted_in"]
        if self._wanted is not None:
            self._drift[result.customer_code] = drift(self._wanted, topics)

    def answer(self, order: Sequence[str]) -> dict[str, Any]:
        """interface.md's `fleet`: opt-ins by topic and customer, drift by customer, both in config order."""
        topics = {
            name: {code: counts[code] for code in order if code in counts} for name, counts in self._topics.items()
        }
        drifts = None if self._wanted is None else {code: self._drift[code] for code in order if code in self._drift}
        return {"topics": topics, "drift": drifts, "location": None}


def drift(wanted: dict[str, WantedTopic], topics: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How a list's topics differ from the wanted ones; order is no difference."""
    have = {topic["name"]: topic for topic in topics}
    return {
        "missing": [name for name in wanted if name not in have],
        "extra": [name for name in have if name not in wanted],
        "different": [
            {"topic": name, "field": found.field, "have": found.have, "want": found.want}
            for name, topic in wanted.items()
            if name in have
            for found in differences(Topic.model_validate(have[name]), topic)
        ],
    }
