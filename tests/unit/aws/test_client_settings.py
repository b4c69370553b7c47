"""What a client is made with, what a download gives, and what stays of warming up: nothing of a customer."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from ses_fleet.aws import clients
from ses_fleet.errors import AwsCallError

KEYS = clients.Credentials("ASIAKEY", "SECRET", "TOKEN")


def config(**options: Any) -> Any:
    """botocore's own settings of a client that was made so."""
    return clients.client("sesv2", "eu-west-1", credentials=KEYS, **options)._client.meta.config


def test_a_client_sends_once_and_waits_a_bounded_time() -> None:
    """5 s for a connection, 30 s for an answer, one connection, unless it is told otherwise."""
    found = config()
    assert (found.connect_timeout, found.read_timeout, found.max_pool_connections) == (5, 30, 1)
    assert found.retries["total_max_attempts"] == 1
    assert found.region_name == "eu-west-1"


def test_a_client_is_made_as_it_is_asked_for() -> None:
    """Attempts are tries, not tries again."""
    found = config(attempts=3, connect_timeout=60, read_timeout=300, connections=16)
    assert (found.connect_timeout, found.read_timeout, found.max_pool_connections) == (60, 300, 16)
    assert found.retries["total_max_attempts"] == 3


def test_customers_see_whose_calls_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CloudTrail; whoever sets an id of an application sees that, too."""
    monkeypatch.setattr("botocore.__version__", "1.2.3")
    asked: list[str] = []

    def send(_: Any, request: Any) -> Any:
        asked.append(request.headers["User-Agent"].decode())
        raise OSError

    monkeypatch.setattr(URLLib3Session, "send", send)
    for own in ("", "team-a"):
        monkeypatch.setenv("AWS_SDK_UA_APP_ID", own)
        with pytest.raises(OSError):  # noqa: PT011
            clients.client("sesv2", "eu-west-1", credentials=KEYS).call("list_contact_lists")
    # Powertools adds its own name behind.
    assert [found.split()[:2] for found in asked] == [["ses-fleet", "Botocore/1.2.3"]] * 2
    assert [("app/team-a" in found.split()) for found in asked] == [False, True]


def download(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, limit: int = 100) -> bytes:
    """What a download gives when this is the answer."""
    raw = SimpleNamespace(read=lambda most, decode_content: io.BytesIO(body).read(most) if decode_content else b"raw")
    monkeypatch.setattr(URLLib3Session, "send", lambda *_: SimpleNamespace(raw=raw, status_code=status))
    return clients.download("https://s3.example/x?X-Amz-Signature=secret", limit)


def test_a_download_is_what_lies_there_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not encoded any more."""
    assert download(monkeypatch, 200, b"failed records") == b"failed records"
    assert download(monkeypatch, 200, b"failed records", limit=6) == b"failed"


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_download_that_is_refused_is_told_by_its_status(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """Without the URL, which is as good as a key."""
    with pytest.raises(AwsCallError) as error:
        download(monkeypatch, status, b"<Error/>")
    failure = error.value
    assert (failure.kind, failure.code, failure.status) == ("refused", f"HTTP{status}", status)
    assert "secret" not in str(failure)
    assert (failure.service, failure.operation) == ("s3", "download")


def test_a_download_that_breaks_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its type is told, and no URL."""

    def send(*_: Any) -> Any:
        raise OSError("https://s3.example/x?X-Amz-Signature=secret")

    monkeypatch.setattr(URLLib3Session, "send", send)
    with pytest.raises(AwsCallError) as error:
        clients.download("https://s3.example/x", 10)
    assert (error.value.kind, error.value.code, error.value.transient) == ("lost", "OSError", True)
    assert "secret" not in str(error.value)


def answer_of(code: str, status: int) -> ClientError:
    """An error as boto3 raises it."""
    response: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "X")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ConcurrentModificationException", 500, "conflict"),
        ("Whatever", 429, "throttled"),
        ("SlowDown", 503, "throttled"),
        ("Throttling", 400, "throttled"),
        ("InternalError", 500, "server"),
        ("Whatever", 599, "server"),
        ("Whatever", 499, "refused"),
        ("BadRequestException", 400, "refused"),
    ],
)
def test_a_refusal_is_of_a_kind(code: str, status: int, kind: str) -> None:
    """What decides whether it is tried again; AWS has a 500 for a change of others, a 400 or 503 for a used-up rate."""

    def raising(**_: Any) -> Any:
        raise answer_of(code, status)

    with pytest.raises(AwsCallError) as error:
        clients.AwsClient("sesv2", SimpleNamespace(get_account=raising)).call("get_account")
    assert (error.value.kind, error.value.status, error.value.code) == (kind, status, code)
    assert error.value.transient == (kind != "refused")
    assert str(error.value).startswith(f"sesv2.get_account: {code}: ")


@pytest.mark.parametrize(
    ("body", "asked_first"),
    [(b"{}", False), (b"x" * 65_536, False), (b"x" * 65_537, True), (io.BufferedReader(io.BytesIO(b"{}")), True)],
)
def test_a_small_object_is_sent_with_its_headers(
    monkeypatch: pytest.MonkeyPatch, body: bytes | BinaryIO, asked_first: bool
) -> None:
    """S3 is asked whether it takes a body only when that is large, or a file: asking costs a round trip."""
    found: list[bool] = []

    def send(_: Any, request: Any) -> Any:
        found.append("Expect" in request.headers)
        raise OSError

    monkeypatch.setattr(URLLib3Session, "send", send)
    with pytest.raises(OSError):  # noqa: PT011
        clients.client("s3", "us-east-1", credentials=KEYS).call("put_object", Bucket="b", Key="k", Body=body)
    assert found == [asked_first]
