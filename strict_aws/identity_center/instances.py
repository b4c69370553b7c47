"""Which Identity Centers exist, and which accounts see them.

An account that was given no Identity Center, and sees none of another account, has an empty one in every Region in
which it asks. AWS has one per account, in one Region; here that Region would depend on who asks first.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from strict_aws.identity_center import members, paging
from strict_aws.identity_center.errors import conflict, not_found
from strict_aws.identity_center.members import Answer, Params
from strict_aws.identity_center.store import IdentityStore
from strict_aws.paging.page_tokens import Asked

Status = Literal["ACTIVE", "CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS"]
_INSTANCES_A_PAGE = 10  # API reference: the answer's Instances has at most so many


@dataclass(frozen=True)
class Instance:
    """An instance in one account and Region. `visible_to` are the other accounts that see it.

    One that is not ACTIVE is listed, but its store cannot be read. For one that is being deleted this is our choice.
    """

    account: str
    region: str
    store: IdentityStore
    created_at: float
    visible_to: frozenset[str] = frozenset()
    status: Status = "ACTIVE"

    @property
    def arn(self) -> str:
        """The instance's ARN, which is always the same for the same store."""
        return f"arn:aws:sso:::instance/ssoins-{_digest(self.store.id, 16)}"


def default_store_id(account: str, region: str) -> str:
    """Return the id of the store of an account in a Region, for a store that is given no other id."""
    return f"d-{_digest(f'{account} {region}', 10)}"


class Instances:
    """All instances. `clock` returns epoch seconds. Safe to use from many threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._token_key = secrets.token_bytes(16)
        self._given: dict[str, dict[str, Instance]] = {}  # by account and Region
        self._automatic: dict[tuple[str, str], Instance] = {}

    def declare(self, account: str) -> None:
        """Let the account have only the instances that it is given, which may be none."""
        with self._lock:
            self._given.setdefault(account, {})

    def put(self, instance: Instance) -> None:
        """Give an account an instance, in the place of the one that it has in that Region.

        Raise AwsError (ConflictException) when another instance has a store of that id.
        """
        place = (instance.account, instance.region)
        with self._lock:
            others = [one for one in self._all_given() if (one.account, one.region) != place]
            if any(one.store.id == instance.store.id for one in others):
                raise conflict(f"identity_store_id {instance.store.id} is another instance's")
            self._given.setdefault(instance.account, {})[instance.region] = instance

    def store(self, account: str, region: str, store_id: str) -> IdentityStore:
        """Return the store of this id.

        Raise AwsError (ResourceNotFoundException) when the account does not see it in this Region.
        """
        for one in self.visible(account, region):
            if one.store.id == store_id and one.status == "ACTIVE":
                return one.store
        raise not_found("IDENTITY_STORE", store_id)

    def visible(self, account: str, region: str) -> list[Instance]:
        """Return the instances that an account sees in a Region, its own first."""
        with self._lock:
            seen = [one for one in self._all_given() if account == one.account or account in one.visible_to]
            if not seen and account not in self._given:
                return [self._made(account, region)]
        return sorted((one for one in seen if one.region == region), key=lambda one: one.account != account)

    def everything(self) -> list[Instance]:
        """Return all instances of all accounts."""
        with self._lock:
            return [*self._all_given(), *self._automatic.values()]

    def list_instances(self, account: str, region: str, params: Params, asked: Asked) -> Answer:
        """Answer ListInstances with the instances that the account sees in the Region."""
        members.only(params, "MaxResults", "NextToken")
        question = paging.Question([account, region], self._token_key, asked)
        first = paging.start(params, question)
        end = first + min(paging.page_size(params), _INSTANCES_A_PAGE)
        seen = self.visible(account, region)
        answer: Answer = {"Instances": [_shown(one) for one in seen[first:end]]}
        if end < len(seen):
            answer["NextToken"] = question.token(end)
        return answer

    def _all_given(self) -> Iterator[Instance]:
        return (one for regions in self._given.values() for one in regions.values())

    def _made(self, account: str, region: str) -> Instance:
        place = (account, region)
        if place not in self._automatic:
            store = IdentityStore(default_store_id(account, region))
            self._automatic[place] = Instance(account, region, store, self._clock())
        return self._automatic[place]


def _shown(instance: Instance) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "InstanceArn": instance.arn,
        "OwnerAccountId": instance.account,
        "CreatedDate": instance.created_at,
        "Status": instance.status,
    }
    if instance.status.startswith("CREATE"):
        return shown  # it has no store yet
    arn = f"arn:aws:identitystore::{instance.account}:identitystore/{instance.store.id}"
    return {**shown, "IdentityStoreId": instance.store.id, "IdentityStoreArn": arn}


def _digest(text: str, characters: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:characters]
