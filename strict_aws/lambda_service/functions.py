"""What Lambda knows of functions beyond moto: members that moto forgets, and the time that changes take."""

from __future__ import annotations

import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from strict_aws.backend import moto_state
from strict_aws.conditions.conditions import CurrentConditions
from strict_aws.http.messages import AwsError
from strict_aws.lambda_runtime.function import FunctionSpec, Logging
from strict_aws.lambda_runtime.logs import LEVELS

Key = tuple[str, str, str]  # account, Region and name of a function
_FORGOTTEN = ("DeadLetterConfig", "LoggingConfig")
_SYSTEM_LEVELS = ("DEBUG", "INFO", "WARN")


@dataclass(frozen=True)
class _Change:
    """A function that is being created (`before` is None) or updated until a time of the clock."""

    until: float
    before: FunctionSpec | None


class Functions:
    """The deployed functions. Safe to use from many threads.

    `clock` returns seconds that only go forward.
    """

    def __init__(
        self, conditions: CurrentConditions | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._conditions = conditions or CurrentConditions()
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[Key, dict[str, Any]] = {}
        self._changes: dict[Key, _Change] = {}

    def find(self, account: str, region: str, name_or_arn: str, qualifier: str | None = None) -> FunctionSpec:
        """Return a function as it was last configured; raise AwsError 404, as Lambda answers, when there is none."""
        spec = moto_state.find_function(account, region, name_or_arn, qualifier)
        logging = self._kept.get((account, region, spec.name), {}).get("LoggingConfig")
        return spec if not logging else replace(spec, logging=_logging(logging))

    def runnable(self, account: str, region: str, name_or_arn: str, qualifier: str | None = None) -> FunctionSpec:
        """Return the function that an invocation runs: while an update is in progress, the one before it.

        Raise AwsError 404 when there is none, and 409 while it is being created.
        """
        spec = self.find(account, region, name_or_arn, qualifier)
        change = self._change((account, region, spec.name))
        if change is None:
            return spec
        if change.before is None:
            raise _pending()
        return change.before if spec.version == change.before.version else spec

    def check_changeable(self, key: Key) -> None:
        """Raise AwsError 409 while the function is being created or changed."""
        change = self._change(key)
        if change is None:
            return
        if change.before is None:
            raise _pending()
        arn = change.before.arn
        raise _conflict(f"The operation cannot be performed at this time. An update is in progress for resource: {arn}")

    def changing(self, key: Key, before: FunctionSpec | None) -> None:
        """Make the function Pending (`before` None), or its update InProgress, for as long as the conditions say."""
        seconds = self._conditions.now.pending_seconds
        if seconds > 0:
            self._changes[key] = _Change(self._clock() + seconds, before)

    def keep(self, key: Key, given: Mapping[str, Any]) -> None:
        """Remember those of a request's members that moto forgets."""
        with self._lock:
            known = self._kept.setdefault(key, {})
            known.update({name: given[name] for name in _FORGOTTEN if name in given})

    def forget(self, key: Key) -> None:
        """Forget everything about a function that was deleted."""
        self._kept.pop(key, None)
        self._changes.pop(key, None)

    def dead_letters(self, key: Key) -> str | None:
        """Return the ARN of the function's dead-letter queue, or None when it has none."""
        return (self._kept.get(key, {}).get("DeadLetterConfig") or {}).get("TargetArn") or None

    def described(self, key: Key) -> dict[str, Any]:
        """Return the members of the function's configuration that moto does not answer."""
        kept, change = self._kept.get(key, {}), self._change(key)
        logging = _logging(kept.get("LoggingConfig") or {})
        levels = {"ApplicationLogLevel": logging.application_level, "SystemLogLevel": logging.system_level}
        told = {"LogFormat": "JSON", **levels} if logging.json else {"LogFormat": "Text"}
        shown: dict[str, Any] = {"LoggingConfig": {**told, "LogGroup": logging.group or f"/aws/lambda/{key[2]}"}}
        if queue := self.dead_letters(key):
            shown["DeadLetterConfig"] = {"TargetArn": queue}
        if change is not None:
            shown |= _CREATING if change.before is None else _UPDATING
        return shown

    def _change(self, key: Key) -> _Change | None:
        change = self._changes.get(key)
        if change is not None and self._clock() >= change.until:
            with self._lock:
                if self._changes.get(key) is change:
                    del self._changes[key]
            return None
        return change


def check_logging(config: Mapping[str, Any] | None) -> None:
    """Raise AwsError 400 for a LoggingConfig that Lambda would refuse."""
    for problem in _logging_problems(config or {}):
        raise AwsError("InvalidParameterValueException", problem)


# As Lambda words it, of an update, too.
_REASON = "The function is being created."
_CREATING = {"State": "Pending", "StateReason": _REASON, "StateReasonCode": "Creating"}
_UPDATING = {
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": _REASON,
    "LastUpdateStatusReasonCode": "Creating",
}


def misfits(runtime: str | None, architectures: list[str]) -> str | None:
    """Return for which other machine a function's compiled packages are made, or None when they fit this one."""
    here = (f"python{sys.version_info.major}.{sys.version_info.minor}", _ARCHITECTURES.get(platform.machine()))
    made_for = (runtime or here[0], architectures[0] if architectures else "x86_64")
    if made_for == here or here[1] is None:
        return None
    return f"it is made for {made_for[0]} on {made_for[1]}, and this machine runs {here[0]} on {here[1]}"


_ARCHITECTURES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def _logging(config: Mapping[str, Any]) -> Logging:
    return Logging(
        json=config.get("LogFormat") == "JSON",
        application_level=config.get("ApplicationLogLevel") or "INFO",
        system_level=config.get("SystemLogLevel") or "INFO",
        group=config.get("LogGroup"),
    )


def _logging_problems(config: Mapping[str, Any]) -> Iterator[str]:
    levels = [name for name in ("ApplicationLogLevel", "SystemLogLevel") if name in config]
    if config.get("LogFormat", "Text") not in ("JSON", "Text"):
        yield f"LogFormat is JSON or Text, not {config['LogFormat']}"
    if levels and config.get("LogFormat") != "JSON":
        yield "Log levels can be set when LogFormat is JSON only"
    if config.get("ApplicationLogLevel", "INFO") not in LEVELS:
        yield f"there is no ApplicationLogLevel {config['ApplicationLogLevel']}"
    if config.get("SystemLogLevel", "INFO") not in _SYSTEM_LEVELS:
        yield f"there is no SystemLogLevel {config['SystemLogLevel']}"


def _pending() -> AwsError:
    return _conflict(
        "The operation cannot be performed at this time. The function is currently in the following state: Pending"
    )


def _conflict(message: str) -> AwsError:
    return AwsError("ResourceConflictException", message, 409, fields={"Type": "User"})
