"""Run functions in execution environments. Lambda's HTTP API is in `lambda_service`."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from strict_aws.lambda_runtime import code, logs, outcomes
from strict_aws.lambda_runtime import environment as environments
from strict_aws.lambda_runtime.code import Code
from strict_aws.lambda_runtime.environment import Environment, EnvironmentInfo
from strict_aws.lambda_runtime.function import FunctionSpec
from strict_aws.lambda_runtime.logs import Ran
from strict_aws.lambda_runtime.memory import MemoryWatch
from strict_aws.lambda_runtime.outcomes import Ending, Outcome, RuntimeStoppedError
from strict_aws.lambda_runtime.pool import Pool
from strict_aws.lambda_runtime.process import Spawner

_log = logging.getLogger(__name__)

IssueVariables = Callable[[FunctionSpec, str], Mapping[str, str]]
WriteLogs = Callable[[FunctionSpec, str, list[tuple[int, str]]], None]


class LambdaRuntime:
    """Executes functions in processes of their own.

    `issue_variables(spec, environment_id)` returns the variables with the credentials and the endpoint of a new
    environment. `write_logs(spec, stream, [(epoch_ms, line)])` is given what every invocation wrote. `init_seconds`
    limits a function's start. `visible` are folders that functions see although they have a /tmp of their own. `clock`
    returns seconds that only go forward: by it the duration of an invocation is told.
    """

    def __init__(
        self,
        *,
        work_dir: Path,
        issue_variables: IssueVariables,
        write_logs: WriteLogs,
        max_environments: int = 10,
        init_seconds: float = 10.0,  # Lambda developer guide: the init phase is limited to 10 s
        python: str = sys.executable,
        visible: Sequence[Path] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._work_dir = work_dir
        self._issue_variables = issue_variables
        self._write_logs = write_logs
        self._max_environments = max_environments
        self._init_seconds = init_seconds
        self._python = python
        self._visible = visible
        self._lock = threading.Lock()
        self._pools: dict[str, Pool] = {}
        self._said: set[str] = set()  # generations whose failing start was told
        self._stopped = False
        self._spawner = Spawner()
        self._memory = MemoryWatch()

    def invoke(
        self, spec: FunctionSpec, payload: bytes, client_context: str | None = None, *, request_id: str | None = None
    ) -> Outcome:
        """Run one invocation and return its outcome, after waiting for a free environment.

        An event has the `request_id` that its sender was answered, at every attempt; without one a new id is made.
        Raise ThrottledError when the reserved concurrency is used up, and RuntimeStoppedError when this stops.
        """
        pool = self._pool(spec)
        for old in pool.outdated(spec.generation):
            _end(old)
        place = pool.enter(spec)
        environment, ending = None, None
        request_id = request_id or str(uuid.uuid4())
        try:
            environment, ending = self._ready(pool, spec, place, request_id)
            began = self._clock()
            if ending is None:
                ending = environment.run(request_id, payload, client_context)
            else:
                self._say_why_not(spec, ending)
            return self._concluded(environment, request_id, ending, (self._clock() - began) * 1000)
        finally:
            alive = ending is not None and ending.alive
            if environment is not None and not alive:
                _end(environment)
            pool.leave(environment, alive=alive)

    def prewarm(self, spec: FunctionSpec, count: int) -> None:
        """Start environments of a function until `count` of them live, or as many as are allowed, and return then."""
        pool = self._pool(spec)
        missing = min(count, self._max_environments) - len(pool.environments())
        threads = [threading.Thread(target=self._prewarm_one, args=(pool, spec)) for _ in range(missing)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def environments(self) -> list[EnvironmentInfo]:
        """Return every environment that lives, of all functions."""
        with self._lock:
            pools = list(self._pools.values())
        return [environment.info() for pool in pools for environment in pool.environments()]

    def discard(self, function_arn: str) -> None:
        """End the idle environments of a function that was deleted: one that is made again gets new ones."""
        with self._lock:
            pool = self._pools.get(function_arn)
        for old in pool.outdated("") if pool is not None else []:
            _end(old)

    def kill(self, environment_id: str | None) -> None:
        """End the process of the environment of this id, as the kernel would; do nothing when there is none."""
        for environment in self.environments():
            if environment.id == environment_id:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(environment.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End all environments at once. Invocations that are under way raise RuntimeStoppedError."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            pools = list(self._pools.values())
        for pool in pools:
            for environment in pool.stop():
                _end(environment)
        self._memory.stop()
        self._spawner.stop()

    def _say_why_not(self, spec: FunctionSpec, ending: Ending) -> None:
        """Log it once for each state of a function: there may be nobody who waits for the answer."""
        with self._lock:
            is_known = spec.generation in self._said
            self._said.add(spec.generation)
        if not is_known:
            _log.error("the function %s does not start: %s: %s", spec.name, ending.error_type, ending.error_message)

    def _pool(self, spec: FunctionSpec) -> Pool:
        with self._lock:
            if self._stopped:
                raise RuntimeStoppedError
            return self._pools.setdefault(spec.arn, Pool(self._max_environments))

    def _ready(
        self, pool: Pool, spec: FunctionSpec, warm: Environment | None, request_id: str
    ) -> tuple[Environment, Ending | None]:
        """Return an environment that waits for work, or one together with the ending that its start came to."""
        if warm is not None and not warm.has_ended:
            return warm, None
        if warm is not None:
            _end(warm)
            pool.died(warm)
        environment = self._start(pool, spec)
        try:
            return environment, environment.initialise(request_id, self._init_seconds)
        except TimeoutError:
            pass
        # Lambda developer guide: an init that times out is run again, as part of the invocation.
        _end(environment)
        second = self._new(spec)
        pool.replaced(environment, second)
        try:
            return second, second.initialise(request_id, spec.timeout_seconds)
        except TimeoutError:
            return second, outcomes.timed_out(request_id, spec.timeout_seconds, environments.now_text())

    def _start(self, pool: Pool, spec: FunctionSpec) -> Environment:
        try:
            environment = self._new(spec)
        except BaseException:
            pool.not_started()
            raise
        pool.started(environment)
        if self._stopped:  # stop() may have looked just before this one was known
            _end(environment)
            raise RuntimeStoppedError
        return environment

    def _new(self, spec: FunctionSpec) -> Environment:
        environment_id = environments.new_id(spec.name)
        return Environment(
            spec,
            environment_id,
            spawner=self._spawner,
            memory=self._memory,
            code=self._unpacked(spec),
            work_dir=self._work_dir,
            python=self._python,
            visible=self._visible,
            variables={"AWS_SDK_UA_APP_ID": environment_id, **self._issue_variables(spec, environment_id)},
        )

    def _unpacked(self, spec: FunctionSpec) -> Code:
        root = self._work_dir / "code" / spec.code_sha256.replace("/", "_")
        with self._lock:
            return code.unpack(spec.code, root, self._work_dir / "runtime-client")

    def _concluded(self, environment: Environment, request_id: str, ending: Ending, duration_ms: float) -> Outcome:
        spec, now = environment.spec, time.time()
        # One that did not start was given no invocation.
        is_first = environment.invocations <= 1
        ran = Ran(
            request_id,
            began=now - duration_ms / 1000,
            ended=now,
            duration_ms=duration_ms,
            used_mb=environment.peak_memory_mb(),
            error_type=ending.error_type,
            init_began=environment.started_at if is_first else None,
            init_ms=environment.init_ms if is_first else None,
        )
        if not ending.alive:
            environment.kill()  # only a process that is gone has written everything it will
        lines = logs.framed(spec, ran, environment.output.take(), ending.log_line)
        self._write_logs(spec, environment.log_stream, [(int(now * 1000), line) for line in lines])
        return Outcome(request_id, ending.payload, ending.function_error, logs.tail(lines), environment.id, duration_ms)

    def _prewarm_one(self, pool: Pool, spec: FunctionSpec) -> None:
        place = pool.enter(spec)
        environment, ending = None, None
        try:
            environment, ending = self._ready(pool, spec, place, "prewarm")
        finally:
            alive = environment is not None and ending is None
            if environment is not None and not alive:
                _end(environment)
            pool.leave(environment, alive=alive)


def _end(environment: Environment) -> None:
    environment.kill()
    environment.clean_up()
