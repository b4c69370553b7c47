"""Functions on their way to what they were told to be, and what moto forgets of them."""

from __future__ import annotations

import io
import platform
import sys
import zipfile
from typing import Any

import pytest
from moto.awslambda.models import lambda_backends

from strict_aws.backend import seeding
from strict_aws.conditions.conditions import Conditions, CurrentConditions
from strict_aws.http.messages import AwsError
from strict_aws.lambda_runtime.function import Logging
from strict_aws.lambda_service import functions as deployed
from strict_aws.lambda_service.functions import Functions, misfits

PLACE = ("111122223333", "eu-west-1")
KEY = (*PLACE, "pending")
ROLE = "arn:aws:iam::111122223333:role/f"


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own, at its beginning."""
    return Clock()


def bundle() -> bytes:
    """A zip that brings a package of its own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mine-1.0.dist-info/METADATA", "Name: mine")
    return buffer.getvalue()


def deploy() -> None:
    """A function in moto's state, which is the process's."""
    if [*lambda_backends[PLACE[0]][PLACE[1]].list_functions()]:
        return
    nothing: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}
    seeding.make_role(ROLE, trust=nothing, policies={"p": nothing})
    seeding.make_function(
        *PLACE, name=KEY[2], handler="f.h", role_arn=ROLE, code=bundle(), timeout=3, memory_mb=128, variables={}
    )


@pytest.fixture
def functions(clock: Clock) -> Functions:
    """Under conditions in which a change takes a second."""
    deploy()
    return Functions(CurrentConditions(Conditions(pending_seconds=1.0)), clock=clock)


def refusal(call: Any, *arguments: Any) -> AwsError:
    """The error that a call raises, which is Lambda's 409."""
    with pytest.raises(AwsError) as refused:
        call(*arguments)
    assert (refused.value.code, refused.value.status) == ("ResourceConflictException", 409)
    return refused.value


def test_a_function_that_is_being_created_runs_nothing_and_changes_nothing(functions: Functions, clock: Clock) -> None:
    """In Lambda's words; a second later it does."""
    functions.changing(KEY, None)
    words = "The function is currently in the following state: Pending"
    assert words in refusal(functions.runnable, *KEY).message
    assert words in refusal(functions.check_changeable, KEY).message
    assert functions.described(KEY)["State"] == "Pending"
    clock.now = 1.0
    assert functions.runnable(*KEY).name == "pending"
    functions.check_changeable(KEY)
    assert "State" not in functions.described(KEY)


def test_while_it_is_updated_the_one_before_runs_and_nothing_else_changes_it(
    functions: Functions, clock: Clock
) -> None:
    """And the new one after that."""
    before = functions.find(*KEY)
    functions.keep(KEY, {"LoggingConfig": {"LogFormat": "JSON"}})
    functions.changing(KEY, before)
    assert functions.runnable(*KEY) == before
    assert before.arn in refusal(functions.check_changeable, KEY).message
    assert functions.described(KEY)["LastUpdateStatus"] == "InProgress"
    clock.now = 1.0
    assert functions.runnable(*KEY).logging.json
    assert functions.runnable(*KEY).generation != before.generation


def test_under_kind_conditions_every_change_is_there_at_once() -> None:
    """A function is never in a state between two others."""
    functions = Functions()
    functions.changing(KEY, None)
    functions.check_changeable(KEY)
    assert "State" not in functions.described(KEY)


def test_a_logging_configuration_is_kept_and_described(functions: Functions) -> None:
    """As Lambda does, with its defaults; a deleted function's is forgotten."""
    assert functions.described(KEY)["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/pending"}
    functions.keep(KEY, {"LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "WARN", "LogGroup": "mine"}})
    assert functions.find(*KEY).logging == Logging(True, "WARN", "INFO", "mine")
    assert functions.described(KEY)["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "WARN",
        "SystemLogLevel": "INFO",
        "LogGroup": "mine",
    }
    functions.forget(KEY)
    assert functions.find(*KEY).logging == Logging()


@pytest.mark.parametrize(
    "config",
    [
        {"LogFormat": "XML"},
        {"LogFormat": "Text", "SystemLogLevel": "INFO"},
        {"ApplicationLogLevel": "INFO"},
        {"LogFormat": "JSON", "ApplicationLogLevel": "LOUD"},
        {"LogFormat": "JSON", "SystemLogLevel": "ERROR"},
    ],
)
def test_a_logging_configuration_that_lambda_has_not_is_refused(config: dict[str, str]) -> None:
    """Levels are of JSON only."""
    with pytest.raises(AwsError) as refused:
        deployed.check_logging(config)
    assert refused.value.code == "InvalidParameterValueException"


def test_a_package_for_another_machine_is_known_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """By architecture or by Python; AWS's default architecture is x86_64."""
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    here = f"python3.{sys.version_info.minor}"
    assert misfits(here, ["arm64"]) is None
    assert misfits(here, []) == f"it is made for {here} on x86_64, and this machine runs {here} on arm64"
    assert misfits("python3.9", ["arm64"]) is not None
