"""What is wrong with the body of a control request, by its JSON path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from strict_aws.http.messages import AwsError

# How the models of identity_centers.py tell given people from made-up ones. pydantic puts these tags into locations.
GIVEN, MADE_UP = "(given)", "(made up)"


def problem_path(location: Iterable[Any]) -> str:
    """Return the JSON path of a pydantic location, such as `$.users.0.email`, without pydantic's own tags."""
    return "$" + "".join(f".{part}" for part in location if part not in (GIVEN, MADE_UP))


def bad_request(path: str, message: str) -> AwsError:
    """Return the AwsError 400 that says what is wrong at a JSON path."""
    return AwsError("BadRequest", f"{path}: {message}")


def first_problem(error: ValidationError) -> AwsError:
    """Return the AwsError 400 for the first of the problems that pydantic found."""
    detail = error.errors()[0]
    return bad_request(problem_path(detail["loc"]), detail["msg"])
