"""What stands before every write to a contact or to the suppression list: a saved plan may not have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # most runs change nobody
    from ses_fleet.people.person_change import State

# In the place of a contact list's name.
SUPPRESSION = "the suppression list"


class PlanGuard(Protocol):
    """Is told of every decision about an address, and says whether it may be carried out.

    `place` is the name of the contact list, or SUPPRESSION. `before` is the state in which the address is, `after` the
    one in which it is to be; they are the same where nothing is to be done.
    """

    def allows(self, place: str, email: str, before: State | None, after: State | None) -> bool:
        """Return whether that may be done, and whether it is right that nothing is."""

    def leave_out(self, email: str) -> None:
        """Note that nothing is done for this address because it was not allowed."""


class NoPlan:
    """The guard of a run that applies no plan, and is no dry run that saves one: everything may be done."""

    def allows(self, place: str, email: str, before: State | None, after: State | None) -> bool:  # noqa: ARG002
        """Return True."""
        return True

    def leave_out(self, email: str) -> None:
        """Do nothing: nobody is left out."""


NO_PLAN = NoPlan()
