"""Organizations and the tags of its accounts: who may ask, pages, units, rates, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from strict_aws.conditions.rate import RateLimit
from strict_aws.http.messages import AwsError
from strict_aws.organizations.service import StrictOrganizations
from strict_aws.organizations.tagging import StrictTagging
from strict_aws.organizations.tree import Account, Organization, Organizations

MANAGEMENT, DELEGATED, MEMBER, STRANGER = "111122223333", "222233334444", "333344445555", "999988887777"
ACCOUNTS = [
    Account(DELEGATED, "Delegated"),
    Account(MEMBER, "Member", unit="Work/Prod", tags={"fleet": "yes", "stage": "prod"}),
    Account("444455556666", "Closed", state="CLOSED", unit="Work", tags={"fleet": "no"}),
    *(Account(f"{number:012d}", f"n{number}", unit="Many", tags={"fleet": "many"}) for number in range(1, 46)),
]
MADE = Organization("o-exampleorgid", MANAGEMENT, ACCOUNTS, units=["Empty/Inside"], delegated=frozenset({DELEGATED}))


def organizations() -> Organizations:
    """The one organization."""
    made = Organizations()
    made.put(MADE)
    return made


def service(rate: RateLimit | None = None) -> StrictOrganizations:
    """Without a throttle, unless there is one."""
    return StrictOrganizations(organizations(), rate=rate, clock=lambda: 0.0)


def refusal(call: Any, *asked: Any) -> AwsError:
    """The refusal of a call."""
    with pytest.raises(AwsError) as error:
        call(*asked)
    return error.value


def listed(operation: str, member: str, **params: Any) -> tuple[list[str], list[int]]:
    """The ids of all pages, and how many each page has."""
    asked, found, sizes = service(), list[str](), list[int]()
    while True:
        answer = asked.call(MANAGEMENT, operation, params)
        found += [one["Id"] for one in answer[member]]
        sizes.append(len(answer[member]))
        if "NextToken" not in answer:
            return found, sizes
        params["NextToken"] = answer["NextToken"]


def test_lists_have_pages_of_at_most_20_of_which_the_second_is_empty() -> None:
    """Whoever stops at an empty page misses accounts; MaxResults makes them smaller."""
    everybody = [MANAGEMENT, *(one.id for one in ACCOUNTS)]
    assert listed("ListAccounts", "Accounts") == (everybody, [20, 0, 20, 9])
    assert listed("ListAccountsForParent", "Accounts", ParentId=MADE.parent_id("Many"), MaxResults=15)[1] == [
        *(15, 0, 15, 15)
    ]


def test_a_parent_has_its_own_accounts_and_units_and_nothing_from_below() -> None:
    """As ListAccountsForParent says; units without accounts are there, too."""
    assert listed("ListRoots", "Roots") == ([MADE.root_id], [1])
    assert listed("ListAccountsForParent", "Accounts", ParentId=MADE.root_id)[0] == [MANAGEMENT, DELEGATED]
    assert listed("ListAccountsForParent", "Accounts", ParentId=MADE.parent_id("Work"))[0] == ["444455556666"]
    units = [MADE.parent_id(path) for path in ("Empty", "Many", "Work")]
    assert listed("ListOrganizationalUnitsForParent", "OrganizationalUnits", ParentId=MADE.root_id)[0] == units
    inside = listed("ListOrganizationalUnitsForParent", "OrganizationalUnits", ParentId=MADE.parent_id("Empty"))
    assert inside[0] == [MADE.parent_id("Empty/Inside")]


def test_accounts_have_a_state_and_no_status() -> None:
    """Status is retired."""
    shown = {one["Id"]: one for one in service().call(MANAGEMENT, "ListAccounts", {})["Accounts"]}
    assert (shown["444455556666"]["State"], "Status" in shown["444455556666"]) == ("CLOSED", False)
    assert shown[MEMBER]["Arn"] == f"arn:aws:organizations::{MANAGEMENT}:account/o-exampleorgid/{MEMBER}"


def test_who_may_ask_what() -> None:
    """Lists for the management account and delegated administrators, what it is for any account, others have none."""
    asked = service()
    for account in (MANAGEMENT, DELEGATED, MEMBER):
        assert asked.call(account, "DescribeOrganization", {})["Organization"]["MasterAccountId"] == MANAGEMENT
    assert asked.call(DELEGATED, "ListRoots", {})["Roots"]
    assert refusal(asked.call, MEMBER, "ListRoots", {}).code == "AccessDeniedException"
    assert refusal(asked.call, STRANGER, "DescribeOrganization", {}).code == "AWSOrganizationsNotInUseException"


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("ListAccountsForParent", {"ParentId": "ou-abcd-00000000"}, "ParentNotFoundException"),
        ("ListAccountsForParent", {"ParentId": "Work"}, "InvalidInputException"),
        ("ListAccounts", {"NextToken": "x"}, "InvalidInputException"),
        ("ListAccounts", {"MaxResults": 21}, "InvalidInputException"),
        ("ListTagsForResource", {"ResourceId": "000000000000"}, "TargetNotFoundException"),
        ("ListTagsForResource", {"ResourceId": "x"}, "InvalidInputException"),
        ("CreateAccount", {}, "NotImplemented"),
        ("ListAccounts", {"Filter": 1}, "NotImplemented"),
    ],
)
def test_what_is_refused(operation: str, params: dict[str, Any], code: str) -> None:
    """By the codes of the API."""
    assert refusal(service().call, MANAGEMENT, operation, params).code == code


def test_a_token_is_of_its_own_question() -> None:
    """And of no other list."""
    asked = service()
    token = asked.call(MANAGEMENT, "ListAccounts", {"MaxResults": 1})["NextToken"]
    other = {"ParentId": MADE.root_id, "NextToken": token}
    assert refusal(asked.call, MANAGEMENT, "ListAccountsForParent", other).code == "InvalidInputException"


def test_above_its_rate_an_operation_is_refused_and_others_are_not() -> None:
    """With HTTP 400, which is why SDKs look at the code."""
    asked = service(RateLimit(per_second=1, burst=2))
    for _ in range(2):
        asked.call(MANAGEMENT, "ListRoots", {})
    error = refusal(asked.call, DELEGATED, "ListRoots", {})
    assert (error.code, error.status) == ("TooManyRequestsException", 400)
    assert asked.call(MANAGEMENT, "ListAccounts", {})


def test_tags_of_one_account() -> None:
    """An account without any has none, as have units."""
    asked = service()
    tags = asked.call(MANAGEMENT, "ListTagsForResource", {"ResourceId": MEMBER})["Tags"]
    assert tags == [{"Key": "fleet", "Value": "yes"}, {"Key": "stage", "Value": "prod"}]
    for resource in (DELEGATED, MADE.parent_id("Work")):
        assert asked.call(MANAGEMENT, "ListTagsForResource", {"ResourceId": resource})["Tags"] == []


def tagged(account: str = MANAGEMENT, region: str = "us-east-1", **params: Any) -> list[str]:
    """The accounts of all pages that GetResources answers."""
    asked, found = StrictTagging(organizations(), rate=None), list[str]()
    params = {"ResourceTypeFilters": ["organizations:account"], **params}
    while True:
        answer = asked.call(account, region, "GetResources", params)
        found += [one["ResourceARN"].rpartition("/")[2] for one in answer["ResourceTagMappingList"]]
        if not answer["PaginationToken"]:
            return found
        params["PaginationToken"] = answer["PaginationToken"]


def test_accounts_by_their_tags() -> None:
    """All filters must hold, one of a filter's values; without values any; all pages."""
    assert tagged(TagFilters=[{"Key": "fleet", "Values": ["yes", "no"]}]) == [MEMBER, "444455556666"]
    assert tagged(TagFilters=[{"Key": "fleet", "Values": ["yes", "no"]}, {"Key": "stage"}]) == [MEMBER]
    assert len(tagged(TagFilters=[{"Key": "fleet"}], ResourcesPerPage=7)) == 47
    assert tagged(TagFilters=[{"Key": "Fleet"}]) == []


def test_accounts_are_resources_of_the_management_account_in_one_region() -> None:
    """Elsewhere there are none, which is no error."""
    assert tagged(DELEGATED) == tagged(STRANGER) == tagged(region="eu-west-1") == []
    assert len(tagged()) == 47


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ResourceTypeFilters": ["ec2:instance"]}, "NotImplemented"),
        ({"TagsPerPage": 100}, "NotImplemented"),
        ({"ResourcesPerPage": 101}, "InvalidParameterException"),
        ({"PaginationToken": "x"}, "PaginationTokenExpiredException"),
    ],
)
def test_what_the_tagging_api_refuses(params: dict[str, Any], code: str) -> None:
    """Other resources are not emulated."""
    with pytest.raises(AwsError) as error:
        tagged(**params)
    assert error.value.code == code


def test_the_tagging_api_has_a_rate() -> None:
    """ThrottledException."""
    asked = StrictTagging(organizations(), rate=RateLimit(per_second=1, burst=1), clock=lambda: 0.0)
    given = (MANAGEMENT, "us-east-1", "GetResources", {"ResourceTypeFilters": ["organizations:account"]})
    asked.call(*given)
    assert refusal(asked.call, *given).code == "ThrottledException"


def test_an_account_is_in_one_organization() -> None:
    """The last one that has it; the other is gone."""
    made = organizations()
    other = Organization("o-another0000", STRANGER, [Account(MEMBER, "Member")])
    made.put(other)
    assert made.of(MEMBER) is other
    assert made.of(MANAGEMENT) is None
