"""Starting an import job right after a last look at the list, only for contacts still missing; and waiting for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ses_fleet import limits
from ses_fleet.people.addresses import folded
from ses_fleet.people.person_change import State
from ses_fleet.worker import contact_list
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.contact_list import ContactScan, address, explicit_preferences, given_to_all
from ses_fleet.worker.importing import job_file, jobs
from ses_fleet.worker.importing.new_contacts import JobWork, NewContact
from ses_fleet.worker.paced_client import UnitClient
from ses_fleet.worker.plan_guard import NO_PLAN


@dataclass(frozen=True)
class _Look:
    """What the last reading before the start showed. `job_id` is the started job's, or None.

    `came` are contacts that are in the list by now, {case-folded address: their addresses}. `other_jobs` is whether
    another job was started.
    """

    job_id: str | None = None
    came: Mapping[str, Sequence[str]] = field(default_factory=dict)
    states: Mapping[str, State] = field(default_factory=dict)
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

    `came` are in the list by now, {case-folded address: their addresses}, and `states` says how, by address.
    `left_out` are the case-folded addresses that the saved plan does not have so, where one is applied.
    """

    came: Mapping[str, Sequence[str]]
    states: Mapping[str, State]
    left_out: frozenset[str]


def submit(work: JobWork, additions: Sequence[NewContact]) -> Submitted:
    """Start the job, if there is one to be, and return who is not to be created any more, by it or else.

    Fall back to single requests, with a warning, when no import job can be started. Raise SliceTimeoutError when the
    slice ends before the start, and AwsCallError when it failed; the uploaded file is deleted unless SES may still read
    it.
    """
    left, came, states = _allowed(work, additions), dict[str, Sequence[str]](), dict[str, State]()
    while can_use_job(work, len(left)):
        look = _try(work, left)
        if look.job_id is not None or work.progress.one_by_one:
            break
        came |= look.came
        states |= look.states
        left = _allowed(work, [one for one in left if one.email.casefold() not in came])
        if look.other_jobs:
            work.context.log(
                f"🔁 Customer {work.context.code}: another import job was started meanwhile; waiting for it"
            )
            work.progress.jobs_seen = wait_for_other_jobs(work)
    kept = {folded(one.email) for one in left} | came.keys()
    return Submitted(came, states, frozenset({folded(one.email) for one in additions} - kept))


def _allowed(work: JobWork, additions: Sequence[NewContact]) -> list[NewContact]:
    """Return those whom a saved plan creates so, where one is applied."""
    guard, place = work.context.guard, work.progress.list_name
    return [one for one in additions if guard.allows(place, one.email, None, one.wish.state())]


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
    applies = context.guard is not NO_PLAN
    pages = 1 + progress.total // limits.SES_PAGE_SIZE

    def unit(client: UnitClient) -> _Look:
        states = _there(work, client, adding)
        came: dict[str, list[str]] = {}
        for email in states:
            came.setdefault(email.casefold(), []).append(email)
        if jobs.look(context, client).digest != progress.jobs_seen:
            return _Look(came=came, states=states, other_jobs=True)
        if applies:
            answer = client.read("get_contact_list", ContactListName=progress.list_name)
            context.guard.sees(given_to_all(contact_list.from_answer(answer, progress.list_name)))
        if came or (applies and len(_allowed(work, additions)) < len(additions)):
            return _Look(came=came, states=states)
        return _Look(jobs.start(client, bucket, key, progress.list_name))

    return context.ses.read_modify_write(min(pages + 2 + applies, context.settings.ses_burst), unit)


def _there(work: JobWork, client: UnitClient, addresses: frozenset[str]) -> dict[str, State]:
    """Return the list's contacts of these case-folded addresses, as they are: {address: state}."""
    found = work.progress.contact_list
    scan = ContactScan({"list": found and found.model_dump(mode="json")})
    there: dict[str, State] = {}
    for page in scan.pages(work.context, there.clear, ses=client):
        for one in page:
            email = address(one)
            if email.casefold() in addresses:
                there[email] = Contact(explicit_preferences(one), bool(one.get("UnsubscribeAll"))).state_as_listed()
    return there
