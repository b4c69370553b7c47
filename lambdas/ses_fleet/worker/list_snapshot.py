"""The contacts of a list that a caller asked for, as they were when it was read, over as many slices as that takes."""

from __future__ import annotations

from collections.abc import Callable

from ses_fleet.worker import contact_list, record_files
from ses_fleet.worker.contact_list import ContactList, ContactScan
from ses_fleet.worker.context import ActionContext, State
from ses_fleet.worker.paced_client import Waiter
from ses_fleet.worker.record_files import Record, RecordFileWriter


class ListSnapshot:
    """Reads the whole list and keeps some of its contacts. `total` counts all of them, `pages` what was read.

    What was kept so far is in S3 when a slice ends, because it may be a hundred thousand contacts.
    """

    def __init__(self, context: ActionContext, name: str, state: State) -> None:
        self.total: int = state.get("total", 0)
        self.pages: int = state.get("pages", 0)
        self._context = context
        self._name = name
        self._scan = ContactScan(state.get("scan", {}))
        self._written = RecordFileWriter(context, context.data_prefix, state.get("written", {}), name)
        self._new: list[Record] = []
        self._over: bool = state.get("over", False)
        self._waiter = Waiter(state.get("looks", 0))

    def state(self) -> State:
        """Return what the next slice continues from; JSON, without addresses."""
        self._written.add(self._new)
        self._written.flush()
        self._new = []
        return {
            "total": self.total,
            "pages": self.pages,
            "scan": self._scan.state(),
            "written": self._written.state(),
            "over": self._over,
            "looks": self._waiter.looks,
        }

    def open(self) -> ContactList | None:
        """Return the list as it was when the reading began, or None when SES does not show one within the pauses.

        A list that was created a moment ago may not be shown yet, so it is waited for.
        """
        found = self._waiter.find(
            self._context.ses, lambda: self._scan.open(self._context), lambda found: found is not None
        )
        self._context.guard.sees([] if found is None else contact_list.given_to_all(found))
        return found

    def run(self, wanted: Callable[[Record], bool]) -> dict[str, list[Record]]:
        """Return the contacts of the whole list that are `wanted`: {case-folded address: its contacts}."""
        self._read(wanted, None)
        return self._kept()

    def run_within(self, pages: int | None, wanted: Callable[[Record], bool]) -> dict[str, list[Record]] | None:
        """Return the same, or None when the list has more than this many pages: no more of it are read.

        Without a number it may have any.
        """
        return self._kept() if self._read(wanted, pages) else None

    def _read(self, wanted: Callable[[Record], bool], most: int | None) -> bool:
        for page in () if self._over else self._scan.pages(self._context, self._forget):
            self.total += len(page)
            self.pages += 1
            self._new += filter(wanted, map(contact_list.record, page))
            if most is not None and self.pages >= most and not self._scan.is_last_page:
                return False
        self._over = True
        return True

    def _kept(self) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for number in range(1, self._written.parts + 1):
            for record in record_files.records(self._context, self._written.prefix, number, self._name):
                found.setdefault(record["email"].casefold(), []).append(record)
        for record in self._new:
            found.setdefault(record["email"].casefold(), []).append(record)
        return found

    def _forget(self) -> None:
        self.total = self.pages = 0
        self._new = []
        self._written.restart()
