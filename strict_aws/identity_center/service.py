"""The strict Identity Center: the operations of sso-admin and identitystore, without HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from strict_aws.conditions import unset_members
from strict_aws.conditions.conditions import CurrentConditions
from strict_aws.conditions.rate import RateLimit, Throttle
from strict_aws.identity_center import members
from strict_aws.identity_center.errors import not_served, throttled
from strict_aws.identity_center.filling import NewGroup, NewUser, filled
from strict_aws.identity_center.groups import GroupOperations
from strict_aws.identity_center.instances import Instance, Instances, Status, default_store_id
from strict_aws.identity_center.members import Answer, Params
from strict_aws.identity_center.memberships import MembershipOperations
from strict_aws.identity_center.store import IdentityStore
from strict_aws.identity_center.users import UserOperations
from strict_aws.paging.page_tokens import Asked

SERVICES = ("identitystore", "sso-admin")
# Identity Center quotas: 20 requests a second for each API of an identity store, and for all of sso-admin together
# in an account. That as many may come at once is our choice.
DEFAULT_RATE = RateLimit(per_second=20.0, burst=20)

_Operation = Callable[[IdentityStore, Params], Answer]


class StrictIdentityCenter:
    """The Identity Centers of all accounts. Safe to use from many threads.

    `operations` are the names of the operations of identitystore that it has; of sso-admin it only has ListInstances.
    `rate` None means no throttle. `clock` returns epoch seconds. `conditions` None means those of the preset `kind`.
    """

    def __init__(
        self,
        *,
        rate: RateLimit | None = DEFAULT_RATE,
        clock: Callable[[], float] = time.time,
        conditions: CurrentConditions | None = None,
    ) -> None:
        self._clock = clock
        self._conditions = conditions or CurrentConditions()
        self._throttle = None if rate is None else Throttle(rate, clock)
        self._instances = Instances(clock)
        users, groups, memberships = UserOperations(clock), GroupOperations(clock), MembershipOperations(clock)
        self._operations: dict[str, _Operation] = {
            "ListUsers": users.list_users,
            "DescribeUser": users.describe_user,
            "CreateUser": users.create_user,
            "DeleteUser": users.delete_user,
            "ListGroups": groups.list_groups,
            "DescribeGroup": groups.describe_group,
            "CreateGroup": groups.create_group,
            "ListGroupMemberships": memberships.list_group_memberships,
            "CreateGroupMembership": memberships.create_group_membership,
            "DeleteGroupMembership": memberships.delete_group_membership,
        }
        self.operations = frozenset(self._operations)

    def call(
        self, service: str, account: str, region: str, operation: str, params: Params, *, caller: str | None = None
    ) -> Answer:
        """Return the answer to one request in botocore's shapes, with times as epoch seconds.

        Raise AwsError as AWS would, and 501 for an operation or a member that is not emulated. `caller` is the access
        key id that signed the request: NextTokens may be valid for that key only.
        """
        if service == "sso-admin" and operation == "ListInstances":
            self._take(service, account)
            answer = self._instances.list_instances(account, region, params, self._asked(caller))
        else:
            answer = self._answer(service, (account, region), operation, params, caller)
        return unset_members.leave_out(service, operation, answer, self._conditions)

    def _answer(
        self, service: str, place: tuple[str, str], operation: str, params: Params, caller: str | None
    ) -> Answer:
        if service != "identitystore" or operation not in self._operations:
            raise not_served(f"{service} operation {operation}")
        store = self._instances.store(*place, members.store_id(params))
        self._take(operation, store.id)
        with store.lock:
            return self._operations[operation](store.seen(self._asked(caller)), params)

    def _asked(self, caller: str | None) -> Asked:
        conditions = self._conditions.now
        return Asked(caller, self._clock(), conditions.token_seconds, conditions.tokens_of_session)

    def declare(self, account: str) -> None:
        """Let the account have only the instances that it is given, which may be none."""
        self._instances.declare(account)

    def put(
        self,
        account: str,
        region: str,
        *,
        store_id: str | None,
        visible_to: Sequence[str],
        users: Sequence[NewUser],
        groups: Sequence[NewGroup],
        status: Status = "ACTIVE",
    ) -> None:
        """Give an account an instance with these users and groups, in the place of the one that it has in that Region.

        `store_id` None means an id that is always the same for this account and Region. Raise AwsError
        (ConflictException) when another instance has a store of that id.
        """
        now = self._clock()
        store = filled(store_id or default_store_id(account, region), users, groups, now)
        self._instances.put(Instance(account, region, store, now, frozenset(visible_to), status))

    def addresses(self) -> Iterator[str]:
        """Yield every address that is held, so that logs can be searched for them."""
        for instance in self._instances.everything():
            with instance.store.lock:
                held = list(instance.store.addresses())
            yield from held

    def _take(self, *key: str) -> None:
        if self._throttle is not None and not self._throttle.admits(key):
            raise throttled()
