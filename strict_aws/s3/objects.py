"""The local cloud's S3 as SES sees it: what it may read by Region and bucket policy, and what is there."""

from __future__ import annotations

from strict_aws.backend import moto_state
from strict_aws.backend.moto_state import Bucket
from strict_aws.iam import policy
from strict_aws.iam.policy import Decision, Query
from strict_aws.ses.objects import S3Object

SES_PRINCIPAL = "ses.amazonaws.com"


class S3Objects:
    """Reads moto's buckets as the service principal of SES, for an account."""

    def refusal(self, wanted: S3Object) -> str | None:
        """The bucket must be there, in SES's Region, and its policy must allow the principal to s3:GetObject.

        The texts are ours. The policy is asked with aws:SourceAccount and aws:Referer, the account both (developer
        guide), and without aws:SourceArn, of which nothing is documented for import jobs.
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
        """The object's latest version."""
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
