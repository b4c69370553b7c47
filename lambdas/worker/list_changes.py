"""Changing a contact list in place: read, plan, write once, read back; again when somebody else was quicker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared import limits
from shared.errors import AwsCallError, CustomerError
from worker import contact_list
from worker.contact_list import ContactList, Topic, api_topics
from worker.job import Job

# What a list should have, given what it has.
Desire = Callable[[ContactList], Sequence[Topic]]


@dataclass(frozen=True)
class Changed:
    """The list before (None: it was created), as it is now, and whether it was written to."""

    before: ContactList | None
    now: ContactList
    wrote: bool


def change(job: Job, found: ContactList, desire: Desire) -> Changed:
    """Have the list's topics be what `desire` says, by one write if that is a difference.

    CustomerError when there would be too many topics, or when SES does not show what was written.
    """
    for attempt in range(1, limits.CHANGE_ATTEMPTS + 1):
        topics = desire(found)
        if same(found.topics, topics):
            return Changed(found, found, wrote=False)
        check_count(job, topics)
        try:
            job.ses.write("update_contact_list", **_request(found, topics))
        except AwsCallError as failure:
            if failure.kind != "conflict" or attempt == limits.CHANGE_ATTEMPTS:
                raise
            job.log(f"🔁 Customer {job.code}: the list was being changed by somebody else; reading it again")
            found = _read(job, found.name)
            continue
        return Changed(found, _read_back(job, found.name, topics), wrote=True)
    raise AssertionError("unreachable")


def create(job: Job, name: str, description: str | None, topics: Sequence[Topic], tags: dict[str, str]) -> Changed:
    """Make the account's list."""
    check_count(job, topics)
    request: dict[str, object] = {"ContactListName": name, "Topics": api_topics(topics)}
    if description:
        request["Description"] = description
    if tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    job.ses.write("create_contact_list", **request)
    return Changed(None, _read_back(job, name, topics), wrote=True)


def same(have: Sequence[Topic], want: Sequence[Topic]) -> bool:
    """Equal but for their order, and for "" against none."""

    def comparable(topics: Sequence[Topic]) -> list[tuple[str, ...]]:
        return sorted((one.name, one.display_name or "", one.description or "", one.default_status) for one in topics)

    return comparable(have) == comparable(want)


def check_count(job: Job, topics: Sequence[Topic]) -> None:
    """CustomerError when a list cannot hold them all."""
    if len(topics) > limits.SES_TOPICS:
        raise CustomerError(
            "configuration",
            "TooManyTopics",
            f"{job.code} would have {len(topics)} topics, more than the {limits.SES_TOPICS} of a contact list; "
            "nothing was written",
        )


def check_name(job: Job) -> None:
    """CustomerError when the account has a list already, of another name than the configured one that is missing."""
    other = contact_list.first_name(job) if job.customer.contact_list_name else None
    if other is not None:
        raise CustomerError(
            "configuration",
            "OtherContactList",
            f"config.json names the contact list {job.customer.contact_list_name}, but {job.code} has {other}, "
            "and an account has only one; nothing was written",
        )


def _request(found: ContactList, topics: Sequence[Topic]) -> dict[str, object]:
    """Description and topics complete: what is there is not left to what omitting means."""
    request: dict[str, object] = {"ContactListName": found.name, "Topics": api_topics(topics)}
    return request if found.description is None else {**request, "Description": found.description}


def _read(job: Job, name: str) -> ContactList:
    return contact_list.read(job, name)


def _read_back(job: Job, name: str, topics: Sequence[Topic]) -> ContactList:
    now = _read(job, name)
    if not same(now.topics, topics):
        text = f"SES does not show the topics that were written to {name} of {job.code}; run it again"
        raise CustomerError("operation", "NotAsWritten", text, retryable=True, outcome_unknown=True)
    return now
