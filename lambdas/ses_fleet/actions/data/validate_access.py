"""What validate-access finds out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ses_fleet.actions.data.base import Data
from ses_fleet.actions.data.marks import KEY

CheckStatus = Literal["ok", "finding", "failed"]


class Check(Data):
    """One check of validate-access, and what it found."""

    name: Annotated[str, KEY] = Field(
        default="",
        description="assume_role, external_id, role_version, ses_account, contact_list, import_bucket or "
        "identity_center",
    )
    status: CheckStatus = Field(
        default="finding", description="ok, finding (something to look at) or failed (the customer cannot be worked on)"
    )
    message: str = Field(default="", description="what was found, and what to do about it")


class ValidateAccessData(Data):
    """`data` of validate-access: the checks that were made, and how old the customer's role is."""

    checks: tuple[Check, ...] = Field(
        default=(),
        description="the checks that were made, in order; those that need the SES role only if it was assumed",
    )
    role_version: int | None = Field(
        default=None,
        description="the version of the template that the customer's role is made from; null when its tags do not say",
    )
    role_too_old_for: tuple[str, ...] = Field(
        default=(),
        description="the actions that need a newer version of the role; a role whose version may not be read is taken "
        "for version 1",
    )

    def findings(self) -> int:
        """Return how many checks found something to look at, or failed."""
        return sum(check.status != "ok" for check in self.checks)
