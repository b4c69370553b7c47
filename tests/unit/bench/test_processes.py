"""CPU and memory are those of the right processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from bench import processes
from bench.processes import Usage


def test_the_children_of_a_process_are_told_by_their_command_line() -> None:
    """A child is counted with its parent's tree, in the part that its command line names, until it ends."""

    def part(command: str) -> str:
        return "child" if "a-marked-child" in command else "rest"

    busy = "import time\nwhile time.process_time() < 0.05: pass\nprint('up', flush=True)\ninput()"
    command = [sys.executable, "-c", busy, "a-marked-child"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = processes.usage_by(os.getpid(), part)
        child.kill()
    assert found["child"].processes == 1
    assert found["child"].cpu >= 0.04  # the kernel counts in hundredths
    assert found["rest"].peak_mb > found["child"].peak_mb > 1
    assert "child" not in processes.usage_by(os.getpid(), part)


def test_cpu_is_that_of_user_and_system() -> None:
    """As the interpreter's own clock counts it, to the kernel's tick."""
    while time.process_time() < 0.1:
        pass
    assert abs(processes.cpu_seconds(os.getpid()) - time.process_time()) < 0.1


def test_a_process_that_has_ended_adds_nothing() -> None:
    """It may go between the listing and the look."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert Usage(1.0, 2.0, 3).plus(ended.pid) == Usage(1.0, 2.0, 3)
