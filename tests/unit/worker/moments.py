"""Every moment of a run at which a person may change their mind: before and after each call, and during each wait."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.unit.worker.world import World


@dataclass(frozen=True)
class Moment:
    """One of them. `what` is before, after or waiting; `name` the operation, `email` whom it was about, if anybody.

    `at` is when: SES's clock, in seconds.
    """

    what: str
    name: str = ""
    email: str | None = None
    at: float = field(default=0.0, compare=False)


class Moments:
    """Counts the moments of a run, and lets `happens` happen at the one of that number, from 0."""

    def __init__(self, world: World, number: int | None, happens: Callable[[], None]) -> None:
        self.passed: list[Moment] = []
        self._world = world
        self._number = number
        self._happens = happens
        for client in (world.client, world.objects, world.customer_objects):
            self._watch(client)
        sleep = world.time.sleep

        def sleeping(seconds: float) -> None:
            sleep(seconds / 2)
            self._at("waiting")
            sleep(seconds / 2)

        world.time.sleep = sleeping  # type: ignore[method-assign]

    def _watch(self, client: Any) -> None:
        original = client.call

        def call(operation: str, **parameters: Any) -> dict[str, Any]:
            email = parameters.get("EmailAddress")
            self._at("before", operation, email)
            try:
                answer: dict[str, Any] = original(operation, **parameters)
            finally:
                self._at("after", operation, email)
            return answer

        client.call = call

    def _at(self, what: str, name: str = "", email: str | None = None) -> None:
        self.passed.append(Moment(what, name, email, self._world.time.now))
        if len(self.passed) - 1 == self._number:
            self._happens()


def windows(passed: list[Moment], read: str, writes: set[str], email: str | None, lag: float = 0.0) -> set[int]:
    """The numbers of the moments between a read that SES answered and the write that follows it at once.

    Both are about `email`. These moments are the named window: what is chosen in it SES lets nobody see. It is longer
    by the `lag` of SES's reads, in seconds.
    """
    found: set[int] = set()
    for number, (first, second) in enumerate(itertools.pairwise(passed)):
        if (first.what, first.name, first.email) == ("after", read, email) and (
            second.what == "before" and second.name in writes and second.email == email
        ):
            found |= since(passed, number, lag) | {number + 1}
    return found


def since(passed: list[Moment], number: int, lag: float) -> set[int]:
    """The numbers of that moment and of those at most `lag` seconds before it."""
    return {one for one in range(number + 1) if one == number or passed[number].at - passed[one].at < lag}
