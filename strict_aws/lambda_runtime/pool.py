"""Choose the environment for an invocation: a warm one first, a new one up to a bound, then the next that is free."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from strict_aws.lambda_runtime.environment import Environment
from strict_aws.lambda_runtime.function import FunctionSpec
from strict_aws.lambda_runtime.outcomes import RuntimeStoppedError, ThrottledError

RESERVED_EXHAUSTED = "ReservedFunctionConcurrentInvocationLimitExceeded"


@dataclass
class _Turn:
    """One waiting invocation's place in the queue."""


class Pool:
    """The environments of one function, and the invocations that wait for one. Safe to use from many threads."""

    def __init__(self, max_environments: int) -> None:
        self._max = max_environments
        self._changed = threading.Condition()
        self._line: deque[_Turn] = deque()
        self._idle: list[Environment] = []
        self._all: set[Environment] = set()
        self._starting = 0
        self._in_flight = 0
        self._stopped = False

    def enter(self, spec: FunctionSpec) -> Environment | None:
        """Take a place, and return a warm environment, or None when the caller must start one.

        Raise ThrottledError when the reserved concurrency is used up. Every `enter` needs one `leave`.
        """
        with self._changed:
            if spec.reserved_concurrency is not None and self._in_flight >= spec.reserved_concurrency:
                raise ThrottledError(RESERVED_EXHAUSTED)
            self._in_flight += 1
            turn = _Turn()
            self._line.append(turn)
            try:
                self._changed.wait_for(lambda: self._stopped or (self._line[0] is turn and self._has_room(spec)))
                return self._take(spec)
            except BaseException:
                self._in_flight -= 1
                raise
            finally:
                self._line.remove(turn)
                self._changed.notify_all()

    def started(self, environment: Environment) -> None:
        """Add the new environment that `enter` asked the caller to start."""
        with self._changed:
            self._starting -= 1
            self._all.add(environment)

    def not_started(self) -> None:
        """Give up the new environment that `enter` asked for, because it could not be started."""
        with self._changed:
            self._starting -= 1
            self._changed.notify_all()

    def died(self, environment: Environment) -> None:
        """Note that an environment that `enter` returned died while it was idle: the caller must start another one."""
        with self._changed:
            self._all.discard(environment)
            self._starting += 1

    def replaced(self, old: Environment, new: Environment) -> None:
        """Note that an environment was started in the place of one that did not initialise."""
        with self._changed:
            self._all.discard(old)
            self._all.add(new)

    def leave(self, environment: Environment | None, *, alive: bool) -> None:
        """Give the place back, and the environment, if it can be used again, to the next invocation that waits."""
        with self._changed:
            self._in_flight -= 1
            if environment is not None:
                if alive and not self._stopped:
                    self._idle.append(environment)
                else:
                    self._all.discard(environment)
            self._changed.notify_all()

    def outdated(self, generation: str) -> list[Environment]:
        """Take out and return the idle environments of other generations, which the caller ends."""
        with self._changed:
            old = [environment for environment in self._idle if environment.spec.generation != generation]
            for environment in old:
                self._idle.remove(environment)
                self._all.discard(environment)
            self._changed.notify_all()
            return old

    def environments(self) -> list[Environment]:
        """Return all environments that live."""
        with self._changed:
            return list(self._all)

    def stop(self) -> list[Environment]:
        """Let all waiting invocations go, and return the environments, which the caller ends."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            return list(self._all)

    def _has_room(self, spec: FunctionSpec) -> bool:
        warm = any(environment.spec.generation == spec.generation for environment in self._idle)
        return warm or len(self._all) + self._starting < self._max

    def _take(self, spec: FunctionSpec) -> Environment | None:
        if self._stopped:
            raise RuntimeStoppedError
        for environment in reversed(self._idle):
            if environment.spec.generation == spec.generation:
                self._idle.remove(environment)
                return environment
        self._starting += 1
        return None
