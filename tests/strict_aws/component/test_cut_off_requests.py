"""A client that dies while it sends a request, as a killed function does: AWS does nothing."""

from __future__ import annotations

import socket
import urllib.parse
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from strict_aws.aws import Options, StrictAws

ACCOUNT, REGION = "777766665555", "us-east-1"


@pytest.fixture
def aws() -> Iterator[StrictAws]:
    """A strict AWS on loopback."""
    made = StrictAws(Options(ses_rate=0))
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize("sent", [b"", b'{"half":'])
def test_a_request_that_is_cut_off_has_no_effect(aws: StrictAws, sent: bytes) -> None:
    """The object is not there, not even an empty one, and nothing is in the journal."""
    factory: Any = boto3.session.Session()
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "local"}
    s3 = factory.client("s3", region_name=REGION, endpoint_url=aws.url, **keys)
    s3.create_bucket(Bucket="records")
    url = urllib.parse.urlsplit(s3.generate_presigned_url("put_object", {"Bucket": "records", "Key": "result.json"}))
    with socket.create_connection(("127.0.0.1", int(url.port or 0))) as dying:
        head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 20\r\n\r\n"
        dying.sendall(head.encode() + sent)
        dying.shutdown(socket.SHUT_WR)
        assert dying.recv(100) == b""
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket="records", Key="result.json")
    assert "PutObject" not in [entry.operation for entry in aws.journal.since()]
