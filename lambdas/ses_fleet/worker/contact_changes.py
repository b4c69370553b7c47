"""Changing one contact: read it, decide by what was read, write, at once. Every write to a contact is made here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ses_fleet.errors import AwsCallError
from ses_fleet.worker.contact_list import api_preferences, chosen
from ses_fleet.worker.context import ActionContext
from ses_fleet.worker.paced_client import ReadClient, UnitClient
from ses_fleet.worker.responses import list_of, required_text, text_of

Ending = Literal["created", "updated", "removed", "unchanged"]


@dataclass(frozen=True)
class Contact:
    """A contact as it is, or as it should be."""

    preferences: dict[str, str]
    unsubscribed_all: bool = False
    attributes: str | None = None

    def record(self, email: str) -> dict[str, Any]:
        """The contact as a backup with attributes has it."""
        return {
            "email": email,
            "preferences": self.preferences,
            "unsubscribed_all": self.unsubscribed_all,
            "attributes": self.attributes,
        }

    def without_topics_but(self, names: Collection[str]) -> Contact:
        """The contact without preferences for other topics than these."""
        kept = {topic: status for topic, status in self.preferences.items() if topic in names}
        return replace(self, preferences=kept)


class Removal:
    """The wish that a contact be removed."""


REMOVAL = Removal()

# Given the contact as it is, or None without one, and the same person's others that are there: how it should be.
# None = as it is.
Decide = Callable[[Contact | None, Sequence[Contact]], Contact | Removal | None]


@dataclass(frozen=True)
class ContactChange:
    """What became of one contact: how it was when it was read, and how that ended. In a dry run: how it would end."""

    ending: Ending
    before: Contact | None


def change(
    context: ActionContext,
    list_name: str,
    email: str,
    decide: Decide,
    *,
    also: Sequence[str] = (),
    absent: bool = False,
) -> ContactChange:
    """Have the contact be as `decide` says of it as it is now.

    `also` are other addresses to be read with it. With `absent`, the contact is taken not to exist without asking: SES
    says so if it does, and then it is read. AwsCallError when SES does not take the change, or gave no answer to it.
    """
    return _done(_Unit(context, list_name, email, decide, also, absent))


def create(context: ActionContext, list_name: str, email: str, wish: Contact) -> ContactChange:
    """Make a contact unless there is one, which then is `unchanged` and not read; AwsCallError as `change`."""
    return _done(_Unit(context, list_name, email, lambda _now, _others: wish, (), absent=True, only_new=True))


def _done(unit: _Unit) -> ContactChange:
    try:
        return unit.run()
    except AwsCallError as failure:
        if failure.kind != "refused" or failure.status != 400 or not unit.wrote:
            raise
        return unit.run_with_topics(failure)


def get(ses: ReadClient, list_name: str, email: str) -> Contact | None:
    """The contact as it is, or None when there is none; AwsCallError when that cannot be read."""
    try:
        answer = ses.read("get_contact", ContactListName=list_name, EmailAddress=email)
    except AwsCallError as failure:
        if failure.status == 404:
            return None
        raise
    return Contact(chosen(answer), bool(answer.get("UnsubscribeAll")), text_of(answer, "AttributesData"))


class _Unit:
    """Read, decide and write of one contact, as often as it takes."""

    def __init__(
        self,
        context: ActionContext,
        list_name: str,
        email: str,
        decide: Decide,
        also: Sequence[str],
        absent: bool,
        only_new: bool = False,
    ) -> None:
        self.wrote = False
        self._context = context
        self._place = {"ContactListName": list_name, "EmailAddress": email}
        self._decide = decide
        self._also = also
        self._absent = absent
        self._only_new = only_new

    def run(self) -> ContactChange:
        """Try until it is so."""
        requests = len(self._also) + 2
        return self._context.ses.read_modify_write(requests, lambda client: self._once(client, None, None))

    def run_with_topics(self, refusal: AwsCallError) -> ContactChange:
        """Try again without preferences for topics that the list has no more; `refusal` if that is no difference."""
        requests = len(self._also) + 3
        return self._context.ses.read_modify_write(
            requests, lambda client: self._once(client, self._topics(client), refusal)
        )

    def _once(self, client: UnitClient, topics: frozenset[str] | None, refusal: AwsCallError | None) -> ContactChange:
        others = [self._get(client, email) for email in self._also]
        now = None if self._absent else self._get(client, self._place["EmailAddress"])
        wish = self._decide(now, [one for one in others if one is not None])
        if isinstance(wish, Removal):
            return self._remove(client, now)
        if wish is None or wish == now:
            return ContactChange("unchanged", now)
        if topics is not None and refusal is not None:
            shortened = wish.without_topics_but(topics)
            if shortened == wish:
                raise refusal
            wish = shortened
            if now is not None and wish == now.without_topics_but(topics):
                return ContactChange("unchanged", now)
        try:
            self._put(client, now, wish)
        except AwsCallError as failure:
            if failure.code != "AlreadyExistsException":
                raise
            if self._only_new:
                return ContactChange("unchanged", None)
            self._absent = False
            raise
        return ContactChange("created" if now is None else "updated", now)

    def _get(self, client: UnitClient, email: str) -> Contact | None:
        return get(client, self._place["ContactListName"], email)

    def _topics(self, client: UnitClient) -> frozenset[str]:
        answer = client.read("get_contact_list", ContactListName=self._place["ContactListName"])
        return frozenset(required_text(topic, "TopicName", "a topic") for topic in list_of(answer, "Topics"))

    def _put(self, client: UnitClient, now: Contact | None, wish: Contact) -> None:
        if self._context.dry_run:
            return
        # The whole state, as what an update omits is lost.
        request: dict[str, Any] = {
            **self._place,
            "TopicPreferences": api_preferences(wish.preferences),
            "UnsubscribeAll": wish.unsubscribed_all,
        }
        if wish.attributes is not None:
            request["AttributesData"] = wish.attributes
        self.wrote = True
        client.write("create_contact" if now is None else "update_contact", **request)

    def _remove(self, client: UnitClient, now: Contact | None) -> ContactChange:
        if now is None:
            return ContactChange("unchanged", None)
        if not self._context.dry_run:
            self.wrote = True
            client.write("delete_contact", **self._place)
        return ContactChange("removed", now)
