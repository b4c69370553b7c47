"""An Identity Center as a JSON document describes it: its users and groups, given one by one or made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)

from strict_aws import regions
from strict_aws.control.problems import GIVEN, MADE_UP
from strict_aws.identity_center.filling import NUMBER, NewGroup, NewUser, generate_groups, generate_users
from strict_aws.identity_center.instances import Status
from strict_aws.identity_center.members import STORE_ID, TEXT_CHARACTERS, USER_NAME_CHARACTERS
from strict_aws.identity_center.service import StrictIdentityCenter

_Username = Annotated[str, StringConstraints(pattern=r"^\S+$", max_length=USER_NAME_CHARACTERS)]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_CHARACTERS)]
_Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]


def _of_a_region(text: str) -> str:
    if text not in regions.known():
        raise ValueError("is not the name of a Region that AWS has")
    return text


Region = Annotated[str, AfterValidator(_of_a_region)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GivenUser(_Part):
    """One user. Without `email` it has no address, without `display_name` no name to show."""

    username: _Username
    email: _Text | None = None
    display_name: _Text | None = None
    status: Literal["ENABLED", "DISABLED"] = "ENABLED"


class MadeUpUsers(_Part):
    """So many made-up users, all enabled: `user-0000000` with `user-0000000@seed-<seed>.example`, and so on."""

    generate: int = Field(ge=0, le=100_000)
    seed: int = 0


class GivenGroup(_Part):
    """One group. `members` are user names. It may vanish while it is read: see `NewGroup`."""

    name: _Text
    members: list[str] = Field(default_factory=list)
    vanishes_after_listing: bool = False
    answers_at_second_attempt: bool = False


class MadeUpGroups(_Part):
    """So many made-up groups of `members` users each. `name` has `{n}` where the number of each group goes."""

    generate: int = Field(ge=0, le=100_000)
    members: int = Field(ge=0)
    name: _Text

    @field_validator("name")
    @classmethod
    def _has_a_number(cls, name: str) -> str:
        if NUMBER not in name:
            raise ValueError(f"must have {NUMBER} where the number of each group goes")
        return name


def _kind(value: object) -> str:
    return MADE_UP if isinstance(value, dict | _Part) else GIVEN


_Users = Annotated[Annotated[list[GivenUser], Tag(GIVEN)] | Annotated[MadeUpUsers, Tag(MADE_UP)], Discriminator(_kind)]
_Groups = Annotated[
    Annotated[list[GivenGroup], Tag(GIVEN)] | Annotated[MadeUpGroups, Tag(MADE_UP)], Discriminator(_kind)
]


class IdentityCenterDocument(_Part):
    """An Identity Center with its users and groups.

    `identity_store_id` None means an id that is always the same for an account and Region. `visible_to` are the other
    accounts that see the instance. With a `status` other than ACTIVE the instance is in transition: it is listed, but
    cannot be read, and has no store yet while it is being created.
    """

    region: Region | None = None
    identity_store_id: Annotated[str, StringConstraints(pattern=f"^{STORE_ID.pattern}$")] | None = None
    status: Status = "ACTIVE"
    visible_to: list[_Account] = Field(default_factory=list)
    users: _Users = Field(default_factory=list)
    groups: _Groups = Field(default_factory=list)

    @model_validator(mode="after")
    def _fits_together(self) -> IdentityCenterDocument:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    @property
    def new_users(self) -> list[NewUser]:
        """The users, made up where that is asked, as the strict Identity Center takes them."""
        if isinstance(self.users, MadeUpUsers):
            return generate_users(self.users.generate, self.users.seed)
        return [NewUser(one.username, one.email, one.display_name, one.status == "ENABLED") for one in self.users]

    @property
    def new_groups(self) -> list[NewGroup]:
        """The groups, made up where that is asked, as the strict Identity Center takes them."""
        if isinstance(self.groups, MadeUpGroups):
            names = [user.username for user in self.new_users]
            return list(generate_groups(self.groups.generate, self.groups.members, self.groups.name, names))
        return [
            NewGroup(one.name, one.members, one.vanishes_after_listing, one.answers_at_second_attempt)
            for one in self.groups
        ]

    def _problems(self) -> Iterator[str]:
        names = [user.username for user in self.new_users]
        for name in _twice(name.casefold() for name in names):
            yield f"users: there are two of the name {name}"
        if isinstance(self.groups, MadeUpGroups):
            if self.groups.members > len(names):
                yield f"groups.members: {self.groups.members} in each, but there are {len(names)} users"
            return
        known = set(names)
        for name in _twice(group.name for group in self.groups):
            yield f"groups: there are two of the name {name}"
        for number, group in enumerate(self.groups):
            for name in _twice(group.members):
                yield f"groups.{number}.members: {name} is there twice"
            for name in group.members:
                if name not in known:
                    yield f"groups.{number}.members: there is no user {name}"


class PlacedIdentityCenterDocument(IdentityCenterDocument):
    """An Identity Center that says which Region it is in."""

    region: Region


def put_identity_center(
    identity_center: StrictIdentityCenter, account: str, region: str, wanted: IdentityCenterDocument
) -> None:
    """Give the account this Identity Center in this Region, in the place of the one that it has there.

    Raise AwsError 400 when another Identity Center has the same identity_store_id.
    """
    identity_center.put(
        account,
        region,
        store_id=wanted.identity_store_id,
        visible_to=wanted.visible_to,
        users=wanted.new_users,
        groups=wanted.new_groups,
        status=wanted.status,
    )


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
