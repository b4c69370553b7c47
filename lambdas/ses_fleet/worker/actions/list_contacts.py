"""list-contacts: write every contact with its preferences, explicit and effective, to S3."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ses_fleet.actions.data.list_contacts import ListContactsData
from ses_fleet.actions.params import ListContactsParams
from ses_fleet.errors import CustomerError
from ses_fleet.text import did_you_mean, quoted
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_list import ContactList, ContactScan, address, explicit_preferences
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.record_files import RecordFileWriter

_Contact = dict[str, Any]


def run(context: ActionContext, params: ListContactsParams, state: State) -> Outcome:
    """Write the contacts that `params` ask for as JSON Lines at `data_location`.

    A record is `{email, preferences, effective, unsubscribed_all, last_updated_at}`.
    """
    scan, found = ContactScan(state.get("scan", {})), _Found(context, params, state)
    try:
        contact_list = scan.open(context)
        if contact_list is None:
            context.log(f"📋 Customer {context.code}: no contact list in this account and Region")
            return Done(ListContactsData(total=0, parts=0))
        _check_topic(context, contact_list, params)
        describe = _describer(contact_list)
        for page in scan.pages(context, found.forget, _condition(params)):
            found.add(page, describe)
    except SliceTimeoutError:
        context.log(
            f"⏳ Customer {context.code}: {found.writer.total} contacts written so far; continuing in another slice"
        )
        return More({"scan": scan.state(), **found.state()})
    writer = found.writer
    writer.flush()
    found.say()
    context.log(
        f"👥 Customer {context.code}: {writer.total} contacts of {contact_list.name} written in {writer.parts} parts"
    )
    data = ListContactsData(contact_list=contact_list.name, total=writer.total, parts=writer.parts)
    return Done(data, data_location=context.results.location(writer.prefix))


class _Found:
    """The contacts that were asked for, as they are written to S3."""

    def __init__(self, context: ActionContext, params: ListContactsParams, state: State) -> None:
        self.writer = RecordFileWriter(context, context.data_prefix, state.get("written", {}))
        self._context = context
        self._wanted = _wanted(params)
        self._since = None if params.changed_since is None else params.changed_since.timestamp()
        self._undated: int = state.get("undated", 0)

    def state(self) -> State:
        """Write everything that was found, and return what the next slice continues from; JSON."""
        self.writer.flush()
        return {"written": self.writer.state(), "undated": self._undated}

    def forget(self) -> None:
        """Forget every contact, because all pages are read again."""
        self.writer.restart()
        self._undated = 0

    def add(self, page: list[_Contact], describe: Callable[[_Contact], _Contact]) -> None:
        """Add the contacts of one page of ListContacts that were asked for."""
        found = [one for one in map(describe, filter(self._is_recent, page)) if self._wanted(one)]
        self.writer.add(found)
        if self._since is not None:
            self._undated += sum(one["last_updated_at"] is None for one in found)

    def say(self) -> None:
        """Warn about contacts of which SES does not say whether they changed since the time that was asked for."""
        if self._undated:
            text = (
                f"SES does not say when {self._undated} of the contacts were updated: they are included although they"
            )
            self._context.warn(f"{text} may not have changed since params.changed_since")

    def _is_recent(self, contact: _Contact) -> bool:
        """Return whether the contact may have been updated since the time that was asked for."""
        moment = _updated(contact)
        return self._since is None or moment is None or moment >= self._since


def _check_topic(context: ActionContext, contact_list: ContactList, params: ListContactsParams) -> None:
    names = [topic.name for topic in contact_list.topics]
    if params.topic is not None and params.topic not in names:
        near = did_you_mean(params.topic, names)
        text = f"the list {contact_list.name} of {context.code} has no topic {quoted(params.topic)}{near}"
        raise CustomerError("operation", "UnknownTopic", text)


def _condition(params: ListContactsParams) -> dict[str, Any] | None:
    """Return the filter that SES applies, or None to read all contacts.

    The filter is used only where what SES finds is sure to include everything that is asked for. That holds for opted
    in. For opted out it is not documented whether SES counts contacts that unsubscribed from everything, so all are
    read.
    """
    if params.topic is None or params.wanted_status != "OPT_IN":
        return None
    by_topic = {"TopicName": params.topic, "UseDefaultIfPreferenceUnavailable": True}
    return {"FilteredStatus": "OPT_IN", "TopicFilter": by_topic}


def _describer(contact_list: ContactList) -> Callable[[_Contact], _Contact]:
    defaults = {topic.name: topic.default_status for topic in contact_list.topics}
    unsubscribed = dict.fromkeys(defaults, "OPT_OUT")

    def describe(contact: _Contact) -> _Contact:
        explicit = explicit_preferences(contact)
        unsubscribed_all = bool(contact.get("UnsubscribeAll"))
        return {
            "email": address(contact),
            "preferences": explicit,
            "effective": unsubscribed if unsubscribed_all else {**defaults, **explicit},
            "unsubscribed_all": unsubscribed_all,
            "last_updated_at": _iso(_updated(contact)),
        }

    return describe


def _wanted(params: ListContactsParams) -> Callable[[_Contact], bool]:
    """Return the test of `params` for contacts as they are written."""

    def wanted(contact: _Contact) -> bool:
        if params.topic is not None and contact["effective"].get(params.topic) != params.wanted_status:
            return False
        return params.unsubscribed is None or contact["unsubscribed_all"] == params.unsubscribed

    return wanted


def _updated(contact: _Contact) -> float | None:
    """Return when SES last updated the contact, in epoch seconds, or None when SES does not say.

    ses_fleet.aws.clients returns numbers. A datetime is accepted, too, in case a later botocore parses them.
    """
    moment = contact.get("LastUpdatedTimestamp")
    if moment is None:
        return None
    return float(moment.timestamp() if isinstance(moment, datetime) else moment)


def _iso(epoch: float | None) -> str | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
