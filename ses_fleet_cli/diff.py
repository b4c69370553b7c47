"""`runs diff`: what changed for each customer between two runs of one action."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ses_fleet.actions.catalogue import ACTIONS
from ses_fleet.actions.data.by_action import DATA_MODELS
from ses_fleet.aws.s3 import Bucket
from ses_fleet.runs.models import CustomerResult, RunRequest
from ses_fleet_cli import changes, whole_results
from ses_fleet_cli.changes import Change
from ses_fleet_cli.errors import CommandError, usage
from ses_fleet_cli.runs import Shown

# What chooses customers: who is only in one of two runs has changed nothing then.
_CHOOSING = ("include", "exclude", "environment", "customer_code", "plan")
# What a run that applies a plan was asked by naming the plan.
_OF_A_PLAN = frozenset({"prune", "params"})
# What else of a request is no difference in what was asked: how it was carried out.
_CARRIED_OUT = frozenset(
    {
        "confirm_customers",
        "customer_timeout_seconds",
        "max_customer_concurrency",
        "failure_mode",
        "max_failures",
        "ramp",
        "on_deadline",
        "resumes",
        "notify",
    }
)


@dataclass(frozen=True)
class Compared:
    """What differs between two runs of one action.

    `asked` is what differs in the requests, `changed` what differs for each customer for which anything does,
    `unchanged` are the customers of both runs of which nothing does, and `not_known` those of them about which neither
    run found anything out. `only_before` and `only_after` are customers of one run alone; they are differences where
    the other run was for all customers.
    """

    before: Shown
    after: Shown
    asked: tuple[Change, ...]
    changed: Mapping[str, tuple[Change, ...]]
    unchanged: tuple[str, ...]
    not_known: tuple[str, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]

    @property
    def gone(self) -> tuple[str, ...]:
        """Return the customers that the later run was for, too, and does not have."""
        return () if chooses(self.after) else self.only_before

    @property
    def new(self) -> tuple[str, ...]:
        """Return the customers that the earlier run was for, too, and does not have."""
        return () if chooses(self.before) else self.only_after

    @property
    def differs(self) -> bool:
        """Return whether anything changed."""
        return bool(self.changed or self.gone or self.new)


def compare(bucket: Bucket, before: Shown, after: Shown) -> Compared:
    """Compare the results of two runs, customer by customer.

    Raise CommandError with exit code 2 for runs that cannot be compared, with exit code 3 when a record cannot be read.
    """
    _check(before, after)
    olds, news = _results(bucket, before), _results(bucket, after)
    both = [code for code in olds if code in news]
    if not both:
        raise usage(f"runs {before.summary.run_id} and {after.summary.run_id} have no customer in common")
    found = {code: tuple(_of_customer(before, after, olds[code], news[code])) for code in both}
    unchanged = tuple(code for code in both if not found[code])
    return Compared(
        before,
        after,
        asked=tuple(_asked(before, after)),
        changed={code: these for code, these in found.items() if these},
        unchanged=unchanged,
        not_known=tuple(code for code in unchanged if olds[code].data is None and news[code].data is None),
        only_before=tuple(code for code in olds if code not in news),
        only_after=tuple(code for code in news if code not in olds),
    )


def chooses(shown: Shown) -> bool:
    """Return whether a run was for chosen customers rather than for all."""
    return not shown.summary.action.endswith("-all") or any(name in shown.payload for name in _CHOOSING)


def is_carrying_out(field: str) -> bool:
    """Return whether a field of a request only says how it is carried out, and not what was asked."""
    return field in _CARRIED_OUT


def as_json(compared: Compared) -> str:
    """Return the comparison as `runs diff --output json` prints it."""
    document = {
        "a": _run(compared.before),
        "b": _run(compared.after),
        "differs": compared.differs,
        "asked": [_change(one) for one in compared.asked],
        "changed": [
            {"customer_code": code, "changes": [_change(one) for one in found]}
            for code, found in compared.changed.items()
        ],
        "unchanged": compared.unchanged,
        "not_known": compared.not_known,
        "only_in_a": compared.only_before,
        "only_in_b": compared.only_after,
        "gone": compared.gone,
        "new": compared.new,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _run(shown: Shown) -> dict[str, Any]:
    summary = shown.summary
    names = ("run_id", "action", "dry_run", "started_at", "exit_code")
    return {**{name: getattr(summary, name) for name in names}, "state": shown.state, "chosen": chooses(shown)}


def _change(change: Change) -> dict[str, Any]:
    return {"path": change.path, "from": change.before, "to": change.after}


def _check(before: Shown, after: Shown) -> None:
    for shown in (before, after):
        _check_one(shown)
    actions = [_action(shown) for shown in (before, after)]
    if actions[0] != actions[1]:
        raise usage(
            f"run {before.summary.run_id} is one of {actions[0]}, run {after.summary.run_id} one of {actions[1]}: only "
            "runs of one action can be compared"
        )
    dry = [shown.summary.dry_run for shown in (before, after)]
    if dry[0] != dry[1] and not ACTIONS[actions[0]].mutates:
        which = (before, after)[dry.index(True)].summary.run_id
        raise usage(f"run {which} is a dry run of {actions[0]}, which finds nothing out: there is nothing to compare")


def _check_one(shown: Shown) -> None:
    run_id = shown.summary.run_id
    if shown.state == "refused":
        raise usage(f"run {run_id} was refused and has no results; `ses-fleet runs show {run_id}` says why")
    if not shown.is_over:
        raise _not_over(run_id, shown.state)
    if _action(shown) not in DATA_MODELS:
        raise usage(f"run {run_id} is one of an action that this version does not know: {_action(shown)}")


def _not_over(run_id: str, state: str) -> CommandError:
    # Half of a run would look like a change, or like none.
    return usage(f"run {run_id} has no end yet ({state}): compare it once it is over; `ses-fleet runs show {run_id}`")


def _action(shown: Shown) -> str:
    return shown.summary.action.removesuffix("-all")


def _asked(before: Shown, after: Shown) -> Iterator[Change]:
    left_out = {"action", *_CHOOSING, *_CARRIED_OUT}
    if "plan" in before.payload or "plan" in after.payload:
        left_out |= _OF_A_PLAN
    told = [{name: value for name, value in one.payload.items() if name not in left_out} for one in (before, after)]
    dry = [{"dry_run": one.summary.dry_run} for one in (before, after)]
    return changes.between(RunRequest, told[0] | dry[0], told[1] | dry[1])


def _results(bucket: Bucket, shown: Shown) -> dict[str, CustomerResult]:
    return {one.customer_code: one for one in whole_results.of(bucket, shown)}


def _of_customer(before: Shown, after: Shown, old: CustomerResult, new: CustomerResult) -> Iterator[Change]:
    told = [_told(one, shown.summary.run_id) for one, shown in ((old, before), (new, after))]
    yield from changes.between(CustomerResult, told[0], told[1])
    # Where one side found nothing out, its status says so, and nothing is known of the rest.
    if old.data is not None and new.data is not None:
        yield from changes.between(DATA_MODELS[_action(before)], old.data, new.data)


def _told(result: CustomerResult, run_id: str) -> dict[str, Any]:
    """Return a result without its data as JSON, and its texts with a word in the place of the run's own id."""
    told = result.model_dump(mode="json", exclude={"success", "data"})
    own = re.compile(rf"(?<![\w-]){re.escape(run_id)}(?![\w-])")
    told["warnings"] = [own.sub("RUN_ID", text) for text in told["warnings"]]
    if told["error"] is not None:
        told["error"]["message"] = own.sub("RUN_ID", told["error"]["message"])
    return told
