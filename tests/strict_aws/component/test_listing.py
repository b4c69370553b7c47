"""S3's listings while objects come and go."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

from strict_aws.aws import Options, StrictAws
from strict_aws.backend import seeding
from strict_aws.http.messages import Request, Response

ACCOUNT, BUCKET = "777766665555", "listed"


def test_a_listing_and_a_write_never_meet_in_moto() -> None:
    """moto answers 500 to a listing during which an object is deleted: the one waits for the other to end."""
    aws = StrictAws(Options(ses_rate=0))
    seeding.make_bucket(aws.moto, ACCOUNT, BUCKET, versioned=False)
    handle, inside, met = aws.moto.handle, threading.Semaphore(1), []

    def seen(request: Request, account: str) -> Response:
        alone = inside.acquire(blocking=False)
        met.append(not alone)
        threading.Event().wait(0.02)  # so that others could come
        try:
            return handle(request, account)
        finally:
            if alone:
                inside.release()

    vars(aws.moto)["handle"] = seen
    aws.start()
    try:
        factory: Any = boto3.session.Session()
        keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "local"}
        s3 = factory.client("s3", region_name="us-east-1", endpoint_url=aws.url, **keys)
        with ThreadPoolExecutor(4) as pool:
            for number in range(6):
                pool.submit(s3.delete_object, Bucket=BUCKET, Key=f"{number}")
                pool.submit(s3.list_objects_v2, Bucket=BUCKET)
    finally:
        aws.stop()
    assert met == [False] * 12
