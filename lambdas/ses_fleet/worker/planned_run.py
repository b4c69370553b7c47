"""Running an action on people whose dry run saves a plan, or one that applies such a plan.

A plan is applied in two passes. The first one is a dry run: everything is decided again, and too much that differs from
the plan fails the customer before anything is written. The second one makes the changes of the plan that were decided
again, and each is decided once more right before it is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ses_fleet.errors import CustomerError
from ses_fleet.runs.keys import COMPARED_FOLDER
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.worker import contact_list
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_list import given_to_all
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.planned_people import Compared, Comparison, Gate, Recorder, is_stale, stale

Run = Callable[[ActionContext, Any, State], Outcome]


def saving(run: Run, context: ActionContext, params: Any, state: State) -> Outcome:
    """Run a dry run, and return the plan with its end. One that another version of ses-fleet began saves none."""
    if state and "plan" not in state:
        return run(context, params, state)
    recorder = Recorder(context, state.get("plan", {}))
    context.guard = recorder
    outcome = run(context, params, state.get("action", {}))
    if isinstance(outcome, More):
        return _more(outcome, state, lambda: {"plan": recorder.state()})
    return outcome if outcome.failure is not None else replace(outcome, plan=recorder.plan())


def applying(run: Run, context: ActionContext, params: Any, plan: PeoplePlan, state: State) -> Outcome:
    """Apply a plan. CustomerError (PlanStale) when more of it than the settings allow would be otherwise now."""
    if "compared" in state:
        gate = Gate.again(_first_pass(context), plan, Compared(**state["compared"]))
        if plan.created and plan.place is not None:
            try:
                gate.sees(given_to_all(contact_list.read(context, plan.place)))
            except SliceTimeoutError:
                return More(state)
    else:
        outcome = _compare(run, context, params, plan, state)
        if isinstance(outcome, More):
            return outcome
        gate, state = outcome, {}
    context.guard = gate
    done = run(context, params, state.get("action", {}))
    if isinstance(done, More):
        return _more(done, state, lambda: {"compared": gate.found().state()})
    return _told(context, done, gate.all_found(), plan)


def _more(outcome: More, before: State, state: Callable[[], State]) -> More:
    """Return the end of a slice with what the next one continues from: the same again when it made no progress."""
    if before and outcome.state == before.get("action"):
        return replace(outcome, state=before)
    return replace(outcome, state={**state(), "action": outcome.state})


def _compare(run: Run, context: ActionContext, params: Any, plan: PeoplePlan, state: State) -> Gate | More:
    again = _first_pass(context)
    comparison = Comparison(again, plan, state.get("plan", {}))
    again.guard = comparison
    outcome = run(again, params, state.get("action", {}))
    if isinstance(outcome, More):
        return _more(outcome, state, lambda: {"plan": comparison.state()})
    try:
        return comparison.gate()
    except CustomerError:
        for text in again.warnings:  # they may say why
            context.warn(text)
        raise


def _first_pass(context: ActionContext) -> ActionContext:
    """Return the same slice as a dry run that says nothing but what it waits for."""

    def log(line: str) -> None:
        if line.startswith("⏳"):
            context.log(line)

    return replace(
        context,
        item=context.item.model_copy(update={"dry_run": True}),
        open_ses=lambda: context.ses,
        log=log,
        warnings=[],
        folder=COMPARED_FOLDER,
    )


def _told(context: ActionContext, done: Done, found: Compared, plan: PeoplePlan) -> Done:
    """Return the end of the run with how many were left out, and say it; a failure when that is too much by now."""
    if found.differing:
        context.warn(
            f"{found.differing} of the plan's {plan.changes} changes were left out: something else would be done there "
            "now"
        )
    if found.added:
        context.warn(
            f"{found.added} more changes would be made now that the plan does not have: they were left out, too"
        )
    data = done.data.model_copy(update={"left_out": found.differing + found.added})
    failure = done.failure
    if failure is None and is_stale(context, plan, found.differing):
        failure = stale(context, plan, found, wrote=True)
    return replace(done, data=data, failure=failure)
