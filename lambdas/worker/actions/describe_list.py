"""describe-list: the contact list, its topics, and how many contacts are opted in to each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from shared import limits
from shared.actions import DescribeListParams
from shared.errors import AwsCallError
from worker.job import Job
from worker.rate import SliceTimeoutError


def run(job: Job, params: DescribeListParams) -> dict[str, Any]:
    """Describe the account's list; the shape of the answer is interface.md's `data` of describe-list."""
    contact_list = _find_list(job)
    if contact_list is None:
        job.log(f"📋 Customer {job.code}: no contact list in this account and Region")
        return {"contact_list": None, "topics": [], "contacts": None}
    topics = contact_list.get("Topics", [])
    job.log(f"📋 Customer {job.code}: contact list {contact_list['ContactListName']}, {len(topics)} topics")
    counts = _count(job, contact_list["ContactListName"]) if params.count_contacts else None
    described = [_topic(topic, counts) for topic in topics]
    _log_counts(job, described, counts)
    return {
        "contact_list": {
            "name": contact_list["ContactListName"],
            "description": contact_list.get("Description"),
            "created_at": _iso(contact_list.get("CreatedTimestamp")),
            "last_updated_at": _iso(contact_list.get("LastUpdatedTimestamp")),
        },
        "topics": described,
        "contacts": counts and {"total": counts.total, "unsubscribed_all": counts.unsubscribed_all},
    }


class _Counts:
    """Opt-ins over all contacts, in memory that does not grow with them."""

    def __init__(self) -> None:
        self.total = 0
        self.unsubscribed_all = 0
        self._explicit: Counter[tuple[str, str]] = Counter()

    def add(self, contact: dict[str, Any]) -> None:
        """Take in one contact."""
        self.total += 1
        if contact.get("UnsubscribeAll"):
            self.unsubscribed_all += 1
            return
        for preference in contact.get("TopicPreferences") or ():
            self._explicit[preference["TopicName"], preference["SubscriptionStatus"]] += 1

    def opted_in(self, topic: dict[str, Any]) -> int:
        """UnsubscribeAll beats an explicit preference, which beats the topic's default."""
        name = topic["TopicName"]
        if topic["DefaultSubscriptionStatus"] != "OPT_IN":
            return self._explicit[name, "OPT_IN"]
        return self.total - self.unsubscribed_all - self._explicit[name, "OPT_OUT"]


def _find_list(job: Job) -> dict[str, Any] | None:
    name = job.customer.contact_list_name or _first_list_name(job)
    if name is None:
        return None
    try:
        return job.ses.read("get_contact_list", ContactListName=name)
    except AwsCallError as failure:
        # Only a list that was configured by name may turn out not to be there: then the account has none of that name.
        if failure.status == 404 and job.customer.contact_list_name is not None:
            return None
        raise


def _first_list_name(job: Job) -> str | None:
    token: dict[str, str] = {}
    while True:
        answer = job.ses.read("list_contact_lists", **token)
        for entry in answer.get("ContactLists", []):
            return str(entry["ContactListName"])
        if not answer.get("NextToken"):
            return None
        token = {"NextToken": answer["NextToken"]}


def _count(job: Job, list_name: str) -> _Counts:
    counts = _Counts()
    try:
        for contact in _contacts(job, list_name):
            counts.add(contact)
    except SliceTimeoutError:
        raise SliceTimeoutError(
            f"the time given to {job.code} ended after {counts.total} contacts were counted; "
            'run it with "params": {"count_contacts": false}, or allow more with customer_timeout_seconds'
        ) from None
    return counts


def _contacts(job: Job, list_name: str) -> Iterator[dict[str, Any]]:
    token: dict[str, str] = {}
    while True:
        answer = job.ses.read("list_contacts", ContactListName=list_name, PageSize=limits.SES_PAGE_SIZE, **token)
        yield from answer.get("Contacts", [])
        if not answer.get("NextToken"):  # an empty page with a token is not the end
            return
        token = {"NextToken": answer["NextToken"]}


def _topic(topic: dict[str, Any], counts: _Counts | None) -> dict[str, Any]:
    opted_in = None if counts is None else counts.opted_in(topic)
    return {
        "name": topic["TopicName"],
        "display_name": topic.get("DisplayName"),
        "description": topic.get("Description"),
        "default_status": topic["DefaultSubscriptionStatus"],
        "opted_in": opted_in,
        "opted_out": None if counts is None or opted_in is None else counts.total - opted_in,
    }


def _log_counts(job: Job, described: list[dict[str, Any]], counts: _Counts | None) -> None:
    for topic in described:
        numbers = "" if counts is None else f": {topic['opted_in']} opted in, {topic['opted_out']} opted out"
        job.log(f"   {topic['name']} (default {topic['default_status']}){numbers}")
    if counts is not None:
        job.log(
            f"👥 Customer {job.code}: {counts.total} contacts, {counts.unsubscribed_all} unsubscribed from everything"
        )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
