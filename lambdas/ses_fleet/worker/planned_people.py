"""Keeping to a saved plan of people: what a dry run writes down, what is compared, and what is let through.

Recorder     a dry run: every change that it would make is written to the plan's files
Comparison   the first pass of a run that applies a plan: everything is decided again, and nothing is written
Gate         its second pass: only changes of the plan that were decided again are made
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ses_fleet.errors import CustomerError
from ses_fleet.people import person_change
from ses_fleet.people.person_change import REASON, TOPIC, UNSUBSCRIBED, PersonChange, Record
from ses_fleet.people.person_change import State as PersonState
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.worker import record_files
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.plan_guard import SUPPRESSION
from ses_fleet.worker.record_files import RecordFileWriter

PLAN, COMPARED = "plan", "compared"
_AGAIN = "Make a new dry run, and apply that"


class Recorder:
    """Writes the changes of a dry run to files `plan-*`, over as many slices as that takes."""

    def __init__(self, context: ActionContext, state: State) -> None:
        self._context = context
        self._writer = RecordFileWriter(context, context.data_prefix, state.get("files", {}), PLAN)
        self._place: str | None = state.get("place")

    def state(self) -> State:
        """Return what the next slice continues from; JSON, without addresses."""
        self._writer.flush()
        return {"files": self._writer.state(), "place": self._place}

    def allows(self, place: str, email: str, before: PersonState | None, after: PersonState | None) -> bool:
        """Write the change down, if it is one, and return True."""
        change = person_change.between(before, after)
        if change is not None:
            self._place = None if place == SUPPRESSION else place
            self._writer.add([change.record(email)])
        return True

    def leave_out(self, email: str) -> None:
        """Do nothing: everything is allowed."""

    def plan(self) -> PeoplePlan:
        """Return the plan, once everything was decided. Raise CustomerError when its files cannot be read back."""
        self._writer.flush()
        writer = self._writer
        found = list(_records(self._context, writer.prefix, writer.parts, PLAN))
        return PeoplePlan.model_validate(
            {
                **_tallied(map(PersonChange.of, found)),
                "place": self._place,
                "prefix": writer.prefix,
                "parts": writer.parts,
                "digest": person_change.digest(found),
                "topics": self._context.item.topics,
            }
        )


class Comparison:
    """Notes of every address whether the same is decided for it now as the plan has."""

    def __init__(self, context: ActionContext, plan: PeoplePlan, state: State) -> None:
        self._context = context
        self._plan = plan
        self._changes = changes_of(context, plan)
        self._writer = RecordFileWriter(context, context.data_prefix, state.get("files", {}), COMPARED)
        self._holds = _holding(context, self._writer)

    def state(self) -> State:
        """Return what the next slice continues from; JSON, without addresses."""
        self._writer.flush()
        return {"files": self._writer.state()}

    def allows(self, place: str, email: str, before: PersonState | None, after: PersonState | None) -> bool:
        """Note what was decided, and return True: nothing is written in this pass."""
        planned = self._changes.get(email) if _is_of(self._plan, place) else None
        if planned is not None:
            self._note(email, holds=planned.holds(before, after))
        elif person_change.between(before, after) is not None:
            self._note(email, holds=False)
        return True

    def _note(self, email: str, *, holds: bool) -> None:
        self._holds[email] = holds
        self._writer.add([{"email": email, "holds": holds}])

    def leave_out(self, email: str) -> None:
        """Do nothing: everything is allowed."""

    def compared(self) -> Compared:
        """Return what was found, once everything was decided again. Raise CustomerError when too much is different."""
        for email, change in self._changes.items():
            # Nothing is decided for them any more; only a contact that was to go is simply not there.
            if email not in self._holds and change.kind != "remove":
                self._note(email, holds=False)
        state = self.state()
        differing = sum(not holds for email, holds in self._holds.items() if email in self._changes)
        self._check(differing)
        return Compared(state["files"], differing, len(self._holds.keys() - self._changes.keys()))

    def gate(self, compared: Compared) -> Gate:
        """Return the gate of the second pass, for the rest of this slice."""
        return Gate(self._plan, compared, self._changes, self._holds)

    def _check(self, differing: int) -> None:
        limit, planned = self._context.settings.plan_stale_percent, self._plan.changes
        if differing * 100 > limit * planned:
            code, run_id = self._context.code, self._context.item.run_id
            text = (
                f"{differing} of the {planned} changes that the plan has for {code} would be others now, more than "
                f"{limit:g} % (PLAN_STALE_PERCENT of the worker), so nothing was written: `ses-fleet runs show "
                f"{run_id} --changes` names them, for those who may read contacts"
            )
            raise CustomerError("operation", "PlanStale", f"{text}. {_AGAIN}")


@dataclass(frozen=True)
class Compared:
    """What the first pass found: how many changes of the plan would be others now, and how many more would be made.

    `files` is the state of the writer of what was decided.
    """

    files: State
    differing: int
    added: int

    def state(self) -> State:
        """Return it as the next slice continues from it; JSON, without addresses."""
        return {"files": self.files, "differing": self.differing, "added": self.added}

    @classmethod
    def of(cls, state: State) -> Compared:
        """Return what `state` has."""
        return cls(state["files"], state["differing"], state["added"])


class Gate:
    """Lets through only what the plan has and the first pass decided again; the contacts as they are now decide."""

    def __init__(
        self, plan: PeoplePlan, compared: Compared, changes: Mapping[str, PersonChange], holds: Mapping[str, bool]
    ) -> None:
        self._known = frozenset(email for email, held in holds.items() if not held)
        self._changes = {email: one for email, one in changes.items() if email not in self._known}
        self._plan = plan
        self._compared = compared
        self._late: set[str] = set()

    @classmethod
    def again(cls, context: ActionContext, plan: PeoplePlan, compared: Compared) -> Gate:
        """Return the gate of a later slice. `context` is that of the first pass, whose files are read."""
        writer = RecordFileWriter(context, context.data_prefix, compared.files, COMPARED)
        return cls(plan, compared, changes_of(context, plan), _holding(context, writer))

    @property
    def found(self) -> Compared:
        """Return what the first pass found, with the addresses that were left out since."""
        differing = sum(email in self._changes for email in self._late)
        before = self._compared
        return Compared(before.files, before.differing + differing, before.added + len(self._late) - differing)

    def allows(self, place: str, email: str, before: PersonState | None, after: PersonState | None) -> bool:
        """Return whether this is a change of the plan, or nothing is to be done where it is made or has none."""
        planned = self._changes.get(email) if _is_of(self._plan, place) else None
        if planned is not None:
            return planned.holds(before, after)
        return person_change.between(before, after) is None and email not in self._known

    def leave_out(self, email: str) -> None:
        """Count the address, if the first pass did not."""
        if email not in self._known:
            self._late.add(email)


def changes_of(context: ActionContext, plan: PeoplePlan) -> Mapping[str, PersonChange]:
    """Return the plan's changes by address. Raise CustomerError when its files are not as the dry run wrote them."""
    records = list(_records(context, plan.prefix, plan.parts, PLAN))
    try:
        found = {str(record["email"]): PersonChange.of(record) for record in records}
    except (ValueError, KeyError, TypeError):
        found = {}
    if person_change.digest(records) != plan.digest:
        where = context.results.location(plan.prefix)
        text = f"the files of the plan in {where} are not as its dry run wrote them, so nothing was written"
        raise CustomerError("operation", "DamagedData", f"{text}. {_AGAIN}")
    same: dict[PersonChange, PersonChange] = {}  # of most addresses the same is changed: it is kept once
    return {email: same.setdefault(change, change) for email, change in found.items()}


def _tallied(changes: Iterable[PersonChange]) -> dict[str, int | dict[str, int]]:
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


def _holding(context: ActionContext, writer: RecordFileWriter) -> dict[str, bool]:
    """Return whether the plan holds for each address that something was decided for; the last decision counts."""
    return {one["email"]: one["holds"] for one in _records(context, writer.prefix, writer.parts, COMPARED)}


def _records(context: ActionContext, prefix: str, parts: int, name: str) -> Iterator[Record]:
    for number in range(1, parts + 1):
        yield from record_files.records(context, prefix, number, name)
