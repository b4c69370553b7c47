"""describe-topics across customers: who has how many opt-ins, and where lists differ from SESConfig.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ses_fleet.actions.data.describe_topics import DescribeTopicsData
from ses_fleet.actions.data.described_topic import DescribedTopic
from ses_fleet.actions.data.topic_comparison import Drift, TopicDifference, TopicMatrix
from ses_fleet.config.topics import WantedTopic, differences
from ses_fleet.runs.models import CustomerResult


class TopicComparison:
    """Collects the comparison as results come in.

    `wanted` are the topics of SESConfig.json, or None without a valid one: then no differences are computed.
    """

    def __init__(self, wanted: Sequence[WantedTopic] | None) -> None:
        self._wanted = None if wanted is None else {topic.name: topic for topic in wanted}
        self._topics: dict[str, dict[str, int]] = {name: {} for name in self._wanted or ()}
        self._drift: dict[str, Drift] = {}

    def add(self, result: CustomerResult) -> None:
        """Add one customer's result; ignore it unless it is successful and has topics."""
        found = DescribeTopicsData.read(result.data)
        if result.status != "successful" or "topics" not in found.model_fields_set:
            return
        for topic in found.topics:
            counts = self._topics.setdefault(topic.name, {})
            if topic.opted_in is not None:
                counts[result.customer_code] = topic.opted_in
        if self._wanted is not None:
            self._drift[result.customer_code] = drift(self._wanted, found.topics)

    def answer(self, order: Sequence[str]) -> dict[str, Any]:
        """Return the JSON of `fleet` in the Summary, with customers in the order of `order`."""
        topics = {
            name: {code: counts[code] for code in order if code in counts} for name, counts in self._topics.items()
        }
        drifts = None if self._wanted is None else {code: self._drift[code] for code in order if code in self._drift}
        return TopicMatrix(topics=topics, drift=drifts).model_dump(mode="json")


def drift(wanted: Mapping[str, WantedTopic], topics: Sequence[DescribedTopic]) -> Drift:
    """Return how a list's topics differ from the wanted ones, whatever their order."""
    have = {topic.name: topic for topic in topics}
    return Drift(
        missing=tuple(name for name in wanted if name not in have),
        extra=tuple(name for name in have if name not in wanted),
        different=tuple(
            TopicDifference(topic=name, field=found.field, have=found.have, want=found.want)
            for name, topic in wanted.items()
            if name in have
            for found in differences(have[name], topic)
        ),
    )
