"""What stands before every write to a contact or to the suppression list: a saved plan may not have it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # most runs change nobody
    from ses_fleet.people.person_change import State

# In the place of a contact list's name.
SUPPRESSION = "the suppression list"


class PlanGuard(Protocol):
    """Is told of every decision about an address, and says whether it may be carried out."""

    def sees(self, given_to_all: Collection[str]) -> None:
        """Note the topics that every new contact gets: those of the list whose default status is OPT_IN."""

    def concerns(self, email: str) -> bool:
        """Return whether a saved plan is applied that has a change of this address."""

    def allows(self, place: str, email: str, before: State | None, after: State | None) -> bool:
        """Return whether an address may be changed so, or is rightly left as it is; else note that it is left out.

        `place` is the name of the contact list, or SUPPRESSION. `before` is the state in which the address is, `after`
        the one in which it is to be; they are the same where nothing is to be done.
        """

    def leave_out(self, email: str) -> None:
        """Note that nothing is done for this address, although it would be allowed."""


class NoPlan:
    """The guard of a run that applies no plan, and is no dry run that saves one: everything may be done."""

    def sees(self, given_to_all: Collection[str]) -> None:
        """Do nothing."""

    def concerns(self, email: str) -> bool:  # noqa: ARG002
        """Return False."""
        return False

    def allows(self, place: str, email: str, before: State | None, after: State | None) -> bool:  # noqa: ARG002
        """Return True."""
        return True

    def leave_out(self, email: str) -> None:
        """Do nothing."""


NO_PLAN = NoPlan()
