"""Contacts in bulk: import lines are taken whole or named, made-up people are always the same."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from strict_aws.http.messages import AwsError
from strict_aws.ses import bulk
from strict_aws.ses.store import ContactRecord

ADA = {"emailAddress": "ada@x.example"}


def test_an_import_line_has_every_part_of_a_contact() -> None:
    """And what it leaves out is nothing, not OPT_IN."""
    whole = {
        **ADA,
        "unsubscribeAll": True,
        "attributesData": '{"a": 1}',
        "topicPreferences": [{"topicName": "news", "subscriptionStatus": "OPT_OUT"}],
    }
    lines = f"{json.dumps(whole)}\r\n\n  \n{json.dumps({'emailAddress': 'bob@x.example'})}"
    assert list(bulk.parse_import_lines(lines.encode())) == [
        ContactRecord("ada@x.example", (("news", "OPT_OUT"),), unsubscribed_all=True, attributes='{"a": 1}'),
        ContactRecord("bob@x.example", (), unsubscribed_all=False, attributes=None),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "not JSON"),
        ('{"emailAddress": "ada@x.example"', "not JSON"),
        pytest.param("[" * 100_000, "not JSON", id="deep"),
        ("[]", "can not be converted"),
        ({}, "'emailAddress'"),
        ({"emailAddress": "nobody"}, "EmailAddress is invalid"),
        ({"emailAddress": 1}, "can not be converted"),
        ({**ADA, "unsubscribeAll": "false"}, "unsubscribeAll is neither true nor false"),
        ({**ADA, "unsubscribe_all": True}, "members other than"),
        ({**ADA, "attributesData": {"a": 1}}, "can not be converted"),
        ({**ADA, "attributesData": "[]"}, "AttributesData must be a valid JSON object"),
        ({**ADA, "topicPreferences": {"news": "OPT_IN"}}, "can not be converted"),
        ({**ADA, "topicPreferences": [{"topicName": "news"}]}, "'topicPreferences.1.member.subscriptionStatus'"),
        (
            {**ADA, "topicPreferences": [{"topicName": "news", "subscriptionStatus": "YES"}]},
            "Subscription status must be one of",
        ),
    ],
)
def test_a_bad_line_is_named_with_its_fault_and_without_its_address(line: Any, why: str) -> None:
    """The third line, counting the empty one."""
    text = line if isinstance(line, str) else json.dumps(line)
    body = f"{json.dumps(ADA)}\n\n{text}\n{json.dumps(ADA)}\n"
    with pytest.raises(AwsError, match=f"^line 3 is not a contact record: .*{re.escape(why)}") as error:
        list(bulk.parse_import_lines(body.encode()))
    assert (error.value.code, error.value.status) == ("BadRequestException", 400)
    assert "ada" not in error.value.message


def test_bytes_that_are_no_text_are_named_too() -> None:
    """As a line that is not JSON."""
    with pytest.raises(AwsError, match=r"^line 1 is not a contact record: not JSON$"):
        list(bulk.parse_import_lines(b'{"emailAddress": "\xff@x.example"}'))


def test_no_body_is_no_contacts() -> None:
    """Rather than a bad line."""
    assert list(bulk.parse_import_lines(b"")) == []


def made(count: int, seed: int = 7, **opt_in: float) -> list[ContactRecord]:
    """Made-up contacts of a list with the topics a, b and c."""
    return list(bulk.generate(count=count, seed=seed, opt_in=opt_in, topics=["a", "b", "c"]))


def test_made_up_contacts_are_always_the_same() -> None:
    """More of them begin with the same ones, and another seed makes others."""
    assert made(200, a=0.3) == made(500, a=0.3)[:200]
    assert [person.preferences for person in made(200, a=0.3)] != [person.preferences for person in made(200, 8, a=0.3)]
    emails = [person.email for person in made(500) + made(500, 8)]
    assert len(set(emails)) == 1_000
    assert all(re.fullmatch(r"contact-\d{7}@seed-[78]\.example", email) for email in emails)


def test_made_up_contacts_choose_in_the_shares_asked_for() -> None:
    """Those who do not opt in opt out; one in fifty wants nothing at all."""
    people = made(5_000, a=0.3, b=0.9)
    for name, share in (("a", 0.3), ("b", 0.9)):
        chosen = [dict(person.preferences)[name] for person in people]
        assert set(chosen) == {"OPT_IN", "OPT_OUT"}
        assert chosen.count("OPT_IN") / 5_000 == pytest.approx(share, abs=0.03)
    assert sum(person.unsubscribed_all for person in people) / 5_000 == pytest.approx(0.02, abs=0.01)


def test_topics_that_are_not_asked_for_stay_at_their_default() -> None:
    """No explicit preference; and shares of none and all are exact."""
    assert {person.preferences for person in made(500, a=0.0, c=1.0)} == {(("a", "OPT_OUT"), ("c", "OPT_IN"))}
    assert {person.preferences for person in made(10)} == {()}


def test_equal_choices_are_one_object() -> None:
    """Which is what lets a million contacts fit."""
    people = made(2_000, a=0.5, b=0.5)
    assert len({id(person.preferences) for person in people}) == len({person.preferences for person in people}) == 4


def test_a_share_for_a_topic_that_the_list_lacks_is_refused() -> None:
    """Before anyone is made up."""
    with pytest.raises(AwsError, match="the list has no topic d"):
        made(0, d=1.0)
