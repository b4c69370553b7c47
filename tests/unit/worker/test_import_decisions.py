"""Whom an import adds, opts in and removes: against a model that is too simple to be wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_fleet.config.topics import Topic, WantedTopic
from ses_fleet.settings import WorkerSettings
from ses_fleet.worker.importing.directory import Directory, Person, directory, role_of
from ses_fleet.worker.importing.import_plan import ImportPlan, make_plan, missing_opt_ins, opt_ins

_STATUSES = st.sampled_from(["OPT_IN", "OPT_OUT"])
_ROLES = st.sampled_from(["dba", "DBA", "Security", "finance"])
_TOPICS = ["one", "two", "three"]
_ADDRESSES = [f"{name}@x.example" for name in ("a", "B", "c", "D", "e")]


def topic(name: str, default: str, roles: list[str]) -> WantedTopic:
    """One of SESConfig.json."""
    return WantedTopic.model_validate(
        {"name": name, "display_name": name, "description": "", "default_status": default, "opt_in_roles": roles}
    )


_WANTED = st.lists(
    st.builds(topic, st.sampled_from(_TOPICS), _STATUSES, st.lists(_ROLES, max_size=2)),
    unique_by=lambda one: one.name,
)
_HAVE = st.lists(
    st.builds(lambda name, default: Topic(name=name, default_status=default), st.sampled_from(_TOPICS), _STATUSES),
    unique_by=lambda one: one.name,
)
_PEOPLE = st.dictionaries(st.sampled_from(_ADDRESSES), st.frozensets(_ROLES.map(str.casefold)))
_CONTACTS = st.lists(
    st.fixed_dictionaries(
        {
            "email": st.sampled_from(_ADDRESSES) | st.sampled_from(_ADDRESSES).map(str.upper),
            "preferences": st.dictionaries(st.sampled_from(_TOPICS), _STATUSES),
            "unsubscribed_all": st.booleans(),
        }
    ),
    unique_by=lambda one: str(one["email"]),
)


def decided(
    people: dict[str, frozenset[str]],
    wanted: list[WantedTopic],
    have: list[Topic],
    contacts: list[dict[str, Any]],
    **options: Any,
) -> ImportPlan:
    """What the product decides."""
    listed: dict[str, list[dict[str, Any]]] = {}
    for contact in contacts:
        listed.setdefault(contact["email"].casefold(), []).append(contact)
    persons = {email.casefold(): Person(email, roles) for email, roles in people.items()}
    source = Directory(persons, frozenset(persons), {})
    return make_plan(source, opt_ins(wanted, have), listed, **options)


@given(_PEOPLE, _WANTED, _HAVE, _CONTACTS, st.booleans(), st.frozensets(st.sampled_from(_ADDRESSES).map(str.casefold)))
def test_the_decisions_are_the_models(
    people: dict[str, frozenset[str]],
    wanted: list[WantedTopic],
    have: list[Topic],
    contacts: list[dict[str, Any]],
    sync: bool,
    known: frozenset[str],
) -> None:
    """Person by person, topic by topic."""
    made = decided(people, wanted, have, contacts, sync_topics=sync, removable=known)
    by_kind = {(one.change, one.email): set(one.opt_in) for one in made.changes}
    expected: dict[tuple[str, str], set[str]] = {}
    unchanged = 0
    for email, roles in people.items():
        mine = [one for one in contacts if one["email"].lower() == email.lower()]
        off_by_default = [there.name for there in have if there.default_status == "OPT_OUT"]
        asked = {
            ours.name
            for ours in wanted
            if ours.name in off_by_default and any(role.lower() in roles for role in ours.opt_in_roles)
        }
        if not mine:
            expected["create", email] = asked
            continue
        untold = {name for name in asked if all(name not in one["preferences"] for one in mine)}
        if sync and untold and not any(one["unsubscribed_all"] for one in mine):
            expected["update", mine[0]["email"]] = untold
        else:
            unchanged += 1
    for one in contacts:
        gone = one["email"].lower() not in [email.lower() for email in people]
        chose = one["unsubscribed_all"] or any(status == "OPT_OUT" for status in one["preferences"].values())
        if gone and one["email"].lower() in known and not chose:
            expected["remove", one["email"]] = set()
    assert by_kind == expected
    assert made.unchanged == unchanged


@given(_PEOPLE, _WANTED, _HAVE, _CONTACTS, st.booleans())
def test_nobody_is_acted_upon_against_a_choice(
    people: dict[str, frozenset[str]],
    wanted: list[WantedTopic],
    have: list[Topic],
    contacts: list[dict[str, Any]],
    sync: bool,
) -> None:
    """Whoever unsubscribed, opted out, or said anything about a topic: that stays, and so do they."""
    everybody = frozenset(address.casefold() for address in _ADDRESSES)
    made = decided(people, wanted, have, contacts, sync_topics=sync, removable=everybody)
    for change in made.changes:
        mine = [one for one in contacts if one["email"].casefold() == change.email.casefold()]
        if change.change == "create":
            assert not mine
        if change.change == "update":
            assert not any(one["unsubscribed_all"] for one in mine)
            assert not any(name in one["preferences"] for one in mine for name in change.opt_in)
        if change.change == "remove":
            assert not any(
                one["unsubscribed_all"] or "OPT_OUT" in one["preferences"].values()
                for one in mine
                if one["email"] == change.email
            )


def test_topics_that_the_list_lacks_are_named() -> None:
    """Only those with roles: for others nobody is opted in anyway."""
    wanted = [topic("there", "OPT_OUT", ["dba"]), topic("lacking", "OPT_OUT", ["dba"]), topic("plain", "OPT_OUT", [])]
    found = opt_ins(wanted, [Topic(name="there", default_status="OPT_OUT")])
    assert found.lacking == ("lacking",)
    assert list(found.by_topic) == ["there"]


def test_a_person_in_two_spellings_counts_all_of_their_choices() -> None:
    """What either of the two contacts said is said."""
    two = [
        {"email": "A@x.example", "preferences": {"one": "OPT_OUT"}, "unsubscribed_all": False},
        {"email": "a@x.example", "preferences": {}, "unsubscribed_all": False},
    ]
    assert missing_opt_ins(["one", "two"], two) == ("two",)
    assert missing_opt_ins(["two"], [two[1], {**two[0], "unsubscribed_all": True}]) == ()


def user(number: int, email: str | None, *, enabled: bool = True) -> dict[str, Any]:
    """As the first phase writes them."""
    return {"id": f"u{number}", "name": f"user{number}", "email": email, "enabled": enabled}


def test_who_can_be_a_contact() -> None:
    """Disabled users, missing, doubled and broken addresses are counted, never a failure."""
    users = [
        user(1, "Ana@x.example"),
        user(2, None),
        user(3, "gone@x.example", enabled=False),
        user(4, "ANA@x.example"),
        user(5, "no-address"),
        user(6, "two@signs@x.example"),
        user(7, "ü@x.example"),
        user(1, "Ana@x.example"),
    ]
    found = directory(users, {"u1": {"dba"}, "u4": {"security"}})
    assert found.people == {"ana@x.example": Person("Ana@x.example", frozenset({"dba", "security"}))}
    assert found.skipped == {"no_email": 1, "disabled": 1, "duplicate": 1, "invalid_email": 3}
    assert "gone@x.example" in found.addresses, "a disabled user is still in Identity Center"


def test_an_address_that_only_a_disabled_user_shares_is_the_enabled_ones() -> None:
    """In either order."""
    both = [user(1, "ana@x.example", enabled=False), user(2, "ana@x.example")]
    for users in (both, both[::-1]):
        found = directory(users, {"u1": {"dba"}, "u2": {"security"}})
        assert found.people["ana@x.example"].roles == {"security"}
        assert found.skipped == {"disabled": 1}


DEFAULT = WorkerSettings.from_env({"AWS_REGION": "us-east-1", "RESULTS_BUCKET": "b"}).group_role_pattern


@pytest.mark.parametrize(
    ("group", "role"),
    [
        ("ccoe-cloud-acme-prod-111122223333-x-idp-portal-CloudEng", "cloudeng"),
        ("ccoe-cloud-acme-111122223333-idp-some-portal-dba", "dba"),
        ("ccoe-cloud-acme-idp-portal-dba", None),
        ("ccoe-cloud-acme-111122223333-x-idp-portal-", None),
        ("other-cloud-acme-111122223333-x-idp-portal-dba", None),
        ("", None),
    ],
)
def test_the_role_in_a_groups_name(group: str, role: str | None) -> None:
    """The last part of the first user's group names, in any case."""
    assert role_of(DEFAULT, group) == role


def test_a_hostile_group_name_is_decided_in_time() -> None:
    """The pattern does not go through all ways of reading a long name."""
    for hostile in ("-111122223333-idp-" * 55, "idp-" * 250, "-" * 1_000, "-111122223333-idp-a-b" * 60):
        assert role_of(DEFAULT, f"ccoe-cloud-{hostile}-") is None


def test_the_pattern_is_a_setting() -> None:
    """With a group `role`; anything else is refused when the worker starts."""
    own = WorkerSettings.from_env(
        {"AWS_REGION": "x", "RESULTS_BUCKET": "b", "GROUP_ROLE_PATTERN": r"team-(?P<role>\w+)"}
    ).group_role_pattern
    assert own == re.compile(r"team-(?P<role>\w+)")
    assert role_of(own, "team-DBA") == "dba"
    loose = re.compile(r"team-(?P<role>.+)")
    assert role_of(loose, "team- DBA ") == "dba"
    assert role_of(loose, "team-  ") is None
