"""What import-aws-contact did, or would do."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.marks import VOLATILE


class ImportData(Data):
    """`data` of import-aws-contact; in a dry run, what would be done.

    The addresses are JSON Lines, compressed, below `data_location`.
    """

    created: int = Field(default=0, description="contacts that were created")
    updated: int = Field(default=0, description="contacts that were opted in to more topics; only with sync_topics")
    removed: int = Field(default=0, description="contacts that were removed; only with prune")
    unchanged: int = Field(default=0, description="people whose contacts needed no change")
    skipped: dict[str, int] = Field(
        default_factory=dict,
        description="users who cannot be contacts, by reason: disabled, duplicate, invalid_email, no_email",
    )
    erased_before: int = Field(
        default=0, description="people who were erased from the list, and so are neither created nor changed"
    )
    left_out: int = Field(
        default=0,
        description="contacts left as they are by a run that applies a plan: something else would be done now than "
        "the plan has",
    )
    failed: int = Field(default=0, description="people who could not be imported")
    not_in_identity_center: int | None = Field(
        default=None, description="contacts that are not in Identity Center and stay; null with params.username"
    )
    backup: Annotated[str | None, VOLATILE] = Field(
        default=None,
        description="s3:// URI of the backup of the contacts that were removed, or null without one",
    )

    def is_different(self) -> bool:
        """Return whether contacts are, or would be, created, changed or removed."""
        return bool(self.created or self.updated or self.removed)
