"""What delays calls, by a clock of the test's own: the latency of the conditions, and a fault."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config

from strict_aws.aws import Options, StrictAws
from strict_aws.backend import moto_state
from strict_aws.conditions.conditions import Conditions

ACCOUNT, REGION = "777766665555", "us-east-1"
LATENCY = Conditions(latency_seconds={"s3": 0.6})


@contextmanager
def started(sleep: Callable[[float], object], conditions: Conditions) -> Iterator[StrictAws]:
    """A strict AWS on loopback that waits with this function."""
    aws = StrictAws(Options(ses_rate=0, conditions=conditions), sleep=sleep)
    aws.start()
    try:
        yield aws
    finally:
        aws.stop()


def client(aws: StrictAws, service: str) -> Any:
    """A boto3 client that tries once, and not for long."""
    factory: Any = boto3.session.Session()
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "local"}
    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=60)
    return factory.client(service, region_name=REGION, endpoint_url=aws.url, config=config, **keys)


@pytest.mark.matrix
def test_calls_take_their_time_beside_each_other() -> None:
    """Six calls wait at the same moment, before their effect and after it: none waits for another to end."""
    together = threading.Barrier(6)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        together.wait(timeout=30)

    with started(sleep, LATENCY) as aws:
        clients = [client(aws, "s3") for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda s3: s3.list_buckets(), clients))
    assert slept == [0.3] * 12


def test_half_of_the_time_passes_before_the_effect_and_half_after() -> None:
    """Of the services that have a latency, and of no others; the controls have none."""
    name, there = "test-latency-halves", list[bool]()

    with started(lambda _: there.append(moto_state.find_bucket(name) is not None), LATENCY) as aws:
        client(aws, "sts").get_caller_identity()
        urllib.request.urlopen(f"{aws.url}/_strict_aws/ready", timeout=30).close()  # noqa: S310  # loopback
        assert there == []
        client(aws, "s3").create_bucket(Bucket=name)
        assert there == [False, True]


@pytest.mark.matrix
def test_a_fault_delays_the_calls_that_it_is_for() -> None:
    """By its seconds, before the effect, and the call succeeds."""
    slept: list[float] = []
    with started(slept.append, Conditions()) as aws:
        rules = json.dumps([{"operation": "GetCallerIdentity", "fault": "delay", "seconds": 0.4}]).encode()
        request = urllib.request.Request(f"{aws.url}/_strict_aws/faults", method="PUT", data=rules)  # noqa: S310
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310
        assert client(aws, "sts").get_caller_identity()["Account"] == ACCOUNT
        client(aws, "s3").list_buckets()
        reasons = [entry.reason for entry in aws.journal.since()]
    assert slept == [0.4]
    assert reasons == ['fault: ["delay"]', None]
