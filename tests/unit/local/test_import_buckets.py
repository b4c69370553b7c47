"""The buckets that the local cloud makes for imports."""

from __future__ import annotations

from typing import Any

from ses_fleet_local.import_buckets import make_import_buckets
from ses_fleet_local.scenario import Scenario
from strict_aws.backend import moto_state
from strict_aws.s3.objects import S3Objects
from strict_aws.ses.objects import S3Object

ACCOUNT, OTHER = "888811112222", "888833334444"


def customer(bucket: Any, account: str = ACCOUNT, partition: str = "aws", **more: Any) -> dict[str, Any]:
    """A customer's entry in config.json."""
    return {"ses_role_arn": f"arn:{partition}:iam::{account}:role/r", "import_bucket": bucket, **more}


def made(*customers: dict[str, Any], scenario: dict[str, Any] | None = None, **config: Any) -> list[str]:
    """What was said when the buckets were made."""
    mappings = {f"c{number}": entry for number, entry in enumerate(customers)}
    accounts = Scenario.model_validate({"accounts": scenario or {}})
    return list(make_import_buckets({**config, "customer_mappings": mappings}, accounts))


def test_a_customers_bucket_is_in_its_account_and_region_and_readable_for_it() -> None:
    """The customer's Region, else the file's, else us-east-1."""
    assert made(customer("tib-own", region="eu-west-1"), customer("tib-file"), aws_region="eu-central-1") == []
    assert made(customer("tib-none")) == []
    for name, region in (("tib-own", "eu-west-1"), ("tib-file", "eu-central-1"), ("tib-none", "us-east-1")):
        bucket = moto_state.find_bucket(name)
        assert bucket is not None
        assert (bucket.account, bucket.region) == (ACCOUNT, region)
        assert S3Objects().refusal(S3Object(ACCOUNT, region, name, "k")) is None
        assert S3Objects().refusal(S3Object(OTHER, region, name, "k")) is not None


def test_making_them_again_changes_nothing() -> None:
    """Two customers of one account may share one, too."""
    made(customer("tib-again"), customer("tib-again", region="eu-west-1"))
    bucket = moto_state.find_bucket("tib-again")
    assert made(customer("tib-again", region="eu-west-1")) == []
    assert moto_state.find_bucket("tib-again") == bucket


def test_a_scenario_moves_closes_and_takes_away_buckets() -> None:
    """And makes what config.json does not name."""
    buckets = {
        "tib-moved": {"region": "eu-west-1"},
        "tib-closed": {"readable_by_ses": False},
        "tib-missing": {"missing": True},
        "tib-more": {"region": "eu-north-1"},
    }
    names = ("tib-moved", "tib-closed", "tib-missing")
    assert made(*map(customer, names), scenario={ACCOUNT: {"buckets": buckets}}) == []
    found = {name: moto_state.find_bucket(name) for name in buckets}
    assert found["tib-missing"] is None
    assert found["tib-closed"] == moto_state.Bucket(ACCOUNT, "us-east-1", None)
    regions = {bucket.region for bucket in found.values() if bucket is not None}
    assert regions == {"eu-west-1", "us-east-1", "eu-north-1"}


def test_a_bucket_that_cannot_be_made_is_told() -> None:
    """Another account's, or not a bucket's name at all."""
    said = made(customer("tib-taken"), customer("tib-taken", OTHER), customer("No Bucket"), customer("x/y"))
    assert said == [
        f"bucket tib-taken is not account {OTHER}'s but {ACCOUNT}'s: none made",
        "No Bucket is not the name of a bucket: no bucket made",
        "x/y is not the name of a bucket: no bucket made",
    ]


def test_whoever_has_no_role_here_has_no_bucket() -> None:
    """Nor has who names none; a file that is no object has none at all."""
    odd = [{"import_bucket": "tib-odd"}, customer("tib-odd", partition="aws-us-gov"), customer(""), customer(7)]
    assert made(*odd, {"ses_role_arn": 7, "import_bucket": "tib-odd"}, "text") == []  # type: ignore[arg-type]
    assert moto_state.find_bucket("tib-odd") is None
    configs: list[Any] = [None, [], {"customer_mappings": [1]}]
    for config in configs:
        assert list(make_import_buckets(config, Scenario())) == []
