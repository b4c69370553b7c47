"""Changing a contact list in place: read it, decide by what was read, write at once, wait until the write is shown.

Every write to a list is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ses_fleet import limits
from ses_fleet.config.topics import Topic, differences
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.worker import contact_list
from ses_fleet.worker.contact_list import ContactList, api_topics
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.paced_client import ReadClient, UnitClient, Waiter


@dataclass(frozen=True)
class NewList:
    """A contact list that is to be created."""

    name: str
    description: str | None
    topics: Sequence[Topic]
    tags: dict[str, str] = field(default_factory=dict)


# Takes the list as it is, or None when there is none; returns the topics that it should have, or a list to create.
Desire = Callable[[ContactList | None], Sequence[Topic] | NewList]
# Called as soon as a write took effect, with the list that the write was decided by (None: there was none).
Wrote = Callable[[ContactList | None], None]


@dataclass(frozen=True)
class ListChange:
    """The list before (None: it was created), the list as it is now, and whether it was written to."""

    before: ContactList | None
    now: ContactList
    wrote: bool


class ListEditor:
    """Changes one customer's list, over as many slices as that takes.

    `state` says what this run wrote and what was there before, so that a read that shows an older state is not believed
    in any slice: SES's reads may lag behind its writes.
    """

    def __init__(self, context: ActionContext, state: State) -> None:
        self._context = context
        self._older = [_topics(one) for one in state.get("older", ())]  # None: there was no list
        self._written = _topics(state.get("written"))
        self._waiter = Waiter(state.get("looks", 0))
        self._name: str | None = None
        self._was_there = False  # whether the list was seen in this run: then it cannot be missing at once

    def state(self) -> State:
        """Return what the next slice continues from; JSON."""
        return {
            "older": [_state(one) for one in self._older],
            "written": _state(self._written),
            "looks": self._waiter.looks,
        }

    def find(self, *, needed: bool = False) -> ContactList | None:
        """Return the customer's list as it is, with what this run wrote to it, or None when there is none.

        A list that is `needed` may have been created a moment ago, so it is waited for. Raise CustomerError when SES
        does not show within the pauses what this run wrote.
        """

        def good(found: ContactList | None) -> bool:
            return self._is_believed(found) and not (needed and found is None)

        found = self._waiter.find(self._context.ses, lambda: contact_list.find(self._context), good)
        if not self._is_believed(found):
            raise self._not_as_written()
        return found

    def change(
        self,
        desire: Desire,
        wrote: Wrote = lambda _: None,
        *,
        name: str | None = None,
        first: Callable[[UnitClient], None] = lambda _: None,
        requests: int = 0,
        check: Callable[[ContactList | None], None] = lambda _: None,
    ) -> ListChange:
        """Change the list to what `desire` returns for it at that moment, by one write if anything differs.

        With `name` the list is not looked for. `first` reads what else the write depends on, in this many `requests`,
        as part of the same unit; an exception of it ends the unit. So does one of `check`, which is given the list each
        time that it was read for a write, and not while SES is asked to show what was written. `wrote` is called as
        soon as the write took effect, because the slice may end while SES is asked to show it. Raise CustomerError or
        AwsCallError when a write fails, when there would be too many topics, and when SES does not show what was
        written.
        """
        # The list's name does not change, so it is found before: only one read and the write need reserving.
        self._was_there = name is not None
        known = name or self._name or self._context.customer.contact_list_name or contact_list.first_name(self._context)
        ses = self._context.ses
        done = self._waiter.find(
            ses,
            lambda: ses.read_modify_write(2 + requests, lambda client: self._once(client, known, desire, first, check)),
            lambda done: done is not None and (done[1] or done[0] is not None),
        )
        if done is None:
            raise self._not_as_written()
        before, changed = done
        if not changed:
            if before is None:
                raise self._gone()
            return ListChange(before, before, wrote=False)
        wrote(before)
        return ListChange(before, self._read_back(self._name or name, desire), wrote=True)

    def _once(
        self,
        client: UnitClient,
        name: str | None,
        desire: Desire,
        first: Callable[[UnitClient], None],
        check: Callable[[ContactList | None], None],
    ) -> tuple[ContactList | None, bool] | None:
        """Read, decide and write once. Return the list as it was read, and whether it was written to.

        Return None when SES showed the list as it was before this run's own write, and (None, False) when it does not
        show a list that was seen: nothing is decided by either.
        """
        first(client)
        now = _look(self._context, client, name)
        if not self._is_believed(now):
            return None
        if now is None and self._was_there:
            return None, False
        check(now)
        wish = desire(now)
        if isinstance(wish, NewList):
            self._create(client, wish)
        elif now is None or same(now.topics, wish):
            return now, False
        else:
            check_count(self._context, wish)
            client.write("update_contact_list", **_update(now, wish))
            self._note(now.name, now, wish)
        return now, True

    def _create(self, client: UnitClient, wish: NewList) -> None:
        """Create the list.

        SES refuses a second one, so the request itself shows whether another program was quicker.
        """
        check_count(self._context, wish.topics)
        check_name(self._context, client)
        request: dict[str, object] = {"ContactListName": wish.name, "Topics": api_topics(wish.topics)}
        if wish.description:
            request["Description"] = wish.description
        if wish.tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in wish.tags.items()]
        client.write("create_contact_list", **request)
        self._note(wish.name, None, wish.topics)

    def _note(self, name: str, before: ContactList | None, topics: Sequence[Topic]) -> None:
        self._name = name
        self._older.append(None if before is None else before.topics)
        self._written = tuple(topics)

    def _read_back(self, name: str | None, desire: Desire) -> ContactList:
        """Return the list once it shows what was written, whatever else was changed in it meanwhile."""

        def shown(now: ContactList | None) -> bool:
            if now is None or not self._is_believed(now):
                return False
            wish = desire(now)
            return not isinstance(wish, NewList) and same(now.topics, wish)

        now = self._waiter.find(self._context.ses, lambda: _look(self._context, self._context.ses, name), shown)
        if now is None or not shown(now):
            raise self._not_as_written()
        return now

    def _is_believed(self, now: ContactList | None) -> bool:
        """Return whether this can be the list as it is now: not as it was before a write of this run."""
        if self._written is None or (now is not None and same(now.topics, self._written)):
            return True
        if now is None:
            return None not in self._older
        return not any(one is not None and same(now.topics, one) for one in self._older)

    def _gone(self) -> CustomerError:
        text = f"the contact list of {self._context.code} was deleted after this run began; run this customer again"
        return CustomerError("operation", "NoContactList", text, retryable=True)

    def _not_as_written(self) -> CustomerError:
        text = (
            f"SES does not show the topics that were written to the contact list of {self._context.code}; run it again"
        )
        return CustomerError("operation", "NotAsWritten", text, retryable=True, outcome_unknown=True)


def same(have: Sequence[Topic], want: Sequence[Topic]) -> bool:
    """Return whether two lists have the same topics.

    Their order makes no difference, nor does an empty text against none.
    """
    wanted = {topic.name: topic for topic in want}
    return {topic.name for topic in have} == set(wanted) and not any(
        any(differences(topic, wanted[topic.name])) for topic in have
    )


def check_count(context: ActionContext, topics: Sequence[Topic]) -> None:
    """Raise CustomerError when a contact list cannot hold this many topics."""
    if len(topics) > limits.SES_TOPICS:
        raise CustomerError(
            "configuration",
            "TooManyTopics",
            f"{context.code} would have {len(topics)} topics, more than the {limits.SES_TOPICS} of a contact list; "
            "nothing was written",
        )


def check_name(context: ActionContext, ses: ReadClient | None = None) -> None:
    """Raise CustomerError when config.json names a list that does not exist and the account has another one."""
    other = contact_list.first_name(context, ses) if context.customer.contact_list_name else None
    if other is not None:
        raise CustomerError(
            "configuration",
            "OtherContactList",
            f"config.json names the contact list {context.customer.contact_list_name}, but {context.code} has {other}, "
            "and an account has only one; nothing was written",
        )


def _update(found: ContactList, topics: Sequence[Topic]) -> dict[str, object]:
    """Return the request of an update, with the description and all topics, because what it omits may be lost."""
    request: dict[str, object] = {"ContactListName": found.name, "Topics": api_topics(topics)}
    return request if found.description is None else {**request, "Description": found.description}


def _look(context: ActionContext, ses: ReadClient, name: str | None) -> ContactList | None:
    """Return the list of that name, or the customer's list without a name; None when there is none."""
    wanted = name or context.customer.contact_list_name or contact_list.first_name(context, ses)
    if wanted is None:
        return None
    try:
        return contact_list.from_answer(ses.read("get_contact_list", ContactListName=wanted), wanted)
    except AwsCallError as failure:
        if failure.status == 404:
            return None
        raise


def _topics(state: list[State] | None) -> tuple[Topic, ...] | None:
    return None if state is None else tuple(Topic.model_validate(one) for one in state)


def _state(topics: tuple[Topic, ...] | None) -> list[State] | None:
    return None if topics is None else [topic.model_dump(mode="json") for topic in topics]
