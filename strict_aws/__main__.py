"""Run a strict AWS on loopback until it is interrupted: `python -m strict_aws`. README.md says what it answers."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from strict_aws import regions
from strict_aws.conditions.conditions import Conditions
from strict_aws.ses.rate import REQUESTS_PER_SECOND
from strict_aws.signals import signal_waiter

_USAGE_ERROR = 2


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line each."""

    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE_ERROR, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM, and return the exit code.

    What a shell needs is printed as `export NAME=value` lines, followed by `# ready`. Wrong arguments and a port that
    is taken are one line on stderr and exit code 2.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    wait_for_signal = signal_waiter(signal.SIGINT, signal.SIGTERM)
    from strict_aws.aws import Options, StrictAws  # takes seconds to import, which --help does not need

    aws = StrictAws(
        Options(
            port=options.port,
            ses_rate=options.ses_rate,
            max_environments=options.max_environments,
            conditions=Conditions.preset(options.conditions),
            tls=options.tls,
        )
    )
    try:
        aws.start()
    except OSError as error:
        is_taken = options.port and "in use" in str(error)
        parser.error(f"port {options.port} is taken; --port 0 takes a free one" if is_taken else str(error))
    try:
        for name, value in aws.environment(options.account, options.region).items():
            sys.stdout.write(f"export {name}={value}\n")
        sys.stdout.write("# ready\n")
        sys.stdout.flush()
        wait_for_signal()
    finally:
        aws.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m strict_aws",
        description="A strict AWS for tests, on loopback. It runs until it is interrupted.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--port", type=_port, default=4566, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--account", type=_account, default="123456789012", help="account of the printed credentials")
    parser.add_argument("--region", type=_region, default="us-east-1", help="Region of the printed variables")
    parser.add_argument(
        "--ses-rate",
        type=_rate,
        default=REQUESTS_PER_SECOND,
        help="SES requests per second for each account and Region; 0 turns the throttle off",
    )
    parser.add_argument(
        "--max-environments", type=_environments, default=10, help="processes that a function has at most"
    )
    parser.add_argument("--conditions", choices=("kind", "aws"), default="kind", help="how unkind it is")
    parser.add_argument("--tls", action="store_true", help="speak HTTPS, with a certificate made for this run")
    return parser


def _port(text: str) -> int:
    return _number(text, 0, 65_535)


def _environments(text: str) -> int:
    return _number(text, 1, 100)


def _number(text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of requests per second")
    return rate


def _account(text: str) -> str:
    if not re.fullmatch(r"[0-9]{12}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the 12 digits of an account")
    return text


def _region(text: str) -> str:
    if text not in regions.known():
        raise argparse.ArgumentTypeError(f"AWS has no Region {text!r}")
    return text


if __name__ == "__main__":
    sys.exit(main())
