"""ListContacts: the pages of a list, and their filter."""

from __future__ import annotations

from collections.abc import Callable

from strict_aws.paging import page_tokens
from strict_aws.ses import paging, shapes
from strict_aws.ses.contact_lists import Answer, Params, wanted
from strict_aws.ses.described import describer
from strict_aws.ses.errors import bad_request, no_topic
from strict_aws.ses.store import Contact, ContactList, Place


def list_contacts(place: Place, params: Params) -> Answer:
    """Return a page of contacts in the order in which they came, without attributes, creation times and a total.

    A filter is applied to the page, as in services that scan: the page may be empty and still have a NextToken.
    """
    condition = shapes.structure(params.get("Filter"))
    size = paging.page_size(params.get("PageSize"))
    token = shapes.optional_text(params.get("NextToken"))
    found = wanted(place, params)
    matches = _filter(found, condition)
    start = 0 if token is None else paging.read_token(token, found.token_key, condition, place.asked)
    contacts, more = found.page(start, size)
    describe = describer(found)
    answer: Answer = {"Contacts": [describe(contact) for contact in contacts if matches(contact)]}
    if more is None:
        return answer
    return {**answer, "NextToken": page_tokens.make_token(more, found.token_key, condition, place.asked)}


def _filter(found: ContactList, condition: Params) -> Callable[[Contact], bool]:
    by_topic = shapes.structure(condition.get("TopicFilter"))
    if condition.get("FilteredStatus") is None:
        if by_topic:
            raise bad_request("A TopicFilter needs a FilteredStatus")  # our choice: nothing says what it would mean
        return lambda _: True
    status = shapes.status(condition["FilteredStatus"], "filter.filteredStatus")
    if not by_topic:
        # Our choice: a status alone means UnsubscribeAll, the one status that a contact as a whole has.
        return lambda contact: contact.unsubscribed_all == (status == "OPT_OUT")
    return _topic_filter(found, status, by_topic)


def _topic_filter(found: ContactList, status: str, by_topic: Params) -> Callable[[Contact], bool]:
    """Return the filter by a topic's status: UnsubscribeAll beats an explicit preference.

    An explicit preference beats the topic's default, which only counts when the request asks for it.
    """
    name = shapes.text(by_topic.get("TopicName"), "filter.topicFilter.topicName")
    if name not in found.topics:
        raise no_topic(found.name, name)
    use_default = shapes.flag(by_topic.get("UseDefaultIfPreferenceUnavailable"))
    otherwise = found.topics[name].default_status if use_default else None

    def matches(contact: Contact) -> bool:
        if contact.unsubscribed_all:
            return status == "OPT_OUT"
        return dict(contact.preferences).get(name, otherwise) == status

    return matches
