"""The search for what must not be seen, over everything that a local cloud's runs wrote and printed.

It runs when a local cloud of the tests ends: after all that was done in it.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.local_cloud.conftest import Cloud

# Any address at all: what the local cloud was filled with, and what SES might add. Bounded: texts may be megabytes.
ADDRESS = re.compile(r"[A-Za-z0-9._%+-]@[A-Za-z0-9-]{1,63}\.[A-Za-z0-9]")
_SIGNATURE = re.compile(r"X-Amz-Signature|Signature=[0-9a-f]{16}", re.IGNORECASE)
_FUNCTIONS = ("ses-fleet-orchestrator", "ses-fleet-worker")


def found(cloud: Cloud) -> list[str]:
    """Where a credential, a signature or an address was found, a line each."""
    handed_out = json.loads(cloud.control("GET", "credentials"))
    secrets = [value for given in handed_out for name, value in given.items() if name != "access_key_id"]
    secrets += _erasure_keys(cloud)
    leaks = []
    for where, text, may_hold_addresses in _everything(cloud):
        if any(secret in text for secret in secrets):
            leaks.append(f"a credential in {where}")
        if _SIGNATURE.search(text):
            leaks.append(f"a signature in {where}")
        address = ADDRESS.search(text)
        if address and not may_hold_addresses:
            leaks.append(f"…{address[0]}… in {where}")
    return leaks


def _erasure_keys(cloud: Cloud) -> list[str]:
    """The keys by which erased people are remembered, as the secret has them."""
    client = cloud.client("secretsmanager")
    with contextlib.suppress(client.exceptions.ClientError, ValueError):
        held = json.loads(client.get_secret_value(SecretId="ses-fleet/erasure")["SecretString"])
        return list(held["keys"].values())
    return []


def _everything(cloud: Cloud) -> Iterator[tuple[str, str, bool]]:
    """(where, text, whether addresses belong there) of logs, records, data, notifications and printed text.

    What other code than ours printed into a function's log is not ours; what became of it elsewhere is.
    """
    for function in _FUNCTIONS:
        for stream, line in cloud.log_events(function):
            if stream not in cloud.others_streams:
                yield f"the log of {function}", line, False
    for page in cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=cloud.results_bucket):
        for entry in page.get("Contents", []):
            body = cloud.s3.get_object(Bucket=cloud.results_bucket, Key=entry["Key"])["Body"].read()
            yield entry["Key"], _text(body), not entry["Key"].startswith(("runs/", "erased/"))
    for text in cloud.spoken:
        yield "what a command printed", text, False
    sqs = cloud.client("sqs")
    for queue in sqs.list_queues().get("QueueUrls", []):
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                yield queue, json.dumps(message), False
    yield "the journal", json.dumps(cloud.journal()), False


def _text(body: bytes) -> str:
    with contextlib.suppress(EOFError, OSError):  # a part that a test broke
        body = gzip.decompress(body)
    return body.decode(errors="replace")
