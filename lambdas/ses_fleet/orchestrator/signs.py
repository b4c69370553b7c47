"""Signs of life: an invocation tells S3 every few seconds that it is alive, and whom it may send to workers.

Nobody is sent whom no stored sign names, so after a death everybody can tell who was never sent. The sign is stored
first and the end of the hop looked for after it; whoever ends a hop writes the end first and reads the signs after it.
So one of the two always sees the other (docs/decisions/2026-11-every-run-ends.md). The first sign of a run is stored
before plan.json, when there is no hop yet that anybody could end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from ses_fleet import limits
from ses_fleet.errors import AwsCallError
from ses_fleet.runs.hop_record import HopRecord
from ses_fleet.runs.hops import Cancel, SignOfLife


class Intent(Protocol):
    """Who may be sent to a worker. `number` is that of the customer's slice, from 1."""

    def watch(self, on_change: Callable[[], None]) -> None:
        """Have this called, in another thread, whenever more may be sent, or nothing any more."""

    def name(self, index: int, number: int, /) -> None:
        """Ask that the next sign of life names this slice."""

    def is_named(self, index: int, number: int, /) -> bool:
        """Return whether a stored sign names this slice."""

    def may_send(self, index: int, number: int, /) -> bool:
        """Return whether this slice may be sent now, and note that it is."""

    def take_back(self, index: int, /) -> None:
        """Note that nothing ran of the slice that was to be sent."""

    @property
    def is_lost(self) -> bool:
        """Return whether another invocation has ended this one's turn: nothing may be sent or written any more."""

    @property
    def is_cancelled(self) -> bool:
        """Return whether somebody cancelled the run: no customer and no slice is started any more."""

    @property
    def why_not(self) -> str | None:
        """Return why nobody may be sent at the moment, as the beginning of a sentence, or None."""


def named_ahead(places: int, *, writes: bool) -> int:
    """Return how many customers are named beyond those for whom there is a place, so that no place waits for S3.

    After a death they are taken for sent, so there are fewer of them where that means an unknown outcome.
    """
    share = limits.NAMED_AHEAD_SHARE_OF_WRITERS if writes else limits.NAMED_AHEAD_SHARE
    return max(1, int(places * share))


@dataclass(frozen=True)
class _Stored:
    """What the last stored sign named, and when it was sent, by the process's own clock."""

    named: dict[int, int]
    at: float


class Signs:
    """The signs of life of one hop. Used as a context, a thread of its own gives them.

    `hops` should use a client that gives up early. `dead_after` is the plan's `dead_after_seconds`.
    """

    def __init__(
        self,
        hops: HopRecord,
        hop: int,
        owner: str,
        dead_after: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hop = hop
        self.owner = owner
        self._on_change: Callable[[], None] = lambda: None
        self._hops = hops
        self._dead_after = dead_after
        self._clock = clock
        self._wanted: dict[int, int] = {}
        self._sent: dict[int, int] = {}
        self._answered: dict[int, int] = {}  # of those in _sent, the slice before, which this hop sent, too
        self._stored = _Stored({}, float("-inf"))
        self._number = 0
        self._place = 0
        self._left: list[int] = []  # places of signs that may or may not be there, or still arrive
        self._lost = False
        self._cancel: Cancel | None = None
        self._looked = float("-inf")
        self._over = False
        self._problem = "not tried"
        self._reads: set[int] = set()
        self._busy = False
        self._ending = False
        self._giving = threading.Lock()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="signs-of-life", daemon=True)

    @property
    def is_lost(self) -> bool:
        """Return whether another invocation has ended this one's turn: nothing may be sent or written any more."""
        return self._lost

    @property
    def is_cancelled(self) -> bool:
        """Return whether somebody cancelled the run: no customer and no slice is started any more."""
        return self._cancel is not None

    @property
    def cancelled_at(self) -> str | None:
        """Return when somebody cancelled the run, as far as this invocation knows, or None."""
        return None if self._cancel is None else self._cancel.asked_at

    @property
    def sent(self) -> frozenset[int]:
        """Return the customers that were sent and have no stored result."""
        with self._changed:
            return frozenset(self._sent)

    @property
    def is_busy(self) -> bool:
        """Return whether anything ran so far, or may have."""
        return self._busy or bool(self._sent or self._reads)

    @property
    def why_not(self) -> str | None:
        """Return why nobody may be sent at the moment, as the beginning of a sentence, or None."""
        return None if self.is_fresh else f"the run's sign of life could not be stored ({self._problem})"

    @property
    def is_fresh(self) -> bool:
        """Return whether a sign was stored lately enough to start anybody."""
        return self._clock() - self._stored.at < self._dead_after * limits.START_SHARE

    def watch(self, on_change: Callable[[], None]) -> None:
        """Have this called in the thread of the signs whenever more may be sent, or nothing any more."""
        self._on_change = on_change

    def begin(self, named: Mapping[int, int]) -> None:
        """Give the first sign of a run that does not exist yet, and name these slices in it.

        Raise AwsCallError when it cannot be stored, also after a few tries.
        """
        sign = SignOfLife(run_id=self._hops.run_id, hop=self.hop, owner=self.owner, number=0, named=dict(named))
        for attempt in range(1, limits.S3_ATTEMPTS + 1):
            at = self._clock()
            try:
                self._store(sign)
                break
            except AwsCallError as failure:
                if not failure.transient or attempt == limits.S3_ATTEMPTS:
                    raise
                time.sleep(limits.CREATE_PAUSE_SECONDS * 2**attempt)
        self._remove_earlier()
        self._wanted, self._stored = dict(named), _Stored(dict(named), at)
        self._looked = at  # nobody can have cancelled it

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join(limits.SIGN_JOIN_SECONDS)

    def name(self, index: int, number: int, /) -> None:
        """Ask that the next sign of life names this slice."""
        with self._changed:
            if self._wanted.get(index) != number:
                self._wanted[index] = number
                self._changed.notify_all()

    def may_send(self, index: int, number: int, /) -> bool:
        """Return whether this slice may be sent now, and note that it is."""
        with self._changed:
            if self._may_not_send() or self._stored.named.get(index) != number:
                return False
            before = self._sent.get(index, number)
            if before != number:
                self._answered[index] = before
            self._sent[index] = number
            return True

    def may_read(self, index: int) -> bool:
        """Return whether the n-th of what only reads, and is no customer's slice, may be sent; note that it is."""
        with self._changed:
            if self._may_not_send():
                return False
            self._reads.add(index)
            return True

    def take_back(self, index: int, /) -> None:
        """Note that nothing ran of the slice that was to be sent: its customer goes on as if it had not been.

        A slice before it that this hop sent stays named: where that one stopped may not be stored.
        """
        with self._changed:
            self._sent.pop(index, None)
            if index in self._answered:
                self._sent[index] = self._answered[index]

    def take_back_read(self, index: int) -> None:
        """Note that nothing ran of the n-th of what only reads."""
        with self._changed:
            self._reads.discard(index)

    def is_named(self, index: int, number: int, /) -> bool:
        """Return whether a stored sign names this slice."""
        return self._stored.named.get(index) == number

    def forget(self, index: int) -> None:
        """Name this customer no longer: its result is stored."""
        with self._changed:
            self._wanted.pop(index, None)
            self._answered.pop(index, None)
            self._busy |= self._sent.pop(index, None) is not None

    def last(self) -> None:
        """Give one more sign, which names only those who were really sent and have no stored result.

        Nobody may be sent after that. A sign that cannot be stored changes nothing: more customers than necessary are
        taken for sent then. None is given when nobody is left whom the last one named in vain.
        """
        with self._changed:
            self._ending = True
            if not self._wanted and not self._sent:
                return  # everybody who was named has a stored result
            self._wanted = dict(self._sent)
        try:
            self._give()
        except AwsCallError:
            return

    def remove(self) -> None:
        """Remove the signs that were given, once no more are; raise AwsCallError when S3 does not answer."""
        for place in {self._place, *self._left}:
            self._hops.remove_sign(self.hop, self.owner, place)

    def _may_not_send(self) -> bool:
        return self._lost or self._ending or self.is_cancelled or not self.is_fresh

    def _run(self) -> None:
        usual = self._dead_after * limits.SIGN_SHARE
        # Without one that `begin` gave, the first one names whoever is to start at once.
        pause = usual if self.is_fresh else limits.SIGN_LOOK_SECONDS
        while self._wait(pause):
            pause = usual
            try:
                # First, so that nobody is started by a hop of a run that was cancelled before.
                self._look()
                self._give()
            except AwsCallError as failure:
                self._problem = failure.code
                # Soon again: until a sign is stored nobody is started.
                pause = 0.0
                time.sleep(usual * limits.SIGN_SHARE)

    def _wait(self, seconds: float) -> bool:
        """Wait until somebody must be named or the next sign is due; return False when the signs are over."""
        until = self._clock() + seconds
        with self._changed:
            while not self._over and not self._lost and (left := until - self._clock()) > 0:
                if any(self._stored.named.get(index) != number for index, number in self._wanted.items()):
                    break
                self._changed.wait(left)
            return not self._over and not self._lost

    def _give(self) -> None:
        """Store a sign, and look whether the hop was ended by another before it counts."""
        with self._giving:
            with self._changed:
                named = dict(self._wanted)
            at = self._clock()
            self._number += 1
            run_id, number = self._hops.run_id, self._number
            self._store(SignOfLife(run_id=run_id, hop=self.hop, owner=self.owner, number=number, named=named))
            end = self._hops.end_of(self.hop)
            with self._changed:
                if end is not None and end.owner != self.owner:
                    self._lost = True
                else:
                    self._stored = _Stored(named, at)
            if not self._lost:
                self._remove_earlier()
        self._on_change()

    def _store(self, sign: SignOfLife) -> None:
        """Write the sign at a place where no earlier one can still arrive."""
        try:
            self._hops.give_sign(sign, self._place)
        except AwsCallError as failure:
            if failure.kind in ("lost", "server"):
                self._left.append(self._place)
                self._place += 1
            raise

    def _remove_earlier(self) -> None:
        """Remove the signs at places of before.

        Only once it is sure that nobody has ended the hop: who has may be reading them, one after the other.
        """
        while self._left:
            self._hops.remove_sign(self.hop, self.owner, self._left[-1])
            self._left.pop()

    def _look(self) -> None:
        """Look now and then whether somebody cancelled the run."""
        if self.is_cancelled or self._clock() - self._looked < self._dead_after * limits.SIGN_SHARE:
            return
        at = self._clock()
        self._cancel = self._hops.cancel()
        self._looked = at  # a look that failed is made again before the next sign
        if self._cancel is not None:
            self._on_change()


@dataclass(frozen=True)
class Unnamed:
    """The intent of slices that nobody has to account for: they only read, for several customers at once."""

    signs: Signs

    def watch(self, on_change: Callable[[], None]) -> None:
        """Have this called whenever a sign was stored."""
        self.signs.watch(on_change)

    def name(self, _index: int, _number: int, /) -> None:
        """Do nothing: nobody is named."""

    def is_named(self, _index: int, _number: int, /) -> bool:
        """Return True: nobody has to be named."""
        return True

    def may_send(self, index: int, _number: int, /) -> bool:
        """Return whether anything may be sent now."""
        return self.signs.may_read(index)

    def take_back(self, index: int, /) -> None:
        """Note that nothing ran of the slice that was to be sent."""
        self.signs.take_back_read(index)

    @property
    def is_lost(self) -> bool:
        """Return whether another invocation has ended this one's turn."""
        return self.signs.is_lost

    @property
    def why_not(self) -> str | None:
        """Return why nothing may be sent at the moment, or None."""
        return self.signs.why_not

    @property
    def is_cancelled(self) -> bool:
        """Return whether somebody cancelled the run: no customer and no slice is started any more."""
        return self.signs.is_cancelled
