"""The operations on contact lists, in the names and shapes of the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from strict_aws.ses import paging, shapes, validation
from strict_aws.ses.errors import bad_request, bad_token, no_list
from strict_aws.ses.store import ContactList, Heading, Place, Topic

Params = dict[str, Any]
Answer = dict[str, Any]


def wanted(place: Place, params: Params) -> ContactList:
    """Return the list that the request names, or raise AwsError.

    A name with characters that no list may have is a bad request, not a missing list (observed).
    """
    name = validation.list_name(shapes.text(params.get("ContactListName"), "contactListName"))
    if place.contact_list is None or place.contact_list.name != name:
        raise no_list(name)
    return place.contact_list


@dataclass(frozen=True)
class ContactListOperations:
    """The operations on contact lists.

    Each takes botocore's input and returns botocore's output, with the place's lock held.
    """

    clock: Callable[[], float]

    def create_contact_list(self, place: Place, params: Params) -> Answer:
        """Make the one list of an account and Region; a second one is refused, even of the same name."""
        name = shapes.text(params.get("ContactListName"), "contactListName")
        text = shapes.optional_text(params.get("Description"))
        given, tags = shapes.topics(params.get("Topics")), shapes.tags(params.get("Tags"))
        validation.list_name(name)
        topics = validation.topics(given)
        validation.description(text)
        if place.contact_list is not None:
            raise bad_request("A maximum of 1 Lists allowed per account.")
        heading = Heading(text, topics, self.clock())
        place.lists.set(ContactList.new(name, tags, heading, place.retention), heading.updated_at)
        return {}

    def get_contact_list(self, place: Place, params: Params) -> Answer:
        """Return topics, tags and times of the list; descriptions that were never given are left out."""
        found = wanted(place, params)
        answer: Answer = {
            "ContactListName": found.name,
            "Topics": [_topic(topic) for topic in found.topics.values()],
            "CreatedTimestamp": found.created_at,
            "LastUpdatedTimestamp": found.heading.updated_at,
            "Tags": [{"Key": key, "Value": value} for key, value in found.tags.items()],
        }
        text = found.heading.description
        return answer if text is None else {**answer, "Description": text}

    def list_contact_lists(self, place: Place, params: Params) -> Answer:
        """Return one list or none. There is never a second page, so every NextToken is refused."""
        paging.page_size(params.get("PageSize"))
        if params.get("NextToken") is not None:
            raise bad_token()
        found = place.contact_list
        if found is None:
            return {"ContactLists": []}
        return {"ContactLists": [{"ContactListName": found.name, "LastUpdatedTimestamp": found.heading.updated_at}]}

    def update_contact_list(self, place: Place, params: Params) -> Answer:
        """Replace topics and description; what is omitted is kept, [] and "" clear (observed).

        What happens to the preferences for a topic that is removed is not documented: here they are lost.
        """
        text, given = shapes.optional_text(params.get("Description")), params.get("Topics")
        topics = None if given is None else validation.topics(shapes.topics(given))
        validation.description(text)
        found, now = wanted(place, params), self.clock()
        before = found.heading
        if topics is not None:
            found.forget_topics(found.topics.keys() - topics.keys(), now)
        found.change_heading(
            Heading(
                description=before.description if text is None else text,
                topics=before.topics if topics is None else topics,
                updated_at=now,
            )
        )
        return {}

    def delete_contact_list(self, place: Place, params: Params) -> Answer:
        """Delete the list with all of its contacts."""
        wanted(place, params)
        place.lists.set(None, self.clock())
        return {}


def _topic(topic: Topic) -> Answer:
    described = {
        "TopicName": topic.name,
        "DisplayName": topic.display_name,
        "DefaultSubscriptionStatus": topic.default_status,
    }
    return described if topic.description is None else {**described, "Description": topic.description}
