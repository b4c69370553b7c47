"""Reading an organization: all pages, only what is selected, as few requests as lists allow, and at their pace."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from ses_fleet.aws.clients import AwsClient
from ses_fleet.errors import AwsCallError
from ses_fleet_cli.discover import failures
from ses_fleet_cli.discover.organization import Organization, Pace, Reader, Selection
from ses_fleet_cli.errors import CommandError
from strict_aws.http.messages import AwsError
from strict_aws.organizations import tree
from strict_aws.organizations.service import StrictOrganizations
from strict_aws.organizations.tagging import StrictTagging

MANAGEMENT, DELEGATED, MEMBER = "111122223333", "222233334444", "333344445555"
MADE = tree.Organization(
    "o-exampleorgid",
    MANAGEMENT,
    [
        tree.Account(DELEGATED, "Delegated", unit="Infra"),
        tree.Account(MEMBER, "Member", unit="Work", tags={"fleet": "yes", "stage": "prod"}),
        tree.Account("444455556666", "Deep", unit="Work/Prod/EU", tags={"fleet": "yes"}),
        *(tree.Account(f"{n:012d}", f"n{n}", unit="Work/Prod", tags={"fleet": "no"}) for n in range(1, 51)),
    ],
    units=["Empty"],
    delegated=frozenset({DELEGATED}),
)


class Client:
    """One of the strict AWS's services as a client of an account, which counts its calls."""

    def __init__(self, service: str, answer: Any, calls: Counter[str]) -> None:
        self.service, self._answer, self._calls = service, answer, calls

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Ask as AwsClient does."""
        self._calls[operation] += 1
        name = "".join(part.capitalize() for part in operation.split("_"))
        try:
            return dict(self._answer(name, parameters))
        except AwsError as error:
            raise AwsCallError(self.service, operation, "refused", error.code, "refused", error.status) from None


class World:
    """A reader as an account, what it told, and how often it called what."""

    def __init__(self, account: str = MANAGEMENT) -> None:
        self.calls: Counter[str] = Counter()
        self.told: list[str] = []
        made = tree.Organizations()
        made.put(MADE)
        organizations, tagging = StrictOrganizations(made, rate=None), StrictTagging(made, rate=None)
        answers: dict[str, Any] = {
            "organizations": lambda name, given: organizations.call(account, name, given),
            "resourcegroupstaggingapi": lambda name, given: tagging.call(account, "us-east-1", name, given),
        }
        clients = [cast("AwsClient", Client(service, answer, self.calls)) for service, answer in answers.items()]
        self.reader = Reader(clients[0], clients[1], account, pace=Pace(sleep=lambda _: None), tell=self.told.append)

    def read(self, *units: str, recursive: bool = False, **tags: set[str]) -> Organization:
        """Read with this selection."""
        wanted = {key: frozenset(values) for key, values in tags.items()}
        return self.reader.read(Selection(units, recursive, wanted))


def test_every_page_is_read_also_behind_an_empty_one() -> None:
    """54 accounts, 20 a page."""
    world = World()
    found = world.read()
    assert len(found.accounts) == len(found.selected) == 54
    assert (found.id, found.management_account) == ("o-exampleorgid", MANAGEMENT)
    assert world.calls == {"describe_organization": 1, "list_accounts": 4}


def test_a_unit_is_its_own_accounts_and_recursive_those_below() -> None:
    """A unit that is named lies below another one: it is read once."""
    work, prod = MADE.parent_id("Work"), MADE.parent_id("Work/Prod")
    assert World().read(work).selected == {MEMBER}
    world = World()
    assert len(world.read(work, prod, recursive=True).selected) == 52
    assert world.calls["list_organizational_units_for_parent"] == 3
    assert World().read(MADE.parent_id("Empty"), recursive=True).selected == frozenset()


def test_root_is_the_whole_organization_with_recursive() -> None:
    """Without it only who is in no unit."""
    assert World().read("root").selected == {MANAGEMENT}
    found = World().read("root", recursive=True)
    assert found.selected == found.accounts.keys()


def test_tags_are_one_listing_in_the_management_account() -> None:
    """Of one key any value, of several keys all; within the units; no request for each account."""
    world = World()
    assert world.read(fleet={"yes"}).selected == {MEMBER, "444455556666"}
    assert world.calls == {"describe_organization": 1, "list_accounts": 4, "get_resources": 1}
    assert len(World().read(fleet={"yes", "no"}).selected) == 52
    assert World().read(fleet=set(), stage={"prod", "test"}).selected == {MEMBER}
    assert World().read(MADE.parent_id("Work"), fleet={"yes"}).selected == {MEMBER}
    assert world.told == []


def test_tags_are_read_one_by_one_elsewhere_and_it_is_said() -> None:
    """Accounts are resources of the management account alone: for others the listing is empty."""
    world = World(DELEGATED)
    assert world.read(MADE.parent_id("Work"), recursive=True, fleet={"yes"}).selected == {MEMBER, "444455556666"}
    assert (world.calls["list_tags_for_resource"], world.calls["get_resources"]) == (52, 0)
    assert world.told == [
        f"{DELEGATED} is not the management account, so tags are read account by account: 52 requests, about 10 s"
    ]


@pytest.mark.parametrize(
    ("account", "units", "code", "said"),
    [
        ("999988887777", (), 3, "in no AWS organization: set AWS_PROFILE"),
        (MEMBER, (), 3, "may not call organizations:ListAccounts (AccessDeniedException)"),
        (MANAGEMENT, ("ou-abcd-00000000",), 2, "--ou ou-abcd-00000000: the organization has no such unit or root"),
    ],
)
def test_what_is_refused_is_said_in_plain_words(account: str, units: tuple[str, ...], code: int, said: str) -> None:
    """And what to do about it."""
    with pytest.raises(CommandError) as error, failures.explained(Selection(units)):
        World(account).read(*units)
    assert error.value.exit_code == code
    assert said in error.value.message


@pytest.mark.parametrize(
    ("service", "operation", "kind", "code", "said"),
    [
        (
            "organizations",
            "list_accounts",
            "throttled",
            "TooManyRequestsException",
            "AWS takes no more ListAccounts now",
        ),
        (
            "resourcegroupstaggingapi",
            "get_resources",
            "refused",
            "AccessDeniedException",
            "may not call tag:GetResources",
        ),
        ("resourcegroupstaggingapi", "get_resources", "refused", "PaginationTokenExpiredException", "run it again"),
        ("organizations", "list_accounts", "unreachable", "EndpointConnectionError", "check the network and its proxy"),
        ("organizations", "list_accounts", "server", "ServiceException", "ServiceException: it failed"),
        ("organizations", "client", "unreachable", "NoCredentialsError", "set AWS_PROFILE to a profile that has some"),
    ],
)
def test_every_failure_is_exit_code_3(
    service: str, operation: str, kind: Any, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was written; a listing that ends in between is none."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(CommandError) as error, failures.explained(Selection()):
        raise AwsCallError(service, operation, kind, code, "it failed")
    assert error.value.exit_code == 3
    assert said in error.value.message


def answering(**answers: Any) -> Reader:
    """A reader whose calls get these answers."""

    class Fixed:
        service = "organizations"

        def call(self, operation: str, **_: Any) -> dict[str, Any]:
            return dict(answers.get(operation, {}))

    client = cast("AwsClient", Fixed())
    return Reader(client, client, MANAGEMENT, pace=Pace(sleep=lambda _: None))


def test_a_token_that_comes_back_ends_the_listing() -> None:
    """With an error: what was read is not the whole."""
    with pytest.raises(CommandError) as error:
        answering(list_accounts={"NextToken": "x"}).read(Selection())
    assert (error.value.exit_code, "list_accounts" in error.value.message) == (3, True)


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        ({"State": "ACTIVE", "Status": "SUSPENDED"}, "ACTIVE"),
        ({"Status": "SUSPENDED"}, "SUSPENDED"),
        ({"State": None, "Status": "ACTIVE", "Name": None}, "ACTIVE"),
        ({}, ""),
    ],
)
def test_a_state_counts_before_a_status(shown: dict[str, Any], state: str) -> None:
    """The older name where the newer is not there; neither is neither."""
    found = answering(list_accounts={"Accounts": [{"Id": MEMBER, **shown}]}).read(Selection())
    assert found.accounts[MEMBER].state == state


def test_an_account_without_an_id_is_no_account() -> None:
    """Nothing is guessed."""
    with pytest.raises(CommandError):
        answering(list_accounts={"Accounts": [{"Name": "x"}]}).read(Selection())


def test_requests_are_paced() -> None:
    """Five a second, also after a pause: what was not used is not saved up."""
    now, slept = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))
        now[0] += seconds

    pace = Pace(clock=lambda: now[0], sleep=sleep)
    for _ in range(3):
        pace.wait()
    now[0] += 10
    pace.wait()
    pace.wait()
    assert slept == [0.2, 0.2, 0.2]


def test_the_policy_in_the_guide_allows_what_is_called_and_no_more() -> None:
    """In whichever way accounts are selected, from the management account and from a delegated administrator's."""
    called = Counter[str]()
    for account in (MANAGEMENT, DELEGATED):
        world = World(account)
        world.read("root", recursive=True, fleet={"yes"})
        called += world.calls
    guide = (Path(__file__).resolve().parents[4] / "docs" / "operating.md").read_text(encoding="utf-8")
    text = guide.partition("### Onboard many accounts")[2].partition("```json\n")[2].partition("```")[0]
    (statement,) = json.loads(text)["Statement"]
    prefixes = {"get_resources": "tag"}
    assert statement["Action"] == sorted(
        f"{prefixes.get(name, 'organizations')}:{''.join(part.capitalize() for part in name.split('_'))}"
        for name in called
    )
