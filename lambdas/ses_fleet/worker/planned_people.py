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
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Generic, TypeVar

from ses_fleet import limits
from ses_fleet.errors import CustomerError
from ses_fleet.people import person_change
from ses_fleet.people.person_change import REASON, TOPIC, UNSUBSCRIBED, PersonChange, Record
from ses_fleet.people.person_change import State as PersonState
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.worker import record_files
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.plan_guard import SUPPRESSION
from ses_fleet.worker.record_files import RecordFileWriter

PLAN, LEFT_OUT = "plan", "left-out"
_NOTED, _COMPARED = "noted", "compared"
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
        writer = RecordFileWriter(self._context, self._context.data_prefix, {}, PLAN)
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

    `files` is the state of the files with those addresses. With `widened` new contacts would get topics that they did
    not get when the plan was made.
    """

    files: State
    differing: int
    added: int
    widened: bool

    def state(self) -> State:
        """Return it as the next slice continues from it; JSON, without addresses."""
        return vars(self)


class Comparison:
    """Notes of every address whether the same is decided for it now as the plan has."""

    def __init__(self, context: ActionContext, plan: PeoplePlan, state: State) -> None:
        self._context = context
        self._plan = plan
        self._changes = changes_of(context, plan)
        self._widened: bool = state.get("widened", False)
        self._holds: _Noted[bool] = _Noted(
            context,
            _COMPARED,
            state.get("files", {}),
            lambda email, holds: {"email": email, "holds": holds},
            lambda record: bool(record["holds"]),
        )

    def state(self) -> State:
        """Return what the next slice continues from; JSON, without addresses."""
        return {"files": self._holds.state(), "widened": self._widened}

    def sees(self, given_to_all: Collection[str]) -> None:
        """Note whether new contacts get topics that they did not get when the plan was made."""
        self._widened = not set(given_to_all) <= set(self._plan.given_to_all)

    def allows(self, place: str, email: str, before: PersonState | None, after: PersonState | None) -> bool:
        """Note what was decided, and return True: nothing is written in this pass."""
        planned = self._changes.get(email) if _is_of(self._plan, place) else None
        if planned is not None:
            self._holds.new[email] = _holds(planned, before, after, widened=self._widened)
        elif person_change.between(before, after) is not None:
            self._holds.new[email] = False
        return True

    def leave_out(self, email: str) -> None:
        """Do nothing: everything is allowed."""

    def gate(self) -> Gate:
        """Return the gate of the second pass, once everything was decided again.

        Raise CustomerError when too much of the plan would be otherwise now.
        """
        holds = self._holds.all()
        # Nothing is decided for them any more; only a contact that was to go is simply not there.
        gone = {email for email, one in self._changes.items() if email not in holds and one.kind != "remove"}
        known = gone | {email for email, held in holds.items() if not held}
        differing = len(known & self._changes.keys())
        left_out = _left_out(self._context, {})
        left_out.new.update(dict.fromkeys(known, True))
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
        self._late = _left_out(context, found.files)

    @classmethod
    def again(cls, context: ActionContext, plan: PeoplePlan, found: Compared) -> Gate:
        """Return the gate of a later slice. `context` is that of the first pass, whose files are read."""
        return cls(context, plan, found, changes_of(context, plan), _left_out(context, found.files).all())

    def found(self) -> Compared:
        """Write out who was left out since the first pass, and return what was found so far."""
        differing = sum(email in self._changes for email in self._late.new)
        found, late = self._found, len(self._late.new)
        self._found = replace(
            found,
            differing=found.differing + differing,
            added=found.added + late - differing,
            files=self._late.state() if late else found.files,
        )
        return self._found

    def sees(self, given_to_all: Collection[str]) -> None:
        """Note whether new contacts get topics that they did not get when the plan was made."""
        self._found = replace(self._found, widened=not set(given_to_all) <= set(self._plan.given_to_all))

    def allows(self, place: str, email: str, before: PersonState | None, after: PersonState | None) -> bool:
        """Return whether this is a change of the plan, or nothing is to be done where it is made or has none."""
        planned = self._changes.get(email) if _is_of(self._plan, place) else None
        if planned is not None:
            allowed = _holds(planned, before, after, widened=self._found.widened)
        else:
            allowed = email not in self._known and person_change.between(before, after) is None
        if not allowed:
            self.leave_out(email)
        return allowed

    def leave_out(self, email: str) -> None:
        """Note the address, if it is not known yet that it is left out."""
        if email not in self._known:
            self._known.add(email)
            self._late.new[email] = True


def is_stale(context: ActionContext, plan: PeoplePlan, differing: int) -> bool:
    """Return whether so many of the plan's changes would be others now that it is not what was reviewed."""
    return differing * 100 > context.settings.plan_stale_percent * plan.changes


def stale(context: ActionContext, plan: PeoplePlan, found: Compared, *, wrote: bool) -> CustomerError:
    """Return the failure of a customer for which too much of a plan would be otherwise now."""
    limit, item = context.settings.plan_stale_percent, context.item
    so = "were left out, and the rest was made" if wrote else "would be others now, so nothing was written"
    why = ", as new contacts get topics by default that they did not get then" if found.widened else ""
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
            for record in record_files.lines(context, plan.prefix, part, PLAN):
                digest.add(record)
                if "salt" not in record:
                    found[str(record["email"])] = once(PersonChange.of(record))
    except (ValueError, KeyError, TypeError):
        digest.add({})  # it is none of ours
    if digest.text != plan.digest:
        where = context.results.location(plan.prefix)
        text = f"the files of the plan in {where} are not as its dry run wrote them, so nothing was written"
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


def _holds(planned: PersonChange, before: PersonState | None, after: PersonState | None, *, widened: bool) -> bool:
    """Return whether the planned change holds; nobody is created who would get more than the plan shows."""
    is_new = planned.kind == "create" and before is None and after is not None
    return not (widened and is_new) and planned.holds(before, after)


def _left_out(context: ActionContext, state: State) -> _Noted[bool]:
    return _Noted(context, LEFT_OUT, state, lambda email, _: {"email": email}, lambda _: True)


def _tallied(changes: Iterable[PersonChange]) -> dict[str, Any]:
    """Return the numbers of a plan that has these changes."""
    kinds: Counter[str] = Counter()
    opted: dict[str, Counter[str]] = {"OPT_IN": Counter(), "OPT_OUT": Counter()}
    others: Counter[str] = Counter()
    for change in changes:
        kinds[change.kind] += 1
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
    }


def _is_of(plan: PeoplePlan, place: str) -> bool:
    return (plan.place or SUPPRESSION) == place
