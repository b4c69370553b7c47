"""The first step of an import: who is in the list, and what is to be done. Nothing of it changes later."""

from __future__ import annotations

from ses_fleet.errors import CustomerError
from ses_fleet.worker.importing import import_ledger, subscriptions
from ses_fleet.worker.importing.submit import quiet, submit
from ses_fleet.worker.importing.subscriptions import Changes, made_a_choice
from ses_fleet.worker.importing.work import Step, Work
from ses_fleet.worker.list_snapshot import Harvest
from ses_fleet.worker.pacing import SliceTimeoutError


def decide(work: Work) -> Step:
    """Read the list while no import job is under way, decide, check, and write the decision to S3.

    New contacts that come by an import job are under way then.
    """
    job, progress = work.job, work.progress
    if progress.jobs_seen is None:
        progress.jobs_seen = quiet(work)
    harvest = Harvest(job, "listing", progress.harvest)
    try:
        return _decide(work, harvest)
    except SliceTimeoutError:
        progress.harvest = harvest.state()
        raise


def _decide(work: Work, harvest: Harvest) -> Step:
    job, progress, directory = work.job, work.progress, work.directory
    known_addresses = import_ledger.load(job)
    progress.contact_list = harvest.open()
    if progress.contact_list is None:
        text = f"{job.code} has no contact list in {job.customer.region}: run manage-topic-all first, or manage-topic"
        raise CustomerError("operation", "NoContactList", text)
    asked = directory.addresses | known_addresses
    there = harvest.run(lambda contact: contact["email"].casefold() in asked or made_a_choice(contact))
    progress.total = harvest.total
    topics = subscriptions.opt_ins(job.item.topics or (), progress.contact_list.topics)
    made = subscriptions.changes(
        directory,
        topics,
        there,
        sync_topics=work.params.sync_topics,
        removable=_removable(work, known_addresses),
    )
    _check_prune(work, made, harvest.total)
    if not job.dry_run:
        import_ledger.store(job, known_addresses | directory.addresses)
        made = made.without(submit(work, made.of("create")))
    _say(work, made, topics.lacking, harvest.total)
    work.verification.saw_all(contact for contacts in there.values() for contact in contacts)
    _keep(work, made)
    if job.dry_run:
        return "done"
    return "add" if progress.import_job is None else "hear"


def _removable(work: Work, known_addresses: frozenset[str]) -> frozenset[str]:
    """Who may be removed if Identity Center has them no more: nobody, if not all of it could be read."""
    job, read = work.job, work.job.item.people
    if not job.item.prune or read is None:
        return frozenset()
    if read.vanished_groups:
        job.warn(
            f"{read.vanished_groups} groups of Identity Center were deleted while they were read: nobody is removed in "
            "this run; run it again"
        )
        return frozenset()
    return known_addresses


def _check_prune(work: Work, made: Changes, total: int) -> None:
    """Refuse before anything is written what looks like a mistake of the source."""
    job, removals = work.job, len(made.of("remove"))
    if not job.item.prune:
        return
    if not work.directory.people:
        text = f"Identity Center has no enabled user with an address for {job.code}; nothing was changed"
        raise CustomerError("operation", "EmptySource", text)
    limit = job.settings.prune_limit_percent
    if removals * 100 > limit * total:
        text = (
            f"{removals} of the {total} contacts of {job.code} would be removed, more than {limit:g} % "
            "(PRUNE_LIMIT_PERCENT of the worker); nothing was changed. Compare Identity Center with who should be there"
        )
        raise CustomerError("operation", "PruneLimit", text)


def _say(work: Work, made: Changes, lacking: tuple[str, ...], total: int) -> None:
    job = work.job
    if made.of("create") and not job.dry_run:
        job.log(f"📥 Customer {job.code}: Importing contacts to SES")
    if work.params.username is None:
        work.progress.others = total - made.there - len(made.of("remove"))
    if lacking:
        names = ", ".join(lacking)
        job.warn(f"the list lacks {names}: run manage-topic-all first; nobody is opted in to them meanwhile")
    if any(topic.opt_in_roles for topic in job.item.topics or ()) and job.item.people and not job.item.people.groups:
        job.warn(
            f"none of Identity Center's {job.item.people.all_groups} groups stands for a role that a topic names, so "
            "nobody is opted in: compare GROUP_ROLE_PATTERN of the worker and OptInRoles"
        )
    if not work.directory.people and work.params.username is not None:
        job.warn("the user of params.username is disabled or has no usable address: nobody is imported")
    elif not work.directory.people:
        job.warn("Identity Center has no enabled user with an address: there is nobody to import")
    if made.kept:
        text = f"{len(made.kept)} contacts that Identity Center has no more are kept, as they opted out of something"
        job.warn(text)
    if work.progress.others:
        job.log(f"👤 Customer {job.code}: {work.progress.others} contacts are not in Identity Center and stay")


def _keep(work: Work, made: Changes) -> None:
    """Write down what is to be done; the steps after this one read it from there."""
    progress = work.progress
    progress.harvest = {}
    progress.skipped = dict(work.directory.skipped)
    work.count("unchanged", made.unchanged)
    work.files.changes.add(change.record() for change in made.changes)
    work.files.kept.add({"email": email} for email in made.kept)
    work.files.states()
    if work.job.dry_run:
        work.count("created", len(made.of("create")))
        work.count("updated", len(made.of("update")))
        work.count("removed", len(made.of("remove")))
