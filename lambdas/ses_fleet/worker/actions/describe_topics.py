"""describe-topics: opt-ins and opt-outs of every topic, and what differs from SESConfig.json.

The orchestrator compares the customers.
"""

from __future__ import annotations

from collections.abc import Sequence

from ses_fleet.actions.data.describe_topics import DescribeTopicsData, Drift, TopicDifference
from ses_fleet.actions.data.described_topic import DescribedTopic
from ses_fleet.actions.params import Params
from ses_fleet.config.topics import WantedTopic, differences
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_list import ContactScan
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.topic_counts import TopicCounts, log_counts, with_counts


def run(context: ActionContext, _params: Params, state: State) -> Outcome:
    """Describe the topics of the account's list, and count the contacts that receive each."""
    scan, counts = ContactScan(state.get("scan", {})), TopicCounts(state.get("counts", {}))
    try:
        contact_list = scan.open(context)
        if contact_list is None:
            context.log(f"📋 Customer {context.code}: no contact list in this account and Region")
            return Done(DescribeTopicsData(drift=_drift(context, ())))
        for page in scan.pages(context, counts.forget):
            counts.add(page)
    except SliceTimeoutError:
        context.log(f"⏳ Customer {context.code}: {counts.total} contacts counted so far; continuing in another slice")
        return More({"scan": scan.state(), "counts": counts.state()})
    topics = with_counts(contact_list, counts)
    log_counts(context, topics, counts)
    return Done(DescribeTopicsData(contact_list=contact_list.name, topics=topics, drift=_drift(context, topics)))


def _drift(context: ActionContext, topics: Sequence[DescribedTopic]) -> Drift | None:
    """Return how the list's topics differ from the wanted ones, whatever their order; None when none are known."""
    if context.item.topics is None:
        return None
    wanted: dict[str, WantedTopic] = {topic.name: topic for topic in context.item.topics}
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
