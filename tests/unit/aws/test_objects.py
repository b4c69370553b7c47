"""S3 objects as we read, write and list them: whose bucket, which version, how much, how long between tries."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket, TooLargeError
from ses_fleet.errors import AwsCallError


class S3(AwsClient):
    """Answers each operation with the next of its answers; `asked` are the requests so far."""

    def __init__(self, **answers: list[Any]) -> None:
        super().__init__("s3", None)
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The next answer, raised if it is an error."""
        self.asked.append((operation, parameters))
        answer = self.answers[operation].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)


def refused(status: int) -> AwsCallError:
    """A refusal of S3's."""
    return AwsCallError("s3", "get_object", "refused", "X", "no", status)


def stored(body: bytes, **more: Any) -> dict[str, Any]:
    """GetObject's answer."""
    return {"Body": io.BytesIO(body), "ContentLength": len(body), **more}


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ({"VersionId": "v7", "ETag": '"e"'}, "v7"),
        ({"VersionId": "null", "ETag": '"e"'}, "e"),
        ({"ETag": '"e"'}, "e"),
        ({"VersionId": "", "ETag": ""}, None),
        ({}, None),
    ],
)
def test_an_object_has_the_version_that_s3_tells(answer: dict[str, Any], version: str | None) -> None:
    """A bucket that keeps no versions has an ETag; what was written tells the same as what is read."""
    client = S3(get_object=[stored(b"x", **answer)], put_object=[answer])
    bucket = Bucket(client, "b")
    assert bucket.read("k", limit=10).version == version
    assert bucket.write("k", b"x") == version


def test_an_object_may_be_as_large_as_the_limit_and_no_larger() -> None:
    """What is larger is not read at all, and its size is told."""
    bucket = Bucket(S3(get_object=[stored(b"12345"), stored(b"123456")]), "b")
    assert bucket.read("k", limit=5).body == b"12345"
    with pytest.raises(TooLargeError) as error:
        bucket.read("k", limit=5)
    assert (error.value.size, str(error.value)) == (6, "6 bytes")


def test_only_what_is_not_there_is_nothing() -> None:
    """An object that may not be read is a failure."""
    bucket = Bucket(S3(get_object=[refused(404), refused(403)]), "b")
    assert bucket.find("k", limit=5) is None
    with pytest.raises(AwsCallError):
        bucket.find("k", limit=5)


def test_all_pages_of_folders_are_listed() -> None:
    """By their names alone; a page without any is one, too."""
    pages = [
        {
            "IsTruncated": True,
            "NextContinuationToken": "t1",
            "CommonPrefixes": [{"Prefix": "p/a/"}, {"Prefix": "p/b/"}],
        },
        {"IsTruncated": True, "NextContinuationToken": "t2", "CommonPrefixes": None},
        {"IsTruncated": False, "CommonPrefixes": [{"Prefix": "p/c/"}]},
    ]
    client = S3(list_objects_v2=pages)
    assert Bucket(client, "b").folders("p/") == ["a", "b", "c"]
    assert [asked.get("ContinuationToken") for _, asked in client.asked] == [None, "t1", "t2"]
    assert Bucket(S3(list_objects_v2=[{}]), "b").folders("p/") == []


@pytest.mark.parametrize(("after", "first"), [("p/b", {"StartAfter": "p/b"}), (None, {})])
def test_a_listing_may_begin_behind_a_key(after: str | None, first: dict[str, str]) -> None:
    """Its later pages begin where the page before ended."""
    now = {"ResponseMetadata": {"HTTPHeaders": {"date": "Sun, 01 Mar 2026 06:00:10 GMT"}}}
    written = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
    pages = [
        {
            **now,
            "IsTruncated": True,
            "NextContinuationToken": "t",
            "Contents": [{"Key": "p/c", "LastModified": written}],
        },
        {**now, "IsTruncated": False, "Contents": [{"Key": "p/d", "LastModified": written}]},
    ]
    client = S3(list_objects_v2=pages)
    found = Bucket(client, "b").objects("p/", after=after)
    assert [(one.key, one.age) for one in found] == [("p/c", 10.0), ("p/d", 10.0)]
    asked = {"Bucket": "b", "Prefix": "p/"}
    assert [parameters for _, parameters in client.asked] == [{**asked, **first}, {**asked, "ContinuationToken": "t"}]


@pytest.mark.parametrize(("owner", "named"), [("111122223333", {"ExpectedBucketOwner": "111122223333"}), (None, {})])
def test_a_bucket_of_a_customer_is_written_only_in_its_account(owner: str | None, named: dict[str, str]) -> None:
    """S3 compares it with every write; our own bucket needs no such word."""
    client = S3(put_object=[{}, {}], delete_object=[{}])
    bucket = Bucket(client, "b", owner)
    bucket.write("k", b"x", "text/plain")
    bucket.create("k", b"x")
    bucket.delete("k")
    assert [asked.get("ExpectedBucketOwner") for _, asked in client.asked] == [named.get("ExpectedBucketOwner")] * 3
    assert client.asked[0] == (
        "put_object",
        {"Bucket": "b", "Key": "k", "Body": b"x", "ContentType": "text/plain", **named},
    )
    assert client.asked[1][1]["IfNoneMatch"] == "*"
    assert client.asked[2] == ("delete_object", {"Bucket": "b", "Key": "k", **named})


def test_an_object_has_a_place_that_people_can_use() -> None:
    """As the aws command takes it."""
    assert Bucket(S3(), "b").location("a/k.json") == "s3://b/a/k.json"


def test_a_conditional_write_is_tried_five_times_with_ever_longer_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the longest to the longest: 0.1 s, then twice as long each time; none after the last."""
    slept: list[float] = []
    monkeypatch.setattr("ses_fleet.aws.s3.time.sleep", slept.append)
    conflict = AwsCallError("s3", "put_object", "refused", "ConditionalRequestConflict", "", 409)
    client = S3(put_object=[conflict] * 9, get_object=[refused(404)] * 9)
    with pytest.raises(AwsCallError):
        Bucket(client, "b").create("k", b"x")
    assert [operation for operation, _ in client.asked].count("put_object") == 5
    for pause, longest in zip(slept, (0.1, 0.2, 0.4, 0.8), strict=True):
        assert longest / 2 <= pause <= longest


def test_a_read_back_that_fails_for_a_moment_is_tried_five_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one may still tell; a refusal is none of a moment."""
    slept: list[float] = []
    monkeypatch.setattr("ses_fleet.aws.s3.time.sleep", slept.append)
    lost = AwsCallError("s3", "get_object", "lost", "X", "", None)
    there = AwsCallError("s3", "put_object", "refused", "PreconditionFailed", "", 412)
    client = S3(put_object=[there], get_object=[*[lost] * 4, stored(b"x")])
    assert Bucket(client, "b").create("k", b"x")
    assert len(slept) == 4
    client = S3(put_object=[there], get_object=[refused(403)])
    with pytest.raises(AwsCallError) as error:
        Bucket(client, "b").create("k", b"x")
    assert error.value.status == 403
