"""The first step of set-contacts: look the people up, check the topics, and say what is to be done with each row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ses_fleet.errors import CustomerError
from ses_fleet.people.addresses import folded
from ses_fleet.people.person_change import State, between, overwrites_refusal
from ses_fleet.people.rows import ContactRow
from ses_fleet.text import did_you_mean, quoted
from ses_fleet.worker import contact_list
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.importing.submit import submit, wait_for_other_jobs
from ses_fleet.worker.list_snapshot import ListSnapshot
from ses_fleet.worker.record_files import Record
from ses_fleet.worker.setting import wishes
from ses_fleet.worker.setting.estimate import needed_requests
from ses_fleet.worker.setting.work import PlannedRow, Step, Work

_Contacts = Mapping[str, Sequence[Record]]


def decide(work: Work) -> Step:
    """Read the list while no import job is running, as long as its pages are no more than the people.

    Then an import job is started, if the new contacts come by one, and what is left to do is written to S3. A run that
    is killed between those decides anew, and finds what was done.
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
    context, progress = work.context, work.progress
    progress.contact_list = snapshot.open()
    if progress.contact_list is None:
        raise contact_list.none_there(context)
    _check_topics(work, progress.contact_list)
    wanted = {folded(row.email) for row in work.rows.values()}
    most = None if work.params.thorough else len(wanted)
    there = snapshot.run_within(most, lambda contact: folded(contact["email"]) in wanted)
    progress.total, progress.pages = snapshot.total, None if there is None else snapshot.pages
    planned = [_planned(line, row, there) for line, row in work.rows.items() if not work.was_erased(row)]
    erased = work.rows.keys() - {one.line for one in planned}
    if not context.dry_run:
        planned = _submitted(planned, work)
    progress.harvest = {}
    _leave_out(work, erased)
    _keep(work, planned, there or {})
    return "change" if progress.import_job is None else "hear"


def _check_topics(work: Work, found: ContactList) -> None:
    names = [topic.name for topic in found.topics]
    named = {topic for row in work.rows.values() for topic in (*row.opt_in, *row.opt_out)}
    unknown = sorted(named.difference(names))
    if unknown:
        near = did_you_mean(unknown[0], names) if len(unknown) == 1 else ""
        shown = ", ".join(map(quoted, unknown))
        text = f"nothing was changed: the list {found.name} of {work.context.code} has no topic {shown}{near}"
        raise CustomerError("operation", "UnknownTopic", text)


def _planned(line: int, row: ContactRow, there: _Contacts | None) -> PlannedRow:
    if there is None:
        return PlannedRow(line, "ask", tuple(dict.fromkeys((row.email, folded(row.email)))))
    contacts = [contact["email"] for contact in there.get(folded(row.email), ())]
    return _known(line, row, contacts) if contacts else PlannedRow(line, "create", (row.email,))


def _known(line: int, row: ContactRow, contacts: Sequence[str]) -> PlannedRow:
    """Return the row of a person with these contacts, the one that is written like the row first."""
    return PlannedRow(line, "update", tuple(sorted(contacts, key=lambda email: email != row.email)))


def _submitted(planned: list[PlannedRow], work: Work) -> list[PlannedRow]:
    """Start the import job, if there is one to be, and return the plan with whom others created meanwhile.

    It is without those who are not to be created by the saved plan, where one is applied: they end here.
    """
    new = [work.new_contact(work.rows[one.line]) for one in planned if one.change == "create"]
    done, left = submit(work, new), []
    for one in planned:
        row = work.rows[one.line]
        key = folded(row.email)
        if one.change == "create" and key in done.left_out:
            work.end(one.line, "left_out")
        elif one.change == "create" and key in done.came:
            left.append(_known(one.line, row, done.came[key]))
        else:
            left.append(one)
    return left


def _leave_out(work: Work, erased: Collection[int]) -> None:
    """Note that these people were erased. What is refused for them is told: who has come back may get mail."""
    for line in erased:
        work.end(line, "erased_before")
    refusing = sum(bool(work.rows[line].opt_out or work.rows[line].unsubscribe_all) for line in erased)
    if refusing:
        work.context.warn(
            f"{refusing} of the people who are to be opted out or unsubscribed were erased and are left as they are: "
            "who has come back to the list by themselves may still get mail; set-suppressed ends that"
        )


def _keep(work: Work, planned: Sequence[PlannedRow], there: _Contacts) -> None:
    """Write what is to be done to S3; what is known to end in a certain way without asking SES again ends here."""
    needed, asked = [], []
    for one in planned:
        seen = _seen(work, one, there.get(folded(work.rows[one.line].email), ()))
        if seen is None or seen.ending != "unchanged":
            needed.append(one)
        if seen is None or not (seen.ending == "unchanged" or work.context.dry_run):
            asked.append(one)
        else:
            _end(work, one.line, seen)
    work.changes.add(one.record() for one in asked)
    work.changes.flush()
    work.verification.note_all_read(contact for contacts in there.values() for contact in contacts)
    work.progress.requests = needed_requests(work, needed)
    _say(work, needed)


@dataclass(frozen=True)
class _Seen:
    """How a row would end, by the contacts that the pages of the list showed.

    `states` are (address, before, after) of each of the person's contacts.
    """

    ending: Literal["created", "updated", "unchanged"]
    states: tuple[tuple[str, State | None, State], ...]
    kept_choice: bool = False


def _end(work: Work, line: int, seen: _Seen) -> None:
    guard, place = work.context.guard, work.progress.list_name
    allowed = [guard.allows(place, *one) for one in seen.states]  # it is told of all of them
    if all(allowed):
        work.end(line, seen.ending, kept_choice=seen.kept_choice)
    else:
        work.end(line, "left_out")


def _seen(work: Work, planned: PlannedRow, contacts: Sequence[Record]) -> _Seen | None:
    """Return how a row would end, or None when SES must be asked: the pages have no attributes."""
    row = work.rows[planned.line]
    if planned.change == "create":
        return _Seen("created", ((row.email, None, work.new_contact(row).wish.state()),))
    by_email = {one["email"]: Contact(one["preferences"], one["unsubscribed_all"]) for one in contacts}
    if row.attributes is not None or not by_email.keys() >= set(planned.emails):
        return None
    first, *others = (by_email[email] for email in planned.emails)
    wish = work.wish(row, first, *others)
    after = (wish.contact, *(wishes.refusal(row, one) for one in others))
    is_so = after == (first, *others)
    states = [(email, by_email[email].state_as_listed(), one.state_as_listed()) for email, one in
              zip(planned.emails, after, strict=True)]  # fmt: skip
    if work.context.dry_run and any(map(_overwrites_refusal, states)):
        return None  # when it was refused, only SES says
    return _Seen("unchanged" if is_so else "updated", tuple(states), wish.kept_choice)


def _overwrites_refusal(states: tuple[str, State | None, State]) -> bool:
    change = between(*states[1:])
    return change is not None and overwrites_refusal(change.what)


def _say(work: Work, needed: Sequence[PlannedRow]) -> None:
    context, pages = work.context, work.progress.pages
    changes = [one.change for one in needed]
    how = "each asked for alone" if pages is None else f"looked up by {pages} page(s) of the list"
    shown = f"{changes.count('create')} new, {changes.count('update') + changes.count('ask')} to be read and changed"
    context.log(f"🔎 Customer {context.code}: {len(work.rows)} people, {how}: {shown}")
