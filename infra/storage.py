"""Two buckets: one that the configuration is read from, one for run records, contacts and backups."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings import Settings
from ses_fleet import limits
from ses_fleet.runs.keys import PEOPLE_FILES, RECEIPTS

# Ways to put an object: an upload in parts and a copy are PutObject; replication from another bucket is not.
_WRITING = ["s3:PutObject", "s3:ReplicateObject"]
_DELETING = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ReplicateDelete"]
# What people may write in the results bucket with policies of their own.
_PEOPLES_PREFIXES = (PEOPLE_FILES.removesuffix("*"),)


class Storage(Construct):
    """`config` is a versioned bucket, or one that exists. `results` expires by prefix, its policy says who writes."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(scope, "Storage")
        self._settings = settings
        self.config: s3.IBucket = (
            self._bucket("Config", [_old_versions(limits.OLD_CONFIG_DAYS)])
            if settings.config_bucket is None
            else s3.Bucket.from_bucket_name(self, "Config", settings.config_bucket)
        )
        rules = [
            _expiring("runs/", settings.runs_days),
            _expiring("data/", settings.data_days),
            *(
                _expiring(prefix, limits.PEOPLE_FILE_DAYS, old_versions_days=limits.OLD_PEOPLE_FILE_DAYS)
                for prefix in _PEOPLES_PREFIXES
            ),
            _expiring("backups/", settings.backups_days),
            _expiring("open/", limits.OPEN_RUN_DAYS, old_versions_days=limits.OLD_OPEN_RUN_DAYS),
            # Every slice that writes leaves two versions of a lease.
            _old_versions(limits.OLD_LEASE_DAYS, prefix="leases/"),
            _old_versions(settings.old_versions_days),
        ]
        results = self._bucket("Results", rules)
        for statement in (*self._who_writes(results), *self._who_deletes(results)):
            results.add_to_resource_policy(statement)
        self.results: s3.IBucket = results

    def _bucket(self, name: str, rules: list[s3.LifecycleRule]) -> s3.Bucket:
        abandoned = s3.LifecycleRule(
            abort_incomplete_multipart_upload_after=cdk.Duration.days(limits.ABANDONED_UPLOAD_DAYS),
            id="abandoned-uploads",
        )
        # Kept, but for one that a failed deployment made and rolls back: it is empty, and nobody would look for it.
        kept = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        return s3.Bucket(
            self,
            name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            lifecycle_rules=[*rules, abandoned],
            # The CDK does not empty it: that is done by hand, by somebody who wants to lose it.
            removal_policy=cdk.RemovalPolicy.DESTROY if self._settings.delete_data_on_destroy else kept,
        )

    def _who_writes(self, results: s3.Bucket) -> list[iam.PolicyStatement]:
        """Let each function write its own prefixes, and nobody else anything, whatever their own policies allow."""
        orchestrator, worker = self._role(self._settings.names.orchestrator), self._role(self._settings.names.worker)
        runs, open_runs = _below(results, "runs/"), _below(results, "open/")
        backups, leases, erased = (_below(results, prefix) for prefix in ("backups/", "leases/", "erased/"))
        receipts = _below(results, RECEIPTS)
        peoples = [_below(results, prefix) for prefix in _PEOPLES_PREFIXES]
        return [
            _denied("RunsAreTheOrchestrators", _WRITING, [orchestrator], resources=[runs, open_runs, receipts]),
            _denied("BackupsAreTheWorkers", _WRITING, [worker, *self._settings.data_admins], resources=[backups]),
            _denied("LeasesAndTombstonesAreTheWorkers", _WRITING, [worker], resources=[leases, erased]),
            _denied(
                "AllElseIsTheFunctions",
                _WRITING,
                [orchestrator, worker],
                not_resources=[runs, open_runs, receipts, backups, leases, erased, *peoples],
            ),
        ]

    def _who_deletes(self, results: s3.Bucket) -> list[iam.PolicyStatement]:
        """Let nobody delete but `data_admins`, and them no run record, and the orchestrator below open/ alone.

        S3's lifecycle is not bound by policies.
        """
        if self._settings.delete_data_on_destroy:
            return []
        erasable, open_runs = [_below(results, "data/"), _below(results, "backups/")], _below(results, "open/")
        return [
            _denied("NobodyDeletes", _DELETING, [], not_resources=[*erasable, open_runs]),
            # Who else could delete there would hide a lost run from the reaper.
            _denied(
                "OnlyTheOrchestratorEndsRuns",
                _DELETING,
                [self._role(self._settings.names.orchestrator)],
                resources=[open_runs],
            ),
            _denied("OnlyAdministratorsErase", _DELETING, self._settings.data_admins, resources=erasable),
        ]

    def _role(self, name: str) -> str:
        """The role's ARN, by its name: a role that is deleted and made anew has the same one."""
        arn: str = cdk.Stack.of(self).format_arn(service="iam", region="", resource="role", resource_name=name)
        return arn


def _denied(
    sid: str,
    actions: list[str],
    others: list[str],
    *,
    resources: list[str] | None = None,
    not_resources: list[str] | None = None,
) -> iam.PolicyStatement:
    """A statement that denies to everybody but `others`, ARNs of roles (their sessions included) or of users."""
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=actions,
        resources=resources,
        not_resources=not_resources,
        conditions={"ArnNotLike": {"aws:PrincipalArn": others}} if others else None,
    )


def _below(bucket: s3.Bucket, prefix: str) -> str:
    arn: str = bucket.arn_for_objects(f"{prefix}*")
    return arn


def _expiring(prefix: str, days: int, *, old_versions_days: int | None = None) -> s3.LifecycleRule:
    """A rule for what lies below the prefix; with `old_versions_days` its old versions go sooner than others'.

    Where several rules apply to an object, S3 follows each of them, and of two expirations the shorter one (S3 user
    guide, conflicts in lifecycle configurations). So the fewer days count of these and of those of `_old_versions`,
    which still removes the delete markers: a rule that expires by days cannot ask for that itself (S3 API).
    """
    return s3.LifecycleRule(
        id=prefix.rstrip("/").replace("/", "-"),
        prefix=prefix,
        expiration=cdk.Duration.days(days),
        noncurrent_version_expiration=None if old_versions_days is None else cdk.Duration.days(old_versions_days),
    )


def _old_versions(days: int, prefix: str | None = None) -> s3.LifecycleRule:
    """A rule that removes what was overwritten, deleted or expired for good after so many days, with its marker."""
    return s3.LifecycleRule(
        id="old-versions" if prefix is None else f"old-{prefix.rstrip('/')}",
        prefix=prefix,
        noncurrent_version_expiration=cdk.Duration.days(days),
        expired_object_delete_marker=True,
    )
