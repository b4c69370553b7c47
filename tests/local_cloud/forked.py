"""The command in a process that is forked from one with its modules: importing them takes most of a command's time."""

from __future__ import annotations

import functools
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

import ses_fleet_local.cloud  # noqa: F401  # so that what is forked from has it: the command imports it when needed
from ses_fleet_cli.main import main

_STREAMS = (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY | os.O_APPEND), ("stderr", os.O_WRONLY | os.O_APPEND))
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


class Forked:
    """A process of the command, with the part of subprocess.Popen that tests need. It ends with the tests' process.

    The modules were imported without the environment's variables, some of which are read at import: the command is
    told its function by --function-name here.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], stdin: str = "") -> None:
        self.arguments = arguments
        self._directory = Path(tempfile.mkdtemp())
        self._files = [self._directory / name for name, _ in _STREAMS]
        for file, text in zip(self._files, (stdin, "", ""), strict=True):
            file.write_text(text, encoding="utf-8")
        order = (arguments, dict(environment), self._directory)
        self._process = _processes.Process(target=_command, args=order, daemon=True)
        _have_template()
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.kill, self.terminate = self._process.kill, self._process.terminate

    @property
    def returncode(self) -> int | None:
        """The exit code, or the negative number of the signal that ended it; None while it runs."""
        return self._process.exitcode

    def written(self) -> list[str]:
        """Return what it has written to stdout and to stderr."""
        return [file.read_text(encoding="utf-8") for file in self._files[1:]]

    def communicate(self, timeout: float | None = None) -> list[str]:
        """Wait until it has ended, and return what it wrote to stdout and to stderr; its files are gone then.

        Raise subprocess.TimeoutExpired after so many seconds.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.arguments, timeout)
        if self._directory.exists():
            self._said = self.written()
            shutil.rmtree(self._directory)
        return self._said


def run(arguments: Sequence[str], environment: Mapping[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in a new process, and return its exit code and what it wrote once it has ended."""
    assert "SES_FLEET_FUNCTION_NAME" not in environment, "it is read at import"
    process = Forked(arguments, environment, stdin)
    try:
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode is not None
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


@functools.cache
def _have_template() -> None:
    """Start the process that all are forked from, which reads this module before any variable is set."""
    with mock.patch.dict(os.environ, {"PATH": os.environ["PATH"]}, clear=True):
        forkserver.ensure_running()


def _command(arguments: Sequence[str], environment: Mapping[str, str], directory: Path) -> None:
    for descriptor, (name, flags) in enumerate(_STREAMS):
        os.dup2(os.open(directory / name, flags), descriptor)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115  # for as long as the process runs
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["ses-fleet", *arguments]
    main()
