"""describe-topics across customers: who has how many opt-ins, and where lists differ from SESConfig.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ses_fleet.actions.data.describe_topics import DescribeTopicsData, Drift
from ses_fleet.actions.data.topic_comparison import TopicMatrix
from ses_fleet.runs.models import CustomerResult


class TopicComparison:
    """Collects the comparison as results come in.

    `wanted` are the names of SESConfig.json's topics, or None without a valid one: then no differences are known.
    """

    def __init__(self, wanted: Sequence[str] | None) -> None:
        self._wanted = wanted
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
        if found.drift is not None:
            self._drift[result.customer_code] = found.drift

    def answer(self, order: Sequence[str]) -> dict[str, Any]:
        """Return the JSON of `fleet` in the Summary, with customers in the order of `order`."""
        topics = {
            name: {code: counts[code] for code in order if code in counts} for name, counts in self._topics.items()
        }
        drifts = None if self._wanted is None else {code: self._drift[code] for code in order if code in self._drift}
        return TopicMatrix(topics=topics, drift=drifts).model_dump(mode="json")
