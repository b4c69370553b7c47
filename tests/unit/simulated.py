"""Threads, waits and clocks in simulated time: one thread runs at once, and the test says which one goes on.

Code under test keeps its threads. It gets the classes here in place of those of `threading`, `queue`, `time` and
`concurrent.futures`; each wait hands the turn back to the test, and a wait for a second takes none.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace, TracebackType
from typing import Any, Generic, Self, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")


class Killed(BaseException):
    """The process has ended: nothing of it runs any more."""


class Process:
    """What lives and dies together. `skew` is how many seconds its wall clock is ahead of the true time."""

    def __init__(self, name: str, skew: float = 0.0) -> None:
        self.name = name
        self.skew = skew
        self.dead = False


class Fiber:
    """One thread of a process. It waits until `until` is true, or `deadline` has come."""

    def __init__(self, process: Process, work: Callable[[], None]) -> None:
        self.process = process
        self.until: Callable[[], bool] = lambda: True
        self.deadline: float | None = None
        self.over = False
        self.began = False
        self.turn = threading.Semaphore(0)
        self.work = work
        self.error: BaseException | None = None


class Scheduler:
    """Lets fibers run one at a time, for one step each. `now` is the true time, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.fibers: list[Fiber] = []
        self.running: Fiber | None = None
        self._back = threading.Semaphore(0)

    def spawn(self, process: Process, work: Callable[[], None]) -> Fiber:
        """Have a thread that begins when it gets its first turn."""
        fiber = Fiber(process, work)
        self.fibers.append(fiber)
        return fiber

    def ready(self) -> list[Fiber]:
        """Who could go on now, in the order of their beginning."""
        return [one for one in self.fibers if one.until() or (one.deadline is not None and one.deadline <= self.now)]

    def next_time(self) -> float | None:
        """When the next wait ends by itself, or None when none does."""
        return min((one.deadline for one in self.fibers if one.deadline is not None), default=None)

    def step(self, fiber: Fiber) -> None:
        """Let this one run up to its next wait."""
        self.running = fiber
        if fiber.began:
            fiber.turn.release()
        else:
            fiber.began = True
            threading.Thread(target=self._live, args=(fiber,), daemon=True).start()
        self._back.acquire()
        self.running = None
        if fiber.over:
            self.fibers.remove(fiber)
        for other in [one for one in self.fibers if one.process.dead]:
            self.end(other)
        if fiber.error is not None:
            raise fiber.error

    def kill(self, process: Process) -> None:
        """End a process where it stands."""
        process.dead = True
        for fiber in [one for one in self.fibers if one.process is process]:
            self.end(fiber)

    def end(self, fiber: Fiber) -> None:
        """Let a fiber of a dead process come to its end."""
        while not fiber.over and fiber.began:
            self.running = fiber
            fiber.turn.release()
            self._back.acquire()
            self.running = None
        if fiber in self.fibers:
            self.fibers.remove(fiber)

    def block(self, until: Callable[[], bool], seconds: float | None = None) -> bool:
        """Hand the turn back, and go on when `until` is true or the time has passed. Return whether it is true."""
        fiber = self.running
        assert fiber is not None
        if fiber.process.dead:
            raise Killed
        fiber.until, fiber.deadline = until, None if seconds is None else self.now + max(0.0, seconds)
        self._back.release()
        fiber.turn.acquire()
        fiber.until, fiber.deadline = lambda: True, None
        if fiber.process.dead:
            raise Killed
        return until()

    def pause(self) -> None:
        """Hand the turn back, ready to go on at once."""
        self.block(lambda: True)

    def sleep(self, seconds: float) -> None:
        """Hand the turn back for so long."""
        self.block(lambda: False, seconds)

    def process(self) -> Process:
        """The process that runs now."""
        assert self.running is not None
        return self.running.process

    def _live(self, fiber: Fiber) -> None:
        try:
            fiber.work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001  # the test's own thread raises it
            fiber.error = error
        fiber.over = True
        self._back.release()


class _Lock:
    """A lock that may be held over a wait."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._held = False

    def __enter__(self) -> Self:
        while self._held:
            self._scheduler.block(lambda: not self._held)
        self._held = True
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._held = False


class _Condition:
    """As nobody else runs until somebody waits, holding it takes nothing."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._told = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        pass

    def notify_all(self) -> None:
        self._told += 1

    def wait(self, timeout: float | None = None) -> bool:
        told = self._told
        return self._scheduler.block(lambda: self._told > told, timeout)


class _Event:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._set = False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True

    def wait(self, timeout: float | None = None) -> bool:
        return self._scheduler.block(lambda: self._set, timeout)


class _Places:
    """A bounded semaphore."""

    def __init__(self, scheduler: Scheduler, count: int) -> None:
        self._scheduler = scheduler
        self._free = count

    def acquire(self, timeout: float | None = None) -> bool:
        if self._free <= 0 and not self._scheduler.block(lambda: self._free > 0, timeout):
            return False
        self._free -= 1
        return True

    def release(self) -> None:
        self._free += 1


class _Queue(Generic[_T]):
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._waiting: deque[_T] = deque()

    def put(self, one: _T) -> None:
        self._waiting.append(one)

    def get(self, timeout: float | None = None) -> _T:
        if not self._scheduler.block(lambda: bool(self._waiting), timeout):
            raise queue.Empty
        return self._waiting.popleft()


class _Thread:
    def __init__(self, scheduler: Scheduler, target: Callable[[], None]) -> None:
        self._scheduler = scheduler
        self._target = target
        self._fiber: Fiber | None = None

    def start(self) -> None:
        self._fiber = self._scheduler.spawn(self._scheduler.process(), self._target)

    def join(self, timeout: float | None = None) -> None:
        fiber = self._fiber
        assert fiber is not None
        self._scheduler.block(lambda: fiber.over, timeout)


class _Pool:
    """A ThreadPoolExecutor; each task has a thread of its own, which waits for a place."""

    def __init__(self, scheduler: Scheduler, size: int) -> None:
        self._scheduler = scheduler
        self._free = size
        self._futures: list[Future[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown(wait=True)

    def submit(self, work: Callable[..., _R], *arguments: Any) -> Future[_R]:
        future: Future[_R] = Future()

        def run() -> None:
            while self._free <= 0 and not future.cancelled():
                self._scheduler.block(lambda: self._free > 0 or future.cancelled())
            if not future.set_running_or_notify_cancel():
                return
            self._free -= 1
            try:
                future.set_result(work(*arguments))
            except Exception as error:  # noqa: BLE001  # as the real one does
                future.set_exception(error)
            finally:
                self._free += 1

        self._futures.append(future)
        self._scheduler.spawn(self._scheduler.process(), run)
        return future

    def map(self, work: Callable[[_T], _R], values: Iterable[_T]) -> Iterator[_R]:
        futures = [self.submit(work, value) for value in values]
        for future in futures:
            self._scheduler.block(future.done)
            yield future.result()

    def shutdown(self, *, wait: bool = True, cancel_futures: bool = False) -> None:
        if cancel_futures:
            for future in self._futures:
                future.cancel()
        if wait:
            self._scheduler.block(lambda: all(future.done() for future in self._futures))


class _Here:
    """A ThreadPoolExecutor that does everything at once, in the calling thread: for reading several objects."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        pass

    def map(self, work: Callable[[_T], _R], values: Iterable[_T]) -> list[_R]:
        return [work(value) for value in values]


class Simulated:
    """Stands in for `threading`, `queue`, `time` and `concurrent.futures`, all in one scheduler's time."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.threading = SimpleNamespace(
            Lock=lambda: _Lock(scheduler),
            Condition=lambda: _Condition(scheduler),
            Event=lambda: _Event(scheduler),
            BoundedSemaphore=lambda count: _Places(scheduler, count),
            Thread=lambda target, name, daemon: _Thread(scheduler, target),  # noqa: ARG005  # as it is called
        )
        self.queue = SimpleNamespace(SimpleQueue=lambda: _Queue[Any](scheduler), Empty=queue.Empty)
        self.time = SimpleNamespace(monotonic=lambda: scheduler.now, sleep=scheduler.sleep)
        self.pool = lambda size=0, max_workers=0, thread_name_prefix="": _Pool(scheduler, size or max_workers)  # noqa: ARG005
        self.here = lambda _size: _Here()
        self.wait = lambda futures, timeout: scheduler.block(lambda: all(future.done() for future in futures), timeout)
