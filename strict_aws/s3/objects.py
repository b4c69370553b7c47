"""S3 as SES's import jobs see it: which objects they may read, by Region and bucket policy, and what these hold."""

from __future__ import annotations

from strict_aws.backend import moto_state
from strict_aws.backend.moto_state import Bucket
from strict_aws.iam import policy
from strict_aws.iam.policy import Decision, Query
from strict_aws.ses.objects import S3Object

SES_PRINCIPAL = "ses.amazonaws.com"


class S3Objects:
    """Reads objects of moto's buckets as SES's service principal does for an account."""

    def refusal(self, wanted: S3Object) -> str | None:
        """Return why SES may not read this object, or None when it may. Whether the object exists does not matter.

        The bucket must exist in SES's Region, and its policy must allow the principal s3:GetObject. The policy sees
        the account as aws:SourceAccount and as aws:Referer (developer guide), and no aws:SourceArn, which is not
        documented for import jobs. The texts are not AWS's.
        """
        bucket = moto_state.find_bucket(wanted.bucket)
        url = f"s3://{wanted.bucket}/{wanted.key}"
        if bucket is None:
            return f"Amazon SES cannot read {url}: there is no such bucket"
        if bucket.region != wanted.region:
            return f"Amazon SES in {wanted.region} cannot read {url}: the bucket is in {bucket.region}"
        decision = _decide(bucket, wanted)
        return None if decision.allowed else f"Amazon SES cannot read {url}: bucket policy: {decision.reason}"

    def read(self, wanted: S3Object) -> bytes | None:
        """Return the content of the object's latest version, or None when there is no such object."""
        return moto_state.read_object(wanted.bucket, wanted.key)


def _decide(bucket: Bucket, wanted: S3Object) -> Decision:
    if bucket.policy is None:
        return Decision(False, "there is none")
    context = {
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": SES_PRINCIPAL,
        "aws:Referer": wanted.account,
        "aws:RequestedRegion": wanted.region,
        "aws:ResourceAccount": bucket.account,
        "aws:SecureTransport": "true",
        "aws:SourceAccount": wanted.account,
    }
    query = Query("s3:GetObject", f"arn:aws:s3:::{wanted.bucket}/{wanted.key}", context, (SES_PRINCIPAL,))
    try:
        return policy.evaluate([policy.parse(bucket.policy)], query, resource_based=True)
    except ValueError:
        return Decision(False, "it is no policy document")
