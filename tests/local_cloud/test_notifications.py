"""A run that is over is told of through a real topic, by the role that may publish to it and to no other."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ses_fleet_local.accounts import NOTIFY_TOPIC
from tests.local_cloud import leaks
from tests.local_cloud.conftest import ORCHESTRATOR, Cloud


@pytest.fixture(scope="module")
def inbox(files_cloud: Cloud) -> Iterator[Any]:
    """What was sent to the topic since the last look: the text as mail has it."""
    sns, sqs = files_cloud.client("sns"), files_cloud.client("sqs")
    sns.create_topic(Name=NOTIFY_TOPIC.rpartition(":")[2])
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=NOTIFY_TOPIC, Protocol="sqs", Endpoint=arn)

    def look() -> list[str]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        texts = [json.loads(message["Body"])["Message"] for message in found]
        files_cloud.spoken += texts
        return texts

    with files_cloud.variables(ORCHESTRATOR, NOTIFY_TOPIC_ARN=NOTIFY_TOPIC, NOTIFY_ON="failed,findings"):
        yield look


def test_a_run_with_failures_is_told_of(cloud: Cloud, inbox: Any) -> None:
    """Who failed and why, and the commands to look further; nothing that is secret."""
    summary = cloud.run()
    (text,) = inbox()
    assert text.startswith("describe-list-all ended: 2 failed of 6 customers.")
    assert "  hooli (authentication, AccessDenied: could not assume" in text
    assert f"  ses-fleet runs show {summary['run_id']}" in text
    assert leaks.found(cloud) == []
    cloud.run(include=["globex"])
    assert inbox() == []


def test_a_refusal_and_findings_are_told_of(cloud: Cloud, inbox: Any) -> None:
    """Those that nobody would see otherwise."""
    cloud.invoke({"action": "describe-list-all", "include": ["nobody"]})
    (text,) = inbox()
    assert text.startswith("describe-list-all was refused, and nothing ran.")
    cloud.run(action="validate-access-all", include=["acmenonprod"])
    (text,) = inbox()
    assert "acmenonprod" in text


def test_what_was_not_told_is_told_by_the_reaper(cloud: Cloud, inbox: Any) -> None:
    """The run itself is over, and says so."""
    with cloud.faults({"operation": "Publish", "fault": "deny", "times": 1}):
        summary = cloud.run(include=["hooli"])
    assert (summary["exit_code"], inbox()) == (1, [])
    texts: list[str] = []
    with cloud.variables(ORCHESTRATOR, DEAD_AFTER_SECONDS="1"):
        end = time.monotonic() + 60
        while not texts and time.monotonic() < end:  # the reaper waits for a sign of life first
            time.sleep(0.5)
            assert cloud.invoke({"reap": True}).body["failed"] == []
            texts = inbox()
    (text,) = texts
    assert summary["run_id"] in text
