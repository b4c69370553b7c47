"""Start and end the process of an environment."""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import BinaryIO

from strict_aws.lambda_runtime import own_tmp
from strict_aws.lambda_runtime.code import Code, site_directories
from strict_aws.lambda_runtime.function import FunctionSpec
from strict_aws.lambda_runtime.outcomes import RuntimeStoppedError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class Spawner:
    """Starts processes from one thread that lives as long as the runtime.

    The kernel ends the processes when their parent goes, even by SIGKILL. But "parent" means the thread that started
    them (prctl(2), PR_SET_PDEATHSIG), so it must not be the passing thread of a request.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[
            tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]] | None
        ]
        self._orders = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="spawner", daemon=True)
        self._thread.start()

    def spawn(
        self, command: list[str], *, directory: Path, variables: Mapping[str, str], output: BinaryIO
    ) -> subprocess.Popen[bytes]:
        """Start a process in a group of its own, with stdout and stderr in `output`, and return it."""

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                command,
                cwd=directory,
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # one system call, nothing that could lock
            )

        future: Future[subprocess.Popen[bytes]] = Future()
        self._orders.put((start, future))
        return future.result()

    def stop(self) -> None:
        """End the thread; whatever it started and still runs ends with it."""
        self._orders.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            start, future = order
            try:
                future.set_result(start())
            except OSError as error:
                future.set_exception(error)
        while not self._orders.empty():
            left = self._orders.get()
            if left is not None:
                left[1].set_exception(RuntimeStoppedError())


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process group at once, and reap its leader."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the process is gone. Another thread may wait for it meanwhile, and poll() would not tell then."""
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True  # the other thread has taken its exit status


def lambda_variables(spec: FunctionSpec, *, code: Code, runtime_api: str, log_stream: str) -> dict[str, str]:
    """Return the variables that Lambda sets for every function, and none of this machine's own environment."""
    version = f"python{sysconfig.get_python_version()}"
    return {
        **spec.variables,
        "AWS_DEFAULT_REGION": spec.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{version}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON" if spec.logging.json else "Text",
        "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_REGION": spec.region,
        "LAMBDA_TASK_ROOT": str(code.root),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join(map(str, code.path)),
        "PYTHONUTF8": "1",
        "TZ": ":UTC",
        "_HANDLER": spec.handler,
        **({"AWS_LAMBDA_LOG_LEVEL": spec.logging.application_level} if spec.logging.json else {}),
    }


def with_own_tmp(
    python: str, handler: str, *, code: Code, temporary: Path, visible: Sequence[Path] = ()
) -> tuple[list[str], Mapping[str, str]]:
    """Return the command of an environment, which runs AWS's own runtime client, and the variables that it needs.

    It also sees the folders `visible`. -S keeps the .pth files of this machine's environment out. -B compiles nothing
    for the next environment, as on Lambda, where the code is read-only.
    """
    flags = ["-S", "-B"] if code.bundled else ["-S"]
    command = [python, *flags, "-m", "awslambdaric", handler]
    if not own_tmp.is_possible():
        return command, {"TMPDIR": str(temporary)}
    needed = [code.root, *code.path, *visible, Path(sys.prefix), Path(sys.base_prefix), *site_directories()]
    return own_tmp.wrapped(command, own=temporary, directory=code.root, needed=needed, read_only=code.bundled), {}


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
