"""Resource types of S3: buckets and their policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strict_aws.backend import moto_state
from strict_aws.cloudformation.api import Api
from strict_aws.cloudformation.resources.base import Made, Place, Properties, ResourceType, forgiving
from strict_aws.http.messages import AwsError

_DEFAULT_REGION = "us-east-1"


class Bucket(ResourceType):
    """The type AWS::S3::Bucket, with versioning, encryption, lifecycle rules and the other settings."""

    properties = frozenset(
        {
            *("BucketName", "VersioningConfiguration", "PublicAccessBlockConfiguration", "BucketEncryption"),
            *("LifecycleConfiguration", "OwnershipControls", "Tags"),
        }
    )
    replacing = frozenset({"BucketName"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Make the bucket, unless the place adopts an existing one.

        Refuse a name that the account has already: S3 itself lets the owner make a bucket again, CloudFormation does
        not.
        """
        name = str(properties.get("BucketName") or place.name(63).lower())
        there = moto_state.find_bucket(name)
        if there is not None and not (place.adopts and there.account == api.account):
            raise AwsError("AlreadyExists", f"{name} already exists")
        if there is None:
            elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": api.region}}
            api.call("s3", "CreateBucket", {"Bucket": name, **(elsewhere if api.region != _DEFAULT_REGION else {})})
        domain = f"{name}.s3.{api.region}.amazonaws.com"
        arn = f"arn:aws:s3:::{name}"
        return Made(name, {"Arn": arn, "DomainName": f"{name}.s3.amazonaws.com", "RegionalDomainName": domain})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Return the bucket as it is, because everything that can change is set by `settle`."""
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Delete the bucket; S3 refuses while it holds anything."""
        forgiving(api, "s3", "DeleteBucket", {"Bucket": made.physical_id})

    def settle(self, api: Api, made: Made, old: Properties, new: Properties) -> None:
        """Put the bucket's settings, and remove those that the template no longer has."""
        bucket = {"Bucket": made.physical_id}
        if "VersioningConfiguration" in old or "VersioningConfiguration" in new:
            versioning = new.get("VersioningConfiguration", {"Status": "Suspended"})
            api.call("s3", "PutBucketVersioning", {**bucket, "VersioningConfiguration": versioning})
        for name, (put, remove, argument, converted) in _SETTINGS.items():
            if name in new:
                api.call("s3", put, {**bucket, argument: converted(new[name])})
            elif name in old:
                api.call("s3", remove, bucket)


class BucketPolicy(ResourceType):
    """The type AWS::S3::BucketPolicy, which is put on a bucket."""

    properties = frozenset({"Bucket", "PolicyDocument"})
    replacing = frozenset({"Bucket"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Put the policy on the bucket."""
        self._put(api, properties)
        return Made(str(properties["Bucket"]))

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Put the policy anew on the bucket."""
        self._put(api, new)
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Remove the policy from the bucket; the bucket itself stays."""
        forgiving(api, "s3", "DeleteBucketPolicy", {"Bucket": made.physical_id})

    @staticmethod
    def _put(api: Api, properties: Properties) -> None:
        api.call("s3", "PutBucketPolicy", {"Bucket": properties["Bucket"], "Policy": properties["PolicyDocument"]})


def _same(value: Any) -> Any:
    return value


def _encryption(value: Mapping[str, Any]) -> dict[str, Any]:
    rules = value["ServerSideEncryptionConfiguration"]
    renamed = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {"Rules": [{renamed.get(name, name): inner for name, inner in rule.items()} for rule in rules]}


def _lifecycle(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]}


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    # Templates write the members of the API's Expiration directly into the rule.
    flat = {
        "ExpirationInDays": "Days",
        "ExpirationDate": "Date",
        "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
    }
    expiration = {flat[name]: inner for name, inner in rule.items() if name in flat}
    filter_and = {"Prefix": rule.get("Prefix", ""), "Tags": rule.get("TagFilters", [])}
    made = {
        "ID": rule.get("Id"),
        "Filter": {"And": filter_and} if filter_and["Tags"] else {"Prefix": filter_and["Prefix"]},
        "Status": rule["Status"],
        "Expiration": expiration or None,
        "NoncurrentVersionExpiration": rule.get("NoncurrentVersionExpiration"),
        "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
    }
    return {name: inner for name, inner in made.items() if inner is not None}


# By property: the operations that put and remove it, the API's name of it, and how it becomes the API's shape.
_SETTINGS: dict[str, tuple[str, str, str, Any]] = {
    "PublicAccessBlockConfiguration": (
        "PutPublicAccessBlock",
        "DeletePublicAccessBlock",
        "PublicAccessBlockConfiguration",
        _same,
    ),
    "BucketEncryption": (
        "PutBucketEncryption",
        "DeleteBucketEncryption",
        "ServerSideEncryptionConfiguration",
        _encryption,
    ),
    "LifecycleConfiguration": (
        "PutBucketLifecycleConfiguration",
        "DeleteBucketLifecycle",
        "LifecycleConfiguration",
        _lifecycle,
    ),
    "OwnershipControls": ("PutBucketOwnershipControls", "DeleteBucketOwnershipControls", "OwnershipControls", _same),
    "Tags": ("PutBucketTagging", "DeleteBucketTagging", "Tagging", lambda value: {"TagSet": value}),
}
