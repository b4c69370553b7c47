"""Contacts that are to be created, and how far an action is that has SES's import job create them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.context import ActionContext
from ses_fleet.worker.reasons import Reasons


@dataclass(frozen=True)
class NewContact:
    """A contact that is to be created with the state `wish`."""

    email: str
    wish: Contact

    def record(self) -> dict[str, Any]:
        """Return the contact as the file of an import job has it."""
        made: dict[str, Any] = {
            "emailAddress": self.email,
            "topicPreferences": [
                {"topicName": topic, "subscriptionStatus": status} for topic, status in self.wish.preferences.items()
            ],
        }
        if self.wish.unsubscribed_all:
            made["unsubscribeAll"] = True
        if self.wish.attributes is not None:
            made["attributesData"] = self.wish.attributes
        return made


class ImportJob(BaseModel):
    """The import job that was started: its id, the key of its file, and how often its status was read.

    `created` and `failed` are how many records SES says that it imported and refused, once the job is over.
    """

    job_id: str
    key: str
    polls: int = 0
    created: int = 0
    failed: int = 0


class JobProgress(Reasons):
    """What an action that may start an import job hands from slice to slice, without addresses.

    `total` are the contacts of the list when it was read, `job_attempts` how often a slice tried to start a job, and
    `one_by_one` is whether contacts are created by single requests because there can be no job.
    """

    contact_list: ContactList | None = None
    total: int = 0
    jobs_seen: str | None = None
    job_attempts: int = 0
    waits: int = 0
    import_job: ImportJob | None = None
    one_by_one: bool = False

    @property
    def list_name(self) -> str:
        """Return the name of the customer's list; the first step must have read it."""
        assert self.contact_list is not None  # noqa: S101  # set by the first step
        return self.contact_list.name


class JobWork(Protocol):
    """One slice of an action that may start an import job; starting it and waiting for it changes `progress`."""

    @property
    def context(self) -> ActionContext:
        """Return what the slice works with."""

    @property
    def progress(self) -> JobProgress:
        """Return how far the action is."""
