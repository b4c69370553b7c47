"""Keeping to a saved plan of people: what a dry run writes down, what is compared, and what is let through.

Recorder     a dry run: every change that it would make is written to the plan's files
Comparison   the first pass of a run that applies a plan: everything is decided again, and nothing is written
Gate         its second pass: only changes of the plan that were decided again are made
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Generic, TypeVar

from ses_fleet import limits
from ses_fleet.errors import CustomerError
from ses_fleet.people import person_change
from ses_fleet.people.person_change import REASON, TOPIC, UNSUBSCRIBED, PersonChange, Record
from ses_fleet.people.person_change import State as PersonState
from ses_fleet.runs.keys import LEFT_OUT_FILES, PLAN_FILES
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.worker import record_files
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.plan_guard import SUPPRESSION
from ses_fleet.worker.record_files import RecordFileWriter

_NOTED, _COMPARED, _ASKED = "noted", "compared", "asked"
# Why nothing is done for somebody, as it is shown.
REFUSED = "unsubscribed or opted out since"
CAME = "in the list already"
GONE = "not in the list any more"
CHANGED = "changed since"
NOT_WANTED = "nothing is to be done any more"
NOT_PLANNED = "not in the plan"
GIVEN_TO_ALL = "would get topics by default"
OTHER_CONTACT = "another contact of the same person changed since"
_AGAIN = "Make a new dry run, and apply that"
V = TypeVar("V")


class _Noted(Generic[V]):
    """A value for each address, of which the last one counts; in memory until the slice ends, and then in S3."""

    def __init__(
        self,
        context: ActionContext,
        name: str,
        state: State,
        record: Callable[[str, V], Record],
        value: Callable[[Record], V],
    ) -> None:
        self.new: dict[str, V] = {}
        self._context = context
        self._name = name
        self._writer = RecordFileWriter(context, context.data_prefix, state, name)
        self._record = record
        self._value = value

    def state(self) -> State:
        """Write everything out, and return what the next slice continues from."""
        for email, value in self.new.items():
            self._writer.add([self._record(email, value)])
        self.new.clear()
        self._writer.flush()
        return self._writer.state()

    def all(self) -> dict[str, V]:
        """Return the values of all slices so far, and of this one."""
        found: dict[str, V] = {}
        for part in range(1, self._writer.parts + 1):
            for record in record_files.lines(self._context, self._writer.prefix, part, self._name):
                found[record["email"]] = self._value(record)
        return {**found, **self.new}


class Recorder:
    """Writes the changes of a dry run to the plan's files, when it is over."""

    def __init__(self, context: ActionContext, state: State) -> None:
        self._context = context
        self._place: str | None = state.get("place")
        self._given_to_all: list[str] = state.get("given_to_all", [])
        once = _Once()
        self._once = once
        self._noted = _Noted(
            context,
            _NOTED,
            state.get("files", {}),
            lambda email, change: change.record(email),
            lambda record: once(PersonChange.of(record)),
        )

    def state(self) -> State:
        """Return what the next slice continues from; JSON, without addresses."""
        return {"files": self._noted.state(), "place": self._place, "given_to_all": self._given_to_all}

    def sees(self, given_to_all: Collection[str]) -> None:
        """Note which topics every new contact gets."""
        self._given_to_all = sorted(given_to_all)

    def concerns(self, email: str) -> bool:  # noqa: ARG002
        """Return False: no plan is applied."""
        return False

    def allows(self, place: str, email: str, before: PersonState | None, after: PersonState | None) -> bool:
        """Note the change, if it is one, and return True."""
        change = person_change.between(before, after)
        if change is not None:
            self._place = None if place == SUPPRESSION else place
            self._noted.new[email] = self._once(change)
        return True

    def leave_out(self, email: str) -> None:
        """Do nothing: everything is allowed."""

    def plan(self) -> PeoplePlan:
        """Write the plan's files, and return the plan. Everything was decided."""
        changes = self._noted.all()
        writer = RecordFileWriter(self._context, self._context.data_prefix, {}, PLAN_FILES)
        # Without it who reads the digest could try out whose addresses make it.
        salt: list[Record] = [{"salt": secrets.token_hex(limits.PLAN_DIGEST_BYTES)}] if changes else []
        digest = _Digest()
        for record in chain(salt, (change.record(email) for email, change in changes.items())):
            digest.add(record)
            writer.add([record])
        writer.flush()
        return PeoplePlan.model_validate(
            {
                **_tallied(changes.values()),
                "place": self._place,
                "given_to_all": self._given_to_all,
                "prefix": writer.prefix,
                "parts": writer.parts,
                "digest": digest.text,
                "topics": self._context.item.topics,
            }
        )


@dataclass(frozen=True)
class Compared:
    """What was found so far: how many changes of the plan would be others now, and how many more would be made.

    `files` is the state of the files with those addresses, `asked` of those whom the second pass was about so far. With
    `widened` new contacts would get topics that they did not get when the plan was made.
    """

    files: State
    differing: int
    added: int
    widened: bool
    asked: State = field(default_factory=dict)

    def state(self) -> State:
        """Return it as the next slice continues from it; JSON, without addresses."""
        return vars(self)


class Comparison:
    """Notes of every address whether the same is decided for it now as the plan has, or why not."""

    def __init__(self, context: ActionContext, plan: PeoplePlan, state: State) -> None:
        self._context = context
        self._plan = plan
        self._changes = changes_of(context, plan)
        self._widened: bool = state.get("widened", False)
        self._found = _whys(context, _COMPARED, state.get("files", {}))

    def state(self) -> State:
        """Return what the next slice continues from; JSON, without addresses."""
        return {"files": self._found.state(), "widened": self._widened}

    def sees(self, given_to_all: Collection[str]) -> None:
        """Note whether new contacts get topics that they did not get when the plan was made."""
        self._widened = not set(given_to_all) <= set(self._plan.given_to_all)

    def concerns(self, email: str) -> bool:
        """Return whether the plan has a change of this address."""
        return email in self._changes

    def allows(self, place: str, email: str, before: PersonState | None, after: PersonState | None) -> bool:
        """Note what was decided, and return whether the plan has it; nothing is written in this pass anyway."""
        planned = self._changes.get(email) if _is_of(self._plan, place) else None
        why = _why_not(planned, before, after, widened=self._widened)
        if planned is not None or why is not None:
            self._found.new[email] = why
        return why is None

    def leave_out(self, email: str) -> None:
        """Note that nothing will be done for the address: something else of the same person changed."""
        self._found.new[email] = self._found.new.get(email) or OTHER_CONTACT

    def gate(self) -> Gate:
        """Return the gate of the second pass, once everything was decided again.

        Raise CustomerError when too much of the plan would be otherwise now.
        """
        decided = self._found.all()
        known = {email: why for email, why in decided.items() if why is not None}
        known |= dict.fromkeys(undecided(self._changes, decided), NOT_WANTED)
        differing = len(known.keys() & self._changes.keys())
        left_out = _whys(self._context, LEFT_OUT_FILES, {})
        left_out.new.update(sorted(known.items()))
        found = Compared(left_out.state(), differing, len(known) - differing, self._widened)
        if is_stale(self._context, self._plan, differing):
            raise stale(self._context, self._plan, found, wrote=False)
        return Gate(self._context, self._plan, found, self._changes, known)


class Gate:
    """Lets through only what the plan has and the first pass decided again; the contacts as they are now decide."""

    def __init__(
        self,
        context: ActionContext,
        plan: PeoplePlan,
        found: Compared,
        changes: Mapping[str, PersonChange],
        known: Collection[str],
    ) -> None:
        self._known = {*known}
        self._changes = {email: change for email, change in changes.items() if email not in known}
        self._plan = plan
        self._found = found
        self._late = _whys(context, LEFT_OUT_FILES, found.files)
        self._asked = _whys(context, _ASKED, found.asked)

    @classmethod
    def again(cls, context: ActionContext, plan: PeoplePlan, found: Compared) -> Gate:
        """Return the gate of a later slice. `context` is that of the first pass, whose files are read."""
        return cls(context, plan, found, changes_of(context, plan), _whys(context, LEFT_OUT_FILES, found.files).all())

    def all_found(self) -> Compared:
        """Return what was found, now that all is done: whom nothing was decided for is left out, too."""
        for email in undecided(self._changes, {**self._asked.all(), **dict.fromkeys(self._known)}):
            self._note(email, NOT_WANTED)
        return self.found(is_over=True)

    def found(self, *, is_over: bool = False) -> Compared:
        """Write out who was left out since the first pass, and return what was found so far."""
        differing = sum(email in self._changes for email in self._late.new)
        found, late = self._found, len(self._late.new)
        self._found = replace(
            found,
            differing=found.differing + differing,
            added=found.added + late - differing,
            files=self._late.state() if late else found.files,
            asked=found.asked if is_over else self._asked.state(),
        )
        return self._found

    def sees(self, given_to_all: Collection[str]) -> None:
        """Note whether new contacts get topics that they did not get when the plan was made."""
        self._found = replace(self._found, widened=not set(given_to_all) <= set(self._plan.given_to_all))

    def concerns(self, email: str) -> bool:
        """Return whether the plan has a change of this address that was decided again."""
        return email in self._changes

    def allows(self, place: str, email: str, before: PersonState | None, after: PersonState | None) -> bool:
        """Return whether this is a change of the plan, or nothing is to be done where it is made or has none."""
        planned = self._changes.get(email) if _is_of(self._plan, place) else None
        if planned is None and email in self._known:
            return False
        why = _why_not(planned, before, after, widened=self._found.widened)
        if planned is not None:
            self._asked.new[email] = why
        if why is not None:
            self._note(email, why)
        return why is None

    def leave_out(self, email: str) -> None:
        """Note the address, if it is not known yet that it is left out: something else of the same person changed."""
        self._note(email, OTHER_CONTACT)

    def _note(self, email: str, why: str) -> None:
        if email not in self._known:
            self._known.add(email)
            self._late.new[email] = why


def is_stale(context: ActionContext, plan: PeoplePlan, differing: int) -> bool:
    """Return whether so many of the plan's changes would be others now that it is not what was reviewed."""
    return differing * 100 > context.settings.plan_stale_percent * plan.changes


def stale(context: ActionContext, plan: PeoplePlan, found: Compared, *, wrote: bool) -> CustomerError:
    """Return the failure of a customer for which too much of a plan would be otherwise now."""
    limit, item = context.settings.plan_stale_percent, context.item
    so = "were left out, and the rest was made" if wrote else "would be others now, so nothing was written"
    why = ", as new contacts get topics by default that they did not get then" if found.widened and plan.created else ""
    text = (
        f"{found.differing} of the {plan.changes} changes that the plan has for {context.code} {so}{why}: more than "
        f"{limit:g} % (PLAN_STALE_PERCENT of the worker). `ses-fleet runs show {item.run_id} --changes` names them, "
        "for those who may read contacts"
    )
    return CustomerError("operation", "PlanStale", f"{text}. {_AGAIN}")


def changes_of(context: ActionContext, plan: PeoplePlan) -> Mapping[str, PersonChange]:
    """Return the plan's changes by address. Raise CustomerError when its files are not as the dry run wrote them."""
    digest, found, once = _Digest(), dict[str, PersonChange](), _Once()
    try:
        for part in range(1, plan.parts + 1):
            for record in record_files.lines(context, plan.prefix, part, PLAN_FILES):
                digest.add(record)
                if "salt" not in record:
                    found[str(record["email"])] = once(PersonChange.of(record))
    except (ValueError, KeyError, TypeError):
        digest.add({})  # it is none of ours
    if digest.text != plan.digest:
        where = context.results.location(plan.prefix)
        text = f"the files of the plan in {where} are not as its dry run wrote them, so nothing more was done"
        raise CustomerError("operation", "DamagedData", f"{text}. {_AGAIN}")
    return found


class _Once:
    """Keeps equal changes in memory once: of most addresses the same is changed."""

    def __init__(self) -> None:
        self._known: dict[PersonChange, PersonChange] = {}

    def __call__(self, change: PersonChange) -> PersonChange:
        return self._known.setdefault(change, change)


class _Digest:
    """A digest of records, in their order."""

    def __init__(self) -> None:
        self._found = hashlib.blake2b(digest_size=limits.PLAN_DIGEST_BYTES)

    def add(self, record: Record) -> None:
        self._found.update(json.dumps(record, sort_keys=True, ensure_ascii=False).encode())

    @property
    def text(self) -> str:
        return self._found.hexdigest()


def undecided(changes: Mapping[str, PersonChange], decided: Collection[str]) -> list[str]:
    """Return the addresses of changes that nothing was decided for; one that was to go is then not there any more."""
    return [email for email, change in changes.items() if email not in decided and change.kind != "remove"]


def _why_not(
    planned: PersonChange | None, before: PersonState | None, after: PersonState | None, *, widened: bool
) -> str | None:
    """Return why what is decided now may not be done, or None when it may; `planned` is what the plan has."""
    if planned is None:
        return None if person_change.between(before, after) is None else NOT_PLANNED
    if widened and planned.kind == "create" and before is None and after is not None:
        return GIVEN_TO_ALL
    return None if planned.holds(before, after) else _what_changed(planned, before, after)


def _what_changed(planned: PersonChange, before: PersonState | None, after: PersonState | None) -> str:
    if before is None:
        return NOT_WANTED if planned.kind == "create" else GONE
    was = {name: value for name, value, _ in planned.what}
    if before.get(UNSUBSCRIBED) is True and was.get(UNSUBSCRIBED) is not True:
        return REFUSED
    if any(before.get(name) == "OPT_OUT" and value != "OPT_OUT" for name, value in was.items()):
        return REFUSED
    if planned.kind == "create":
        return CAME
    return NOT_WANTED if after == before else CHANGED


def _whys(context: ActionContext, name: str, state: State) -> _Noted[str | None]:
    return _Noted(
        context, name, state, lambda email, why: {"email": email, "why": why}, lambda record: record.get("why")
    )


def _tallied(changes: Iterable[PersonChange]) -> dict[str, Any]:
    """Return the numbers of a plan that has these changes."""
    kinds: Counter[str] = Counter()
    opted: dict[str, Counter[str]] = {"OPT_IN": Counter(), "OPT_OUT": Counter()}
    others: Counter[str] = Counter()
    for change in changes:
        kinds[change.kind] += 1
        others["overwritten"] += person_change.overwrites_refusal(change.what) and not _is_bounce(change)
        for name, _, after in change.what:
            if name.startswith(TOPIC) and after in ("OPT_IN", "OPT_OUT"):
                opted[str(after)][name.removeprefix(TOPIC)] += 1
            others[UNSUBSCRIBED] += name == UNSUBSCRIBED and after is True
            others[REASON] += name == REASON and after is not None
    return {
        "created": kinds["create"],
        "updated": kinds["update"],
        "removed": kinds["remove"],
        "opt_ins": dict(sorted(opted["OPT_IN"].items())),
        "opt_outs": dict(sorted(opted["OPT_OUT"].items())),
        "unsubscribed": others[UNSUBSCRIBED],
        "suppressed": others[REASON],
        "overwritten": others["overwritten"],
    }


def _is_bounce(change: PersonChange) -> bool:
    """Return whether an address is let off the suppression list that nobody refused anything for."""
    return change.what == ((REASON, "BOUNCE", None),)


def _is_of(plan: PeoplePlan, place: str) -> bool:
    return (plan.place or SUPPRESSION) == place
