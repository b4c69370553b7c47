"""The barrier between an action's two phases: nobody begins the second before all have finished the first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from ses_fleet import limits
from ses_fleet.runs.models import Status
from ses_fleet.text import printable


class Barrier:
    """Holds customers back that have finished their first phase, until all selected ones have.

    `accepted` are the codes of customers that may fail the first phase. `remember` stores that the barrier is open, for
    the run's later invocations; `is_open` says whether an earlier one has done so.
    """

    def __init__(self, accepted: Collection[str], remember: Callable[[], None], *, is_open: bool = False) -> None:
        self.is_open = is_open
        self._accepted = frozenset(accepted)
        self._remember = remember
        self._silent: list[str] = []

    def note(self, code: str, status: Status) -> None:
        """Take in how a customer ended. One that was skipped has nothing to do in either phase."""
        if status not in ("successful", "skipped"):
            self._silent.append(code)

    def why_not(self, never_started: Iterable[str]) -> str | None:
        """Return why the second phase cannot begin, or None. `never_started` are customers that never will be."""
        # In an order of their own: they are noted as they end, and every customer's message is to be the same.
        silent = sorted({*self._silent, *never_started} - self._accepted)
        if not silent:
            return None
        named = ", ".join(printable(code) for code in silent[: limits.NAMED_SILENT])
        others = len(silent) - limits.NAMED_SILENT
        return named + (f" and {others} more" if others > 0 else "")

    def open(self) -> None:
        """Let the second phase begin; raise AwsCallError when that cannot be stored."""
        if not self.is_open:
            self._remember()
            self.is_open = True
