"""Contacts that are to be created, and how far an action is that has SES's import job create them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, Field

from ses_fleet import limits
from ses_fleet.worker.contact_changes import Contact
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.context import ActionContext

OTHER_REASONS = "other reasons"


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


class JobProgress(BaseModel):
    """What an action that may start an import job hands from slice to slice, without addresses.

    `total` are the contacts of the list when it was read, `job_attempts` how often a slice tried to start a job,
    `one_by_one` is whether contacts are created by single requests because there can be no job, and `reasons` says of
    how many people what went wrong.
    """

    contact_list: ContactList | None = None
    total: int = 0
    jobs_seen: str | None = None
    job_attempts: int = 0
    waits: int = 0
    import_job: ImportJob | None = None
    one_by_one: bool = False
    reasons: dict[str, int] = Field(default_factory=dict)

    @property
    def list_name(self) -> str:
        """Return the name of the customer's list; the first step must have read it."""
        assert self.contact_list is not None  # noqa: S101  # set by the first step
        return self.contact_list.name

    def give_reasons(self, found: Mapping[str, int]) -> None:
        """Count why people failed, KEPT_REASONS apart and the rest together: they are part of every continuation."""
        kept = self.reasons
        for reason, count in found.items():
            name = reason if reason in kept or len(kept) < limits.KEPT_REASONS else OTHER_REASONS
            kept[name] = kept.get(name, 0) + count

    def most_reasons(self) -> str:
        """Return the most frequent reasons as a text, each with how many people failed of it."""
        most = sorted(self.reasons.items(), key=lambda entry: -entry[1])[: limits.FAILURE_REASONS]
        return "; ".join(f"{reason} ({count})" for reason, count in most)


class JobWork(Protocol):
    """One slice of an action that may start an import job; starting it and waiting for it changes `progress`."""

    @property
    def context(self) -> ActionContext:
        """Return what the slice works with."""

    @property
    def progress(self) -> JobProgress:
        """Return how far the action is."""
