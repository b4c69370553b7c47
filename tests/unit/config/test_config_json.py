"""config.json: what stops a run, what fails one customer, what is only a warning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.aws.clients import AwsClient
from ses_fleet.aws.s3 import Bucket
from ses_fleet.config import config_json, documents
from ses_fleet.config.config_json import CustomerEntry, FleetConfig
from ses_fleet.errors import AwsCallError, ConfigurationError

SAMPLE = json.loads((Path(__file__).parents[2] / "data" / "config.json").read_text())
ROLE = "arn:aws:iam::111122223333:role/contact-manager"


def read(document: Any) -> FleetConfig:
    """As a function of us-east-1 reads it."""
    return config_json.read(document, region="us-east-1", partition="aws")


def one(code: str = "acme", **fields: Any) -> CustomerEntry:
    """The only customer of a file."""
    entry = {"customer_code": code, "region": "eu-west-1", "ses_role_arn": ROLE, **fields}
    (found,) = read({"customer_mappings": {code: entry}}).entries.values()
    return found


def problems(entry: CustomerEntry) -> list[str]:
    """Its problems as text."""
    return [str(problem) for problem in entry.problems]


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
    assert "is of partition aws-us-gov; this deployment runs in aws" in problems(config.entries["umbrella"])[0]
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "$: must be a JSON object, not a list"),
        ({}, "$.customer_mappings: missing: no customers are configured"),
        ({"customer_mapping": {}}, 'did you mean "customer_mapping"?'),
        ({"customer_mappings": None}, "$.customer_mappings: is null: no customers are configured"),
        ({"customer_mappings": []}, "$.customer_mappings: must be a JSON object, not a list"),
        ({"customer_mappings": {}}, "$.customer_mappings: no customers are configured"),
        ({"aws_region": "us-east-3", "customer_mappings": {"a": {}}}, '"us-east-3" is not the name of an AWS Region'),
        ({"aws_region": 1, "customer_mappings": {"a": {}}}, "$.aws_region: must be a string, not a number"),
        ({"aws_region": "", "customer_mappings": {"a": {}}}, '$.aws_region: "" is not the name of an AWS Region'),
    ],
)
def test_a_file_without_customers_stops_the_run(document: Any, message: str) -> None:
    """Wrong shape and no customers are ConfigurationErrors with a path."""
    assert message in refused(document)


@pytest.mark.parametrize(
    ("fields", "problem"),
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
        ({"region": "us-east-3"}, '"us-east-3" is not the name of an AWS Region'),
        ({"region": " eu-west-1"}, '" eu-west-1" is not the name of an AWS Region'),
        ({"region": "eusc-de-east-1"}, '"eusc-de-east-1" is of partition aws-eusc; this deployment runs in aws'),
        ({"external_id": "abc "}, "is not an ExternalId of STS"),
        ({"external_id": " "}, "is not an ExternalId of STS"),
        ({"contact_list_name": "main "}, "is not a list name of SES"),
        ({"import_bucket": "bucket "}, "is not the name of an S3 bucket"),
        ({"customer_code": "acme "}, '"acme " differs from the key "acme"'),
        ({"enabled": "no"}, "must be true or false, not a string"),
        ({"external_id": "x"}, "is not an ExternalId of STS"),
        ({"contact_list_name": "a b"}, "is not a list name of SES"),
        ({"customer_name": ["x"]}, "must be a string, not a list"),
    ],
)
def test_one_customers_problem_is_only_its_own(fields: dict[str, Any], problem: str) -> None:
    """The problem has the path of its field; the customer cannot be run."""
    entry = one(**fields)
    (text,) = problems(entry)
    assert text.startswith(f"$.customer_mappings.acme.{next(iter(fields))}: ")
    assert problem in text
    assert entry.customer is None


@pytest.mark.parametrize("code", ["", "a" * 51, "-a", "_a", "a.b", "a/b", "../x", "a\nb", "ä"])
def test_a_code_outside_its_grammar_is_that_customers_problem(code: str) -> None:
    """Such a code never becomes part of a key or a session name."""
    entry = one(code)
    assert any("a customer's code is 1 to 50" in problem for problem in problems(entry))
    assert entry.customer is None
    assert entry.code.isprintable()


def test_an_address_in_a_key_or_a_name_is_not_repeated() -> None:
    """Both get into the run's record, which has no addresses."""
    entry = one("ada@corp.example", customer_code=None, customer_name="Ask ada%40corp.example", ses_role_arm="x")
    config = read({"customer_mappings": {"ada@corp.example": {"ses_role_arm": "x"}}})
    shown = (entry.code, entry.identity.customer_name, *problems(entry), *entry.warnings, *config.warnings)
    assert not [text for text in shown if "corp.example" in text]
    assert entry.code == entry.identity.customer_name == "(a key of 16 characters)"
    assert one(customer_name="ada@corp.example").identity.customer_name == "acme"


@pytest.mark.parametrize("value", [None, ""])
def test_no_role_is_skipped(value: str | None) -> None:
    """Null and empty are the same as absent, whatever else is wrong with the customer."""
    entry = one(ses_role_arn=value, region="nowhere")
    assert entry.skip_reason == "no ses_role_arn in config.json"
    assert entry.problems == ()
    assert any("nowhere" in warning for warning in entry.warnings)


def test_a_disabled_customer_is_skipped_with_that_reason() -> None:
    """`enabled: false` wins over everything."""
    assert one(enabled=False).skip_reason == "disabled in config.json"
    assert one(enabled=False, disabled_reason=" closed\x1b ").skip_reason == "disabled in config.json: closed\\u001b"
    assert one(enabled=False, disabled_reason="ask ada@x.example").skip_reason == "disabled in config.json"
    assert one(enabled=False, disabled_reason="").skip_reason == "disabled in config.json"
    assert one(disabled_reason="long ago").skip_reason is None
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


def test_a_customer_of_another_partition_is_run_where_the_deployment_is() -> None:
    """Its Region and its role are of that partition; a role's path may have two slashes in a row."""
    arn = "arn:aws-eusc:iam::444455556666:role/team//x"
    document = {"aws_region": "eusc-de-east-1", "customer_mappings": {"a": {"ses_role_arn": arn}}}
    entry = config_json.read(document, region="eusc-de-east-1", partition="aws-eusc").entries["a"]
    assert entry.customer is not None
    assert entry.customer.region == "eusc-de-east-1"
    (problem,) = problems(read(document).entries["a"])
    assert problem.startswith("$.customer_mappings.a.ses_role_arn: ")


def test_a_default_region_of_another_partition_fails_those_who_would_use_it() -> None:
    """The others run."""
    customers = {"a": {"ses_role_arn": ROLE}, "b": {"ses_role_arn": ROLE, "region": "eu-west-1"}}
    found = read({"aws_region": "us-gov-west-1", "customer_mappings": customers}).entries
    (problem,) = problems(found["a"])
    assert problem.startswith("$.customer_mappings.a.region: missing, and aws_region")
    assert '"us-gov-west-1" is of partition aws-us-gov; this deployment runs in aws' in problem
    assert found["b"].customer is not None


def test_the_functions_own_region_may_be_newer_than_the_data() -> None:
    """Whoever deploys there need not wait for a new botocore to run customers there by default."""
    entry = config_json.read(
        {"customer_mappings": {"a": {"ses_role_arn": ROLE}}}, region="us-new-1", partition="aws"
    ).entries["a"]
    assert entry.customer is not None


@pytest.mark.parametrize("region", ["us-east-3", "cn-north-1"])
def test_an_identity_center_where_there_is_none_is_said(region: str) -> None:
    """A warning, and a failure of what needs people."""
    entry = one(identity_center_role_arn=ROLE, identity_center_region=region)
    assert entry.customer is not None
    assert entry.identity_center is not None
    assert f'identity_center_region: "{region}" is ' in (entry.identity_center.problem or "")
    assert entry.warnings == (entry.identity_center.problem,)


def test_blanks_around_a_label_are_no_part_of_it() -> None:
    """`--environment prod` selects whoever is of "prod ", too."""
    entry = one(environment=" prod ", customer_name="Acme\u00a0", contact_list_name="")
    assert (entry.environment, entry.identity.customer_name) == ("prod", "Acme")
    blank = one(environment=" ", customer_name="\t")
    assert (blank.environment, blank.identity.customer_name) == (None, "acme")


@pytest.mark.parametrize("key", ["external_id", "identity_center_external_id"])
def test_an_empty_external_id_is_found(key: str) -> None:
    """It looks like protection and is none."""
    entry = one(**{key: ""})
    assert entry.customer is not None
    assert entry.warnings == (
        f"$.customer_mappings.acme.{key}: is empty, which protects nobody: agree on one, or leave it out",
    )


def customers(**fields: dict[str, Any]) -> dict[str, Any]:
    """A file of customers, each with an account of its own unless it says otherwise."""
    plain = {
        code: {"region": "us-east-1", "ses_role_arn": f"arn:aws:iam::11112222333{n}:role/r"}
        for n, code in enumerate(fields)
    }
    return {"customer_mappings": {code: {**plain[code], **given} for code, given in fields.items()}}


def test_two_customers_with_one_external_id_are_warned_about() -> None:
    """Two Regions of one account are one customer's; a skipped one has none."""
    same = {"external_id": "shared-id"}
    (warning,) = read(customers(a=same, b={"external_id": "own"}, c=same)).warnings
    assert warning.startswith("$.customer_mappings.a.external_id: a, c have the same one")
    assert "shared-id" not in warning
    assert read(customers(a={**same, "ses_role_arn": ROLE}, b={**same, "ses_role_arn": ROLE})).warnings == ()
    assert read(customers(a=same, b={**same, "enabled": False})).warnings == ()


def test_customers_of_several_regions_say_where_the_identity_center_is_that_they_share() -> None:
    """It is in one of them; without a word each would be looked for in the customer's own."""
    arn = {"identity_center_role_arn": ROLE}
    (warning,) = read(customers(a=arn, b={**arn, "region": "eu-west-1"})).warnings
    assert "a, b would read it in us-east-1, eu-west-1: set identity_center_region" in warning
    said = {**arn, "identity_center_region": "us-east-1"}
    assert read(customers(a=said, b={**said, "region": "eu-west-1"})).warnings == ()


@pytest.mark.parametrize("key", ["ses_role_arm", "sesRoleArn", "SES-ROLE-ARN", "ses_rolearn"])
def test_a_key_that_looks_like_ours_is_a_warning(key: str) -> None:
    """The run goes on; the person hears of it."""
    config = read({"customer_mappings": {"acme": {"customer_code": "acme", key: ROLE}}})
    assert config.warnings == (
        f"$.customer_mappings.acme.{key}: unknown key that looks like ses_role_arn; it is not used",
    )


def test_a_misspelt_role_is_the_mistake_of_a_customer_without_one() -> None:
    """The run skips it as any customer without a role; one that has a role, or is disabled, made none."""
    entry = one(ses_role_arn=None, ses_role_arm=ROLE)
    assert entry.skip_reason == "no ses_role_arn in config.json"
    (mistaken,) = read({"customer_mappings": {"acme": {"ses_role_arm": ROLE}}}).entries.values()
    assert str(mistaken.mistake) == (
        "$.customer_mappings.acme.ses_role_arm: unknown key that looks like ses_role_arn, which is missing: the "
        "customer is skipped"
    )
    (disabled,) = read({"customer_mappings": {"acme": {"ses_role_arm": ROLE, "enabled": False}}}).entries.values()
    assert (one(ses_role_arm=ROLE).mistake, disabled.mistake, one(ses_role_arn=None).mistake) == (None, None, None)


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
        documents.parse(body, "s3://bucket/config.json")
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
        documents.read(Bucket(failing, "b"), "config.json")
    assert str(error.value) == f"$: {message}"


def test_a_byte_order_mark_is_no_problem() -> None:
    """Some editors write one."""
    assert documents.parse(b'\xef\xbb\xbf{"a": 1}', "x") == {"a": 1}


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
    shown = [entry.code, entry.identity.customer_name, *problems(entry), *entry.warnings, *config.warnings]
    assert all(text.isprintable() for text in shown)
