"""New contacts: the result of the import job where there were many, else one request each."""

from __future__ import annotations

from ses_fleet.errors import AwsCallError
from ses_fleet.worker import contact_changes
from ses_fleet.worker.importing.import_plan import PlannedChange
from ses_fleet.worker.importing.submit import heard
from ses_fleet.worker.importing.work import Step, Work


def add(work: Work) -> Step:
    """Create the planned contacts one by one. One that was created meanwhile is left as it is."""
    for change in work.planned("create")[work.progress.at :]:
        _create(work, change)
        work.progress.at += 1
    return "update"


def await_job(work: Work) -> Step:
    """Wait until the import job is over. When it failed, the contacts are created one by one."""
    return "update" if heard(work) else "add"


def _create(work: Work, change: PlannedChange) -> None:
    if work.leave_out_if_erased(change):
        return
    wish = change.new_contact().wish
    try:
        changed = contact_changes.create(work.context, work.list_name, change.email, wish)
    except AwsCallError as failure:
        work.refuse(change, failure)
        return
    if changed.ending == "left_out":
        work.count("left_out")
    elif changed.ending == "created":
        work.verification.note_written(change.email)
        work.count("created")
    else:
        # Created meanwhile, with preferences of its own choice; or by our own job, if that failed halfway.
        work.count("unchanged" if work.progress.import_job is None else "created")
