"""The control requests, asked without a connection."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from strict_aws.aws import Options, StrictAws
from strict_aws.http.messages import Request

ACCOUNT, REGION = "888877776666", "us-east-1"
LIST = f"{ACCOUNT}/{REGION}/main"
SIGNED = {"authorization": f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/sts/aws4_request"}


@pytest.fixture
def aws() -> Iterator[StrictAws]:
    """A strict AWS that is not started, with a list of one topic in the account."""
    made = StrictAws(Options(ses_rate=0))
    topics = [{"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_OUT"}]
    made.ses.create_list(ACCOUNT, REGION, "main", description=None, topics=topics)
    yield made
    made.stop()


def ask(aws: StrictAws, method: str, control: str, body: bytes = b"", prefix: str = "/_strict_aws/") -> tuple[int, str]:
    """The status and the text of the answer."""
    path, _, query = f"{prefix}{control}".partition("?")
    answer = aws.handle(Request(method, path, query, {}, body))
    return answer.status, answer.body.decode()


def test_it_is_ready_when_everything_is_filled_and_served(aws: StrictAws) -> None:
    """Not before, not while it is being filled, and not after it was stopped."""
    said = [ask(aws, "GET", "ready")]
    aws.start(lambda: said.append(ask(aws, "GET", "ready")))
    said.append(ask(aws, "GET", "ready"))
    aws.stop()
    said.append(ask(aws, "GET", "ready"))
    assert said == [(503, "starting\n"), (503, "starting\n"), (200, "ready\n"), (503, "starting\n")]


def test_what_fails_while_it_is_filled_stops_it() -> None:
    """The exception comes out, and the port is free again."""
    first = StrictAws()

    def fill() -> None:
        raise RuntimeError("cannot be filled")

    with pytest.raises(RuntimeError, match="cannot be filled"):
        first.start(fill)
    second = StrictAws(Options(port=int(first.url.rpartition(":")[2])))
    second.start()
    second.stop()


def test_the_prefix_is_an_option() -> None:
    """Below it are the controls and the URLs of failed records; the default prefix is a path like any other then."""
    aws = StrictAws(Options(control_prefix="/_other/"))
    try:
        assert ask(aws, "GET", "journal", prefix="/_other/") == (200, "")
        assert ask(aws, "GET", "ready")[0] == 403  # an AWS request without a signature
        assert ask(aws, "GET", "nothing", prefix="/_other/") == (404, "there is no control GET /_other/nothing\n")
        assert ask(aws, "PUT", "contacts/1", prefix="/_other/")[1] == "PUT /_other/contacts/ACCOUNT/REGION/LIST\n"
        assert aws.ses._jobs.url_of("token").startswith(f"{aws.url}/_other/failed-records/token?")
    finally:
        aws.stop()


def test_the_journal_goes_on_after_a_sequence_number(aws: StrictAws) -> None:
    """It has AWS requests, refused ones too, and no controls."""
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    for headers in (SIGNED, {}):
        aws.handle(Request("POST", "/", "", headers, body))
        ask(aws, "GET", "ready")
    first, second = map(json.loads, ask(aws, "GET", "journal")[1].splitlines())
    assert (first["seq"], first["service"], first["operation"]) == (1, "sts", "GetCallerIdentity")
    assert (first["account"], first["http_status"], second["http_status"]) == (ACCOUNT, 200, 403)
    assert [json.loads(line) for line in ask(aws, "GET", "journal?since=1")[1].splitlines()] == [second]
    assert ask(aws, "GET", "journal?since=x") == (400, "since must be a sequence number\n")


def test_contacts_are_made_up_given_and_read(aws: StrictAws) -> None:
    """With the list first; a list without its name is shown alone."""
    generated = b'{"generate": 3, "seed": 1, "opt_in": {"news": 1}}'
    assert ask(aws, "PUT", f"contacts/{LIST}", generated) == (200, '{"contacts": 3}')
    assert ask(aws, "PUT", f"contacts/{LIST}", b'{"emailAddress": "ada@x.example"}\n') == (200, '{"contacts": 1}')
    lines = [json.loads(line) for line in ask(aws, "GET", f"contacts/{LIST}")[1].splitlines()]
    assert (lines[0]["contactListName"], len(lines), lines[4]["emailAddress"]) == ("main", 5, "ada@x.example")
    assert ask(aws, "GET", f"contacts/{ACCOUNT}/{REGION}")[1].count("\n") == 1
    assert ask(aws, "GET", f"contacts/{ACCOUNT}/eu-west-1") == (200, "")


@pytest.mark.parametrize(
    ("method", "control", "body", "status", "text"),
    [
        ("POST", "ready", b"", 404, "there is no control POST /_strict_aws/ready"),
        ("GET", "contacts/1/2/3/4", b"", 400, "GET /_strict_aws/contacts/ACCOUNT/REGION/LIST, or without LIST"),
        ("GET", f"contacts/{ACCOUNT}/{REGION}/other", b"", 404, "List with name: other doesn't exist."),
        ("PUT", f"contacts/{ACCOUNT}/mars-1/main", b"", 400, "AWS has no Region mars-1"),
        ("PUT", f"contacts/{LIST}", b'{"generate": -1}', 400, "$.generate: Input should be greater than or equal to 0"),
        ("PUT", f"contacts/{LIST}", b"nonsense", 400, ""),
        ("PUT", "people/1", b"{}", 400, "PUT /_strict_aws/people/ACCOUNT/REGION"),
        ("PUT", f"people/12/{REGION}", b"{}", 400, "12 is not the 12 digits of an account"),
        ("PUT", f"people/{ACCOUNT}/mars-1", b"{}", 400, "AWS has no Region mars-1"),
        ("PUT", f"people/{ACCOUNT}/{REGION}", b'{"users": [{}]}', 400, "$.users.0.username: Field required"),
        ("PUT", f"people/{ACCOUNT}/{REGION}", b'{"region": "eu-west-1"}', 400, "$.region: is eu-west-1, not the us-e"),
        ("PUT", "import-jobs/1", b"{}", 400, "PUT /_strict_aws/import-jobs/ACCOUNT/REGION"),
        ("PUT", f"import-jobs/{ACCOUNT}/{REGION}", b'{"fail": ""}', 400, "$.fail: String should have at least 1"),
        ("PUT", "faults", b"[{}]", 400, "$[0].fault: Field required"),
        ("PUT", "scheduler-clock", b"{}", 400, "$.advance_seconds: Field required"),
        ("PUT", "scheduler-clock", b'{"advance_seconds": -1}', 400, "$.advance_seconds: Input should be greater"),
        ("PUT", "conditions", b'{"preset": "cruel"}', 400, '$.preset: is aws or kind, not "cruel"'),
        ("GET", "failed-records/unknown", b"", 404, "no failed records here"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    method: str, control: str, body: bytes, status: int, text: str, aws: StrictAws
) -> None:
    """With the status for it, and in one line."""
    answered = ask(aws, method, control, body)
    assert answered[0] == status
    assert answered[1].startswith(text)
    assert answered[1].endswith("\n")
    assert answered[1].count("\n") == 1


def test_people_import_jobs_and_conditions_answer_what_is_in_force(aws: StrictAws) -> None:
    """Counts of people, all settings of import jobs, and all conditions."""
    people = b'{"users": {"generate": 4}, "groups": {"generate": 2, "members": 1, "name": "g{n}"}}'
    assert ask(aws, "PUT", f"people/{ACCOUNT}/{REGION}", people) == (200, '{"users": 4, "groups": 2}')
    jobs = json.loads(ask(aws, "PUT", f"import-jobs/{ACCOUNT}/{REGION}", b'{"created_seconds": 2}')[1])
    assert jobs == {"created_seconds": 2.0, "processing_seconds": 1.0, "fail": None, "processed_records": 0}
    changed = ask(aws, "PUT", "conditions", b'{"unset_share": 0.5, "latency_seconds": {"s3": 1}}')
    assert changed == ask(aws, "GET", "conditions")
    assert json.loads(changed[1])["latency_seconds"] == {"s3": 1.0}
    assert aws.conditions.now.unset_share == 0.5


def test_every_credential_that_was_handed_out_is_told(aws: StrictAws) -> None:
    """So that logs can be searched for them."""
    session = aws.sessions.issue(role_arn=f"arn:aws:iam::{ACCOUNT}:role/r", role_id="A", session_name="s", seconds=1)
    assert json.loads(ask(aws, "GET", "credentials")[1]) == [
        {
            "access_key_id": session.access_key_id,
            "secret_access_key": session.secret_access_key,
            "session_token": session.session_token,
        }
    ]


def test_an_account_is_what_the_control_says(aws: StrictAws) -> None:
    """Its standing, its identities and its metrics; 400 says what is wrong, and then nothing is changed."""
    body = json.dumps({"sent_last_24_hours": 5, "identities": [{"name": "x.example"}], "metrics": {"Send": 7}})
    place = f"ses-account/{ACCOUNT}/{REGION}"
    assert ask(aws, "PUT", place, body.encode()) == (200, '{"identities": 1, "metrics": 1}')
    assert aws.ses.call(ACCOUNT, REGION, "GetAccount", {})["SendQuota"]["SentLast24Hours"] == 5
    for control, wrong, text in (
        (place, b'{"identities": [{"name": "x.example", "dkim_status": "?"}]}', "$.identities.0.dkim_status: "),
        (place, b'{"metrics": {"Send": -1}}', "$.metrics.Send: "),
        (place, b'{"review": {"status": "LOST"}}', "$.review.status: "),
        (f"ses-account/x/{REGION}", b"{}", "x is not the 12 digits of an account"),
        (f"ses-account/{ACCOUNT}/eu-nowhere-1", b"{}", "eu-nowhere-1"),
        (f"ses-account/{ACCOUNT}", b"{}", "ses-account/ACCOUNT/REGION"),
    ):
        status, said = ask(aws, "PUT", control, wrong)
        assert (status, text in said) == (400, True), said
    assert aws.ses.call(ACCOUNT, REGION, "GetAccount", {})["SendQuota"]["SentLast24Hours"] == 5
