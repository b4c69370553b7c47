"""Text as people see it: cut exactly, escaped, located; and the small forms that everything else builds on."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta, timezone

import pytest

from ses_fleet import clock, foreign_errors, json_text
from ses_fleet.aws.arns import parse_role_arn
from ses_fleet.compression import GzipPieces
from ses_fleet.errors import AwsCallError, ConfigurationError, CustomerError, FailureKind, JsonError, Problem
from ses_fleet.text import did_you_mean, is_text, may_hold_address, printable, quoted


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [
        ("12345", 5, "12345"),
        ("123456", 5, "1234…"),
        ("a\nb", 10, "a\\u000ab"),
        ("a\nb", 7, "a\\u000…"),
        ("\U000e0001", 20, "\\U000e0001"),
        ("\uffff", 20, "\\uffff"),
        (b"x", 20, "b'x'"),
        (None, 20, "None"),
        ("", 1, ""),
    ],
)
def test_a_text_is_cut_to_exactly_the_limit(value: object, limit: int, shown: str) -> None:
    """The last character says that there was more; what is not printable is told by its code."""
    assert printable(value, limit) == shown


def test_a_text_has_a_hundred_characters_unless_it_is_said_otherwise() -> None:
    """In quotes too."""
    assert printable("x" * 101) == "x" * 99 + "…"
    assert quoted("x" * 101) == f'"{"x" * 99}…"'
    assert quoted("x" * 100) == f'"{"x" * 100}"'


def test_half_an_emoji_is_no_text() -> None:
    """The whole one is."""
    assert is_text("😀")
    assert not is_text("\ud83d")


def test_a_suggestion_is_as_safe_as_the_rest() -> None:
    """An address among the candidates is told by its length; a very long value is compared by its beginning."""
    assert did_you_mean("ada@x.exampl", ["ada@x.example"]) == "; did you mean (a text of 13 characters)?"
    assert did_you_mean("a" * 10_000, ["a" * 200]) == f'; did you mean "{"a" * 99}…"?'
    assert not may_hold_address("a plus b")


def test_a_gzip_member_is_whole_after_its_end() -> None:
    """Whatever pieces it was made of; each writer makes one of its own."""
    for pieces in ([b"one ", b"", b"two"], [b"x" * 100_000] * 3, []):
        made = GzipPieces()
        body = b"".join([*(made.add(piece) for piece in pieces), made.end()])
        assert gzip.decompress(body) == b"".join(pieces)


@pytest.mark.parametrize(
    ("path", "name", "good"),
    [
        ("/", "n" * 64, True),
        ("/", "n" * 65, False),
        ("/" + "p" * 510 + "/", "n", True),
        ("/" + "p" * 511 + "/", "n", False),
    ],
)
def test_a_role_is_as_long_as_iam_allows(path: str, name: str, good: bool) -> None:
    """64 characters of a name, 512 of a path with its slashes."""
    arn = f"arn:aws:iam::111122223333:role{path}{name}"
    if not good:
        with pytest.raises(ValueError, match="longer than IAM allows"):
            parse_role_arn(arn)
        return
    role = parse_role_arn(arn)
    assert (role.partition, role.account_id, role.path, role.name) == ("aws", "111122223333", path, name)


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        ("arn:aws:iam::111122223333:user/x", "is not the ARN of an IAM role"),
        ("arn:aws:sts::111122223333:role/x", "is not the ARN of an IAM role"),
        ("arn:aws:iam::1111:role/x", "is not a role ARN"),
        ("role/x", "is not a role ARN"),
        (" arn:aws:iam::111122223333:role/x", "spaces around"),
    ],
)
def test_what_is_no_role_is_told_what_it_is(arn: str, said: str) -> None:
    """Another thing's ARN, or none at all."""
    with pytest.raises(ValueError, match=said):
        parse_role_arn(arn)


def test_times_are_utc_in_whole_seconds() -> None:
    """Whatever zone they were given in."""
    berlin = timezone(timedelta(hours=2))
    assert clock.iso(datetime(2026, 3, 1, 8, 0, 30, 999_999, tzinfo=berlin)) == "2026-03-01T06:00:30Z"
    assert clock.now().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("frames", "place"),
    [
        ([("/var/task/ses_fleet/worker/context.py", 12)], " at ses_fleet/worker/context.py:12"),
        ([("/x/ses_fleet/a.py", 1), ("/usr/lib/json.py", 2)], " at ses_fleet/a.py:1"),
        ([("/x/ses_fleet/a.py", 1), ("/x/ses_fleet/b.py", 2)], " at ses_fleet/b.py:2"),
        ([("/home/ses_fleet/lambdas/ses_fleet/b.py", 2)], " at ses_fleet/b.py:2"),
        ([("/v/site-packages/ses_fleet/b.py", 2)], ""),
        ([("/x/ses_fleet/ada@x.example", 2)], ""),
        ([("/usr/lib/json.py", 2)], ""),
        ([], ""),
    ],
)
def test_a_place_is_the_last_of_ours(frames: list[tuple[str, int]], place: str) -> None:
    """Below our package; of libraries and odd names nothing."""
    assert foreign_errors.where(frames) == place


@pytest.mark.parametrize(
    ("code", "kind", "part"),
    [
        ("AccessDenied", "refused", "policy"),
        ("NoSuchBucket", "refused", "bucket"),
        ("RequestTimeTooSkewed", "refused", "clock"),
        ("NeverHeardOf", "throttled", "too many requests"),
        ("NeverHeardOf", "unreachable", "nothing was sent"),
    ],
)
def test_a_code_is_told_by_what_it_means(code: str, kind: FailureKind, part: str) -> None:
    """One that nobody knows is told by its kind."""
    assert part in foreign_errors.words(code, kind)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A maximum of 1 Lists allowed per account.", "maximum of"),
        ("Access Denied by S3", "access to it"),
        ("invalid email", "invalid"),
        ("email has a wrong format", "email"),
    ],
)
def test_all_the_words_of_a_reason_must_be_there(one: str, other: str) -> None:
    """Half of them may be of something else."""
    assert foreign_errors.known_reason(one) is not None
    assert foreign_errors.known_reason(other) is None


def test_a_reason_of_blanks_is_none() -> None:
    """Nor is something that is no text."""
    assert foreign_errors.reason("  \n") == foreign_errors.reason(None) == "no reason given"


def test_an_error_says_all_of_its_problems() -> None:
    """One a line where a run is refused; JSON that is none says that it is none."""
    problems = [Problem("$.a", "is wrong"), Problem("$.b[0]", "is missing")]
    assert str(ConfigurationError(iter(problems))) == "$.a: is wrong\n$.b[0]: is missing"
    assert ConfigurationError(iter(problems)).problems == tuple(problems)
    assert str(JsonError(problems)) == "$.a: is wrong; $.b[0]: is missing"
    assert JsonError(problems).is_json
    with pytest.raises(JsonError) as error:
        json_text.parse("{", "x")
    assert not error.value.is_json
    with pytest.raises(JsonError) as error:
        json_text.parse(b"\xff", "x")
    assert error.value.is_json


def test_failures_say_what_they_are() -> None:
    """In a traceback, too; only a refusal is final."""
    failure = CustomerError("operation", "X", "what happened", retryable=True)
    assert (str(failure), failure.retryable, failure.outcome_unknown) == ("what happened", True, False)
    call = AwsCallError("sesv2", "get_account", "refused", "X", "no", 403)
    assert (str(call), call.transient, call.outcome_unknown) == ("sesv2.get_account: X: no", False, False)


def test_json_of_a_hundred_levels_is_read_and_no_deeper() -> None:
    """Also where it is parsed already; a scalar at the bottom is no level."""
    deep: object = 1
    for _ in range(100):
        deep = [deep]
    assert list(json_text.problems_of(deep)) == []
    (problem,) = json_text.problems_of([deep])
    assert (problem.path, "more than 100 levels" in problem.text) == ("$", True)


def test_at_most_twenty_problems_are_told_in_the_order_of_the_text() -> None:
    """The first ones, whatever they are."""
    found = list(json_text.problems_of({f"k{n:02d}": "\ud800" for n in range(30)}))
    assert [problem.path for problem in found] == [f"$.k{n:02d}" for n in range(20)]
