"""Clients that an environment keeps from one invocation to the next: making one costs more CPU than several calls.

A client of the function itself signs with the function's own credentials. A client for customers has none: it signs
with those that the invocation under way has lent it, and between invocations it cannot sign.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import botocore.session
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError

from ses_fleet import limits
from ses_fleet.aws import clients
from ses_fleet.aws.clients import AwsClient


class _Loan:
    """The credentials that one invocation has lent."""

    credentials: clients.Credentials | None = None


# A thread that an earlier invocation left behind does not see the loan of the next one.
_loan: ContextVar[_Loan | None] = ContextVar("loan", default=None)


@contextmanager
def invocation() -> Iterator[None]:
    """Take the credentials that are lent in this block back at its end, however it ends."""
    loan = _Loan()
    token = _loan.set(loan)
    try:
        yield
    finally:
        loan.credentials = None
        _loan.reset(token)


def of_customers(service: str, region: str, credentials: clients.Credentials, **options: Any) -> AwsClient:
    """Return the client for customers in this Region, and lend it these credentials until the invocation ends.

    `options` are those of `clients.client`. Raise RuntimeError outside of an invocation, and when it has lent another
    customer's credentials already.
    """
    loan = _loan.get()
    if loan is None or loan.credentials not in (None, credentials):
        raise RuntimeError("credentials are lent once in an invocation, and in no other place")
    loan.credentials = credentials
    return _current(_kept(service, region, lent=True, **options))


def prepare_for_customers(service: str, region: str) -> None:
    """Make the client for customers in this Region before there is any."""
    _kept(service, region, lent=True)


def of_function(service: str, region: str, *, new_connections: bool = False, **options: Any) -> AwsClient:
    """Return the client that signs as the function itself; `options` are those of `clients.client`.

    With `new_connections` no request of it travels on a connection of an earlier invocation, which may be dead: what
    is sent over it would be lost.
    """
    return _current(_kept(service, region, lent=False, **options), new_connections=new_connections)


def forget() -> None:
    """Keep none of the clients any longer, for tests that change what clients are made from."""
    _kept.cache_clear()


@functools.cache
def _kept(service: str, region: str, *, lent: bool, **options: Any) -> AwsClient:
    if not lent:
        return clients.client(service, region, **options)
    return clients.client(service, region, session=_lending_session(), **options)


def _current(client: AwsClient, *, new_connections: bool = False) -> AwsClient:
    """Return the client without connections that nobody has used for so long that they may be dead.

    Lambda freezes an environment between invocations, and does not see then that the other side hangs up.
    """
    idle = time.time() - client.used_at
    if new_connections or not 0 <= idle <= limits.KEPT_CONNECTION_SECONDS:
        client.drop_connections()
    return client


class _LentCredentials(Credentials):
    """What botocore takes for the client's credentials: those of the loan in this moment, or none."""

    def __init__(self) -> None:
        super().__init__("lent", "lent", method="lent")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return them; botocore asks whenever it signs. Raise NoCredentialsError when nothing is lent."""
        loan = _loan.get()
        lent = None if loan is None else loan.credentials
        if lent is None:
            raise NoCredentialsError
        return ReadOnlyCredentials(lent.access_key_id, lent.secret_access_key, lent.session_token)


class _LentCredentialsResolver:
    """A session's credential provider that finds only what is lent."""

    def load_credentials(self) -> Credentials:
        """Return what stands, whenever a request is signed, for what the invocation under way has lent."""
        return _LentCredentials()


@functools.cache
def _lending_session() -> botocore.session.Session:
    session = botocore.session.Session()
    session.register_component("credential_provider", _LentCredentialsResolver())
    return session
