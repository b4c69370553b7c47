"""The raw figures of a benchmark: one JSON file each in build/bench/, of which docs/benchmarks.md is made."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "bench"


def save(name: str, figures: dict[str, Any]) -> None:
    """Write a benchmark's figures, with when, where and by which command they were measured."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    document = {"benchmark": name, "command": command(), **surroundings(), "figures": figures}
    (FOLDER / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")


_told: dict[str, list[str]] = {}


def tell(name: str, line: str) -> None:
    """Print a sentence of a benchmark, and save all that it has told so far."""
    print(line, flush=True)
    _told.setdefault(name, []).append(line)
    save(name, {"lines": _told[name]})


def load() -> dict[str, dict[str, Any]]:
    """Return what the benchmarks that have run have saved, by their names."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def command() -> str:
    """Return the command line of this process, from the repository's root."""
    module = Path(sys.argv[0]).stem
    return shlex.join([".venv/bin/python", "-m", f"bench.{module}", *sys.argv[1:]])


def surroundings() -> dict[str, Any]:
    """Return the date, the commit, the machine and the versions that figures depend on."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "cores": os.cpu_count(),
        "machine": f"{_processor()}, {platform.system()} {platform.machine()}",
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "boto3": version("boto3"),
    }


def commit() -> str:
    """Return the commit that is checked out, or `unknown` where there is no git."""
    asked = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def seconds(values: Sequence[float]) -> str:
    """Return times as they are printed: the best, and all of them in brackets."""
    return f"best {min(values):.2f} s, median {median(values):.2f} s ({', '.join(f'{one:.2f}' for one in values)})"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
