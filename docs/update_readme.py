"""Write the outputs that README.md and docs/reference.md show anew: `make readme`. A test compares them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "invoke describe-list-all --local --include globex --include hooli"


@dataclass(frozen=True)
class Shown:
    """An output on a page: the command that prints it, and the text from which on it is shown.

    It stands in a code block of `language` between `<!-- example -->` and `<!-- /example -->`.
    """

    page: Path
    command: str
    language: str
    begins_with: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """What finds the output on the page."""
        fence = re.escape(f"<!-- example -->\n```{self.language}\n")
        return re.compile(rf"(?<={fence}).*?(?=```\n<!-- /example -->)", re.DOTALL)


SHOWN = (
    Shown(ROOT / "README.md", COMMAND, "text", "Contact lists"),
    Shown(ROOT / "docs" / "reference.md", f"{COMMAND} --output json", "json", "{"),
)


def printed(shown: Shown) -> str:
    """Return what the command prints from the beginning that is shown on, without blanks at the ends of lines."""
    command = [str(Path(sys.executable).parent / "ses-fleet"), *shown.command.split()]
    environment = {**os.environ, "COLUMNS": "80"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    if ended.returncode != 1:  # one of the two customers does not let us in
        raise RuntimeError(f"{shown.command} ended with {ended.returncode}: {ended.stderr}")
    output = ended.stdout[ended.stdout.index(shown.begins_with) :]
    return "".join(f"{line.rstrip()}\n" for line in output.splitlines())


def documented(shown: Shown) -> str:
    """Return what the page says that the command prints."""
    found = shown.pattern.search(shown.page.read_text())
    return found.group() if found else ""


def update(shown: Shown) -> None:
    """Write into the page what the command prints now."""
    output = printed(shown)
    shown.page.write_text(shown.pattern.sub(lambda _: output, shown.page.read_text()))


if __name__ == "__main__":
    for one in SHOWN:
        update(one)
