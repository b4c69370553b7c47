"""Bodies in chunks with trailing checksums, as SDKs send them over HTTPS."""

from __future__ import annotations

import pytest

from strict_aws.http import aws_chunked
from strict_aws.http.messages import AwsError, Request

HEADERS = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "content-encoding": "gzip,aws-chunked",
    "x-amz-decoded-content-length": "11",
    "x-amz-trailer": "x-amz-checksum-crc32",
    "host": "s3",
}
BODY = b"5\r\nhello\r\n6;chunk-signature=ab\r\n\r\nw\r\nd\r\n0\r\nx-amz-checksum-crc32:o6a/Qw==\r\n\r\n"


def request(body: bytes, **headers: str) -> Request:
    """A PutObject with this body and these headers."""
    return Request("PUT", "/b/k", "", {**HEADERS, **headers}, body)


def test_the_body_is_what_was_meant_and_the_checksum_is_a_header() -> None:
    """Whatever is in it, line ends too; of the encodings the object's own stays."""
    plain = aws_chunked.plain(request(BODY))
    assert plain.body == b"hello\r\nw\r\nd"
    assert plain.headers == {"content-encoding": "gzip", "host": "s3", "x-amz-checksum-crc32": "o6a/Qw=="}


def test_an_empty_body_is_empty() -> None:
    """And without an encoding of its own there is no such header."""
    empty = {"x-amz-decoded-content-length": "0", "content-encoding": "aws-chunked"}
    plain = aws_chunked.plain(request(b"0\r\n\r\n", **empty))
    assert (plain.body, plain.headers) == (b"", {"host": "s3"})


def test_another_body_stays_as_it_is() -> None:
    """Also one that looks like chunks."""
    sent = request(BODY, **{"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    assert aws_chunked.plain(sent) is sent


@pytest.mark.parametrize(
    "body", [b"", b"5\r\nhello\r\n", b"5\r\nhell\r\n0\r\n\r\n", b"x\r\n", BODY.replace(b"5\r\nhello", b"4\r\nhell")]
)
def test_a_body_that_is_not_whole_is_refused(body: bytes) -> None:
    """Nothing is stored of it."""
    with pytest.raises(AwsError, match="number of bytes") as refused:
        aws_chunked.plain(request(body))
    assert refused.value.code == "IncompleteBody"
