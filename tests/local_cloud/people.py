"""Contacts that a test makes up itself, and what it expects of them: counted without the product's code."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from tests.local_cloud.conftest import Cloud

TOPICS = [
    {"TopicName": "news", "DisplayName": "News", "Description": "All news", "DefaultSubscriptionStatus": "OPT_IN"},
    {"TopicName": "alerts", "DisplayName": "Alerts", "Description": "Bad news", "DefaultSubscriptionStatus": "OPT_OUT"},
]
_DEFAULTS = {"news": "OPT_IN", "alerts": "OPT_OUT"}


@dataclass(frozen=True)
class Person:
    """One contact as it was put in."""

    email: str
    preferences: dict[str, str]
    unsubscribed: bool

    def status(self, topic: str) -> str:
        """What the person gets."""
        return "OPT_OUT" if self.unsubscribed else self.preferences.get(topic, _DEFAULTS[topic])


def make(count: int, seed: int) -> list[Person]:
    """So many, always the same."""
    chance = random.Random(seed)  # noqa: S311  # made-up people
    people = []
    for number in range(count):
        chosen = {topic: chance.choice(["OPT_IN", "OPT_OUT"]) for topic in _DEFAULTS if chance.random() < 0.6}
        people.append(Person(f"person-{number}@list-{seed}.example", chosen, chance.random() < 0.1))
    return people


def put(cloud: Cloud, account: str, people: list[Person], region: str = "us-east-1") -> None:
    """Make the account's list and fill it."""
    ses = cloud.client("sesv2", account=account, region=region)
    ses.create_contact_list(ContactListName="main", Topics=TOPICS)
    lines = [
        json.dumps(
            {
                "emailAddress": person.email,
                "unsubscribeAll": person.unsubscribed,
                "topicPreferences": [
                    {"topicName": topic, "subscriptionStatus": status} for topic, status in person.preferences.items()
                ],
            }
        )
        for person in people
    ]
    cloud.control("PUT", f"contacts/{account}/{region}/main", "\n".join(lines).encode())


def counts(people: list[Person]) -> dict[str, tuple[int, int]]:
    """{topic: (opted in, opted out)}."""
    opted_in = {topic: sum(person.status(topic) == "OPT_IN" for person in people) for topic in _DEFAULTS}
    return {topic: (count, len(people) - count) for topic, count in opted_in.items()}


def as_written(person: Person) -> dict[str, Any]:
    """A line of list-contacts, but for the time."""
    return {
        "email": person.email,
        "preferences": person.preferences,
        "effective": {topic: person.status(topic) for topic in _DEFAULTS},
        "unsubscribed_all": person.unsubscribed,
    }
