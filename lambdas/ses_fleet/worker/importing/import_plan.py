"""What an import does to a list: who is created, opted in, removed. Nothing is called here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Literal

from ses_fleet.config.topics import Topic, WantedTopic
from ses_fleet.people.person_change import TOPIC
from ses_fleet.people.person_change import State as PersonState
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.importing.directory import Directory, Person
from ses_fleet.worker.importing.new_contacts import NewContact

Record = dict[str, Any]


@dataclass(frozen=True)
class OptIns:
    """The topics of one list to which people are opted in by their roles.

    `by_topic` is {topic: case-folded roles}, without topics whose default status is OPT_IN. `lacking` are topics with
    roles that the list does not have.
    """

    by_topic: dict[str, frozenset[str]]
    lacking: tuple[str, ...]

    def of(self, person: Person) -> list[str]:
        """Return the topics that this person is opted in to explicitly."""
        return [topic for topic, roles in self.by_topic.items() if roles & person.roles]


def opt_ins(wanted: Sequence[WantedTopic], have: Iterable[Topic]) -> OptIns:
    """Return the opt-ins by role for a list with the topics `have`. Its own default statuses count."""
    defaults = {topic.name: topic.default_status for topic in have}
    with_roles = {topic.name: frozenset(role.casefold() for role in topic.opt_in_roles) for topic in wanted}
    return OptIns(
        {
            name: roles
            for name, roles in with_roles.items()
            if roles and defaults.get(name) is not None and defaults[name] != "OPT_IN"
        },
        tuple(name for name, roles in with_roles.items() if roles and name not in defaults),
    )


@dataclass(frozen=True)
class PlannedChange:
    """One address that is to be created, opted in to more topics, or removed.

    `also` are the same person's other contacts, whose addresses differ only in case; their choices count, too.
    """

    email: str
    change: Literal["create", "update", "remove"]
    opt_in: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @classmethod
    def of(cls, record: Record) -> PlannedChange:
        """Return the change that a record of the import's files stands for."""
        return cls(record["email"], record["change"], tuple(record["opt_in"]), tuple(record["also"]))

    def new_contact(self) -> NewContact:
        """Return the contact that a change of the kind create makes."""
        return NewContact(self.email, Contact(dict.fromkeys(self.opt_in, "OPT_IN")))

    def record(self) -> Record:
        """Return the change as the import's files have it."""
        return {"email": self.email, "change": self.change, "opt_in": list(self.opt_in), "also": list(self.also)}


@dataclass(frozen=True)
class ImportPlan:
    """Everything that is to be done, by address. `unchanged` counts people whose contacts need no change.

    `there` counts the list's contacts that Identity Center has. `kept` are the addresses of contacts that would be
    removed had they not opted out of something, which deleting them would forget. `erased` counts people who were
    erased from the list before.
    """

    changes: tuple[PlannedChange, ...]
    unchanged: int
    there: int
    kept: tuple[str, ...]
    erased: int = 0

    def of(self, kind: str) -> list[PlannedChange]:
        """Return the changes of one kind: create, update or remove."""
        return [change for change in self.changes if change.change == kind]

    def without(self, came: AbstractSet[str]) -> ImportPlan:
        """Return the plan without creating these case-folded addresses.

        Others created them meanwhile, and they stay as they are.
        """
        left = tuple(one for one in self.changes if one.change != "create" or one.email.casefold() not in came)
        return replace(self, changes=left, unchanged=self.unchanged + len(self.changes) - len(left))


def make_plan(
    directory: Directory,
    topics: OptIns,
    contacts: Mapping[str, Sequence[Record]],
    *,
    sync_topics: bool,
    removable: AbstractSet[str] = frozenset(),
    erased: AbstractSet[str] = frozenset(),
) -> ImportPlan:
    """Return the plan from comparing people with `contacts`, {case-folded address: the list's contacts of it}.

    `removable` are the addresses that may be removed when Identity Center does not have them. A person whose address is
    in the list in any spelling is in the list. Nobody whose address is in `erased` is created or changed.
    """
    made: list[PlannedChange] = []
    unchanged = 0
    people = {key: person for key, person in directory.people.items() if key not in erased}
    for key, person in people.items():
        there = contacts.get(key, ())
        if not there:
            made.append(PlannedChange(person.email, "create", tuple(topics.of(person))))
            continue
        missing = missing_opt_ins(topics.of(person), there) if sync_topics else ()
        if missing:
            first, *also = (contact["email"] for contact in there)
            made.append(PlannedChange(first, "update", missing, tuple(also)))
        else:
            unchanged += 1
    present = {key for key in contacts if key in directory.addresses}
    gone = [contact for key, there in contacts.items() if key not in present and key in removable for contact in there]
    made += [PlannedChange(contact["email"], "remove") for contact in gone if not made_a_choice(contact)]
    return ImportPlan(
        tuple(sorted(made, key=_order)),
        unchanged,
        sum(len(contacts[key]) for key in present),
        tuple(contact["email"] for contact in gone if made_a_choice(contact)),
        len(directory.people) - len(people),
    )


def missing_opt_ins(wanted: Sequence[str], contacts: Sequence[Record]) -> tuple[str, ...]:
    """Return the topics for which none of one person's contacts has a preference.

    There are none for a person who unsubscribed from everything.
    """
    if any(contact["unsubscribed_all"] for contact in contacts):
        return ()
    return tuple(topic for topic in wanted if not any(topic in contact["preferences"] for contact in contacts))


def states(
    plan: ImportPlan, contacts: Mapping[str, Sequence[Record]]
) -> Iterator[tuple[str, PersonState | None, PersonState | None]]:
    """Yield (address, state before, state after) of every contact that the plan looked at, also of those that stay."""
    changes = {one.email: one for one in plan.changes}
    there = {contact["email"]: Contact(contact["preferences"], contact["unsubscribed_all"]).state_as_listed()
             for found in contacts.values() for contact in found}  # fmt: skip
    for email, before in there.items():
        change = changes.get(email)
        if change is None:
            yield email, before, before
        elif change.change == "remove":
            yield email, before, None
        else:
            yield email, before, {**before, **{f"{TOPIC}{topic}": "OPT_IN" for topic in change.opt_in}}
    yield from ((one.email, None, one.new_contact().wish.state()) for one in plan.of("create"))


def made_a_choice(contact: Record) -> bool:
    """Return whether deleting the contact would forget that the person did not want mail."""
    return bool(contact["unsubscribed_all"]) or "OPT_OUT" in contact["preferences"].values()


def _order(change: PlannedChange) -> tuple[str, str]:
    return change.email.casefold(), change.email
