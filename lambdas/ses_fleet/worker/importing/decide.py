"""The first step of an import: read the list and decide what is to be done. The decision does not change later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ses_fleet.errors import CustomerError
from ses_fleet.worker import contact_list
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.importing import import_ledger, import_plan
from ses_fleet.worker.importing.import_plan import ImportPlan, made_a_choice
from ses_fleet.worker.importing.submit import submit, wait_for_other_jobs
from ses_fleet.worker.importing.work import Step, Work
from ses_fleet.worker.list_snapshot import ListSnapshot
from ses_fleet.worker.plan_guard import NO_PLAN
from ses_fleet.worker.record_files import Record


def decide(work: Work) -> Step:
    """Read the list while no import job is running, decide, and check the decision.

    Then the ledger is stored, the import job is started, if the new contacts come by one, and what is left to do is
    written to S3. A run that is killed between those decides anew, and finds what was done.
    """
    context, progress = work.context, work.progress
    if progress.jobs_seen is None:
        progress.jobs_seen = wait_for_other_jobs(work)
    snapshot = ListSnapshot(context, "listing", progress.harvest)
    try:
        return _decide(work, snapshot)
    except SliceTimeoutError:
        progress.harvest = snapshot.state()
        raise


def _decide(work: Work, snapshot: ListSnapshot) -> Step:
    context, progress, directory = work.context, work.progress, work.directory
    known_addresses = import_ledger.load(context)
    asked = directory.addresses | known_addresses
    erased = work.erased_of(asked)
    progress.contact_list = snapshot.open()
    if progress.contact_list is None:
        raise contact_list.none_there(context)
    concerns = context.guard.concerns
    there = snapshot.run(
        lambda contact: contact["email"].casefold() in asked or made_a_choice(contact) or concerns(contact["email"])
    )
    progress.total = snapshot.total
    topics = import_plan.opt_ins(context.item.topics or (), progress.contact_list.topics)
    plan = import_plan.make_plan(
        directory,
        topics,
        there,
        sync_topics=work.params.sync_topics,
        removable=_removable(work, known_addresses),
        erased=erased,
    )
    _check_prune(work, plan, snapshot.total)
    before = plan
    plan = _allowed(work, plan, there)
    if not context.dry_run:
        import_ledger.store(context, asked - erased)
        plan = _submitted(work, plan)
    _note_left_out(work, before, plan)
    _say(work, plan, topics.lacking, snapshot.total)
    work.verification.note_all_read(contact for contacts in there.values() for contact in contacts)
    _keep(work, plan)
    if context.dry_run:
        return "done"
    return "add" if progress.import_job is None else "hear"


def _allowed(work: Work, plan: ImportPlan, there: Mapping[str, Sequence[Record]]) -> ImportPlan:
    """Return the plan without what a saved plan does not have, where one is applied."""
    guard, place = work.context.guard, work.progress.list_name
    if guard is NO_PLAN:
        return plan
    states = import_plan.states(plan, there)
    denied = {email for email, before, after in states if not guard.allows(place, email, before, after)}
    return replace(plan, changes=tuple(one for one in plan.changes if one.email not in denied))


def _submitted(work: Work, plan: ImportPlan) -> ImportPlan:
    """Start the import job, if there is one to be, and return the plan without those who are not created any more."""
    done = submit(work, [one.new_contact() for one in plan.of("create")])
    guard, place = work.context.guard, work.progress.list_name
    for change in plan.of("create"):
        if change.email.casefold() in done.came:
            state = done.states.get(change.email)  # in another spelling, somebody else's contact has come
            guard.allows(place, change.email, state, state)
    left = plan.without(done.came.keys())
    return replace(left, changes=tuple(one for one in left.changes if one.email.casefold() not in done.left_out))


def _note_left_out(work: Work, before: ImportPlan, plan: ImportPlan) -> None:
    """Count who of the decision is left out for a saved plan, and keep in mind whom a later run may remove."""
    left = {*plan.changes}
    gone = [one for one in before.changes if one not in left]
    work.count("left_out", len(gone) - (plan.unchanged - before.unchanged))
    work.files.kept.add({"email": one.email} for one in gone if one.change == "remove")


def _removable(work: Work, known_addresses: frozenset[str]) -> frozenset[str]:
    """Return who may be removed when Identity Center does not have them; empty unless all of it could be read."""
    context, read = work.context, work.context.item.directory
    if not context.item.prune or read is None:
        return frozenset()
    if read.vanished_groups:
        context.warn(
            f"{read.vanished_groups} groups of Identity Center were deleted while they were read: nobody is removed in "
            "this run; run it again"
        )
        return frozenset()
    return known_addresses


def _check_prune(work: Work, plan: ImportPlan, total: int) -> None:
    """Raise CustomerError, before anything is written, when so many removals look like a mistake in Identity Center."""
    context, removals = work.context, len(plan.of("remove"))
    if not context.item.prune:
        return
    if not work.directory.people:
        text = f"Identity Center has nobody with a usable address for {context.code}; nothing was changed"
        raise CustomerError("operation", "EmptySource", text)
    limit = context.settings.prune_limit_percent
    if removals * 100 > limit * total:
        text = (
            f"{removals} of the {total} contacts of {context.code} would be removed, more than {limit:g} % "
            "(PRUNE_LIMIT_PERCENT of the worker); nothing was changed. Check whether Identity Center has "
            "everybody who should be there"
        )
        raise CustomerError("operation", "PruneLimit", text)


def _say(work: Work, plan: ImportPlan, lacking: tuple[str, ...], total: int) -> None:
    context = work.context
    if plan.of("create") and not context.dry_run:
        context.log(f"📥 Customer {context.code}: Importing contacts to SES")
    if work.params.username is None:
        work.progress.others = total - plan.there - len(plan.of("remove"))
    if lacking:
        names = ", ".join(lacking)
        context.warn(f"the list lacks {names}: run manage-topic-all first; until then nobody is opted in to them")
    if (
        any(topic.opt_in_roles for topic in context.item.topics or ())
        and context.item.directory
        and not context.item.directory.groups
    ):
        context.warn(
            f"none of Identity Center's {context.item.directory.all_groups} groups is for a role that a topic names, "
            "so nobody is opted in: check GROUP_ROLE_PATTERN of the worker and OptInRoles"
        )
    if not work.directory.people and work.params.username is not None:
        context.warn("the user of params.username is disabled or has no usable address: nobody is imported")
    elif not work.directory.people:
        context.warn("Identity Center has nobody with a usable address: there is nobody to import")
    if plan.kept:
        context.warn(
            f"{len(plan.kept)} contacts that are not in Identity Center any more are kept, because they opted out of "
            "something"
        )
    if work.progress.others:
        context.log(f"👤 Customer {context.code}: {work.progress.others} contacts are not in Identity Center and stay")


def _keep(work: Work, plan: ImportPlan) -> None:
    """Write what is to be done to S3; the steps after this one read it from there."""
    progress = work.progress
    progress.harvest = {}
    progress.skipped = dict(work.directory.skipped)
    work.count("unchanged", plan.unchanged)
    work.count("erased_before", plan.erased)
    work.files.changes.add(change.record() for change in plan.changes)
    work.files.kept.add({"email": email} for email in plan.kept)
    work.files.states()
    if work.context.dry_run:
        work.count("created", len(plan.of("create")))
        work.count("updated", len(plan.of("update")))
        work.count("removed", len(plan.of("remove")))
