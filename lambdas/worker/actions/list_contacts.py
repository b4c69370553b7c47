"""list-contacts: every contact with its preferences, explicit and effective, into S3."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.actions import ListContactsParams
from shared.errors import CustomerError
from shared.text import did_you_mean, quoted
from worker.contact_list import ContactList, Scan, chosen
from worker.job import Done, Job, More, Outcome, State
from worker.parts import PartWriter
from worker.rate import SliceTimeoutError

_Contact = dict[str, Any]


def run(job: Job, params: ListContactsParams, state: State) -> Outcome:
    """`{contact_list, total, parts}`; the contacts are JSON Lines at `data_location`, as interface.md has them."""
    scan, writer = Scan(state.get("scan", {})), PartWriter(job, job.data_prefix, state.get("written", {}))
    try:
        contact_list = scan.open(job)
        if contact_list is None:
            job.log(f"📋 Customer {job.code}: no contact list in this account and Region")
            return Done({"contact_list": None, "total": 0, "parts": 0})
        _check_topic(job, contact_list, params)
        describe, wanted = _describer(contact_list), _wanted(params)
        since = None if params.changed_since is None else params.changed_since.timestamp()
        for page in scan.pages(job, _condition(params)):
            recent = page if since is None else [one for one in page if _updated(one) >= since]
            writer.add(filter(wanted, map(describe, recent)))
    except SliceTimeoutError:
        writer.flush()
        job.log(f"⏳ Customer {job.code}: {writer.total} contacts written so far; going on in another slice")
        return More({"scan": scan.state(), "written": writer.state()})
    writer.flush()
    job.log(f"👥 Customer {job.code}: {writer.total} contacts of {contact_list.name} written in {writer.parts} parts")
    data = {"contact_list": contact_list.name, "total": writer.total, "parts": writer.parts}
    return Done(data, data_location=job.results.location(job.data_prefix))


def _check_topic(job: Job, contact_list: ContactList, params: ListContactsParams) -> None:
    names = [topic.name for topic in contact_list.topics]
    if params.topic is not None and params.topic not in names:
        near = did_you_mean(params.topic, names)
        text = f"the list {contact_list.name} of {job.code} has no topic {quoted(params.topic)}{near}"
        raise CustomerError("operation", "UnknownTopic", text)


def _condition(params: ListContactsParams) -> dict[str, Any] | None:
    """SES's own filter, where what it finds surely includes what is asked for.

    Opted in is such a case. For opted out it is not documented whether SES counts those who unsubscribed from
    everything, so all are read.
    """
    if params.topic is None or params.wanted_status != "OPT_IN":
        return None
    by_topic = {"TopicName": params.topic, "UseDefaultIfPreferenceUnavailable": True}
    return {"FilteredStatus": "OPT_IN", "TopicFilter": by_topic}


def _describer(contact_list: ContactList) -> Callable[[_Contact], _Contact]:
    defaults = {topic.name: topic.default_status for topic in contact_list.topics}
    unsubscribed = dict.fromkeys(defaults, "OPT_OUT")

    def describe(contact: _Contact) -> _Contact:
        explicit = chosen(contact)
        unsubscribed_all = bool(contact.get("UnsubscribeAll"))
        return {
            "email": contact["EmailAddress"],
            "preferences": explicit,
            "effective": unsubscribed if unsubscribed_all else {**defaults, **explicit},
            "unsubscribed_all": unsubscribed_all,
            "last_updated_at": _iso(_updated(contact)),
        }

    return describe


def _wanted(params: ListContactsParams) -> Callable[[_Contact], bool]:
    """The filter of `params`, over contacts as we describe them."""

    def wanted(contact: _Contact) -> bool:
        if params.topic is not None and contact["effective"].get(params.topic) != params.wanted_status:
            return False
        return params.unsubscribed is None or contact["unsubscribed_all"] == params.unsubscribed

    return wanted


def _updated(contact: _Contact) -> float:
    """Epoch seconds, as shared.aws hands pages over; a datetime if a later botocore parses them after all."""
    moment = contact["LastUpdatedTimestamp"]
    return float(moment.timestamp() if isinstance(moment, datetime) else moment)


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
