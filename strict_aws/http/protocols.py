"""Answers and errors in the form of each AWS protocol."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from strict_aws.http.messages import AwsError, Response

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Of services whose model names several protocols the first; botocore speaks their JSON.
_SPOKEN_AS_JSON = "smithy-rpc-v2-cbor"
_STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def json_answer(body: Mapping[str, Any], status: int = 200) -> Response:
    """Return an answer of the rest-json protocol with this body."""
    return Response(status, json.dumps(body).encode(), {"Content-Type": "application/json", **_request_id()})


def sts_answer(operation: str, result: str) -> Response:
    """Return a query-protocol answer of STS; `result` is the XML inside <operationResult>."""
    request_id = str(uuid.uuid4())
    body = (
        f'<{operation}Response xmlns="{_STS_NAMESPACE}"><{operation}Result>{result}</{operation}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
    return Response(200, body.encode(), {"Content-Type": "text/xml", "x-amzn-RequestId": request_id})


def error_answer(error: AwsError, protocol: str) -> Response:
    """Return an error in the form that botocore's parser of this protocol expects."""
    if protocol == "rest-xml":
        return _s3_error(error)
    if protocol in ("query", "ec2"):
        return _query_error(error)
    body = {"message": error.message, **error.fields}
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code, **_request_id(), **error.headers}
    if protocol in ("json", _SPOKEN_AS_JSON):
        body["__type"] = error.code
    return Response(error.status, json.dumps(body).encode(), headers)


def xml(tag: str, text: str) -> str:
    """Return one escaped XML element; characters that XML does not allow become U+FFFD."""
    return f"<{tag}>{escape(_NOT_XML.sub(chr(0xFFFD), text))}</{tag}>"


def _s3_error(error: AwsError) -> Response:
    fields = "".join(xml(name, value) for name, value in error.fields.items())
    body = f"<Error>{xml('Code', error.code)}{xml('Message', error.message)}{fields}</Error>"
    return Response(error.status, body.encode(), {"Content-Type": "application/xml", **_request_id(), **error.headers})


def _query_error(error: AwsError) -> Response:
    fault = "Sender" if error.status < 500 else "Receiver"
    inner = f"{xml('Type', fault)}{xml('Code', error.code)}{xml('Message', error.message)}"
    body = f"<ErrorResponse><Error>{inner}</Error>{xml('RequestId', str(uuid.uuid4()))}</ErrorResponse>"
    return Response(error.status, body.encode(), {"Content-Type": "text/xml", **_request_id(), **error.headers})


def _request_id() -> dict[str, str]:
    return {"x-amzn-RequestId": str(uuid.uuid4())}
