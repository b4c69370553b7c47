"""config.json: what stops a run, what fails one customer, what is only a warning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import json_file
from orchestrator.config import CustomerEntry, FleetConfig, FleetReader
from shared.aws import AwsClient
from shared.errors import AwsCallError, ConfigurationError
from shared.objects import Bucket

SAMPLE = json.loads((Path(__file__).parents[2] / "data" / "config.json").read_text())
ROLE = "arn:aws:iam::111122223333:role/contact-manager"


def read(document: Any) -> FleetConfig:
    """As a function of us-east-1 reads it."""
    return FleetReader(document, "us-east-1", "aws").read(None)


def one(code: str = "acme", **fields: Any) -> CustomerEntry:
    """The only customer of a file."""
    entry = {"customer_code": code, "region": "eu-west-1", "ses_role_arn": ROLE, **fields}
    (found,) = read({"customer_mappings": {code: entry}}).entries.values()
    return found


def faults(entry: CustomerEntry) -> list[str]:
    """Its faults as text."""
    return [str(fault) for fault in entry.faults]


def refused(document: Any) -> str:
    """The message of a file that stops the run."""
    with pytest.raises(ConfigurationError) as error:
        read(document)
    return str(error.value)


def test_the_sample_is_understood() -> None:
    """Three customers can be run, one has no role, one lies in another partition; other programs' keys are theirs."""
    config = read(SAMPLE)
    assert list(config.entries) == ["acmenonprod", "acme", "globex", "initech", "umbrella"]
    assert [entry.customer is not None for entry in config.entries.values()] == [True, True, True, False, False]
    globex = config.entries["globex"].customer
    assert globex is not None
    assert (globex.account_id, globex.region) == ("777788889999", "eu-west-1")
    assert config.entries["initech"].skip_reason == "no ses_role_arn in config.json"
    assert "is of partition aws-us-gov; this deployment runs in aws" in faults(config.entries["umbrella"])[0]
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "$: must be a JSON object, not a list"),
        ({}, "$.customer_mappings: missing: no customers are configured"),
        ({"customer_mapping": {}}, 'did you mean "customer_mapping"?'),
        ({"customer_mappings": []}, "$.customer_mappings: must be a JSON object, not a list"),
        ({"customer_mappings": {}}, "$.customer_mappings: no customers are configured"),
        ({"aws_region": 1, "customer_mappings": {"a": {}}}, '$.aws_region: "1" is not the name of an AWS Region'),
    ],
)
def test_a_file_without_customers_stops_the_run(document: Any, message: str) -> None:
    """Wrong shape and no customers are ConfigurationErrors with a path."""
    assert message in refused(document)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"ses_role_arn": "nonsense"}, "is not a role ARN"),
        ({"ses_role_arn": ROLE + " "}, "has spaces around it"),
        ({"ses_role_arn": "arn:aws:iam::1111:role/x"}, "is not a role ARN"),
        ({"ses_role_arn": "arn:aws:iam::111122223333:user/x"}, "is not the ARN of an IAM role"),
        ({"ses_role_arn": "arn:aws:sts::111122223333:assumed-role/x/y"}, "is not the ARN of an IAM role"),
        ({"ses_role_arn": "arn:aws:iam::１１１１２２２２３３３３:role/x"}, "is not a role ARN"),
        ({"ses_role_arn": ROLE + "x" * 64}, "longer than IAM allows"),
        ({"ses_role_arn": "arn:aws-cn:iam::111122223333:role/x"}, "is of partition aws-cn"),
        ({"ses_role_arn": 5}, "must be a string, not a number"),
        ({"customer_code": "other"}, '"other" differs from the key "acme"'),
        ({"region": "europe"}, '"europe" is not the name of an AWS Region'),
        ({"region": 1}, "must be a string, not a number"),
        ({"enabled": "no"}, "must be true or false, not a string"),
        ({"external_id": "x"}, "is not an ExternalId of STS"),
        ({"contact_list_name": "a b"}, "is not a list name of SES"),
        ({"customer_name": ["x"]}, "must be a string, not a list"),
    ],
)
def test_one_customers_fault_is_only_its_own(fields: dict[str, Any], fault: str) -> None:
    """The fault has the path of its field; the customer cannot be run."""
    entry = one(**fields)
    (text,) = faults(entry)
    assert text.startswith(f"$.customer_mappings.acme.{next(iter(fields))}: ")
    assert fault in text
    assert entry.customer is None


@pytest.mark.parametrize("code", ["", "a" * 51, "-a", "_a", "a.b", "a/b", "../x", "a\nb", "ä"])
def test_a_code_outside_its_grammar_is_that_customers_fault(code: str) -> None:
    """Such a code never becomes part of a key or a session name."""
    entry = one(code)
    assert any("a customer's code is 1 to 50" in fault for fault in faults(entry))
    assert entry.customer is None
    assert entry.code.isprintable()


@pytest.mark.parametrize("value", [None, ""])
def test_no_role_is_skipped(value: str | None) -> None:
    """Null and empty are the same as absent, whatever else is wrong with the customer."""
    entry = one(ses_role_arn=value, region="nowhere")
    assert entry.skip_reason == "no ses_role_arn in config.json"
    assert entry.faults == ()
    assert any("nowhere" in warning for warning in entry.warnings)


def test_a_disabled_customer_is_skipped_with_that_reason() -> None:
    """`enabled: false` wins over everything."""
    assert one(enabled=False).skip_reason == "disabled in config.json"
    assert one(enabled=True).customer is not None


def test_a_missing_region_falls_back_with_a_warning() -> None:
    """First to aws_region, then to the function's own."""
    entry = {"customer_code": "acme", "ses_role_arn": ROLE}
    with_default = read({"aws_region": "eu-north-1", "customer_mappings": {"acme": entry}}).entries["acme"]
    assert with_default.customer is not None
    assert with_default.customer.region == "eu-north-1"
    assert "aws_region eu-north-1 is used" in with_default.warnings[0]
    without = read({"customer_mappings": {"acme": entry}}).entries["acme"]
    assert without.customer is not None
    assert without.customer.region == "us-east-1"


@pytest.mark.parametrize("key", ["ses_role_arm", "sesRoleArn", "SES-ROLE-ARN", "ses_rolearn"])
def test_a_key_that_looks_like_ours_is_a_warning(key: str) -> None:
    """The run goes on; the person hears of it."""
    config = read({"customer_mappings": {"acme": {"customer_code": "acme", key: ROLE}}})
    assert config.warnings == (
        f"$.customer_mappings.acme.{key}: unknown key that looks like ses_role_arn; it is not used",
    )


def test_other_programs_keys_are_no_typos() -> None:
    """sqs_queue_arn is near ses_role_arn, but it is somebody else's."""
    assert read({"customer_mappings": {"a": {"sqs_queue_arn": "x", "restricted_recipients": []}}}).warnings == ()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"a": 1,\n "b": }', "is not JSON: Expecting value at line 2, column 7"),
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not UTF-8 (byte 0)"),
        (b'{"a": NaN}', "NaN is not a JSON value"),
        (b"[" * 200_000, "is nested too deeply"),
        (b'{"a": {"b": 1, "b": 2}}', "$.a.b: the key is there more than once"),
        (b'[{"x": 1, "x": 1}]', "$[0].x: the key is there more than once"),
    ],
)
def test_a_file_that_is_no_json_says_where(body: bytes, message: str) -> None:
    """Line and column, or the path of the key that came twice."""
    with pytest.raises(ConfigurationError, match=r"^\$") as error:
        json_file.parse(body, "s3://bucket/config.json")
    assert message in str(error.value)


class S3(AwsClient):
    """An S3 that fails so."""

    def __init__(self, failure: AwsCallError) -> None:
        super().__init__("s3", None)
        self._failure = failure

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ARG002  # as its parent has it
        """Every call."""
        raise self._failure


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("refused", 404, "s3://b/config.json does not exist (Code): `ses-fleet config push` puts it there"),
        ("refused", 403, "s3://b/config.json may not be read by the orchestrator, or does not exist (Code)"),
        ("server", 503, "s3://b/config.json could not be read (Code: text)"),
        ("lost", None, "s3://b/config.json could not be read (Code: text)"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(kind: Any, status: int | None, message: str) -> None:
    """Without the right to list, S3 does not even say whether it exists."""
    failing = S3(AwsCallError("s3", "get_object", kind, "Code", "text", status))
    with pytest.raises(ConfigurationError) as error:
        json_file.read(Bucket(failing, "b"), "config.json")
    assert str(error.value) == f"$: {message}"


def test_a_byte_order_mark_is_no_fault() -> None:
    """Some editors write one."""
    assert json_file.parse(b'\xef\xbb\xbf{"a": 1}', "x") == {"a": 1}


hostile = st.text(min_size=0, max_size=60) | st.sampled_from(
    ["\x1b[2J", "a\nINFO forged", "\u202eabc", "\u200b", "../../x", "a" * 10_000, "\ud800", "x" * 50 + "\r\n"]
)


@given(
    code=hostile,
    fields=st.dictionaries(
        st.sampled_from(["customer_code", "customer_name", "region", "ses_role_arn", "external_id", "environment"]),
        hostile | st.none() | st.integers() | st.lists(st.integers(), max_size=2),
    ),
)
def test_hostile_values_do_no_harm(code: str, fields: dict[str, Any]) -> None:
    """No value breaks the reading; whatever is shown of one stays on its line."""
    config = read({"customer_mappings": {code: fields}})
    (entry,) = config.entries.values()
    shown = [entry.code, entry.name, *faults(entry), *entry.warnings, *config.warnings]
    assert all(text.isprintable() for text in shown)
