"""Errors of AWS and of libraries, said in words of our own.

Addresses have too many forms for a pattern to find them all, so no foreign message is ever repeated. Kept are: of an
error of AWS or of a library its code, of an exception its type and the line of ours that it came from; and a sentence
of our own.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from pathlib import PurePath

from ses_fleet.errors import FailureKind

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:]{0,79}")
_OURS = "ses_fleet"

REGION_CODES = frozenset(
    {"UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "OptInRequired", "RegionDisabledException"}
)

ACCESS_DENIED_CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"}
)

_BY_CODE: dict[str, str] = {
    **dict.fromkeys(
        ("BadRequestException", "ValidationException", "ValidationError", "InvalidParameterValueException",
         "InvalidParameterValue", "InvalidParameterException", "InvalidRequest", "MalformedXML"),
        "AWS did not accept a value of the request",
    ),
    **dict.fromkeys(
        ("NotFoundException", "ResourceNotFoundException", "NoSuchEntity", "NoSuchKey", "404"),
        "there is nothing with this name",
    ),
    "NoSuchBucket": "there is no bucket with this name",
    **dict.fromkeys(
        ("AlreadyExistsException", "EntityAlreadyExists", "ConflictException"), "there is one with this name already"
    ),
    **dict.fromkeys(
        ("LimitExceededException", "LimitExceeded", "ServiceQuotaExceededException"),
        "a quota of the account is used up",
    ),
    **dict.fromkeys(ACCESS_DENIED_CODES, "a policy does not allow it"),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException"), "the credentials have expired"),
    **dict.fromkeys(("SignatureDoesNotMatch", "InvalidSignatureException"), "AWS did not accept the signature"),
    **dict.fromkeys(("RequestExpired", "RequestTimeTooSkewed"), "this machine's clock differs from AWS's"),
    **dict.fromkeys(REGION_CODES, "the Region may not be enabled in the account, or the credentials are not valid"),
    "PreconditionFailed": "the object exists already",
    "ConditionalRequestConflict": "another write of the same object was under way",
    "PermanentRedirect": "the bucket is in another Region",
    "AuthorizationHeaderMalformed": "the bucket is in another Region",
    "InvalidRequestContentException": "Lambda did not accept the payload as JSON",
    **dict.fromkeys(
        ("RequestTooLargeException", "RequestEntityTooLargeException", "EntityTooLarge",
         "SerializedRequestEntityTooLargeException"),
        "the request is larger than AWS allows",
    ),
    "ConcurrentModificationException": "somebody else changed the same thing at the same moment",
    "AccountSuspendedException": "sending is suspended in the account",
    "MailFromDomainNotVerifiedException": "a domain is not verified in the account",
    "NoRegionError": "no Region is configured",
    "InvalidRegionError": "the configured Region does not exist",
    "SSLError": "its certificate is not trusted here, or TLS failed: check AWS_CA_BUNDLE",
    **dict.fromkeys(
        ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError",
         "SSOTokenLoadError", "UnauthorizedSSOTokenError"),
        "no credentials were found, or they could not be used",
    ),
    "ProfileNotFound": "the profile of AWS_PROFILE is not configured",
    "ParamValidationError": "the parameters do not have the form that the API requires",
    "MissingDependencyException": "the configured way to sign in needs a package that is not installed",
}  # fmt: skip

_BY_KIND: dict[FailureKind, str] = {
    "refused": "AWS refused the request",
    "conflict": "somebody else changed the same thing at the same moment",
    "throttled": "too many requests",
    "server": "AWS had an internal error",
    "lost": "no complete answer came back",
    "unreachable": "the service could not be reached; nothing was sent",
}

# Words that occur in SES's reasons for refusing an address or a record, and the reason in our words.
_REASONS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("maximum of", "list"), "the account has a contact list already"),
    (("topic",), "SES refuses one of the topics"),
    (("already exist",), "the contact exists already"),
    (("duplicate",), "the contact exists already"),
    (("invalid", "address"), "SES refuses the address"),
    (("invalid", "email"), "SES refuses the address"),
    (("email", "format"), "SES refuses the address"),
    (("attribute",), "SES refuses the attributes"),
    (("access", "denied"), "SES may not read the file: the bucket's policy must allow ses.amazonaws.com"),
    (("not authorized",), "SES may not read the file: the bucket's policy must allow ses.amazonaws.com"),
    (("throttl",), "SES had too many requests"),
    (("rate exceeded",), "SES had too many requests"),
    (("json",), "SES could not read the record"),
    (("limit",), "a quota of SES is used up"),
    (("internal",), "SES had an internal error"),
)


def code(value: object) -> str:
    """Return an error code or an exception's type if it looks like one, else "Unknown"."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else "Unknown"


def words(error_code: str, kind: FailureKind) -> str:
    """Return what an error code means, in a few words; for a code that is not known here, what its kind means."""
    return _BY_CODE.get(error_code, _BY_KIND[kind])


def reason(text: object) -> str:
    """Return why SES refused a record, in our words, found by words that occur in SES's own.

    Nothing of `text` is in the result, so no address is.
    """
    if not isinstance(text, str) or not text.strip():
        return "no reason given"
    return known_reason(text) or "SES named a reason that is not repeated here"


def known_reason(text: str) -> str | None:
    """Return the reason in our words, or None when none of the known words occurs in `text`."""
    lowered = text.casefold()
    return next((ours for needed, ours in _REASONS if all(word in lowered for word in needed)), None)


def crash(error: BaseException) -> str:
    """Return an exception's type and our last line that it passed: `KeyError at ses_fleet/worker/context.py:12`."""
    return f"{code(type(error).__name__)}{where(_frames(error))}"


def where(frames: Iterable[tuple[str, int]]) -> str:
    """Return the last of these (file, line) that is ours: ` at ses_fleet/worker/context.py:12`, or "" when none is."""
    own = [shown for shown in (_own(*frame) for frame in frames) if shown]
    return f" at {own[-1]}" if own else ""


def _frames(error: BaseException) -> list[tuple[str, int]]:
    return [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]


def _own(file: str, line: int) -> str | None:
    parts = PurePath(file).parts
    for place in range(len(parts) - 1, -1, -1):
        if parts[place] == _OURS and "site-packages" not in parts and re.fullmatch(r"\w+\.py", parts[-1]):
            return f"{'/'.join(parts[place:])}:{line}"
    return None
