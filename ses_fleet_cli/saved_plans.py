"""The plan that a dry run has saved: shown before it is applied, and whether it can be."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ses_fleet.actions.catalogue import payload_names, saving_plans
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config.topics import Difference, Topic, differences
from ses_fleet.runs.events import applying_run_id
from ses_fleet.runs.models import CustomerResult, Summary
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.runs.saved_plan import SavedPlan, TopicsPlan
from ses_fleet.text import printable
from ses_fleet_cli import runs, whole_results
from ses_fleet_cli.errors import OK, CommandError, usage
from ses_fleet_cli.runs import Shown

_NOT_ASKED = ("action", "dry_run", "on_deadline", "people")
# What fails a customer for which a plan does not hold any more.
_OUTDATED = ("PlanStale", "ConfigurationChanged")


@dataclass(frozen=True)
class Group:
    """Customers of whom a plan says the same, and the lines that say it; none where nothing would change."""

    codes: tuple[str, ...]
    lines: tuple[str, ...]


def is_one(summary: Summary) -> bool:
    """Return whether a run is over, was a dry run of an action that saves plans, and has something in its plan."""
    action = payload_names().get(summary.action)
    saves = action is not None and action[0].saves_plan is not None and summary.dry_run
    return saves and summary.exit_code in (0, 1) and summary.successful_count > 0


def is_whole(summary: Summary) -> bool:
    """Return whether a plan says all that it does, as one of topics; whom one of people is about lies below data/."""
    return payload_names()[summary.action][0].saves_plan == "topics"


def check(results: Bucket, shown: Shown, *, now: datetime, hours: float) -> str | None:
    """Return the id of the run that is applying the plan at the moment, or None when none did.

    A plan holds for so many `hours`. Raise CommandError with exit code 2 when the plan cannot be applied or was applied
    already, with exit code 0 when it changes nothing. The orchestrator checks all of it again.
    """
    summary = shown.summary
    problem = _why_not(shown) or _expired(summary, now, hours)
    if problem is not None:
        raise usage(f"run {summary.run_id} {problem}")
    if not summary.differs:
        raise CommandError(f"the plan of run {summary.run_id} changes nothing: there is nothing to apply", OK)
    applied = _applied(results, summary.run_id)
    if applied is not None and applied.is_over:
        by = applied.summary.run_id
        raise usage(f"plan {summary.run_id} was applied already, by run {by}: `ses-fleet runs show {by}` shows it")
    return None if applied is None else applied.summary.run_id


def lines(results: Bucket, shown: Shown, *, only: Collection[str] | None = None) -> list[str]:
    """Return the lines that show a plan, and how to apply it, or by which run that was done.

    With `only` they show what it says of these customers, for a question whether to apply that.

    Raise CommandError with exit code 3 when the record cannot be read.
    """
    summary = shown.summary
    said = [f"Plan {summary.run_id}: {printable(summary.action)}, made {printable(summary.started_at)}"]
    asked = {name: value for name, value in shown.payload.items() if name not in _NOT_ASKED}
    if asked:
        said.append(f"  Asked for: {printable(json.dumps(asked, ensure_ascii=False), 500)}")
    whole = whole_results.of(results, shown, blocks=True)
    for group in groups(one for one in whole if only is None or one.customer_code in only):
        count = f" ({len(group.codes)} customers)" if len(group.codes) > 1 else ""
        said += [f"  {printable(', '.join(group.codes), 400)}{count}"]
        said += [f"    {line}" for line in group.lines or ("  nothing to change",)]
    left_out = [one.customer_code for one in summary.results if one.status in ("failed", "not_started")]
    if left_out:
        said.append(
            f"  Not in the plan, as the dry run was not successful there: {printable(', '.join(left_out), 400)}"
        )
    return [*said, *(_offered(results, summary) if only is None else ())]


def json_lines(results: Bucket, shown: Shown) -> Iterator[str]:
    """Yield JSON, one a line: `{customer_code, changes, plan}` of a customer, its changes as they are shown.

    Raise CommandError with exit code 3 when the record cannot be read.
    """
    for one in whole_results.of(results, shown, blocks=True):
        if one.plan is not None and one.success:
            plan, code = one.plan.model_dump(mode="json"), one.customer_code
            told = {"customer_code": code, "changes": list(changes(one.plan)), "plan": plan}
            yield json.dumps(told, ensure_ascii=False)


def groups(whole: Iterable[CustomerResult]) -> list[Group]:
    """Return what the plans of these results say, most customers first, and those without a change last."""
    found: dict[tuple[str, ...], list[str]] = {}
    for one in whole:
        if one.plan is not None and one.success:
            found.setdefault(tuple(changes(one.plan)), []).append(one.customer_code)
    ordered = sorted(found.items(), key=lambda item: (not item[0], -len(item[1])))
    return [Group(tuple(codes), said) for said, codes in ordered]


def changes(plan: SavedPlan) -> Iterator[str]:
    """Yield a line for each thing that a plan changes: + for what is new, ~ for what changes, - for what goes.

    Of people it says how many, and no address.
    """
    return _of_people(plan) if isinstance(plan, PeoplePlan) else _of_topics(plan)


def _of_people(plan: PeoplePlan) -> Iterator[str]:
    on_a_list = plan.place is not None
    if plan.overwritten:
        what = "a complaint, which is taken off" if not on_a_list else "what somebody refused"
        yield f"! {plan.overwritten:,} of these overwrite{'s' if plan.overwritten == 1 else ''} {what}"
    for sign, count, of_a_list, of_suppression in (
        ("+", plan.created, "created", "put on the suppression list"),
        ("~", plan.updated, "changed", "changed on the suppression list"),
        ("-", plan.removed, "removed, saved before", "taken off the suppression list"),
    ):
        if count:
            one, many = ("contact", "contacts") if on_a_list else ("address", "addresses")
            yield f"{sign} {count:,} {one if count == 1 else many} {of_a_list if on_a_list else of_suppression}"
    for what, topics in (("opted in to", plan.opt_ins), ("opted out of", plan.opt_outs)):
        for topic, count in topics.items():
            yield f"  {count:,} {what} {printable(topic)}"
    if plan.unsubscribed:
        yield f"  {plan.unsubscribed:,} unsubscribed from everything"


def _of_topics(plan: TopicsPlan) -> Iterator[str]:
    before, after = _by_name(plan.before), _by_name(plan.after)
    if plan.list_created:
        yield f"+ the contact list {printable(plan.contact_list)}"
    for name, topic in after.items():
        if name not in before:
            shown, told = _quoted(topic.display_name), _quoted(topic.description)
            yield f"+ {printable(name)}: display name {shown}, description {told}, default {topic.default_status}"
        for found in differences(before[name], topic) if name in before else ():
            yield f"~ {printable(name)}: {_changed(found)}"
    for name in before:
        if name not in after:
            yield f"- {printable(name)}: removed, with everybody's choice of it, which is saved before"


def _changed(found: Difference) -> str:
    if found.field != "default_status":
        return f"{found.field.replace('_', ' ')} {_quoted(found.have)} → {_quoted(found.want)}"
    means = "gets its mail" if found.want == "OPT_IN" else "gets no mail of it any more"
    return f"default {printable(found.have)} → {found.want}, so whoever made no choice {means}"


def until(summary: Summary, hours: float) -> str:
    """Return until when a plan holds that is valid for so many hours, to the minute, UTC."""
    return f"{datetime.fromisoformat(summary.started_at) + timedelta(hours=hours):%Y-%m-%d %H:%M} UTC"


def command(summary: Summary) -> str:
    """Return the command that applies the plan."""
    return f"ses-fleet apply {summary.run_id}"


def outdated(summary: Summary) -> list[str]:
    """Return the customers that a plan was not applied to and never can be: a resume would fail for them again."""
    if summary.plan is None:
        return []
    return [one.customer_code for one in summary.results if one.error is not None and one.error.type in _OUTDATED]


def can_resume(summary: Summary) -> bool:
    """Return whether a resume could do something: somebody is left for whom a plan, if one was applied, may hold."""
    left = [one.customer_code for one in summary.results if one.status in ("failed", "not_started")]
    stale = outdated(summary)
    return summary.resume is not None and not (stale and {*left} <= {*stale})


def anew(summary: Summary) -> str | None:
    """Return how to plan anew for whom a plan does not hold any more, or None where it holds for all."""
    codes = outdated(summary)
    if not codes:
        return None
    chosen = " ".join(f"--include {printable(code)}" for code in codes)
    whom = f", with {chosen} in the place of its customers" if summary.action.endswith("-all") else ""
    return f"the dry run that `ses-fleet runs show {summary.plan}` shows{whom}"


def left_out(summary: Summary) -> str | None:
    """Return how many a plan of people was not applied to, and how to see whom; None where it was applied to all."""
    if summary.plan is None:
        return None
    counts = {one.customer_code: (one.data or {}).get("left_out") or 0 for one in summary.results}
    found = {code: count for code, count in counts.items() if count}
    if not found:
        return None
    named = printable(", ".join(found), 300)
    show = f"ses-fleet runs show {summary.run_id} --changes"
    return f"{sum(found.values()):,} left out of the plan ({named}); whom, and why: {show}"


def _offered(results: Bucket, summary: Summary) -> Iterator[str]:
    applied = _applied(results, summary.run_id)
    if applied is not None:
        yield f"Applied by run {applied.summary.run_id}"
    elif summary.differs:
        yield f"Apply exactly this: {command(summary)}"


def _applied(results: Bucket, run_id: str) -> Shown | None:
    """Return the run that applies or has applied the plan; no start of it that was refused, and no other run."""
    found = runs.find(results, applying_run_id(run_id))
    return None if found is None or found.state == "refused" or found.summary.plan != run_id else found


def _why_not(shown: Shown) -> str | None:
    summary = shown.summary
    action = payload_names().get(summary.action)
    if action is None or action[0].saves_plan is None:
        return f"is of {printable(summary.action)}: saved plans are made for {saving_plans()}"
    if not summary.dry_run:
        return "was no dry run: only a dry run makes a plan"
    if not shown.is_over:
        return f"is not over yet: `ses-fleet runs show {summary.run_id}` shows how far it is"
    return None if is_one(summary) else "has nothing that could be applied: no customer of it was successful"


def _expired(summary: Summary, now: datetime, most: float) -> str | None:
    hours = (now - datetime.fromisoformat(summary.started_at)).total_seconds() / 3_600
    if hours <= most:
        return None
    return f"is {hours:.1f} hours old, and a plan holds for {most:g} (PLAN_HOURS): make a new dry run, and apply that"


def _by_name(topics: Sequence[Topic]) -> Mapping[str, Topic]:
    return {topic.name: topic for topic in topics}


def _quoted(text: str | None) -> str:
    return f'"{printable(text, 600)}"' if text else "none"
