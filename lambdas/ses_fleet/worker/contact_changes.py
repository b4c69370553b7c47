"""Changing one contact: read it, decide by what was read, and write at once. Every write to a contact is made here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from ses_fleet.errors import AwsCallError
from ses_fleet.people.person_change import ATTRIBUTES, SINCE, TOPIC, UNSUBSCRIBED, State
from ses_fleet.worker.contact_list import api_preferences, explicit_preferences
from ses_fleet.worker.context import ActionContext
from ses_fleet.worker.paced_client import ReadClient, UnitClient
from ses_fleet.worker.plan_guard import NO_PLAN
from ses_fleet.worker.responses import list_of, required_text, text_of

# "left_out": a saved plan is applied, and has something else.
Ending = Literal["created", "updated", "removed", "unchanged", "left_out"]


@dataclass(frozen=True)
class Contact:
    """A contact as it is, or as it should be. `preferences` are the explicit ones, {topic: status}.

    `since` is when it was last changed, where SES said that: ISO 8601. It makes no difference between two contacts.
    """

    preferences: dict[str, str]
    unsubscribed_all: bool = False
    attributes: str | None = None
    since: str | None = field(default=None, compare=False)

    def record(self, email: str) -> dict[str, Any]:
        """Return the contact as a backup with attributes has it:

        `{email, preferences, unsubscribed_all, attributes}`.
        """
        return {
            "email": email,
            "preferences": self.preferences,
            "unsubscribed_all": self.unsubscribed_all,
            "attributes": self.attributes,
        }

    def state(self) -> State:
        """Return the contact as a saved plan has it, flat."""
        topics = {f"{TOPIC}{topic}": status for topic, status in self.preferences.items()}
        since = {} if self.since is None else {SINCE: self.since}
        return {**topics, UNSUBSCRIBED: self.unsubscribed_all, ATTRIBUTES: self.attributes, **since}

    def state_as_listed(self) -> State:
        """Return the same without the attributes, which the pages of a list do not have."""
        return {name: value for name, value in self.state().items() if name != ATTRIBUTES}

    def without_topics_but(self, names: Collection[str]) -> Contact:
        """Return the contact without its preferences for topics other than these."""
        kept = {topic: status for topic, status in self.preferences.items() if topic in names}
        return replace(self, preferences=kept)


def state_of(contact: Contact | None) -> State | None:
    """Return the state of a contact as a saved plan has it, None where there is no contact."""
    return None if contact is None else contact.state()


class Removal:
    """The decision that a contact is to be removed."""


REMOVAL = Removal()

# Takes the contact as it is, or None when there is none, and the same person's other contacts; returns the contact as
# it should be, or None to leave it as it is.
Decide = Callable[[Contact | None, Sequence[Contact]], Contact | Removal | None]


@dataclass(frozen=True)
class ContactChange:
    """How a contact was when it was read (None: it did not exist), and what was done.

    In a dry run: what would be done. Nothing was when a saved plan is applied that has something else: `left_out`.
    """

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
    """Change a contact to what `decide` returns for it as it is now, and return what was done.

    `also` are other addresses that are read with it. With `absent` the contact is taken not to exist, without reading
    it: if it does, SES refuses to create it, and then it is read. Raise AwsCallError when SES refuses the change or did
    not answer it.
    """
    return _done(_Unit(context, list_name, email, decide, also, absent))


def create(context: ActionContext, list_name: str, email: str, wish: Contact) -> ContactChange:
    """Create a contact, and return what was done: one that exists is `unchanged`, and is only read for a saved plan.

    Raise AwsCallError when SES refuses it or did not answer.
    """
    done = _done(_Unit(context, list_name, email, lambda _now, _others: wish, (), absent=True, only_new=True))
    if done.ending != "unchanged" or context.guard is NO_PLAN:
        return done
    now = get(context.ses, list_name, email)
    allowed = context.guard.allows(list_name, email, state_of(now), state_of(now))
    return ContactChange("unchanged" if allowed else "left_out", now)


def _done(unit: _Unit) -> ContactChange:
    try:
        return unit.run()
    except AwsCallError as failure:
        if failure.kind != "refused" or failure.status != 400 or not unit.wrote:
            raise
        return unit.run_with_topics(failure)


def get(ses: ReadClient, list_name: str, email: str) -> Contact | None:
    """Return the contact as it is, or None when it does not exist. Raise AwsCallError when it cannot be read."""
    try:
        answer = ses.read("get_contact", ContactListName=list_name, EmailAddress=email)
    except AwsCallError as failure:
        if failure.status == 404:
            return None
        raise
    changed = answer.get("LastUpdatedTimestamp")
    return Contact(
        explicit_preferences(answer),
        bool(answer.get("UnsubscribeAll")),
        text_of(answer, "AttributesData"),
        changed.astimezone(UTC).isoformat() if isinstance(changed, datetime) else None,
    )


class _Unit:
    """Read, decide and write for one contact, as often as it takes."""

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
        """Run the unit until the contact is as decided, and return what was done."""
        if self._absent:
            # A creation alone is one request: waiting until two may be sent would be a second for nothing.
            made = self._context.ses.read_modify_write(len(self._also) + 1, self._create)
            if made is not None:
                return made
        requests = len(self._also) + 2
        return self._context.ses.read_modify_write(requests, lambda client: self._once(client, None, None))

    def _create(self, client: UnitClient) -> ContactChange | None:
        """Return what was done, or None when SES refused to create the contact because it exists: it is to be read."""
        try:
            return self._once(client, None, None)
        except AwsCallError as failure:
            if failure.code != "AlreadyExistsException":
                raise
            return None

    def run_with_topics(self, refusal: AwsCallError) -> ContactChange:
        """Run the unit again without preferences for topics that the list does not have any more.

        Raise `refusal` when that makes no difference.
        """
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
            return self._unchanged(now)
        if topics is not None and refusal is not None:
            shortened = wish.without_topics_but(topics)
            if shortened == wish:
                raise refusal
            wish = shortened
            if now is not None and wish == now.without_topics_but(topics):
                return self._unchanged(now)
        if not self._is_allowed(now, wish):
            return ContactChange("left_out", now)
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
        # The whole state, because what an update omits is lost.
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
            return self._unchanged(None)
        if not self._is_allowed(now, None):
            return ContactChange("left_out", now)
        if not self._context.dry_run:
            self.wrote = True
            client.write("delete_contact", **self._place)
        return ContactChange("removed", now)

    def _unchanged(self, now: Contact | None) -> ContactChange:
        return ContactChange("unchanged" if self._is_allowed(now, now) else "left_out", now)

    def _is_allowed(self, now: Contact | None, wish: Contact | None) -> bool:
        """Return whether a saved plan has this, where one is applied; a dry run that saves one learns of it here."""
        guard, place = self._context.guard, self._place
        return guard.allows(place["ContactListName"], place["EmailAddress"], state_of(now), state_of(wish))
