"""Identity Center in the local cloud, over HTTP: scenario, control, who sees what, and what an import makes of it."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud import leaks
from tests.local_cloud.conftest import CONFIG_BUCKET, RESULTS_BUCKET, Cloud, fleet, running, ses_fleet

# f01 reads PEOPLE, f02 sees nothing, f03 and f04 see two, of which f04 names one, f05's are put there by the control.
PEOPLE, NONE, OWN, OTHER, MANY = (f"40000000000{number}" for number in range(1, 6))
DIRECTORIES = {"f01": PEOPLE, "f02": NONE, "f03": OWN, "f04": OWN, "f05": MANY}
OWN_STORE, OTHER_STORE = "d-0000000001", "d-0000000002"
LISTS = {code: str(300000000000 + int(code[1:])) for code in DIRECTORIES}
GROUP = "ccoe-cloud-acme-111122223333-x-idp-portal-{}"
SES_CONFIG = {
    "topics": [
        {
            "TopicName": name,
            "DisplayName": name,
            "Description": name,
            "DefaultSubscriptionStatus": "OPT_OUT",
            "OptInRoles": roles,
        }
        for name, roles in (("calendar", ["DBA", "security"]), ("finance", ["finance"]))
    ]
}
SCENARIO: dict[str, Any] = {
    PEOPLE: {
        "identity_centers": [
            {
                "region": "us-east-1",
                "users": [
                    {"username": "ada", "email": "Ada.Lovelace@Corp.example", "display_name": "Ada"},
                    {"username": "grace", "email": "grace@corp.example"},
                    {"username": "alan", "email": "alan@corp.example", "status": "DISABLED"},
                    {"username": "robot"},
                ],
                "groups": [
                    {"name": GROUP.format("dba"), "members": ["ada", "alan", "robot"]},
                    {"name": GROUP.format("security"), "members": ["ada"]},
                    {"name": GROUP.format("finance"), "members": ["grace"]},
                    {"name": "everybody", "members": ["ada", "grace", "alan", "robot"]},
                ],
            }
        ]
    },
    NONE: {"identity_centers": []},
    OWN: {"identity_centers": [{"region": "us-east-1", "identity_store_id": OWN_STORE, "users": {"generate": 3}}]},
    OTHER: {
        "identity_centers": [
            {
                "region": "us-east-1",
                "identity_store_id": OTHER_STORE,
                "visible_to": [OWN],
                "users": [{"username": "edith", "email": "edith@other.example"}],
            }
        ]
    },
}


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Five customers, each with an empty list of two topics and an import bucket."""
    folder = tmp_path_factory.mktemp("directories")
    config = fleet(5)
    for code, account in DIRECTORIES.items():
        customer = config["customer_mappings"][code]
        customer["identity_center_role_arn"] = f"arn:aws:iam::{account}:role/importer"
        customer["import_bucket"] = f"imports-{code}"
    config["customer_mappings"]["f04"]["identity_store_id"] = OTHER_STORE
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "scenario.json").write_text(json.dumps({"accounts": SCENARIO}))
    files = ("--config", str(folder / "config.json"), "--scenario", str(folder / "scenario.json"))
    with running("--port", "0", *files, "--ses-rate", "0") as (_, cloud):
        cloud.s3.put_object(Bucket=CONFIG_BUCKET, Key="SESConfig.json", Body=json.dumps(SES_CONFIG).encode())
        yield cloud


@pytest.fixture
def cloud(directories: Cloud) -> Cloud:
    """The same, every list anew and empty."""
    for account in LISTS.values():
        directories.without_list(account)
    directories.caught_up()
    assert directories.run(action="manage-topic-all")["exit_code"] == 0
    return directories


def imported(cloud: Cloud, code: str, **payload: Any) -> dict[str, Any]:
    """One customer's result of an import."""
    (result,) = cloud.run(action="import-aws-contact", customer_code=code, **payload)["results"]
    return dict(result)


def contacts(cloud: Cloud, code: str) -> dict[str, set[str]]:
    """{address: topics with an explicit opt-in} of a customer's list."""
    found = cloud.contacts_now(LISTS[code])
    assert len(found) == len({one.email.casefold() for one in found})
    return {one.email: set(one.preferences) for one in found}


def put_people(cloud: Cloud, account: str, document: dict[str, Any], region: str = "us-east-1") -> Any:
    """The control; what it answered."""
    return json.loads(cloud.control("PUT", f"people/{account}/{region}", json.dumps(document).encode()))


def refusal(cloud: Cloud, path: str, document: Any) -> tuple[int, str]:
    """Status and text with which the control refuses."""
    with pytest.raises(urllib.error.HTTPError) as error:
        cloud.control("PUT", path, json.dumps(document).encode())
    with error.value as answer:
        return answer.code, answer.read().decode()


def operations(cloud: Cloud, since: Any, service: str) -> list[str]:
    """What was called of a service."""
    return [entry["operation"] for entry in cloud.journal(since) if entry["service"] == service]


def test_a_scenarios_people_become_contacts(cloud: Cloud) -> None:
    """Once each, as the source writes them, by their groups' roles; others are counted by why they are not."""
    result = imported(cloud, "f01")
    assert result["status"] == "successful"
    assert (result["data"]["created"], result["data"]["skipped"]) == (2, {"disabled": 1, "no_email": 1})
    assert contacts(cloud, "f01") == {"Ada.Lovelace@Corp.example": {"calendar"}, "grace@corp.example": {"finance"}}
    again = imported(cloud, "f01")
    assert (again["data"]["created"], again["data"]["updated"], again["data"]["unchanged"]) == (0, 0, 2)


def test_throttling_is_waited_out(cloud: Cloud) -> None:
    """Pages come again until they are there, and nobody is missing."""
    mark = cloud.mark()
    with cloud.faults({"service": "identitystore", "operation": "ListUsers", "fault": "throttle", "times": 2}):
        result = imported(cloud, "f01")
    assert (result["status"], result["data"]["created"]) == ("successful", 2)
    codes = [e["error_code"] for e in cloud.journal(mark) if e["operation"] == "ListUsers"]
    assert codes == ["ThrottlingException", "ThrottlingException", None]


def test_no_visible_instance_is_a_fault_of_the_configuration(cloud: Cloud) -> None:
    """Before anything is called in the customer's SES."""
    mark = cloud.mark()
    result = imported(cloud, "f02")
    assert (result["status"], result["error"]["category"], result["error"]["type"]) == (
        "failed",
        "configuration",
        "NoIdentityCenter",
    )
    assert operations(cloud, mark, "sso-admin") == ["ListInstances"]
    assert operations(cloud, mark, "identitystore") == operations(cloud, mark, "sesv2") == []


def test_of_several_instances_one_must_be_named(cloud: Cloud) -> None:
    """The error names all that are visible, and whose they are."""
    mark = cloud.mark()
    error = imported(cloud, "f03")["error"]
    assert (error["category"], error["type"]) == ("configuration", "SeveralIdentityCenters")
    assert f"{OWN_STORE} of account {OWN}" in error["message"]
    assert f"{OTHER_STORE} of account {OTHER}" in error["message"]
    assert operations(cloud, mark, "identitystore") == operations(cloud, mark, "sesv2") == []


def test_the_named_store_is_the_one_that_is_read(cloud: Cloud) -> None:
    """Another account's, as it is visible."""
    result = imported(cloud, "f04")
    assert result["status"] == "successful", result
    assert set(contacts(cloud, "f04")) == {"edith@other.example"}


def test_several_pages_of_everything_arrive_whole(cloud: Cloud) -> None:
    """250 users, 201 groups, 150 in the largest: the list is what was put in, in a request a page."""
    names = [f"p{number}" for number in range(250)]
    dba, finance = names[:150], names[100:250:2]
    groups = [{"name": f"other-{number}", "members": names[:3]} for number in range(199)]
    groups.insert(120, {"name": GROUP.format("dba"), "members": dba})
    groups.append({"name": GROUP.format("Finance"), "members": finance})
    users = [{"username": name, "email": f"{name.upper()}@many.example"} for name in names]
    assert put_people(cloud, MANY, {"users": users, "groups": groups}) == {"users": 250, "groups": 201}
    mark = cloud.mark()
    result = imported(cloud, "f05")
    assert (result["status"], result["data"]["created"]) == ("successful", 250), result
    topics = {"calendar": set(dba), "finance": set(finance)}
    assert contacts(cloud, "f05") == {
        f"{name.upper()}@many.example": {topic for topic, members in topics.items() if name in members}
        for name in names
    }
    calls = operations(cloud, mark, "identitystore")
    counts = [calls.count(name) for name in ("ListUsers", "ListGroups", "ListGroupMemberships")]
    assert counts == [3, 3, 2 + 1], "memberships are read of the two groups that stand for a role"


def test_the_control_replaces_a_regions_people(cloud: Cloud) -> None:
    """Made up ones, always the same; another Region's stay."""
    made = {"users": {"generate": 120, "seed": 9}, "groups": {"generate": 3, "members": 2, "name": "g-{n}"}}
    put_people(cloud, "400000000009", {"users": [{"username": "old"}]})
    put_people(cloud, "400000000009", {"users": [{"username": "west"}]}, "us-west-2")
    assert put_people(cloud, "400000000009", {"region": "us-east-1", **made}) == {"users": 120, "groups": 3}
    seen = []
    for region in ("us-east-1", "us-west-2"):
        (one,) = cloud.client("sso-admin", "400000000009", region).list_instances()["Instances"]
        store = cloud.client("identitystore", "400000000009", region)
        pages = store.get_paginator("list_users").paginate(IdentityStoreId=one["IdentityStoreId"])
        seen.append([user["UserName"] for page in pages for user in page["Users"]])
    assert seen == [[f"user-{number:07d}" for number in range(120)], ["west"]]


def test_the_control_says_what_is_wrong(cloud: Cloud) -> None:
    """And changes nothing."""
    path = "people/400000000008/us-east-1"
    assert refusal(cloud, path, {"users": [{"username": "a", "mail": "b"}]}) == (
        400,
        "$.users.0.mail: Extra inputs are not permitted\n",
    )
    assert refusal(cloud, path, {"region": "eu-west-1"}) == (
        400,
        "$.region: is eu-west-1, not the us-east-1 of the path\n",
    )
    assert refusal(cloud, "people/400000000008", {})[0] == 400
    assert refusal(cloud, "people/someone/us-east-1", {})[0] == 400
    assert refusal(cloud, "people/400000000008/somewhere", {})[0] == 400
    taken = {"identity_store_id": OWN_STORE, "users": [{"username": "a"}]}
    assert refusal(cloud, path, taken) == (400, f"identity_store_id {OWN_STORE} is another instance's\n")
    (one,) = cloud.client("sso-admin", "400000000008").list_instances()["Instances"]
    store = cloud.client("identitystore", "400000000008")
    assert store.list_users(IdentityStoreId=one["IdentityStoreId"])["Users"] == []


def test_identity_center_refuses_over_http_as_aws_does(cloud: Cloud) -> None:
    """Codes and statuses that SDKs know, with what is not found; what is not emulated is 501, not moto's answer."""
    store = cloud.client("identitystore", PEOPLE)
    with pytest.raises(store.exceptions.ResourceNotFoundException) as unknown:
        store.list_users(IdentityStoreId="d-ffffffffff")
    assert unknown.value.response["ResourceType"] == "IDENTITY_STORE"
    (one,) = cloud.client("sso-admin", PEOPLE).list_instances()["Instances"]
    asked = {"IdentityStoreId": one["IdentityStoreId"]}
    with pytest.raises(store.exceptions.ConflictException):
        store.create_user(**asked, UserName="ADA", DisplayName="Ada", Name={"GivenName": "Ada", "FamilyName": "L"})
    with pytest.raises(store.exceptions.ValidationException):
        store.list_users(**asked, NextToken="x")
    unserved: list[tuple[Any, dict[str, str]]] = [
        (store.delete_group, {**asked, "GroupId": "00000000-0000-0000-0000-000000000000"}),
        (cloud.client("sso-admin", PEOPLE).list_permission_sets, {"InstanceArn": one["InstanceArn"]}),
    ]
    for call, parameters in unserved:
        with pytest.raises(ClientError) as error:
            call(**parameters)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_more_than_twenty_a_second_are_throttled(cloud: Cloud) -> None:
    """Whether SES is or not; the journal says why."""
    mark = cloud.mark()
    client = cloud.client("sso-admin", "400000000007")

    def ask(times: int) -> None:
        for _ in range(times):
            client.list_instances()

    # As near as nobody is to AWS: fewer threads can ask more often than twenty times a second.
    with cloud.conditions(latency_seconds={"sso-admin": 0}), pytest.raises(client.exceptions.ThrottlingException):
        ask(1_000)
    assert cloud.journal(mark)[-1]["reason"] == "the rate of Identity Center is used up"


def test_the_search_for_leaks_finds_people_of_identity_center(cloud: Cloud) -> None:
    """Whoever is imported or not, however the address is written."""
    planted = b"alan@corp.example, not imported, Ada.Lovelace@Corp.example"
    cloud.s3.put_object(Bucket=RESULTS_BUCKET, Key="runs/planted", Body=planted)
    try:
        assert leaks.found(cloud) == ["…n@corp.e… in runs/planted"]
    finally:
        cloud.s3.delete_object(Bucket=RESULTS_BUCKET, Key="runs/planted")


def test_the_examples_have_people_to_import() -> None:
    """Disabled, without an address, in mixed case and two groups; at globex two who are contacts already."""
    only = ("--include", "acme", "--include", "globex")
    command = ("invoke", "import-aws-contact-all", "--local", "--dry-run", *only, "--output", "json")
    ended = ses_fleet(None, *command)
    assert ended.returncode == 0, ended.stderr
    data = {result["customer_code"]: result["data"] for result in json.loads(ended.stdout)["results"]}
    counted = {code: (one["created"], one["unchanged"], one["skipped"]) for code, one in data.items()}
    assert counted == {"acme": (3, 0, {"disabled": 1, "no_email": 1}), "globex": (1, 2, {})}
