"""Find out who signs a request: an account's administrator, by a 12-digit key, or a session with issued credentials."""

from __future__ import annotations

import base64
import re
import secrets
import string
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from strict_aws.http.messages import AwsError, Request
from strict_aws.http.operations import query_of

_AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256\s+Credential=([^/]+)/(\d{8})/([^/]*)/([^/]*)/aws4_request")
_ENVIRONMENT = re.compile(r"(?:^|\s)app/(\S+)")
_ACCOUNT_KEY = re.compile(r"[0-9]{12}")


@dataclass(frozen=True)
class Session:
    """Temporary credentials of a role.

    `policy` is the text of the session policy, which narrows the role's policies. `expires_at` is epoch seconds.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    account: str
    role_arn: str
    role_id: str
    session_name: str
    expires_at: float
    policy: str | None = None

    @property
    def principal(self) -> str:
        """The assumed-role ARN, in the form in which CloudTrail and GetCallerIdentity show it."""
        partition, role_name = self.role_arn.split(":")[1], self.role_arn.rsplit("/", 1)[1]
        return f"arn:{partition}:sts::{self.account}:assumed-role/{role_name}/{self.session_name}"


@dataclass(frozen=True)
class Caller:
    """The identity that a request comes from, and the Region and service that it is signed for."""

    account: str
    principal: str
    access_key_id: str
    region: str
    signing_name: str
    environment: str | None
    session: Session | None

    @property
    def role_arn(self) -> str:
        """The value of aws:PrincipalArn: the role of a session, the root of an administrator."""
        return self.principal if self.session is None else self.session.role_arn

    @property
    def own_names(self) -> tuple[str, ...]:
        """The names under which a Principal element means this caller alone."""
        return (self.principal, self.role_arn)

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which a Principal element may mean this caller, those of its account included."""
        partition = self.principal.split(":")[1]
        return (*self.own_names, self.account, f"arn:{partition}:iam::{self.account}:root")

    @property
    def is_administrator(self) -> bool:
        """Whether the key is a 12-digit one: that account's root, for whom no policy but a bucket's is asked."""
        return self.session is None


@dataclass(frozen=True)
class Signature:
    """What a request claims about its sender, before any of it is checked."""

    access_key_id: str | None
    region: str | None
    signing_name: str | None
    token: str | None
    environment: str | None


class Sessions:
    """Every temporary credential that was handed out since the start. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[str, Session] = {}

    def issue(
        self, *, role_arn: str, role_id: str, session_name: str, seconds: int, policy: str | None = None
    ) -> Session:
        """Make and return credentials for a role's session that are valid for so many seconds."""
        session = Session(
            access_key_id="ASIA" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(16)),
            secret_access_key=base64.b64encode(secrets.token_bytes(30)).decode(),
            session_token="FwoGZXIvYXdz" + base64.b64encode(secrets.token_bytes(120)).decode(),
            account=role_arn.split(":")[4],
            role_arn=role_arn,
            role_id=role_id,
            session_name=session_name,
            expires_at=time.time() + seconds,
            policy=policy,
        )
        with self._lock:
            self._by_key[session.access_key_id] = session
        return session

    def everything(self) -> list[Session]:
        """Return all sessions, expired ones included, so that logs can be searched for their secrets."""
        with self._lock:
            return list(self._by_key.values())

    def caller(self, signature: Signature) -> Caller:
        """Return who signed; raise AwsError with AWS's own codes when the key is not known or has expired."""
        key = signature.access_key_id
        if key is None or not signature.signing_name:
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        if _ACCOUNT_KEY.fullmatch(key):
            return self._made(signature, key, f"arn:aws:iam::{key}:root", None)
        session = self._by_key.get(key)
        if session is None:
            raise invalid_token(signature.signing_name, "no such access key was handed out")
        if signature.token != session.session_token:
            raise invalid_token(signature.signing_name, "the session token is missing or not the key's")
        if time.time() >= session.expires_at:
            raise AwsError("ExpiredToken", "The security token included in the request is expired", 403)
        return self._made(signature, session.account, session.principal, session)

    @staticmethod
    def _made(signature: Signature, account: str, principal: str, session: Session | None) -> Caller:
        return Caller(
            account=account,
            principal=principal,
            access_key_id=str(signature.access_key_id),
            region=signature.region or "us-east-1",
            signing_name=str(signature.signing_name),
            environment=signature.environment,
            session=session,
        )


def read_signature(request: Request) -> Signature:
    """Return what a request's Authorization header or pre-signed query claims; the signature is not verified."""
    match = _AUTHORIZATION.match(request.headers.get("authorization", ""))
    token = request.headers.get("x-amz-security-token")
    if match is None:
        match, token = _presigned(request)
    environment = _ENVIRONMENT.search(request.headers.get("user-agent", ""))
    app = environment.group(1) if environment else None
    if match is None:
        return Signature(None, None, None, None, app)
    key, _, region, service = match.groups()
    return Signature(key, region, service, token, app)


def _presigned(request: Request) -> tuple[re.Match[str] | None, str | None]:
    query: Mapping[str, list[str]] = query_of(request) if "X-Amz-Credential" in request.query else {}
    credential = unquote(query.get("X-Amz-Credential", [""])[0])
    token = query.get("X-Amz-Security-Token", [""])[0] or None
    return _AUTHORIZATION.match(f"AWS4-HMAC-SHA256 Credential={credential}"), token


def invalid_token(signing_name: str | None, reason: str) -> AwsError:
    """Return a service's refusal of credentials that it does not know; the reason is for the journal."""
    # JSON services say UnrecognizedClientException, query services InvalidClientTokenId, S3 InvalidAccessKeyId.
    message = "The security token included in the request is invalid."
    if signing_name == "s3":
        return AwsError(
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            403,
            reason=reason,
        )
    code = "InvalidClientTokenId" if signing_name in ("sts", "iam", "sqs") else "UnrecognizedClientException"
    return AwsError(code, message, 403, reason=reason)
