"""The policy evaluator against IAM's documented logic: an explicit Deny, else an Allow, else no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from strict_aws.backend import moto_state
from strict_aws.backend.moto_state import Role
from strict_aws.http.messages import Request
from strict_aws.http.operations import Operation
from strict_aws.iam import authorization
from strict_aws.iam.identity import Caller, Session
from strict_aws.iam.policy import Query, evaluate, wildcard

LIST = "arn:aws:ses:us-east-1:111122223333:contact-list/main"
LISTS = "arn:aws:ses:us-east-1:111122223333:contact-list/*"
CONTEXT = {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/r", "aws:SecureTransport": "true", "s3:prefix": "runs/x"}
CONTEXT["s3:TlsVersion"] = "1.3"


def allow(action: Any = "ses:GetContactList", resource: Any = LIST, **more: Any) -> dict[str, Any]:
    """A policy statement that allows this."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "ses:GetContactList", resource: Any = LIST, **more: Any) -> dict[str, Any]:
    """A policy statement that denies this."""
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    """The member of a statement with this one condition."""
    return {"Condition": {operator: {key: value}}}


PRINCIPAL = "aws:PrincipalArn"
TWO = {"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {PRINCIPAL: "x"}}
CASES: list[tuple[str, list[dict[str, Any]], bool]] = [
    # effect
    ("nothing is an implicit deny", [], False),
    ("an allow allows", [allow()], True),
    ("a deny denies", [deny()], False),
    ("a deny beats an allow", [allow(), deny()], False),
    ("whatever the order", [deny(), allow()], False),
    ("a deny of something else does not", [allow(), deny("ses:DeleteContactList")], True),
    ("an effect in other words is none", [allow(Effect="allow")], False),
    # action
    ("another action does not", [allow("ses:ListContacts")], False),
    ("a list of actions", [allow(["ses:ListContacts", "ses:GetContactList"])], True),
    ("a star is every action", [allow("*")], True),
    ("a service's star", [allow("ses:*")], True),
    ("another service's star", [allow("s3:*")], False),
    ("a prefix", [allow("ses:Get*")], True),
    ("a question mark is one character", [allow("ses:GetContactLis?")], True),
    ("and not none", [allow("ses:GetContactList?")], False),
    ("actions know no case", [allow("SES:getcontactlist")], True),
    ("a dot is a dot", [allow("ses.GetContactList")], False),
    ("NotAction is everything else", [allow(Action=None) | {"NotAction": "ses:Delete*"}], True),
    ("and not what it names", [allow(Action=None) | {"NotAction": "ses:Get*"}], False),
    # resource
    ("another list does not", [allow(resource=LIST + "2")], False),
    ("a star at the end", [allow(resource=LISTS)], True),
    ("a star is everything", [allow(resource="*")], True),
    ("a list of resources", [allow(resource=["arn:x", LISTS])], True),
    ("another account", [allow(resource=LISTS.replace("1111", "2222"))], False),
    ("another Region", [allow(resource=LISTS.replace("us-east-1", "eu-west-1"))], False),
    ("every Region", [allow(resource=LISTS.replace("us-east-1", "*"))], True),
    ("resources know case", [allow(resource=LIST.upper())], False),
    ("a question mark", [allow(resource=LIST[:-1] + "?")], True),
    ("NotResource is everything else", [allow(Resource=None) | {"NotResource": "arn:aws:s3:::*"}], True),
    ("and not what it names, NotResource", [allow(Resource=None) | {"NotResource": LISTS}], False),
    ("a statement without resource allows nothing", [{"Effect": "Allow", "Action": "*"}], False),
    # condition
    ("StringEquals holds", [allow(**when("StringEquals", PRINCIPAL, CONTEXT[PRINCIPAL]))], True),
    ("StringEquals fails", [allow(**when("StringEquals", PRINCIPAL, "x"))], False),
    ("one of several values", [allow(**when("StringEquals", PRINCIPAL, ["x", CONTEXT[PRINCIPAL]]))], True),
    ("keys know no case", [allow(**when("StringEquals", "AWS:principalarn", CONTEXT[PRINCIPAL]))], True),
    ("values do", [allow(**when("StringEquals", PRINCIPAL, CONTEXT[PRINCIPAL].upper()))], False),
    ("but not here", [allow(**when("StringEqualsIgnoreCase", PRINCIPAL, CONTEXT[PRINCIPAL].upper()))], True),
    ("StringNotEquals holds", [allow(**when("StringNotEquals", PRINCIPAL, "x"))], True),
    ("none of several", [allow(**when("StringNotEquals", PRINCIPAL, ["x", CONTEXT[PRINCIPAL]]))], False),
    ("StringLike holds", [allow(**when("StringLike", "s3:prefix", "runs/*"))], True),
    ("StringLike fails", [allow(**when("StringLike", "s3:prefix", "data/*"))], False),
    ("StringEquals takes no wildcard", [allow(**when("StringEquals", "s3:prefix", "runs/*"))], False),
    ("StringNotLike", [allow(**when("StringNotLike", "s3:prefix", "data/*"))], True),
    ("ArnEquals holds", [allow(**when("ArnEquals", PRINCIPAL, CONTEXT[PRINCIPAL]))], True),
    ("ArnLike with a star", [allow(**when("ArnLike", PRINCIPAL, "arn:aws:iam::111122223333:role/*"))], True),
    ("ArnNotLike", [allow(**when("ArnNotLike", PRINCIPAL, "arn:aws:iam::111122223333:role/*"))], False),
    ("Bool true", [allow(**when("Bool", "aws:SecureTransport", "true"))], True),
    ("Bool as JSON has it", [allow(**when("Bool", "aws:SecureTransport", True))], True),
    ("Bool false", [allow(**when("Bool", "aws:SecureTransport", "false"))], False),
    ("a deny that does not hold", [allow(), deny(**when("Bool", "aws:SecureTransport", "false"))], True),
    ("a key that is absent fails", [allow(**when("StringEquals", "sts:ExternalId", "x"))], False),
    ("IfExists passes then", [allow(**when("StringEqualsIfExists", "sts:ExternalId", "x"))], True),
    ("IfExists tests what is there", [allow(**when("StringEqualsIfExists", PRINCIPAL, "x"))], False),
    ("a negated operator passes on an absent key", [allow(**when("StringNotEquals", "sts:ExternalId", "x"))], True),
    ("NumericLessThan holds", [allow(**when("NumericLessThan", "s3:TlsVersion", 1.4))], True),
    ("NumericLessThan fails", [allow(**when("NumericLessThan", "s3:TlsVersion", "1.3"))], False),
    ("NumericGreaterThanEquals", [allow(**when("NumericGreaterThanEquals", "s3:TlsVersion", "1.3"))], True),
    ("Null true: absent", [allow(**when("Null", "sts:ExternalId", "true"))], True),
    ("Null false: there", [allow(**when("Null", PRINCIPAL, "false"))], True),
    ("Null true: but it is there", [allow(**when("Null", PRINCIPAL, "true"))], False),
    ("all conditions must hold", [allow(Condition=TWO)], False),
    ("an unknown operator denies", [allow(), allow(**when("DateLessThan", "aws:CurrentTime", "2030-01-01"))], False),
    ("an unknown key denies", [allow(), allow(**when("StringEquals", "aws:PrincipalTag/x", "y"))], False),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "allowed"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_identity_policies(statements: list[dict[str, Any]], allowed: bool) -> None:
    """As the IAM user guide's evaluation logic has it; what is not known here denies."""
    cleaned = [{key: value for key, value in s.items() if value is not None} for s in statements]
    decision = evaluate([{"Version": "2012-10-17", "Statement": cleaned}], Query("ses:GetContactList", LIST, CONTEXT))
    assert decision.allowed is allowed, decision.reason


def test_there_are_enough_cases() -> None:
    """Together with the trust policies' table."""
    assert len(CASES) >= 60


ROLE = "arn:aws:iam::111122223333:role/r"


def caller(session_policy: str | None = None) -> Caller:
    """A session of the role."""
    session = Session("ASIA1", "s", "t", "111122223333", ROLE, "AROA1", "me", 9e9, session_policy)
    return Caller("111122223333", session.principal, "ASIA1", "us-east-1", "ses", None, session)


def decided(monkeypatch: pytest.MonkeyPatch, role: list[Mapping[str, Any]] | None, session_policy: str | None) -> bool:
    """Whether a session may GetContactList, with these role policies (None = no such role)."""
    documents = None if role is None else Role(ROLE, "AROA1", {}, tuple({"Statement": [s]} for s in role))
    monkeypatch.setattr(moto_state, "find_role", lambda _: documents)
    return authorization.decide(caller(session_policy), Query("ses:GetContactList", LIST, CONTEXT)).allowed


def test_a_role_made_anew_is_another_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions of the one before are dead, whatever the new one may do."""
    anew = Role(ROLE, "AROA2", {}, ({"Statement": [allow()]},))
    monkeypatch.setattr(moto_state, "find_role", lambda _: anew)
    assert not authorization.decide(caller(), Query("ses:GetContactList", LIST, CONTEXT)).allowed


WIDE = '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
NARROW = '{"Statement": {"Effect": "Allow", "Action": "ses:ListContacts", "Resource": "*"}}'
DENYING = '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'


@pytest.mark.parametrize(
    ("role", "session_policy", "allowed"),
    [
        ([allow()], None, True),
        ([allow()], WIDE, True),
        ([allow()], NARROW, False),
        ([allow()], DENYING, False),
        ([], WIDE, False),
        ([allow("ses:ListContacts")], WIDE, False),
        ([allow("ses:ListContacts"), allow()], None, True),
        ([allow(), deny()], WIDE, False),
        (None, None, False),
    ],
)
def test_a_session_may_what_role_and_session_policy_both_allow(
    role: list[Mapping[str, Any]] | None, session_policy: str | None, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The intersection; a role that is gone allows nothing."""
    assert decided(monkeypatch, role, session_policy) is allowed


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [("a*c", "abbc", True), ("a*c", "ac", True), ("a?c", "abc", True), ("[a]", "a", False), ("a.c", "abc", False)],
)
def test_only_star_and_question_mark_are_special(pattern: str, value: str, matches: bool) -> None:
    """Not what a regular expression or a shell would see."""
    assert wildcard(pattern, value) is matches


def asked(name: str, path: str, body: bytes = b"", **headers: str) -> list[tuple[str, str]]:
    """What a request to S3 must be allowed, each on its resource."""
    request = Request("POST", path, "", {name.replace("_", "-"): value for name, value in headers.items()}, body)
    queries = authorization.queries_for(Operation("s3", name, {}, "rest-xml"), caller(), request)
    return [(query.action, query.resource) for query in queries]


@pytest.fixture
def _no_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto_state, "find_bucket", lambda _: None)


@pytest.mark.usefixtures("_no_buckets")
def test_deleting_several_objects_is_asked_of_each() -> None:
    """By its key, and with its version where one is named: a policy below a prefix holds for them, too."""
    body = (
        b'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>runs/a&amp;b</Key></Object>'
        b"<Object>\n<Key>data/x</Key><VersionId>v1</VersionId></Object></Delete>"
    )
    assert asked("DeleteObjects", "/b", body) == [
        ("s3:DeleteObject", "arn:aws:s3:::b/runs/a&b"),
        ("s3:DeleteObjectVersion", "arn:aws:s3:::b/data/x"),
    ]


@pytest.mark.usefixtures("_no_buckets")
def test_a_write_that_compares_is_a_read_too() -> None:
    """With If-Match; whether there is any object, as If-None-Match asks, is told to whoever may write."""
    write, read = (("s3:PutObject", "arn:aws:s3:::b/to"), ("s3:GetObject", "arn:aws:s3:::b/to"))
    assert asked("PutObject", "/b/to", if_match='"etag"') == [write, read]
    assert asked("PutObject", "/b/to", if_none_match="*") == [write]


@pytest.mark.usefixtures("_no_buckets")
@pytest.mark.parametrize("name", ["CopyObject", "UploadPartCopy"])
def test_a_copy_is_a_read_and_a_write(name: str) -> None:
    """Of the object that it is made from, a version of it where one is named, and of the one that it makes."""
    write = ("s3:PutObject", "arn:aws:s3:::b/to")
    assert asked(name, "/b/to", x_amz_copy_source="/a/from%20here") == [
        write,
        ("s3:GetObject", "arn:aws:s3:::a/from here"),
    ]
    assert asked(name, "/b/to", x_amz_copy_source="a/from?versionId=1") == [
        write,
        ("s3:GetObjectVersion", "arn:aws:s3:::a/from"),
    ]
