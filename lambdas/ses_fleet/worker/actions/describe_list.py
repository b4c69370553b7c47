"""describe-list: the contact list, its topics, and how many contacts are opted in to each."""

from __future__ import annotations

from ses_fleet.actions.data.describe_list import CountedContacts, DescribedList, DescribeListData
from ses_fleet.actions.params import DescribeListParams
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_list import ContactScan
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.topic_counts import TopicCounts, log_counts, with_counts


def run(context: ActionContext, params: DescribeListParams, state: State) -> Outcome:
    """Describe the account's list; count its contacts unless `count_contacts` is false."""
    scan, counts = ContactScan(state.get("scan", {})), TopicCounts(state.get("counts", {}))
    try:
        contact_list = scan.open(context)
        if contact_list is None:
            context.log(f"📋 Customer {context.code}: no contact list in this account and Region")
            return Done(DescribeListData())
        if params.count_contacts:
            for page in scan.pages(context, counts.forget):
                counts.add(page)
    except SliceTimeoutError:
        context.log(f"⏳ Customer {context.code}: {counts.total} contacts counted so far; continuing in another slice")
        return More({"scan": scan.state(), "counts": counts.state()})
    counted = counts if params.count_contacts else None
    topics = with_counts(contact_list, counted)
    context.log(f"📋 Customer {context.code}: contact list {contact_list.name}, {len(topics)} topics")
    log_counts(context, topics, counted)
    return Done(
        DescribeListData(
            contact_list=DescribedList.model_validate(contact_list.model_dump()),
            topics=topics,
            contacts=counted and CountedContacts(total=counted.total, unsubscribed_all=counted.unsubscribed_all),
        )
    )
