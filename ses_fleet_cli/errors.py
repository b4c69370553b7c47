"""The exit codes of the command, and the exception that ends it with one of them."""

from __future__ import annotations

from ses_fleet.aws.s3 import TooLargeError

OK, SOME_FAILED, REFUSED, NO_SUMMARY, DIFFERS = 0, 1, 2, 3, 4
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
# What reading a record of another version, or a broken one, may raise; pydantic's ValidationError is a ValueError.
BROKEN_RECORD = (ValueError, KeyError, TypeError, AttributeError, OverflowError, AssertionError, TooLargeError)


class CommandError(Exception):
    """Ends the command with `exit_code` and one message on stderr."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class OutOfReachError(CommandError):
    """Ends the command because AWS was not reached at all: no Region, no credentials, or no answer at the address."""


def usage(message: str) -> CommandError:
    """Return the error of a wrong command line: exit code 2, nothing was sent."""
    return CommandError(message, REFUSED)


def no_summary(message: str) -> CommandError:
    """Return the error of a Summary that could not be obtained: exit code 3, the run may have happened or not."""
    return CommandError(message, NO_SUMMARY)


def out_of_reach(message: str) -> CommandError:
    """Return the same error where AWS was not reached at all."""
    return OutOfReachError(message, NO_SUMMARY)


def interrupted(message: str) -> CommandError:
    """Return the error of a command that was ended by Ctrl-C: exit code 130."""
    return CommandError(message, INTERRUPTED)


def policy(who: str) -> str:
    """Return how a message names the policy for these people: its name begins with the deployment's."""
    return f"the policy ses-fleet-{who} (NAME-{who} of a deployment with a name)"
