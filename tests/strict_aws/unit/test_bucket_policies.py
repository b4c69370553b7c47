"""A bucket's policy and the caller's own, as S3 combines them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strict_aws.backend import moto_state
from strict_aws.backend.moto_state import Bucket
from strict_aws.iam import bucket_policies
from strict_aws.iam.identity import Caller, Session
from strict_aws.iam.policy import Decision, Query

OWNER, OTHER = "111122223333", "444455556666"
YES, NO = Decision(True, "allowed"), Decision(False, "nothing allows it")
NEVER = Decision(False, "explicit Deny", explicit_deny=True)
READ = "s3:GetObject"


def caller(account: str, role: str | None = "r") -> Caller:
    """A role's session, or an account's administrator."""
    if role is None:
        return Caller(account, f"arn:aws:iam::{account}:root", account, "us-east-1", "s3", None, None)
    arn = f"arn:aws:iam::{account}:role/{role}"
    session = Session("ASIA1", "x", "x", account, arn, "AROA1", "s", 4e9)
    return Caller(account, session.principal, "ASIA1", "us-east-1", "s3", None, session)


def statement(effect: str, principal: Any, action: str = READ) -> dict[str, Any]:
    """A policy statement about the bucket's objects."""
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": "arn:aws:s3:::b/*"}


ROLE = {"AWS": f"arn:aws:iam::{OWNER}:role/r"}
ROOT = {"AWS": f"arn:aws:iam::{OWNER}:root"}
OTHER_ROLE, OTHER_ROOT = ({"AWS": f"arn:aws:iam::{OTHER}:{name}"} for name in ("role/r", "root"))
MINE, MY_ROOT, THEIRS, THEIR_ROOT = caller(OWNER), caller(OWNER, None), caller(OTHER), caller(OTHER, None)
UNKNOWN = {"Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}}

CASES: list[tuple[str, list[dict[str, Any]], Caller, Decision, bool]] = [
    ("without a policy the caller's own decide", [], MINE, YES, True),
    ("and refuse", [], MINE, NO, False),
    ("a role that is named needs no policy of its own", [statement("Allow", ROLE)], MINE, NO, True),
    ("nor does a session", [statement("Allow", {"AWS": MINE.principal})], MINE, NO, True),
    ("everybody is named by a star", [statement("Allow", "*")], MINE, NO, True),
    ("but its own Deny stays", [statement("Allow", ROLE)], MINE, NEVER, False),
    ("the account's root only delegates", [statement("Allow", ROOT)], MINE, NO, False),
    ("and so does the account's number", [statement("Allow", {"AWS": OWNER})], MINE, NO, False),
    ("another role is another", [statement("Allow", {"AWS": f"{ROLE['AWS']}2"})], MINE, NO, False),
    ("another action is another", [statement("Allow", ROLE, "s3:PutObject")], MINE, NO, False),
    ("a Deny wins", [statement("Allow", ROLE), statement("Deny", ROLE)], MINE, YES, False),
    ("a Deny of the account is one of its roles", [statement("Deny", ROOT)], MINE, YES, False),
    ("a Deny of others is none", [statement("Deny", OTHER_ROOT)], MINE, YES, True),
    ("what is not understood denies", [{**statement("Allow", ROLE), **UNKNOWN}], MINE, YES, False),
    ("root is bound by a Deny", [statement("Deny", "*")], MY_ROOT, YES, False),
    ("root needs no Allow", [statement("Allow", OTHER_ROOT)], MY_ROOT, YES, True),
    ("another account needs both", [statement("Allow", OTHER_ROOT)], THEIRS, YES, True),
    ("by role, too", [statement("Allow", OTHER_ROLE)], THEIRS, YES, True),
    ("its own policy is not enough", [], THEIRS, YES, False),
    ("nor is an Allow for somebody else", [statement("Allow", ROLE)], THEIRS, YES, False),
    ("nor is the bucket's", [statement("Allow", OTHER_ROLE)], THEIRS, NO, False),
    ("another account's root needs the bucket's", [], THEIR_ROOT, YES, False),
    ("and may then", [statement("Allow", OTHER_ROOT)], THEIR_ROOT, YES, True),
]


def decided(statements: list[dict[str, Any]], who: Caller, own: Decision, action: str = READ) -> Decision:
    """With a bucket of OWNER's."""
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else None
    query = Query(action, "arn:aws:s3:::b/key", {"aws:PrincipalArn": who.role_arn})
    return bucket_policies.combined(Bucket(OWNER, "us-east-1", text), who, query, own)


@pytest.mark.parametrize(
    ("statements", "who", "own", "allowed"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_who_may(statements: list[dict[str, Any]], who: Caller, own: Decision, allowed: bool) -> None:
    """S3's own order: Deny, then either side in one account and both across accounts."""
    assert decided(statements, who, own).allowed is allowed


@pytest.mark.parametrize("action", ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"])
def test_root_can_always_repair_a_policy(action: str) -> None:
    """The owner's root; nobody else."""
    locked = [statement("Deny", "*", "s3:*")]
    assert decided(locked, MY_ROOT, YES, action).allowed
    assert not decided(locked, MINE, YES, action).allowed
    assert not decided(locked, THEIR_ROOT, YES, action).allowed


def test_a_text_that_is_no_policy_denies() -> None:
    """Nobody can tell what it meant."""
    query = Query(READ, "arn:aws:s3:::b/key", {})
    assert not bucket_policies.combined(Bucket(OWNER, "us-east-1", "nonsense"), MINE, query, YES).allowed


def test_only_calls_about_a_bucket_that_is_there_ask_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not another service's, not one of all buckets, not its creation."""
    there = Bucket(OWNER, "us-east-1", None)
    monkeypatch.setattr(moto_state, "find_bucket", lambda name: there if name == "b" else None)
    asked = [
        (READ, "arn:aws:s3:::b/some/key", True),
        ("s3:ListBucket", "arn:aws:s3:::b", True),
        (READ, "arn:aws:s3:::bb/key", False),
        ("s3:ListAllMyBuckets", "*", False),
        ("s3:CreateBucket", "arn:aws:s3:::b", False),
        ("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:b", False),
    ]
    for action, resource, expected in asked:
        assert (bucket_policies.bucket_of(Query(action, resource, {})) is there) is expected, action
