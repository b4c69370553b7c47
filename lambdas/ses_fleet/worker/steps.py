"""Running an action that has several steps, any of which may be where a slice ends and the next one goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar


class _Progress(Protocol):
    step: Any
    at: int


class _Work(Protocol):
    @property
    def progress(self) -> _Progress: ...


W = TypeVar("W", bound=_Work)
S = TypeVar("S", bound=str)


def run(work: W, steps: Mapping[S, Callable[[W], S]]) -> None:
    """Take step after step, from the one where `work.progress` is, until one comes that is not in `steps`.

    Each step returns which is next. `progress.at`, the position in the step, begins at 0 in every new one. Whatever a
    step raises ends this, and `progress` says then where it ended.
    """
    while (step := work.progress.step) in steps:
        following = steps[step](work)
        if following != step:
            work.progress.step, work.progress.at = following, 0
