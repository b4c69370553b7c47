"""Silence of AWS is told while it lasts, once, and answers in time are not commented on."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ses_fleet import limits
from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet_cli.parallel import in_order
from ses_fleet_cli.patience import PatientClient


class Told:
    """What was said, and a signal when the first of it was."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.first = threading.Event()

    def __call__(self, text: str) -> None:
        """Take it in."""
        self.texts.append(text)
        self.first.set()


class Silent:
    """S3, which answers nobody before `told` was told."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def get_object(self, **_: Any) -> dict[str, Any]:
        """boto3's method."""
        assert self._told.first.wait(60)
        return {"Body": self}

    def read(self, _size: int) -> bytes:
        """The body's method."""
        assert self._told.first.wait(60)
        return b""


def test_a_silent_service_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, with how long it is waited for; many calls at once are one line, and their answers come."""
    monkeypatch.setattr(limits, "WAIT_NOTICE_SECONDS", 0.05)
    told = Told()
    client = PatientClient(AwsClient("s3", Silent(told)), longest=175, tell=told)
    answers = list(in_order(lambda _: client.call("get_object"), range(8), at_once=8))
    assert len(answers) == 8
    (said,) = told.texts
    assert said.startswith("S3 has not answered get_object for 0.05 s: waiting for it, with all tries about 175 s at")


def test_a_body_that_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As its beginning would be."""
    monkeypatch.setattr(limits, "WAIT_NOTICE_SECONDS", 0.05)
    told = Told()
    client = PatientClient(AwsClient("s3", Silent(told)), longest=175, tell=told)
    assert client.read_body("get_object", {"Body": Silent(told)}, 10) == b""
    assert len(told.texts) == 1


def test_an_answer_in_time_is_not_commented_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor is a failure, which is raised as ever; no thread is left."""
    before = threading.active_count()
    told = Told()
    told.first.set()
    client = PatientClient(AwsClient("s3", Silent(told)), longest=175)
    assert client.call("get_object")
    with pytest.raises(AwsCallError):
        client.read_body("get_object", {"Body": object()}, 10)
    assert capsys.readouterr().err == ""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(60)
    assert threading.active_count() <= before
