"""The one door to AWS: failures translated, nothing of a customer kept, pages left as JSON."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.response import StreamingBody

from ses_fleet import foreign_errors
from ses_fleet.aws import clients
from ses_fleet.errors import AwsCallError

KEYS = clients.Credentials("ASIAKEY", "SECRET", "TOKEN")


class Body:
    """What urllib3 hands to botocore."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Any:
        """All at once."""
        yield self._body


def ses_that_answers(status: int, body: dict[str, Any]) -> clients.AwsClient:
    """A real client whose HTTP is made up."""
    made = clients.client("sesv2", "us-east-1", credentials=KEYS)

    def answer(**_: Any) -> AWSResponse:
        headers: Any = {"content-type": "application/json", "x-amzn-errortype": body.get("code", "")}
        return AWSResponse("http://x", status, headers, Body(json.dumps(body).encode()))

    made._client.meta.events.register("before-send.sesv2", answer)
    return made


PAGE = {
    "Contacts": [
        {
            "EmailAddress": "a@b.example",
            "TopicPreferences": [{"TopicName": "t", "SubscriptionStatus": "OPT_IN"}],
            "UnsubscribeAll": False,
            "LastUpdatedTimestamp": 1_700_000_000.5,
        }
    ],
    "NextToken": "more",
}


def test_a_page_of_contacts_is_left_as_json() -> None:
    """The hook of botocore's that this stands on is there; token and everything else are botocore's."""
    answer = ses_that_answers(200, PAGE).call("list_contacts", ContactListName="main")
    assert answer["Contacts"] == PAGE["Contacts"]
    assert answer["NextToken"] == "more"


@pytest.mark.parametrize("body", [{"Contacts": None, "NextToken": None}, {"Contacts": []}, {}])
def test_a_page_of_nobody_is_an_empty_page(body: dict[str, Any]) -> None:
    """Whether it is null, absent or empty, and so is its token."""
    answer = ses_that_answers(200, body).call("list_contacts", ContactListName="main")
    assert answer["Contacts"] == []
    assert answer.get("NextToken") is None


def test_other_answers_are_botocores() -> None:
    """Times are times there."""
    answer = ses_that_answers(200, {"ContactListName": "main", "CreatedTimestamp": 1_700_000_000}).call(
        "get_contact_list", ContactListName="main"
    )
    assert isinstance(answer["CreatedTimestamp"], datetime)
    assert "Contacts" not in answer


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "BadRequestException", "refused"),
        (404, "NotFoundException", "refused"),
        (403, "AccessDeniedException", "refused"),
        (429, "TooManyRequestsException", "throttled"),
        (400, "ThrottlingException", "throttled"),
        (400, "LimitExceededException", "refused"),
        (500, "InternalFailure", "server"),
        (503, "ServiceUnavailable", "server"),
    ],
)
def test_an_error_is_translated_into_our_words(status: int, code: str, kind: str) -> None:
    """Its code and its kind are kept, its text is not. On ListContacts, whose good pages go another way, too."""
    client = ses_that_answers(status, {"code": code, "message": '"bo.ek"@acme.example is wrong'})
    with pytest.raises(AwsCallError) as error:
        client.call("list_contacts", ContactListName="main")
    assert (error.value.kind, error.value.code, error.value.status) == (kind, code, status)
    assert error.value.text == foreign_errors.words(code, error.value.kind)
    assert "ek" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ReadTimeoutError(endpoint_url="http://x"), "lost"),
        (ClientError({"Error": {}}, "x"), "refused"),
    ],
)
def test_what_boto3_raises_is_an_aws_call_error(raised: Exception, kind: str) -> None:
    """A lost answer is not a refusal."""

    class Raw:
        def list_contacts(self) -> None:
            raise raised

    with pytest.raises(AwsCallError) as error:
        clients.AwsClient("sesv2", Raw()).call("list_contacts")
    assert error.value.kind == kind


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ('EmailAddress <"bo.ek"@acme.example> is invalid', "SES refuses the address"),
        ("List main doesn't contain Topic ana,lee@acme.example", "SES refuses one of the topics"),
        ("A maximum of 1 Lists allowed per account.", "the account has a contact list already"),
        ("ada@acme.example", "AWS did not accept a value of the request"),
    ],
)
def test_what_ses_does_not_take_is_said_in_our_words(message: str, said: str) -> None:
    """It has one code for all of it; which it is, its message tells, of which nothing is kept."""
    with pytest.raises(AwsCallError) as error:
        ses_that_answers(400, {"code": "BadRequestException", "message": message}).call(
            "create_contact", ContactListName="main", EmailAddress="x"
        )
    assert error.value.text == said


def test_a_code_that_is_no_code_is_not_kept() -> None:
    """Whatever stands where the code should."""
    client = ses_that_answers(400, {"code": "ana,lee@acme.example", "message": ""})
    with pytest.raises(AwsCallError) as error:
        client.call("list_contacts", ContactListName="main")
    assert "lee" not in f"{error.value} {error.value.code}"


@pytest.mark.parametrize("operation", ["list_contacts", "get_contact_list", "delete_contact"])
@pytest.mark.parametrize(
    ("body", "announced"),
    [
        (b"<html>ada@acme.example", None),
        (b'{"Contacts": [{"EmailAddress": "ada@acme', None),
        (b"", "40"),
        (b'{"Contacts": []}', "17"),
        (b"[]", None),
        (b"null", None),
        (b"\xff", None),
    ],
)
def test_an_answer_that_is_not_whole_is_a_lost_one(body: bytes, announced: str | None, operation: str) -> None:
    """botocore takes it for one in which nothing is: a list without contacts, whose people would all be removed."""
    made = clients.client("sesv2", "us-east-1", credentials=KEYS)

    def answer(**_: Any) -> AWSResponse:
        headers: Any = {"content-type": "application/json", **({"content-length": announced} if announced else {})}
        return AWSResponse("http://x", 200, headers, Body(body))

    made._client.meta.events.register("before-send.sesv2", answer)
    more = {"EmailAddress": "a@b.example"} if operation == "delete_contact" else {}
    with pytest.raises(AwsCallError) as error:
        made.call(operation, ContactListName="main", **more)
    assert error.value.kind == "lost"
    assert "ada" not in str(error.value)


def test_an_answer_without_a_body_may_be_whole() -> None:
    """SES says nothing where there is nothing to say."""
    made = clients.client("sesv2", "us-east-1", credentials=KEYS)
    headers: Any = {"content-length": "0"}
    made._client.meta.events.register("before-send.sesv2", lambda **_: AWSResponse("http://x", 200, headers, Body(b"")))
    assert made.call("delete_contact", ContactListName="main", EmailAddress="a@b.example")


def test_a_body_that_is_shorter_than_announced_is_lost() -> None:
    """It is never taken for the whole."""
    stream = StreamingBody(io.BytesIO(b'{"a": 1'), 8)
    with pytest.raises(AwsCallError) as error:
        clients.AwsClient("s3", None).read_body("get_object", {"Body": stream}, 100)
    assert (error.value.kind, error.value.code) == ("lost", "IncompleteReadError")


def test_parameters_of_the_wrong_form_are_refused() -> None:
    """Before anything is sent."""
    with pytest.raises(AwsCallError) as error:
        clients.client("sesv2", "us-east-1", credentials=KEYS).call("get_contact_list")
    assert error.value.kind == "refused"


def test_no_region_is_a_failure_of_ours_not_of_botocores() -> None:
    """Callers know one exception."""
    with pytest.raises(AwsCallError) as error:
        clients.client("sesv2", None)
    assert (error.value.kind, error.value.code) == ("unreachable", "NoRegionError")


def test_an_empty_region_is_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that a script did not set is told as what it is, not as a signature that cannot be made."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    clients._warm_session.cache_clear()
    with pytest.raises(AwsCallError) as error:
        clients.client("lambda", "")
    clients._warm_session.cache_clear()
    assert (error.value.code, error.value.text) == ("NoRegionError", "no Region is configured")


@pytest.mark.parametrize(
    ("region", "endpoint", "code", "said"),
    [
        ("us_east_1!", None, "InvalidRegionError", "the configured Region does not exist"),
        (
            "us-east-1",
            "localhost:4566",
            "ValueError",
            "a setting of the AWS SDK, such as AWS_ENDPOINT_URL, is malformed",
        ),
    ],
)
def test_a_setting_of_the_wrong_form_is_not_an_unreachable_service(
    region: str, endpoint: str | None, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody goes looking for a network that is well."""
    if endpoint is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(AwsCallError) as error:
        clients.client("lambda", region)
    assert (error.value.kind, error.value.code) == ("unreachable", code)
    assert error.value.text.startswith(said)


def test_a_certificate_that_is_not_trusted_is_said_to_be() -> None:
    """Behind a company's proxy, or with a local cloud's file missing."""
    assert "AWS_CA_BUNDLE" in foreign_errors.words("SSLError", "unreachable")


def test_credentials_show_nothing() -> None:
    """Not in a log, not in a traceback."""
    for secret in ("ASIAKEY", "SECRET", "TOKEN"):
        assert secret not in repr(KEYS)


def test_clients_are_made_anew_with_the_keys_given() -> None:
    """The warm session lends models, never credentials."""
    first = clients.client("sesv2", "us-east-1", credentials=KEYS)
    second = clients.client("sesv2", "us-east-1", credentials=clients.Credentials("ASIAOTHER", "S2", "T2"))
    keys = [client._client._get_credentials().access_key for client in (first, second)]
    assert keys == ["ASIAKEY", "ASIAOTHER"]
    assert clients._warm_session().get_credentials() is None
