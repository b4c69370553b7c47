"""The operations on contact lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.ses import validation
from local.ses.store import ContactList, Place, Topic
from local.ses.validation import bad_request
from local.web import AwsError

Params = dict[str, Any]
Answer = dict[str, Any]


def not_found(name: str) -> AwsError:
    """SES's answer when there is no such list."""
    return AwsError("NotFoundException", f"List with name: {name} doesn't exist.", 404)


def wanted(place: Place, params: Params) -> ContactList:
    """The list that the request names."""
    name = params.get("ContactListName")
    if place.contact_list is None or place.contact_list.name != name:
        raise not_found(str(name))
    return place.contact_list


@dataclass(frozen=True)
class ContactListOperations:
    """Each takes botocore's input and gives botocore's output; the place's lock is held."""

    clock: Callable[[], float]

    def create_contact_list(self, place: Place, params: Params) -> Answer:
        """One list per account and Region, whatever its name: a second one is refused, even of the same name."""
        name = validation.list_name(params.get("ContactListName"))
        description = validation.description(params.get("Description"))
        topics = validation.topics(params.get("Topics"))
        if place.contact_list is not None:
            raise bad_request("A maximum of 1 Lists allowed per account.")
        now = self.clock()
        place.contact_list = ContactList(name, description, topics, now, now)
        return {}

    def get_contact_list(self, place: Place, params: Params) -> Answer:
        """Topics and description; an empty description is left out."""
        found = wanted(place, params)
        answer: Answer = {
            "ContactListName": found.name,
            "Topics": [_topic(topic) for topic in found.topics.values()],
            "CreatedTimestamp": found.created_at,
            "LastUpdatedTimestamp": found.updated_at,
            "Tags": [],
        }
        return answer if found.description is None else {**answer, "Description": found.description}

    def list_contact_lists(self, place: Place, params: Params) -> Answer:
        """None or one."""
        if params.get("NextToken") is not None:
            raise bad_request("The specified NextToken is invalid")
        found = place.contact_list
        lists = [] if found is None else [{"ContactListName": found.name, "LastUpdatedTimestamp": found.updated_at}]
        return {"ContactLists": lists}

    def update_contact_list(self, place: Place, params: Params) -> Answer:
        """Topics and description are replaced in place; what is omitted is kept, [] clears.

        What happens to preferences of a topic that goes is not documented: here they are lost.
        """
        found = wanted(place, params)
        topics = found.topics if params.get("Topics") is None else validation.topics(params["Topics"])
        description = validation.description(params.get("Description"))
        found.forget_topics(set(found.topics) - set(topics))
        found.topics = topics
        found.description = found.description if description is None else description
        found.updated_at = self.clock()
        return {}

    def delete_contact_list(self, place: Place, params: Params) -> Answer:
        """The list and all of its contacts."""
        wanted(place, params)
        place.contact_list = None
        return {}


def _topic(topic: Topic) -> Answer:
    described = {
        "TopicName": topic.name,
        "DisplayName": topic.display_name,
        "DefaultSubscriptionStatus": topic.default_status,
    }
    return described if topic.description is None else {**described, "Description": topic.description}
