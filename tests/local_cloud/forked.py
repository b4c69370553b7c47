"""The command in a process that is forked from one with its modules: importing them takes most of a command's time."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

from ses_fleet_cli.main import main

_SECONDS = 60
_STREAMS = (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY), ("stderr", os.O_WRONLY))
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__, "ses_fleet_local.cloud"])


def run(arguments: Sequence[str], environment: Mapping[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in a new process, and return its exit code and what it wrote once it has ended.

    Raise subprocess.TimeoutExpired after a minute. The modules were imported without the environment's variables, some
    of which are read at import: the command is told its function by --function-name here.
    """
    assert "SES_FLEET_FUNCTION_NAME" not in environment, "it is read at import"
    with tempfile.TemporaryDirectory() as directory:
        files = [Path(directory) / name for name, _ in _STREAMS]
        for file, text in zip(files, (stdin, "", ""), strict=True):
            file.write_text(text, encoding="utf-8")
        process = _processes.Process(target=_command, args=(arguments, environment, directory))
        with mock.patch.dict(
            os.environ, {"PATH": os.environ["PATH"]}, clear=True
        ):  # what it is forked from has it, too
            process.start()
        process.join(_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, _SECONDS)
        _, stdout, stderr = (file.read_text(encoding="utf-8") for file in files)
        return subprocess.CompletedProcess(arguments, process.exitcode, stdout, stderr)


def _command(arguments: Sequence[str], environment: Mapping[str, str], directory: str) -> None:
    for descriptor, (name, flags) in enumerate(_STREAMS):
        os.dup2(os.open(Path(directory) / name, flags), descriptor)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115  # for as long as the process runs
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["ses-fleet", *arguments]
    main()
