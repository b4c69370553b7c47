"""The buckets: one that the configuration is read from, one for the record of runs, contacts and backups."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings import Settings

_OLD_CONFIGS_DAYS = 400  # ours: as long as backups, so that a run can be held against what was configured
_ABANDONED_UPLOAD_DAYS = 1


class Storage(Construct):
    """`config` is versioned, or an existing bucket; `results` forgets by prefix."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(scope, "Storage")
        self._delete = settings.delete_data_on_destroy
        self.config: s3.IBucket = (
            self._bucket("Config", [_old_versions()], versioned=True)
            if settings.config_bucket is None
            else s3.Bucket.from_bucket_name(self, "Config", settings.config_bucket)
        )
        rules = [
            _expiring("runs/", settings.runs_days),
            _expiring("data/", settings.data_days),
            _expiring("backups/", settings.backups_days),
        ]
        self.results: s3.IBucket = self._bucket("Results", rules, versioned=False)

    def _bucket(self, name: str, rules: list[s3.LifecycleRule], *, versioned: bool) -> s3.Bucket:
        abandoned = s3.LifecycleRule(
            abort_incomplete_multipart_upload_after=cdk.Duration.days(_ABANDONED_UPLOAD_DAYS), id="abandoned-uploads"
        )
        return s3.Bucket(
            self,
            name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=versioned,
            lifecycle_rules=[*rules, abandoned],
            # Not emptied by a function of the CDK's: what is to be lost is emptied by hand.
            removal_policy=cdk.RemovalPolicy.DESTROY if self._delete else cdk.RemovalPolicy.RETAIN,
        )


def _expiring(prefix: str, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(id=prefix.rstrip("/"), prefix=prefix, expiration=cdk.Duration.days(days))


def _old_versions() -> s3.LifecycleRule:
    days = cdk.Duration.days(_OLD_CONFIGS_DAYS)
    return s3.LifecycleRule(id="old-versions", noncurrent_version_expiration=days)
