"""How a command ends when it cannot end well."""

from __future__ import annotations

OK, SOME_FAILED, REFUSED, NO_SUMMARY = 0, 1, 2, 3
INTERRUPTED = 130  # as a shell says it of Ctrl-C


class CommandError(Exception):
    """Ends the command with `exit_code` and one message on stderr."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


def usage(message: str) -> CommandError:
    """Something about the command line is wrong; nothing was sent."""
    return CommandError(message, REFUSED)


def no_summary(message: str) -> CommandError:
    """The run may have happened or not; its Summary could not be obtained."""
    return CommandError(message, NO_SUMMARY)


def interrupted(message: str) -> CommandError:
    """The person pressed Ctrl-C."""
    return CommandError(message, INTERRUPTED)
