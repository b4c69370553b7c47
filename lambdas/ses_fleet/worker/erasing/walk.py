"""Reading a whole list for the people of the file: their contacts in it may be spelled in other cases."""

from __future__ import annotations

from collections.abc import Callable

from ses_fleet.people import addresses
from ses_fleet.worker.contact_list import address
from ses_fleet.worker.erasing.work import Work


def walk(work: Work, met: Callable[[int, str], None] | None = None) -> None:
    """Read the whole list, count in `progress.found` whom of the people it has, and call `met` with (line, address).

    A slice that ends in between goes on where this one stopped.
    """
    if work.scan.open(work.context) is None:
        return

    def forget() -> None:
        work.progress.found, work.progress.pages, work.progress.others = {}, 0, 0

    position = work.scan.state()
    if not (position["several"] or position["over"]):
        forget()  # the walk begins
    for page in work.scan.pages(work.context, forget):
        work.progress.pages += 1
        for contact in page:
            line = work.lines.get(addresses.folded(address(contact)))
            if line is None:
                continue
            work.progress.found[line] = work.progress.found.get(line, 0) + 1
            work.progress.others += address(contact) != work.rows[line].email
            if met is not None:
                met(line, address(contact))
    work.end_walk()
