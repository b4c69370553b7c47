"""The operations that read an account's identities. A control alone makes them.

The API reference says what the answers have. Not documented are: the order, which is that in which identities came; the
size of a page without PageSize, and with 0, which is 50; and how names compare, which is exactly, but for a domain's
upper and lower case.
"""

from __future__ import annotations

from strict_aws.http.messages import AwsError
from strict_aws.paging import page_tokens
from strict_aws.ses import paging, shapes
from strict_aws.ses.contact_lists import Answer, Params
from strict_aws.ses.errors import no_identity
from strict_aws.ses.identities import Identity
from strict_aws.ses.store import Place


def list_email_identities(place: Place, params: Params) -> Answer:
    """Return a page. A filter is a 501."""
    if params.get("Filter") is not None:
        raise AwsError("NotImplemented", "the strict SES does not filter identities", 501)
    size = paging.page_size(None if params.get("PageSize") == 0 else params.get("PageSize"))
    held, token = place.identities, shapes.optional_text(params.get("NextToken"))
    start = 0 if token is None else paging.read_token(token, held.token_key, "identities", place.asked)
    found, more = held.listed.page(start, size)
    answer: Answer = {"EmailIdentities": [_summary(one) for one in found]}
    if more is None:
        return answer
    return {**answer, "NextToken": page_tokens.make_token(more, held.token_key, "identities", place.asked)}


def get_email_identity(place: Place, params: Params) -> Answer:
    """Return one identity; raise AwsError (NotFoundException) when the account has none of this name."""
    name = shapes.text(params.get("EmailIdentity"), "emailIdentity")
    found = place.identities.get(name)
    if found is None:
        raise no_identity(name)
    answer: Answer = {
        "IdentityType": found.kind,
        "FeedbackForwardingStatus": True,
        "VerifiedForSendingStatus": found.verification_status == "SUCCESS" and found.sending_enabled,
        "VerificationStatus": found.verification_status,
        "DkimAttributes": {
            "SigningEnabled": found.dkim_signing,
            "Status": found.dkim_status,
            "SigningAttributesOrigin": "AWS_SES",
        },
        "Policies": {},
        "Tags": [],
    }
    if found.mail_from is not None:
        answer["MailFromAttributes"] = {
            "MailFromDomain": found.mail_from.domain,
            "MailFromDomainStatus": found.mail_from.status,
            "BehaviorOnMxFailure": found.mail_from.on_mx_failure,
        }
    if found.configuration_set is not None:
        answer["ConfigurationSetName"] = found.configuration_set
    return answer


def _summary(one: Identity) -> Answer:
    return {
        "IdentityType": one.kind,
        "IdentityName": one.name,
        "SendingEnabled": one.sending_enabled,
        "VerificationStatus": one.verification_status,
    }
