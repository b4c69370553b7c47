"""Starting an import job right after a last look at the list, only for contacts still missing; and waiting for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ses_fleet import limits
from ses_fleet.people.addresses import folded
from ses_fleet.worker.contact_list import ContactScan, address
from ses_fleet.worker.importing import job_file, jobs
from ses_fleet.worker.importing.new_contacts import JobWork, NewContact
from ses_fleet.worker.paced_client import UnitClient


@dataclass(frozen=True)
class _Look:
    """What the last reading before the start showed. `job_id` is the started job's, or None.

    `came` are contacts that are in the list by now, {case-folded address: their addresses}. `other_jobs` is whether
    another job was started.
    """

    job_id: str | None = None
    came: Mapping[str, Sequence[str]] = field(default_factory=dict)
    other_jobs: bool = False


def can_use_job(work: JobWork, additions: int) -> bool:
    """Return whether there are enough new contacts for an import job, and one can be started."""
    context, progress = work.context, work.progress
    if additions <= context.settings.import_job_threshold or progress.one_by_one:
        return False
    if context.customer.import_bucket is None:
        create_one_by_one(work, "config.json has no import_bucket for this customer")
    elif progress.job_attempts == limits.CHANGE_ATTEMPTS:
        create_one_by_one(work, "the list kept changing, or one slice was too short to read it and start the job")
    return not progress.one_by_one


def create_one_by_one(work: JobWork, why: str) -> None:
    """Fall back to single requests for new contacts, with a warning that says why."""
    work.progress.one_by_one = True
    work.context.warn(f"contacts are created one by one, at one request a second: {why}")


@dataclass(frozen=True)
class Submitted:
    """Who of those that were to be created is not to be any more.

    `came` are in the list by now, {case-folded address: their addresses}. `left_out` are the case-folded addresses that
    the saved plan does not have so, where one is applied.
    """

    came: Mapping[str, Sequence[str]]
    left_out: frozenset[str]


def submit(work: JobWork, additions: Sequence[NewContact]) -> Submitted:
    """Start the job, if there is one to be, and return who is not to be created any more, by it or else.

    Fall back to single requests, with a warning, when no import job can be started. Raise SliceTimeoutError when the
    slice ends before the start, and AwsCallError when it failed; the uploaded file is deleted unless SES may still read
    it.
    """
    left, came = [one for one in additions if _is_allowed(work, one)], dict[str, Sequence[str]]()
    allowed = {one.email for one in left}
    denied = [one.email for one in additions if one.email not in allowed]
    while can_use_job(work, len(left)):
        look = _try(work, left)
        if look.job_id is not None or work.progress.one_by_one:
            break
        came |= look.came
        left = [one for one in left if one.email.casefold() not in came]
        if look.other_jobs:
            work.context.log(
                f"🔁 Customer {work.context.code}: another import job was started meanwhile; waiting for it"
            )
            work.progress.jobs_seen = wait_for_other_jobs(work)
    return Submitted(came, frozenset(map(folded, denied)))


def _is_allowed(work: JobWork, one: NewContact) -> bool:
    return work.context.guard.allows(work.progress.list_name, one.email, None, one.wish.state())


def wait_for_other_jobs(work: JobWork) -> str:
    """Wait while another import job is running: either job could overwrite what the other one wrote.

    Return a digest that changes when another job is started.
    """
    context, progress = work.context, work.progress
    while (found := jobs.look(context)).active:
        if not context.will_write:
            context.warn("an import job is running in this account: the list is about to change")
            break
        if not progress.waits:
            context.log(
                f"⏳ Customer {context.code}: waiting for {len(found.active)} import job(s) running in this account"
            )
        progress.waits += 1
        context.ses.pause(jobs.poll_seconds(progress.waits))
    return found.digest


def heard(work: JobWork) -> bool:
    """Wait until the import job is over, and return whether it was completed.

    When it failed, the contacts are to be created one by one, which is a warning. Raise SliceTimeoutError when the
    slice ends before the job.
    """
    context, progress = work.context, work.progress
    assert progress.import_job is not None  # noqa: S101  # set by `submit`
    outcome = job_file.hear(context, progress.import_job, progress.give_reasons)
    if not outcome.completed:
        create_one_by_one(work, f"the import job {outcome.how}")
        return False
    progress.import_job.created = outcome.processed - outcome.failed
    progress.import_job.failed = outcome.failed
    return True


def _try(work: JobWork, additions: Sequence[NewContact]) -> _Look:
    context, bucket, look = work.context, str(work.context.customer.import_bucket), _Look()

    def start(key: str) -> str | None:
        nonlocal look
        look = _look_and_start(work, additions, bucket, key)
        return look.job_id

    work.progress.job_attempts += 1
    work.progress.import_job = job_file.start(
        context,
        bucket,
        lambda: jobs.upload(context, bucket, additions),
        start,
        lambda why: create_one_by_one(work, why),
    )
    return look


def _look_and_start(work: JobWork, additions: Sequence[NewContact], bucket: str, key: str) -> _Look:
    """Read the list again and start the job, as one unit.

    A job overwrites contacts that exist. So the list is read right before the start, without a pause as long as its
    pages and the other two requests are no more than a burst.
    """
    context, progress = work.context, work.progress
    adding = frozenset(one.email.casefold() for one in additions)
    pages = 1 + progress.total // limits.SES_PAGE_SIZE

    def unit(client: UnitClient) -> _Look:
        came = _there(work, client, adding)
        if jobs.look(context, client).digest != progress.jobs_seen:
            return _Look(came=came, other_jobs=True)
        if came:
            return _Look(came=came)
        return _Look(jobs.start(client, bucket, key, progress.list_name))

    return context.ses.read_modify_write(min(pages + 2, context.settings.ses_burst), unit)


def _there(work: JobWork, client: UnitClient, addresses: frozenset[str]) -> dict[str, list[str]]:
    """Return the list's contacts of these case-folded addresses: {case-folded address: their addresses}."""
    found = work.progress.contact_list
    scan = ContactScan({"list": found and found.model_dump(mode="json")})
    found_here: dict[str, list[str]] = {}
    for page in scan.pages(work.context, found_here.clear, ses=client):
        for email in map(address, page):
            if (folded := email.casefold()) in addresses:
                found_here.setdefault(folded, []).append(email)
    return found_here
