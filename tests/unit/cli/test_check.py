"""What `config check` and `config push` say of a file: every finding once, at its level."""

from __future__ import annotations

import json

from ses_fleet_cli import check

ROLE = "arn:aws:iam::111122223333:role/contact-manager"


def findings(**customers: dict[str, object]) -> list[tuple[str, str]]:
    """Of a config.json with these customers."""
    return [*check.findings(json.dumps({"customer_mappings": customers}).encode(), "config.json", None)]


def test_a_misspelt_role_is_an_error_and_told_once() -> None:
    """Of a customer that has no role. Where it has one, or has no key that looks like it, it is a warning."""
    text = "unknown key that looks like ses_role_arn, which is missing: the customer is skipped"
    assert findings(a={"ses_role_arm": ROLE, "region": "us-east-1"}) == [
        ("error", f"$.customer_mappings.a.ses_role_arm: {text}")
    ]
    assert findings(a={"region": "us-east-1"}) == [
        ("warning", "$.customer_mappings.a: is skipped: no ses_role_arn in config.json")
    ]
    both = findings(a={"ses_role_arn": ROLE, "external_idd": "x12", "region": "us-east-1"})
    assert [level for level, _ in both] == ["warning"]


def found(document: object) -> list[str]:
    """What the file is said to hold."""
    return check.found(json.dumps(document).encode(), "file.json", None)


def test_what_was_understood_is_said() -> None:
    """How many customers, and of them who is skipped or wrong; nothing of a file that cannot be read."""
    customers = {
        "a": {"ses_role_arn": ROLE, "region": "us-east-1"},
        "b": {"region": "us-east-1"},
        "c": {"ses_role_arn": "x", "region": "us-east-1"},
    }
    assert found({"customer_mappings": customers}) == ["3 customers (1 skipped, 1 with errors)"]
    assert found({"customer_mappings": {"a": customers["a"]}}) == ["1 customer"]
    assert found({"customer_mappings": {}}) == found([]) == found({"topics": [{}]}) == []


def test_topics_are_shown_as_subscribers_will_read_them() -> None:
    """After groups are expanded, with the prefix of each member."""
    topic = {"TopicName": "news", "DisplayName": "News", "Description": "All", "DefaultSubscriptionStatus": "OPT_OUT"}
    document = {"topic_group_prefix": ["aws", "wiz"], "topic_group_members": [topic], "topics": []}
    assert found(document) == [
        "2 topics, as manage-topic gives them to every list:",
        "   aws-news (default OPT_OUT)",
        "      AWS News: All AWS",
        "   wiz-news (default OPT_OUT)",
        "      WIZ News: All WIZ",
    ]
