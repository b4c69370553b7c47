"""Writes the summary in README.md anew: `make readme`. A test compares the two."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
COMMAND = "invoke describe-list-all --local --include globex --include hooli --output json"

_BLOCK = re.compile(r"(?<=<!-- summary -->\n```json\n).*?(?=```\n<!-- /summary -->)", re.DOTALL)


def printed() -> str:
    """What the README's command prints."""
    command = [str(Path(sys.executable).parent / "ses-fleet"), *COMMAND.split()]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if ended.returncode != 1:  # one of the two customers does not let us in
        raise RuntimeError(f"{COMMAND} ended with {ended.returncode}: {ended.stderr}")
    return ended.stdout


def documented() -> str:
    """What the README says that it prints."""
    found = _BLOCK.search(README.read_text())
    return found.group() if found else ""


if __name__ == "__main__":
    README.write_text(_BLOCK.sub(lambda _: printed(), README.read_text()))
