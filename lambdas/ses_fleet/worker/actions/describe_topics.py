"""describe-topics: opt-ins and opt-outs of every topic. The orchestrator compares the customers."""

from __future__ import annotations

from ses_fleet.actions.data.describe_topics import DescribeTopicsData
from ses_fleet.actions.params import Params
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
            return Done(DescribeTopicsData())
        for page in scan.pages(context, counts.forget):
            counts.add(page)
    except SliceTimeoutError:
        context.log(f"⏳ Customer {context.code}: {counts.total} contacts counted so far; continuing in another slice")
        return More({"scan": scan.state(), "counts": counts.state()})
    topics = with_counts(contact_list, counts)
    log_counts(context, topics, counts)
    return Done(DescribeTopicsData(contact_list=contact_list.name, topics=topics))
