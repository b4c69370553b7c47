"""Lambda's HTTP side: Invoke takes JSON as Lambda's parser reads it, and nothing else; what is said of code."""

from __future__ import annotations

import json
import platform
import sys
from typing import Any

import pytest

from strict_aws.http.messages import AwsError, Request, Response
from strict_aws.http.operations import Operation
from strict_aws.iam.identity import Caller
from strict_aws.lambda_service.api import LambdaApi
from strict_aws.lambda_service.functions import Functions
from tests.strict_aws.unit.test_lambda_functions import KEY, deploy

ANYBODY = Caller(KEY[0], f"arn:aws:iam::{KEY[0]}:root", KEY[0], KEY[1], "lambda", None, None)


def invoke(payload: bytes, kind: str) -> Response:
    """Ask whether it could be invoked with it."""
    deploy()
    nobody: Any = None
    api = LambdaApi(nobody_runs, Functions(), nobody)
    request = Request("POST", "/2015-03-31/functions/pending/invocations", "", {"x-amz-invocation-type": kind}, payload)
    return api.handle(Operation("lambda", "Invoke", {"FunctionName": KEY[2]}, "rest-json"), ANYBODY, request)


class _Runtime:
    def invoke(self, *_: Any) -> None:
        raise AssertionError("it ran")


nobody_runs: Any = _Runtime()


@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
@pytest.mark.parametrize(
    "payload",
    [
        b"NaN",
        b'{"a": NaN}',
        b"[-Infinity]",
        b'{"a": Infinity}',
        b"{} x",
        b"{}{}",
        b" ",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"[01]",
        b'{"a": "\n"}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        '{"a": 1}'.encode("utf-16"),
        b"[" * 100_000,
        b"mystring",
    ],
)
def test_what_is_not_json_is_refused_and_nothing_runs(payload: bytes, kind: str) -> None:
    """400 InvalidRequestContentException, in Lambda's words, however it is invoked."""
    with pytest.raises(AwsError) as refused:
        invoke(payload, kind)
    assert (refused.value.code, refused.value.status) == ("InvalidRequestContentException", 400)
    assert refused.value.message.startswith(
        "Could not parse request body into json: Could not parse payload into json:"
    )


@pytest.mark.parametrize("payload", [b"", b"{}", b"null", b'"text"', b'{"a": 1, "a": 2}', b'"\\ud800"', b" [1e999] \n"])
def test_any_json_will_do(payload: bytes) -> None:
    """No payload at all is an empty object; of a key that is there twice Lambda says nothing."""
    assert invoke(payload, "DryRun").status == 204


@pytest.mark.parametrize(("machine", "architecture", "told"), [("x86_64", "arm64", 1), ("aarch64", "arm64", 0)])
def test_code_for_another_machine_is_told_when_it_comes(
    machine: str,
    architecture: str,
    told: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """On the local cloud's stderr, before anything fails at import; the answer is Lambda's own."""
    deploy()
    monkeypatch.setattr(platform, "machine", lambda: machine)
    here = f"python3.{sys.version_info.minor}"
    answer = {"FunctionName": KEY[2], "Runtime": here, "Architectures": [architecture]}
    api = LambdaApi(nobody_runs, Functions(), lambda *_: Response(200, json.dumps(answer).encode()))
    request = Request("PUT", "/2015-03-31/functions/pending/code", "", {}, b"{}")
    given = api.handle(
        Operation("lambda", "UpdateFunctionCode", {"FunctionName": KEY[2]}, "rest-json"), ANYBODY, request
    )
    assert json.loads(given.body)["Architectures"] == [architecture]
    assert len(caplog.messages) == told
    if told:
        assert f"function pending may not start: it is made for {here} on arm64" in caplog.text
