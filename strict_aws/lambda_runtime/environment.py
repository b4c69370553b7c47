"""One execution environment: a process that runs one invocation of a function at a time."""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from strict_aws.lambda_runtime import outcomes, process
from strict_aws.lambda_runtime.code import Code
from strict_aws.lambda_runtime.function import FunctionSpec
from strict_aws.lambda_runtime.logs import Output, stream_name
from strict_aws.lambda_runtime.memory import MemoryWatch
from strict_aws.lambda_runtime.outcomes import Ending, RuntimeStoppedError
from strict_aws.lambda_runtime.process import Spawner
from strict_aws.lambda_runtime.runtime_api import Event, Exchange, RuntimeApi

Signal = Literal["ready", "response", "error", "init_error", "exited", "memory", "stopped"]


@dataclass(frozen=True)
class EnvironmentInfo:
    """A snapshot of an environment. `started_at` is epoch seconds."""

    id: str
    function: str
    pid: int
    invocations: int
    started_at: float


@dataclass(frozen=True)
class _Message:
    signal: Signal
    request_id: str | None = None
    body: bytes = b""
    status: int = 0


class Environment:
    """A process of the function `spec`, with its Runtime API and its output.

    Only `kill` may be called from other threads than the one that uses it.
    """

    def __init__(
        self,
        spec: FunctionSpec,
        environment_id: str,
        *,
        spawner: Spawner,
        memory: MemoryWatch,
        code: Code,
        work_dir: Path,
        python: str,
        variables: Mapping[str, str],
        visible: Sequence[Path] = (),
    ) -> None:
        self.id = environment_id
        self.spec = spec
        self.log_stream = stream_name(spec.version)
        self.invocations = 0
        self.started_at = time.time()
        self.init_ms: float | None = None  # until it asked for work
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._memory = memory
        self._directory = work_dir / environment_id
        temporary = self._directory / "tmp"
        temporary.mkdir(parents=True)
        self.output = Output(self._directory / "output")
        exchange = Exchange(lambda: self._messages.put(_Message("ready")), self._answered)
        self._exchange = exchange
        self._api = RuntimeApi(exchange)
        known = process.lambda_variables(
            spec,
            code=code,
            runtime_api=self._api.address,
            log_stream=self.log_stream,
        )
        command, more = process.with_own_tmp(python, spec.handler, code=code, temporary=temporary, visible=visible)
        self._process = self._spawn(spawner, command, code.root, {**known, **more, **variables})
        self._killing = threading.Lock()
        self._gone = False
        self._reaper = threading.Thread(target=self._wait_for_exit, name=f"reaper-{self.id}", daemon=True)
        self._reaper.start()
        memory.watch(self.pid, spec.memory_mb, lambda: self._messages.put(_Message("memory")))

    @property
    def pid(self) -> int:
        """The id of the process, which is that of its process group too."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Return whether the process is gone, whoever ended it."""
        return process.has_ended(self._process)

    def info(self) -> EnvironmentInfo:
        """Return a snapshot of the environment as it is now."""
        return EnvironmentInfo(self.id, self.spec.name, self.pid, self.invocations, self.started_at)

    def peak_memory_mb(self) -> int:
        """Return the most memory, in MB, that the process was seen to use."""
        return self._memory.peak_mb(self.pid)

    def initialise(self, request_id: str, seconds: float) -> Ending | None:
        """Wait until the process asks for work, and return None; return an Ending when it ends before that.

        Raise TimeoutError after so many seconds.
        """
        message = self._receive(time.monotonic() + seconds)
        if message is None:
            raise TimeoutError
        if message.signal != "ready":
            return self._ending(request_id, message)
        self.init_ms = (time.time() - self.started_at) * 1000
        return None

    def run(self, request_id: str, payload: bytes, client_context: str | None) -> Ending:
        """Run one invocation and return how it ended."""
        self.invocations += 1
        timeout = self.spec.timeout_seconds
        deadline_ms = int((time.time() + timeout) * 1000)
        self._exchange.give(Event(request_id, payload, deadline_ms, self.spec.arn, client_context))
        end = time.monotonic() + timeout
        while (message := self._receive(end)) is not None:
            stale = message.request_id is not None and message.request_id != request_id
            if message.signal != "ready" and not stale:
                return self._ending(request_id, message)
        return outcomes.timed_out(request_id, timeout, now_text())

    def kill(self) -> None:
        """End the process and all that it started. This may be called from any thread, and any number of times."""
        self._messages.put(_Message("stopped"))
        with self._killing:
            if self._gone:
                return
            self._gone = True
            self._memory.forget(self.pid)
            process.kill(self._process)
            self._api.close()
            self._reaper.join()

    def clean_up(self) -> None:
        """Remove the environment's files. Call it after `kill`, when the output was read."""
        self.output.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _spawn(
        self, spawner: Spawner, command: list[str], task_root: Path, variables: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        try:
            return spawner.spawn(command, directory=task_root, variables=variables, output=self.output.file)
        except BaseException:
            self._api.close()
            self.clean_up()
            raise

    def _ending(self, request_id: str, message: _Message) -> Ending:
        if message.signal == "stopped":
            raise RuntimeStoppedError
        if message.signal == "response":
            too_large = len(message.body) > outcomes.MAX_RESPONSE_BYTES
            return outcomes.too_large(len(message.body)) if too_large else Ending(message.body)
        if message.signal == "error":
            return Ending(message.body, "Unhandled")
        if message.signal == "init_error":
            return Ending(message.body, "Unhandled", alive=False)
        if message.signal == "memory":
            return outcomes.out_of_memory(request_id)
        return outcomes.exited(request_id, message.status)

    def _receive(self, until: float) -> _Message | None:
        try:
            return self._messages.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return None

    def _answered(self, kind: str, request_id: str | None, body: bytes) -> None:
        signal: Signal = "response" if kind == "response" else "init_error" if kind == "init_error" else "error"
        self._messages.put(_Message(signal, request_id, body))

    def _wait_for_exit(self) -> None:
        self._messages.put(_Message("exited", status=self._process.wait()))


def new_id(function_name: str) -> str:
    """Return a new environment's id, short enough for the application id in a User-Agent (50 characters)."""
    return f"{function_name[-36:]}-{uuid.uuid4().hex[:8]}"


def now_text() -> str:
    """Return the present time as Lambda writes it before "Task timed out"."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
