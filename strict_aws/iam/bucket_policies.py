"""What a bucket's policy adds to the caller's own policies, as S3 evaluates it for every call."""

from __future__ import annotations

from strict_aws.backend import moto_state
from strict_aws.backend.moto_state import Bucket
from strict_aws.iam import policy
from strict_aws.iam.identity import Caller
from strict_aws.iam.policy import Decision, Query

# The account's root can always repair a policy that locks everybody out (S3 user guide, bucket policies).
_FOR_ROOT = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})
_PREFIX = "arn:aws:s3:::"


def bucket_of(query: Query) -> Bucket | None:
    """Return the bucket that a call is about, or None when it is about none or the bucket does not exist yet."""
    if not query.resource.startswith(_PREFIX) or query.action == "s3:CreateBucket":
        return None
    return moto_state.find_bucket(query.resource.removeprefix(_PREFIX).partition("/")[0])


def combined(bucket: Bucket, caller: Caller, query: Query, own: Decision) -> Decision:
    """Return the decision of the bucket's policy together with `own`, which is that of the caller's policies.

    A Deny of the bucket's policy wins. In the bucket's account either of the two may allow; a caller of another account
    needs both. There, and for a Deny, an account's root in a Principal stands for the whole account. Within the account
    such a statement leaves the decision to the callers' own policies.
    """
    by_bucket = _evaluated(bucket, query, caller.names)
    is_root = caller.is_administrator and caller.account == bucket.account
    if by_bucket.explicit_deny and not (is_root and query.action in _FOR_ROOT):
        return Decision(False, f"bucket policy: {by_bucket.reason}", explicit_deny=True)
    if caller.account != bucket.account:
        if not own.allowed or by_bucket.allowed:
            return own
        return Decision(False, f"bucket policy: {by_bucket.reason}, for another account")
    if own.allowed or own.explicit_deny:
        return own
    directly = _evaluated(bucket, query, caller.own_names)
    return directly if directly.allowed else own


def _evaluated(bucket: Bucket, query: Query, names: tuple[str, ...]) -> Decision:
    if bucket.policy is None:
        return Decision(False, "there is none")
    try:
        document = policy.parse(bucket.policy)
    except ValueError:
        return Decision(False, "it is no policy document", explicit_deny=True)
    asked = Query(query.action, query.resource, query.context, names)
    return policy.evaluate([document], asked, resource_based=True)
