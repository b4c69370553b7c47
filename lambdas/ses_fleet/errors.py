"""The project's exceptions.

    SesFleetError
    ├── RunRefusedError         the run does not start: exit code 2, and the function fails
    │   ├── RequestError        the payload is wrong
    │   └── ConfigurationError  config.json, SESConfig.json or the deployment is wrong
    ├── OrchestratorError       a bug of ours: the function fails, and the message says where the bug is
    ├── NoWorkItemError         the worker was sent something else than a WorkItem: its function fails
    ├── JsonError               a JSON text cannot be used; becomes a RunRefusedError or a usage error of the command
    ├── PeopleFileError         a people file cannot be used; becomes a RunRefusedError, CustomerError or usage error
    ├── NotStartedError         a worker finds that a customer must not be begun; its result is not_started
    ├── CustomerError           one customer fails; becomes the `error` of its result
    └── AwsCallError            a call to AWS did not succeed; becomes a CustomerError or a RunRefusedError

The class names of RunRefusedError's children are the `errorType` that callers see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Category = Literal["configuration", "authentication", "operation", "timeout", "internal"]
FailureKind = Literal["refused", "conflict", "throttled", "server", "lost", "unreachable"]


class SesFleetError(Exception):
    """The base class of all exceptions of ses-fleet."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a document: `path` is a JSON path such as `$.include[0]`, `text` what is wrong."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


class OrchestratorError(SesFleetError):
    """The orchestrator itself failed. The message says what broke and where, and repeats no value."""


class NoWorkItemError(SesFleetError):
    """The worker was sent something else than a WorkItem. The message names the wrong fields, and repeats no value."""


class RunRefusedError(SesFleetError):
    """The run does not start. The message lists every problem that was found, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RequestError(RunRefusedError):
    """The action payload is wrong."""


class ConfigurationError(RunRefusedError):
    """A configuration file or the deployment is wrong."""


class JsonError(SesFleetError):
    """A JSON text that cannot be taken as it is. `problems` has everything that is wrong with it, with JSON paths.

    `is_json` is False for a text that is no JSON at all.
    """

    def __init__(self, problems: Iterable[Problem], *, is_json: bool = True) -> None:
        self.problems = tuple(problems)
        self.is_json = is_json
        super().__init__("; ".join(str(problem) for problem in self.problems))


class PeopleFileError(SesFleetError):
    """A people file that cannot be used. `texts` say everything that is wrong, and repeat nothing of what is in it.

    What is wrong with a row begins with its line, such as `line 3: email: ...`.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)
        super().__init__("\n".join(self.texts))


class NotStartedError(SesFleetError):
    """Nothing ran of the customer. The message is complete: why, and what to do."""


class CustomerError(SesFleetError):
    """One customer's operation failed. `message` is complete: what happened, to whom, what to do."""

    def __init__(
        self,
        category: Category,
        type_: str,
        message: str,
        *,
        retryable: bool = False,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.category: Category = category
        self.type = type_
        self.message = message
        self.retryable = retryable
        self.outcome_unknown = outcome_unknown


class AwsCallError(SesFleetError):
    """An AWS call that did not succeed.

    `kind`: refused (4xx), conflict (somebody else changed the same thing; nothing was done), throttled (429 or a
    throttling code), server (5xx), lost (maybe sent, no answer), unreachable (certainly not sent, by none of the
    SDK's tries). `text` says in words of ours what `code` means: nothing of the service's own message is kept.
    `outcome_unknown` is set where the call was a writing one whose effect nobody knows.
    """

    def __init__(
        self, service: str, operation: str, kind: FailureKind, code: str, text: str, status: int | None = None
    ) -> None:
        super().__init__(f"{service}.{operation}: {code}: {text}")
        self.service = service
        self.operation = operation
        self.kind: FailureKind = kind
        self.code = code
        self.text = text
        self.status = status
        self.outcome_unknown = False

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed later."""
        return self.kind != "refused"
