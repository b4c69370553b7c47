"""A file that a command writes for its user: whole or not at all, and over another one only where that is wanted."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ses_fleet_cli.errors import CommandError, usage


@dataclass(frozen=True)
class NewFile:
    """Where the file goes; `-` is standard output. With `force` it takes the place of one that is there."""

    path: Path
    force: bool = False

    def check(self) -> None:
        """Raise CommandError with exit code 2 when a file is there that is not to be overwritten."""
        if not self.force and str(self.path) != "-" and os.path.lexists(self.path):
            raise self._is_there()

    @contextmanager
    def writing(self) -> Iterator[TextIO]:
        """Yield a file that only its owner can read, and that appears under its name when the block ends.

        Raise CommandError with exit code 2 when it cannot be written, and as `check` does, also for a file that came
        meanwhile.
        """
        self.check()
        if str(self.path) == "-":
            yield sys.stdout
            return
        try:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        except OSError as error:
            raise self._failed(error) from None
        made = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                yield file
            self._appear(made)
        except FileExistsError:
            raise self._is_there() from None
        except OSError as error:
            raise self._failed(error) from None
        finally:
            made.unlink(missing_ok=True)

    def _appear(self, made: Path) -> None:
        if not self.force:
            self.path.touch(mode=0o600, exist_ok=False)  # the name is ours from here on; a renaming does not ask
        made.replace(self.path)

    def _is_there(self) -> CommandError:
        return usage(f"{self.path} is there: choose another name, or overwrite it with --force")

    def _failed(self, error: OSError) -> CommandError:
        return usage(f"{self.path} cannot be written: {error.strerror}")
