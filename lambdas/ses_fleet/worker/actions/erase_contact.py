"""erase-contact: delete people from a list wherever it has them, see that they are gone, and keep them out of it.

The first phase only reads. The second begins when every customer of the run has finished the first. It writes the
tombstones, which keep imports from bringing anybody back, before it deletes, and it deletes while no import job runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, Field

from ses_fleet import clock, limits
from ses_fleet.actions.data.erase_contact import EraseContactData, ErasedPerson
from ses_fleet.actions.params import EraseContactParams
from ses_fleet.errors import AwsCallError, CustomerError
from ses_fleet.people import addresses
from ses_fleet.worker import contact_changes, contact_list, suppression, suppression_changes
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_changes import REMOVAL
from ses_fleet.worker.contact_list import ContactScan, address
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.erased import Why
from ses_fleet.worker.importing import import_ledger, jobs

# After so long a read shows what was written before it.
_SHOWN_SECONDS = sum(limits.READ_BACK_PAUSES_SECONDS)
_Step = Literal["find", "bury", "wait", "delete", "walk", "walk_again", "look", "forget", "done"]


class _Progress(BaseModel):
    """What a slice hands to the next one. People are named by their line in the people file.

    `found` counts, for each person, the contacts that the last walk over the list met; `removed` those that were
    deleted; `at` is the position in the step, `rounds` counts how often people who were deleted were met again.
    `began_at` is epoch seconds, `settled` how many seconds were waited for reads that lag.
    """

    step: _Step = "find"
    at: int = 0
    scan: State = Field(default_factory=dict)
    found: dict[int, int] = Field(default_factory=dict)
    removed: dict[int, int] = Field(default_factory=dict)
    still_there: list[int] = Field(default_factory=list)
    suppressed: dict[int, Literal["kept", "erased", "no"]] = Field(default_factory=dict)
    no_suppression_list: bool = False
    forgotten: int = 0
    rounds: int = 0
    waits: int = 0
    began_at: float = Field(default_factory=lambda: clock.now().timestamp())
    settled: int = 0


def run(context: ActionContext, params: EraseContactParams, state: State) -> Outcome:
    """Find the people of the file, and in the second phase delete them and read back."""
    erasure = _Erasure(context, params, state)
    try:
        return erasure.find() if erasure.progress.step == "find" else erasure.erase()
    except SliceTimeoutError:
        return More(erasure.state())


class _Erasure:
    """One slice of the erasure of one customer."""

    def __init__(self, context: ActionContext, params: EraseContactParams, state: State) -> None:
        self.progress = _Progress.model_validate(state)
        self._context = context
        self._params = params
        self._scan = ContactScan(self.progress.scan)
        self._rows = context.numbered_rows
        self._lines = {addresses.folded(row.email): line for line, row in self._rows.items()}

    def state(self) -> State:
        """Return what the next slice continues from; JSON, without addresses."""
        self.progress.scan = self._scan.state()
        return self.progress.model_dump(mode="json")

    def find(self) -> Outcome:
        """Read the whole list, and say whom it has; the second phase is next, unless this is a dry run."""
        self._check_list()
        jobs.look(self._context)  # the second phase needs that, so whoever may not look does not come so far
        self._walk(delete=False)
        for line in self._lines_left():
            self._look_at_suppression(line)
        met = sum(bool(count) for count in self.progress.found.values())
        self._context.log(f"🔎 Customer {self._context.code}: {met} of {len(self._rows)} people are in the list")
        if self._context.dry_run:
            return self._done()
        self._go_on("bury")
        return More(self.state(), phase_over=True)

    def erase(self) -> Outcome:
        """Go on with the second phase where the slice before stopped, and finish it."""
        if self.progress.step == "bury":
            self._bury()
            self._go_on("wait")
        if self.progress.step == "wait":
            self._wait_for_jobs()
            self._go_on("delete")
        while self.progress.step in ("delete", "walk", "walk_again", "look"):
            self._delete_once()
        if self.progress.step == "forget":
            self.progress.forgotten = import_ledger.forget(self._context, frozenset(self._lines))
            self._go_on("done")
        return self._done()

    def _delete_once(self) -> None:
        """Delete whoever is there, and read back. Whoever is met again is deleted again, a few times."""
        if self.progress.step == "delete":
            self._delete_by_address()
            self._go_on("walk")
        if self.progress.step == "walk":
            self._walk(delete=True)
            # A walk that met nobody has shown already that nobody is there any more.
            self._go_on("walk_again" if self.progress.found else "look")
        if self.progress.step == "walk_again":
            self._walk(delete=False)
            self._go_on("look")
        for line in self._lines_left():
            if self._is_there(line):
                self.progress.still_there.append(line)
            self._look_at_suppression(line)
        again = bool(self.progress.still_there) and self.progress.rounds < len(limits.READ_BACK_PAUSES_SECONDS)
        if again:
            self._context.ses.pause(limits.READ_BACK_PAUSES_SECONDS[self.progress.rounds])
            self.progress.still_there = []
        self.progress.rounds += 1
        self._go_on("delete" if again else "forget")

    def _go_on(self, step: _Step) -> None:
        self.progress.step, self.progress.at = step, 0
        found = self._scan.found
        self._scan = ContactScan({"list": found and found.model_dump(mode="json")})

    def _lines_left(self) -> Iterator[int]:
        """Yield the lines of the people whose turn is still to come in this step, and note each that is done."""
        for line in list(self._rows)[self.progress.at :]:
            yield line
            self.progress.at += 1

    def _walk(self, *, delete: bool) -> None:
        """Read the whole list, count whom of the people it has, in whatever case, and delete them if that is asked."""
        if self._scan.open(self._context) is None:
            return

        def forget() -> None:
            self.progress.found = {}

        position = self._scan.state()
        if not (position["several"] or position["over"]):
            forget()  # the walk begins
        for page in self._scan.pages(self._context, forget):
            for contact in page:
                line = self._lines.get(addresses.folded(address(contact)))
                if line is None:
                    continue
                self.progress.found[line] = self.progress.found.get(line, 0) + 1
                if delete:
                    self._delete(line, address(contact))
                    self._take_off_suppression(line, address(contact))

    def _check_list(self) -> None:
        """Raise CustomerError when config.json names a list that the account does not have, and it has another one."""
        name = self._context.customer.contact_list_name
        if name is None or self._scan.open(self._context) is not None:
            return
        if contact_list.first_name(self._context) is not None:
            text = (
                f"the account of {self._context.code} has no contact list {name}, as config.json calls it, but another "
                "one: nobody knows whether that has the people; correct contact_list_name"
            )
            raise CustomerError("configuration", "NoContactList", text)

    def _bury(self) -> None:
        """Write everybody's tombstone: what is deleted after that does not come back."""
        why = Why(self._context.run_id, self._params.ticket, clock.iso(clock.now()))
        for line in self._lines_left():
            self._context.erased.bury(self._rows[line].email, why)

    def _wait_for_jobs(self) -> None:
        """Wait while an import job runs in the account: it may be about to add who is deleted.

        Reads may lag: one that was started right before the first phase is shown by now, and what one added soon after.
        """
        if clock.now().timestamp() - self.progress.began_at < _SHOWN_SECONDS:
            self._settle(_SHOWN_SECONDS)
        while (found := jobs.look(self._context)).active:
            if not self.progress.waits:
                self._context.log(
                    f"⏳ Customer {self._context.code}: waiting for {len(found.active)} import job(s) of this account"
                )
            self.progress.waits += 1
            self._context.ses.pause(jobs.poll_seconds(self.progress.waits))
        if self.progress.waits:
            self._settle(2 * _SHOWN_SECONDS)

    def _settle(self, seconds: float) -> None:
        """Wait until this customer has waited so long; in pieces, so that slices may be short."""
        while self.progress.settled < seconds:
            self._context.ses.pause(1.0)
            self.progress.settled += 1

    def _delete_by_address(self) -> None:
        """Delete the contacts of the addresses as they are given: a list may not show yet what was added just now."""
        for line in self._lines_left():
            if self._scan.open(self._context) is not None:
                self._delete(line, self._rows[line].email)
            self._take_off_suppression(line, self._rows[line].email)

    def _delete(self, line: int, email: str) -> None:
        assert self._scan.found is not None  # noqa: S101  # it has contacts
        try:
            done = contact_changes.change(
                self._context,
                self._scan.found.name,
                email,
                lambda now, _others: None if now is None else REMOVAL,
            )
        except AwsCallError as failure:
            if failure.status == 404:
                return  # gone already, though it was still shown: the read-back decides
            raise
        if done.ending == "removed":
            self.progress.removed[line] = self.progress.removed.get(line, 0) + 1

    def _is_there(self, line: int) -> bool:
        """Return whether the list still has this person: in the walk just done, or by the address as it is given."""
        if self.progress.found.get(line):
            return True
        found = self._scan.found
        return found is not None and self._get(found.name, line)

    def _get(self, list_name: str, line: int) -> bool:
        return contact_changes.get(self._context.ses, list_name, self._rows[line].email) is not None

    def _look_at_suppression(self, line: int) -> None:
        """Note whether the address is on the suppression list now; nothing where that cannot and need not be known."""
        if self.progress.no_suppression_list:
            return
        try:
            entry = suppression.get(self._context.ses, self._rows[line].email)
        except AwsCallError as failure:
            if not self._needs_no_suppression_list(failure):
                raise
            self.progress.no_suppression_list = True
            self._context.warn(f"whether the people are on the suppression list is not known ({failure.code})")
            return
        if entry is not None:
            self.progress.suppressed[line] = "kept"
        elif self.progress.suppressed.get(line) != "erased":
            self.progress.suppressed[line] = "no"

    def _needs_no_suppression_list(self, failure: AwsCallError) -> bool:
        """Return whether people are erased without it: an account in the sandbox has none, and `keep` changes none."""
        if failure.status == 403:
            return self._params.suppression == "keep"
        return suppression.is_refused_in_sandbox(self._context, failure)

    def _take_off_suppression(self, line: int, email: str) -> None:
        if self.progress.no_suppression_list or self._params.suppression == "keep":
            return
        if suppression_changes.remove(self._context, email, complaints=True) == "removed":
            self.progress.suppressed[line] = "erased"

    def _done(self) -> Done:
        now = clock.iso(clock.now())
        people = tuple(self._person(line, now) for line in self._rows)
        counts = {kind: sum(one.outcome == kind for one in people) for kind in ("erased", "was_absent", "would_erase")}
        left = len(self.progress.still_there)
        data = EraseContactData(
            contact_list=self._scan.found and self._scan.found.name,
            not_proven=left,
            forgotten=self.progress.forgotten,
            people=people,
            **counts,
        )
        told = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items() if count) or "nobody"
        self._context.log(f"🗑️  Customer {self._context.code}: {told}")
        return Done(data, failure=self._failure(left))

    def _failure(self, left: int) -> CustomerError | None:
        if not left:
            return None
        text = (
            f"{left} of {len(self._rows)} people are still in the list of {self._context.code} after they were deleted "
            f"{self.progress.rounds} times: something adds them again; run this customer again when that is found"
        )
        return CustomerError("operation", "StillThere", text, retryable=True)

    def _person(self, line: int, now: str) -> ErasedPerson:
        removed = self.progress.removed.get(line, 0)
        outcome: Literal["erased", "was_absent", "not_proven", "would_erase"]
        if self._context.dry_run:
            removed = self.progress.found.get(line, 0)
            outcome = "would_erase" if removed else "was_absent"
        elif line in self.progress.still_there:
            outcome = "not_proven"
        else:
            outcome = "erased" if removed else "was_absent"
        suppressed = self.progress.suppressed.get(line)
        return ErasedPerson(row=line, outcome=outcome, at=now, contacts=removed, suppressed=suppressed)
