"""Starting the local cloud for the command: installed with the extra `local` only, and loaded only where it is used."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ses_fleet.text import quoted
from ses_fleet_cli.errors import usage
from ses_fleet_cli.show import Screen

_NO_LISTS = "no --scenario was given: no customer's account has a contact list or contacts (docs/local-cloud.md)"

if TYPE_CHECKING:
    from ses_fleet_local.cloud import LocalCloud, Options


def options(
    config: Path | None, ses_config: Path | None, scenario: Path | None, conditions: str, *, empty: bool = False
) -> Options:
    """Return how to start a local cloud; without a config.json of one's own it is that of the packaged examples.

    `empty` makes one without files and customers. CommandError (exit 2) for other conditions than aws and kind, and
    when the local cloud is not installed.
    """
    if conditions not in ("aws", "kind"):
        raise usage(f"--conditions is aws or kind, not {quoted(conditions)}")
    _check_installed()
    from ses_fleet_local import EXAMPLES
    from ses_fleet_local.cloud import Options
    from strict_aws.conditions.conditions import Conditions

    preset = Conditions.preset("aws" if conditions == "aws" else "kind")
    if empty:
        return Options(scenario=scenario, empty=True, conditions=preset)
    if config is None:
        scenario = scenario or EXAMPLES / "scenario.json"
    return Options(
        config=config or EXAMPLES / "config.json",
        ses_config=ses_config or EXAMPLES / "SESConfig.json",
        scenario=scenario,
        conditions=preset,
    )


@contextmanager
def started(options: Options) -> Iterator[tuple[LocalCloud, list[str]]]:
    """Run a local cloud inside the block; yields it with the notices of its start.

    CommandError (exit 2) when a file is wrong or the port is taken.
    """
    from ses_fleet_local.cloud import LocalCloud
    from ses_fleet_local.scenario import ScenarioError
    from strict_aws.http.messages import AwsError

    try:
        cloud = LocalCloud(options)
        notices = cloud.start()
        if options.config is not None and options.scenario is None:
            notices.append(_NO_LISTS)
    except ScenarioError as error:
        raise usage(str(error)) from None
    except AwsError as error:
        raise usage(f"{options.scenario}: {error.message}") from None
    except OSError as error:
        taken = options.port and "in use" in str(error)
        why = f"port {options.port} is taken; --port 0 takes a free one" if taken else str(error)
        raise usage(f"the local cloud cannot start: {why}") from None
    try:
        yield cloud, notices
    finally:
        cloud.stop()


@contextmanager
def for_this_call(options: Options | None, screen: Screen) -> Iterator[None]:
    """Make a local cloud the AWS of this process inside the block; without options the environment's AWS stays."""
    if options is None:
        yield
        return
    with started(options) as (cloud, notices):
        screen.notice(f"started a local cloud at {cloud.url} for this call")
        for notice in notices:
            screen.notice(notice)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(cloud.environment())
        yield


def signal_waiter() -> Callable[[], object]:
    """Catch SIGINT and SIGTERM from now on, and return a function that waits until one of them has come.

    CommandError (exit 2) when the local cloud is not installed.
    """
    _check_installed()
    from strict_aws.signals import signal_waiter

    return signal_waiter(signal.SIGINT, signal.SIGTERM)


def _check_installed() -> None:
    try:
        import ses_fleet_local.cloud  # noqa: F401  # loading it is the question
    except ModuleNotFoundError as error:
        raise usage(
            f"the local cloud is not installed (no module {error.name}): install ses-fleet with its extra `local`, "
            "such as `pip install '.[local]'` in its repository"
        ) from None
