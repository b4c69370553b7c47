"""What `config push` and `config rollback` say that they change, and that they overwrite nobody's push in between."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet_cli import config_changes, config_versions, confirm, push
from ses_fleet_cli.errors import CommandError
from ses_fleet_cli.invoke import Target
from tests.unit.cli.stored import NOW
from tests.unit.cli.test_payload_and_prompt import Terminal

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"


def customer(number: int, **more: Any) -> dict[str, Any]:
    """An entry of config.json."""
    return {"region": "us-east-1", "ses_role_arn": f"arn:aws:iam::{number:012}:role/contact-manager", **more}


def config(**customers: Any) -> dict[str, Any]:
    """A config.json."""
    return {"customer_mappings": customers}


def topic(name: str, **more: Any) -> dict[str, Any]:
    """An entry of SESConfig.json."""
    return {"TopicName": name, "DisplayName": name.title(), "DefaultSubscriptionStatus": "OPT_OUT", **more}


def lines(before: Any, after: Any, kind: Any = "config") -> list[str]:
    """What is said to change."""
    was = None if before is None else before if isinstance(before, bytes) else json.dumps(before).encode()
    return config_changes.lines(kind, was, json.dumps(after).encode())


def test_customers_that_come_go_and_change_are_named() -> None:
    """With what changes of each, and what changes beside the customers; the order of keys changes nothing."""
    was = {**config(a=customer(1), b=customer(2), c=customer(3, enabled=True)), "aws_region": "us-east-1", "log": 1}
    now = {
        **config(c=customer(3, enabled=False, external_id="x"), a=customer(1), d=customer(4, customer_name="D Ltd")),
        "aws_region": "eu-west-1",
    }
    assert lines(was, now) == [
        "+ customer d (D Ltd, arn:aws:iam::000000000004:role/contact-manager)",
        "- customer b",
        "~ customer c: enabled: true → false",
        '~ customer c: external_id: not given → "x"',
        '~ aws_region: "us-east-1" → "eu-west-1"',
        "~ log: 1 → not given",
    ]
    assert lines(was, dict(reversed(was.items()))) == []


def test_topics_are_compared_as_they_are_expanded() -> None:
    """A group's new prefix is as many topics as it has members: subscribers lose those that go."""
    was = {
        "topic_group_prefix": ["aws", "wiz"],
        "topic_group_members": [topic("calendar"), topic("announce")],
        "topics": [topic("news")],
    }
    now = {**was, "topic_group_prefix": ["aws", "new"], "topics": [topic("news", DisplayName="News!"), topic("more")]}
    said = lines(was, now, "ses_config")
    assert [line.split(" (")[0] for line in said if line[0] != "~"] == [
        "+ topic new-calendar",
        "+ topic new-announce",
        "+ topic more",
        "- topic wiz-calendar",
        "- topic wiz-announce",
    ]
    assert "+ topic more (More, default OPT_OUT)" in said  # whether people get it who say nothing
    assert [line for line in said if line[0] == "~"] == ['~ topic news: display_name: "News" → "News!"']
    assert lines(was, was, "ses_config") == []
    written = {"topics": [topic("a"), topic("b")]}
    assert lines(written, {**written, "$schema": "x"}, "ses_config") == [
        "~ the file is written in another way; its topics stay the same"
    ]
    turned = {"topics": [topic("b"), topic("a")]}
    assert lines(written, turned, "ses_config")[-1] == "~ the topics are in another order"


def test_a_first_file_and_one_that_cannot_be_used_are_replaced_whole() -> None:
    """Whoever broke the file with another tool mends it by a push."""
    assert lines(None, config(a=customer(1), b=customer(2))) == ["+ the first config.json, with 2 customers"]
    assert lines(None, {"topics": [topic("a")]}, "ses_config") == ["+ the first SESConfig.json, with 1 topics"]
    (said,) = lines(b"{", config(a=customer(1)))
    assert said.startswith("~ the file that is there cannot be used, and is replaced: $: ")
    (said,) = lines({"topics": [{}]}, {"topics": [topic("a")]}, "ses_config")
    assert said.startswith("~ the file that is there cannot be used")
    assert lines([1], config(a=customer(1)))[-1].startswith("~ [1] → ")


def test_no_address_of_a_file_is_said() -> None:
    """The lines may be in a build's log. What is inside an object is told field by field."""
    was = {**config(a=customer(1, customer_name="x@corp.example")), "mail": {"from": "ada@corp.example", "days": 1}}
    now = {**config(b=customer(1, customer_name="x@corp.example")), "mail": {"from": "bob@corp.example", "days": 2}}
    now["x@corp.example"] = ["x@corp.example"]
    assert lines(was, now) == [
        "+ customer b (arn:aws:iam::000000000001:role/contact-manager)",
        "- customer a",
        "~ mail.from: a text of 16 characters → a text of 16 characters",
        "~ mail.days: 1 → 2",
        "~ (a key of 14 characters): not given → a list of 1",
    ]


def test_nothing_hostile_of_a_file_reaches_the_terminal() -> None:
    """Keys, names and values are anybody's text, and long ones are cut."""
    hostile = "\x1b[2J"
    was = {**config(a=customer(1)), hostile: hostile}
    now = config(**{"a": customer(1, customer_name=hostile * 500), hostile: {"customer_name": hostile}})
    said = "\n".join([*lines(was, now), *lines(now, was), *lines(hostile, now), *lines([hostile], now)])
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) < 700


class S3:
    """A bucket with versions, behind boto3's method names. `meanwhile` is put right before the next write."""

    def __init__(self) -> None:
        self.stored: dict[str, list[tuple[str, bytes, datetime]]] = {}
        self.meanwhile: bytes | None = None
        self.refuses: str | None = None

    def put(self, key: str, body: bytes) -> str:
        """Write an object, and return its version."""
        versions = self.stored.setdefault(key, [])
        version = f"{key[0]}version{len(versions)}"
        versions.append((version, body, NOW + timedelta(minutes=len(versions))))
        return version

    def get_object(self, **asked: Any) -> dict[str, Any]:
        """boto3's method."""
        wanted = asked.get("VersionId")
        for version, body, _ in reversed(self.stored.get(asked["Key"], [])):
            if wanted in (None, version):
                return {
                    "ContentLength": len(body),
                    "Body": io.BytesIO(body),
                    "ETag": f'"{version}"',
                    "VersionId": version,
                }
        raise self._failure("NoSuchVersion" if wanted else "NoSuchKey", 404)

    def put_object(self, **asked: Any) -> dict[str, Any]:
        """boto3's method, on the conditions that we use."""
        if self.meanwhile is not None:
            self.put(asked["Key"], self.meanwhile)
            self.meanwhile = None
        now = self.stored.get(asked["Key"], [])
        if asked.get("IfNoneMatch") == "*" and now:
            raise self._failure("PreconditionFailed", 412)
        if "IfMatch" in asked and (not now or now[-1][0] != asked["IfMatch"]):
            raise self._failure("PreconditionFailed", 412)
        version = self.put(asked["Key"], asked["Body"])
        return {"ETag": f'"{version}"', "VersionId": version}

    def list_object_versions(self, **asked: Any) -> dict[str, Any]:
        """boto3's method: everything on one page."""
        if self.refuses:
            raise self._failure(self.refuses, 403)
        found = [
            {
                "Key": key,
                "VersionId": version,
                "IsLatest": version == versions[-1][0],
                "LastModified": at,
                "Size": len(body),
            }
            for key, versions in self.stored.items()
            if key.startswith(asked["Prefix"])
            for version, body, at in versions
        ]
        return {"Versions": found}

    def _failure(self, code: str, status: int) -> ClientError:
        answer: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return ClientError(answer, "x")


def target(s3: S3) -> Target:
    """A deployment with that config bucket."""
    return Target("f", ARN, {"CONFIG_BUCKET": "c"}, AwsClient("lambda", None), AwsClient("s3", s3), NOW)


OLD, NEW = (json.dumps(config(a=customer(number))).encode() for number in (1, 2))


def change(s3: S3, body: bytes = NEW) -> push.Change:
    """A checked file, compared with what is there."""
    return push.change(push.checked("x/config.json", body, target(s3)))


def test_a_push_replaces_what_it_was_compared_with_and_nothing_else() -> None:
    """Somebody else's push in between stays; so does a first file that came in between."""
    for there in (OLD, None):
        s3 = S3()
        if there is not None:
            s3.put("config.json", there)
        one = change(s3)
        s3.meanwhile = b"theirs"
        assert push.put(one) is None
        assert s3.stored["config.json"][-1][1] == b"theirs"
        again = change(s3)
        said = push.put(again)
        assert said == f"x/config.json → s3://c/config.json, version {s3.stored['config.json'][-1][0]}"
        assert s3.stored["config.json"][-1][1] == NEW


def test_what_a_push_changes_is_told() -> None:
    """Or that nothing does, or the text alone."""
    s3 = S3()
    s3.put("config.json", OLD)
    role = "arn:aws:iam::00000000000{}:role/contact-manager"
    assert push.told(change(s3)) == [
        "s3://c/config.json would be replaced by x/config.json:",
        f'  ~ customer a: ses_role_arn: "{role.format(1)}" → "{role.format(2)}"',
    ]
    same = change(s3, OLD)
    assert (same.is_same, push.told(same)) == (True, ["s3://c/config.json is as x/config.json already"])
    assert push.told(change(s3, OLD + b"\n"))[1:] == ["  its text changes, and nothing of what it says"]


def ask(
    monkeypatch: pytest.MonkeyPatch, answer: str, *, terminal: bool = True, wanted: Any = ("x",), yes: bool = False
) -> str:
    """Ask whether to put a file; what was shown."""
    shown = Terminal(is_terminal=terminal)
    monkeypatch.setattr("sys.stdin", Terminal(answer, is_terminal=terminal))
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setattr("ses_fleet_cli.ahead.alias_of", lambda _target: "corp")
    confirm.ask_to_put(["+ customer a"], target(S3()), wanted=wanted, yes=yes)
    return shown.getvalue()


def test_a_push_asks_after_it_has_shown_the_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal; in a script it needs --yes, and shows the difference all the same."""
    shown = ask(monkeypatch, "y\n")
    assert shown == "+ customer a\n  Hub account: 123456789012 (corp), eu-west-1\nGo on? [y/N] "
    for terminal, message in ((True, "not confirmed: nothing was uploaded"), (False, "it needs --yes")):
        with pytest.raises(CommandError, match=message) as error:
            ask(monkeypatch, "n\n", terminal=terminal)
        assert error.value.exit_code == 2
    assert ask(monkeypatch, "", terminal=False, yes=True) == "+ customer a\n"
    assert ask(monkeypatch, "", terminal=False, wanted=()) == "+ customer a\n"


def versions() -> S3:
    """Two versions of config.json, one of SESConfig.json, and a file whose name begins as theirs."""
    s3 = S3()
    for key, body in (("config.json", OLD), ("config.json", NEW), ("SESConfig.json", b"{}"), ("config.json.bak", b"")):
        s3.put(key, body)
    return s3


def test_the_history_has_the_versions_of_both_files() -> None:
    """Newest first, and which one counts; of each as many as are asked for."""
    found = config_versions.history(target(versions()), 10)
    assert [(one.version, one.file, one.present) for one in found] == [
        ("cversion1", "config.json", True),
        ("cversion0", "config.json", False),
        ("Sversion0", "SESConfig.json", True),
    ]
    assert (found[0].size, found[0].written_at) == (len(NEW), "2026-03-01T06:11:00Z")
    assert json.loads(config_versions.as_json(found))[2]["file"] == "SESConfig.json"
    assert [one.version for one in config_versions.history(target(versions()), 1)] == ["cversion1", "Sversion0"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cversion1", "is the present one of config.json: there is nothing to roll back"),
        ("cversion", "begins the ids of 2 versions: give more of it"),
        ("cver", 'there is no version "cver" of either file'),
        ("nonsense", 'there is no version "nonsense" of either file'),
        ("", 'there is no version "" of either file'),
    ],
)
def test_a_version_that_cannot_be_meant_is_exit_2(text: str, message: str) -> None:
    """A short or ambiguous one could bring back the wrong customers."""
    with pytest.raises(CommandError, match=message) as error:
        config_versions.earlier(target(versions()), text)
    assert error.value.exit_code == 2


def test_the_version_to_show_needs_neither_its_file_nor_its_whole_id() -> None:
    """As for a rollback; but the present one may be shown, and one of the other file is said to be."""
    there = target(versions())
    assert config_versions.chosen(there, None, "Sversi").file == "SESConfig.json"
    assert config_versions.chosen(there, "config.json", "cversion1").present
    with pytest.raises(CommandError, match=r"version Sversion0 is one of SESConfig.json, not of config.json") as error:
        config_versions.chosen(there, "config.json", "Sversion0")
    assert error.value.exit_code == 2


def test_the_text_of_a_version_is_what_was_written() -> None:
    """By its whole id, or the beginning of one; without a version it is what counts now."""
    there = target(versions())
    assert config_versions.named(there, "cversion0").version == "cversion0"
    assert config_versions.text_of(there, "config.json", "cversion0") == (OLD, "cversion0")
    assert config_versions.text_of(there, "config.json", None) == (NEW, "cversion1")
    with pytest.raises(CommandError, match="version nobodys does not exist") as error:
        config_versions.text_of(there, "config.json", "nobodys")
    assert error.value.exit_code == 2


def test_who_may_not_list_versions_is_told_what_it_takes() -> None:
    """Exit code 3, as for whatever AWS does not give."""
    s3 = versions()
    s3.refuses = "AccessDenied"
    with pytest.raises(CommandError, match="that takes s3:ListBucketVersions") as error:
        config_versions.history(target(s3), 10)
    assert error.value.exit_code == 3


def test_a_file_is_shown_as_it_is_and_on_a_terminal_without_escapes(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A script gets the very bytes, such as to compare them."""
    config_versions.show(b"\x1b[2J\xff\n")
    assert capfdbinary.readouterr().out == b"\x1b[2J\xff\n"
    shown = Terminal()
    monkeypatch.setattr("sys.stdout", shown)
    config_versions.show(b'{\n "a": "\x1b[2J"\n}')
    assert shown.getvalue() == '{\n "a": "\\u001b[2J"\n}\n'


def test_what_s3_does_not_give_is_no_difference() -> None:
    """Nothing is put over what could not be read."""

    class Broken(S3):
        def get_object(self, **_asked: Any) -> dict[str, Any]:
            raise self._failure("InternalError", 500)

    with pytest.raises(AwsCallError, match="InternalError"):
        change(Broken())
