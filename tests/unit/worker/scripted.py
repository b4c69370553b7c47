"""AWS by script: pages as they are given, tokens that are refused, and answers made from botocore's models."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session

from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError

Answer = dict[str, Any]
_MOMENT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Scripted(AwsClient):
    """Answers each operation with what its function in `answers` makes of the request. `asked`: operations so far."""

    def __init__(self, answers: dict[str, Callable[[Answer], Answer]]) -> None:
        super().__init__("scripted", None)
        self.answers = answers
        self.asked: list[str] = []

    def call(self, operation: str, **parameters: Any) -> Answer:
        """As boto3 would."""
        self.asked.append(operation)
        return self.answers[operation](parameters)


class Pages:
    """A listing. From the first refusal on it shows the pages of `then`, as time has passed.

    `refused`: which of the requests that carry a token are refused, counted from 1. A token is good for the pages that
    it was given with, and no others.
    """

    def __init__(self, member: str, pages: list[list[Any]], then: list[list[Any]] | None = None) -> None:
        self.refused: set[int] = set()
        self.code = "BadRequestException"
        self.firsts = 0
        self._member = member
        self._generations = [pages, then if then is not None else pages]
        self._generation = 0
        self._with_token = 0

    @property
    def was_refused(self) -> bool:
        """Whether a token was."""
        return self._generation > 0

    def __call__(self, parameters: Answer) -> Answer:
        """One page."""
        token = parameters.get("NextToken")
        at = 0
        if token is None:
            self.firsts += 1
        else:
            self._with_token += 1
            if self._with_token in self.refused:
                self._generation = 1
                raise AwsCallError("scripted", "list", "refused", self.code, "the token is invalid", 400)
            generation, at = (int(part) for part in token.split("-"))
            assert generation == self._generation, "a token of an abandoned walk"
        pages = self._generations[self._generation] or [[]]
        more = {"NextToken": f"{self._generation}-{at + 1}"} if at + 1 < len(pages) else {}
        return {self._member: copy.deepcopy(pages[at]), **more}


def refused(operation: str, code: str, status: int = 400) -> AwsCallError:
    """A refusal of AWS's."""
    return AwsCallError("scripted", operation, "refused", code, "no", status)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def output_shape(service: str, operation: str) -> Any:
    """The model of an operation's answer."""
    return _session().get_service_model(service).operation_model(operation).output_shape


def knows(service: str, operation: str) -> bool:
    """Whether the service has an operation of this name, in boto3's spelling."""
    model = _session().get_service_model(service)
    return "".join(part.title() for part in operation.split("_")) in model.operation_names


def made(shape: Any, known: dict[str, Any], name: str = "") -> Any:
    """An answer with every member of the shape, lists with one element; `known` are values by the member's name."""
    if name in known:
        return copy.deepcopy(known[name])
    if shape.type_name == "structure":
        return {member: made(inner, known, member) for member, inner in shape.members.items() if member != "NextToken"}
    if shape.type_name == "list":
        return [made(shape.member, known, f"{name}[]")]
    plain: dict[str, Any] = {"boolean": True, "integer": 1, "double": 1.0, "timestamp": _MOMENT, "map": {}}
    return plain.get(shape.type_name, (shape.enum or ["x"])[0] if shape.type_name == "string" else None)


def empty(shape: Any) -> Any:
    """What stands for nothing in a member of this shape; None where there is no such value."""
    nothing: dict[str, Any] = {"list": [], "structure": {}, "map": {}, "boolean": False, "integer": 0, "string": ""}
    return nothing.get(shape.type_name)


def members(shape: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, bool]]:
    """Every member of an answer, at any depth: its path, its shape, and whether the model requires it."""
    if shape.type_name == "list":
        yield from members(shape.member, path)
    if shape.type_name == "structure":
        for name, inner in shape.members.items():
            yield (*path, name), inner, name in shape.required_members
            yield from members(inner, (*path, name))


ABSENT = object()


def changed(answer: Any, path: tuple[str, ...], value: Any) -> Any:
    """The same answer with another value at that path (ABSENT: none), in every element of the lists on the way."""
    if isinstance(answer, list):
        return [changed(one, path, value) for one in answer]
    name, *rest = path
    if not isinstance(answer, dict) or (rest and name not in answer):
        return answer
    if rest:
        return {**answer, name: changed(answer[name], tuple(rest), value)}
    left = {key: one for key, one in answer.items() if key != name}
    return left if value is ABSENT else {**left, name: value}


def with_null_elements(answer: Any) -> Any:
    """The same answer with a null among the elements of every list."""
    if isinstance(answer, list):
        return [None, *(with_null_elements(one) for one in answer)]
    if isinstance(answer, dict):
        return {key: with_null_elements(one) for key, one in answer.items()}
    return answer
