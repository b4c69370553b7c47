"""What AWS leaves out of its answers, or sends as null, is nothing; what must be there and is not, is a clear failure.

Every member that botocore's models know of every answer that the worker reads is tried, through the code that reads it.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ses_fleet.actions.data.read_identity_center import DirectoryFiles
from ses_fleet.actions.params import (
    BackupListParams,
    CheckHealthParams,
    DescribeListParams,
    FindContactParams,
    ImportParams,
    ListContactsParams,
    ListSuppressedParams,
    Params,
)
from ses_fleet.actions.role_version import TAG_KEY
from ses_fleet.config.customer import IdentityCenter
from ses_fleet.config.topics import WantedTopic
from ses_fleet.errors import CustomerError
from ses_fleet.people.rows import PersonRow
from ses_fleet.worker import contact_changes, contact_list
from ses_fleet.worker.actions import (
    backup_list,
    check_health,
    describe_list,
    describe_topics,
    find_contact,
    list_contacts,
    list_suppressed,
    manage_topic,
    read_identity_center,
    validate_access,
)
from ses_fleet.worker.context import ActionContext
from ses_fleet.worker.importing import directory, jobs
from ses_fleet.worker.list_snapshot import ListSnapshot
from ses_fleet.worker.restore import CurrentContacts
from tests.unit.worker import scripted
from tests.unit.worker.scripted import ABSENT, Answer, Scripted
from tests.unit.worker.test_one_way_to_write import strings
from tests.unit.worker.test_validate_access import Access
from tests.unit.worker.world import World

SOURCE = IdentityCenter(role_arn="arn:aws:iam::999988887777:role/ic", region="us-east-1")
GROUP = "ccoe-cloud-acme-111122223333-x-idp-portal-dba"
KNOWN: dict[str, Any] = {
    "ContactListName": "main",
    "EmailAddress": "ada@x.example",
    "TopicName": "news",
    "DefaultSubscriptionStatus": "OPT_IN",
    "SubscriptionStatus": "OPT_OUT",
    "JobStatus": "COMPLETED",
    "Status": "ACTIVE",
    "IdentityStoreId": "d-1",
    "UserId": "u-1",
    "GroupId": "g-1",
    "Emails": [{"Value": "ada@x.example", "Type": "work", "Primary": True}],
    "UserStatus": "ENABLED",
}
WANTED = WantedTopic(name="news", display_name="News", description="", default_status="OPT_IN", opt_in_roles=["dba"])

# The answers that are read, by boto3's name: the service and the API's name.
OPERATIONS = {
    "get_contact": ("sesv2", "GetContact"),
    "get_contact_list": ("sesv2", "GetContactList"),
    "list_contact_lists": ("sesv2", "ListContactLists"),
    "list_contacts": ("sesv2", "ListContacts"),
    "get_import_job": ("sesv2", "GetImportJob"),
    "list_import_jobs": ("sesv2", "ListImportJobs"),
    "get_suppressed_destination": ("sesv2", "GetSuppressedDestination"),
    "list_suppressed_destinations": ("sesv2", "ListSuppressedDestinations"),
    "get_account": ("sesv2", "GetAccount"),
    "get_email_identity": ("sesv2", "GetEmailIdentity"),
    "list_email_identities": ("sesv2", "ListEmailIdentities"),
    "get_metric_data": ("cloudwatch", "GetMetricData"),
    "list_role_tags": ("iam", "ListRoleTags"),
    "list_instances": ("sso-admin", "ListInstances"),
    "list_users": ("identitystore", "ListUsers"),
    "list_groups": ("identitystore", "ListGroups"),
    "list_group_memberships": ("identitystore", "ListGroupMemberships"),
}


def whole(operation: str) -> Answer:
    """An answer with every member."""
    return copy.deepcopy(_whole(operation))


@functools.cache
def _whole(operation: str) -> Answer:
    known = dict(KNOWN)
    if operation == "list_role_tags":
        known |= {"Key": TAG_KEY, "Value": "1"}
    if operation == "list_groups":
        known["DisplayName"] = GROUP
    if operation in ("get_email_identity", "list_email_identities"):
        known |= {"IdentityName": "x.example", "VerificationStatus": "SUCCESS", "Status": "SUCCESS"}
    if operation == "get_metric_data":
        known |= {"Id": "m0", "StatusCode": "Complete", "Values": [5_000.0]}
    if operation == "list_contacts":
        known["LastUpdatedTimestamp"] = 1_790_000_000.5  # as ses_fleet.aws.clients hands these pages over
    answer: Answer = scripted.made(scripted.output_shape(*OPERATIONS[operation]), known)
    return answer


class _Aws(World):
    """Whole answers to everything but one operation, whose answer is given."""

    def __init__(self, operation: str, answer: Answer) -> None:
        super().__init__(made=False)

        def give(name: str) -> Callable[[Answer], Answer]:
            return lambda _: answer if name == operation else whole(name)

        self.aws = Scripted({name: give(name) for name in {*OPERATIONS, operation}})
        self.client.call = self.aws.call  # type: ignore[method-assign]
        self.iam = self.cloudwatch_client = self.aws

    def ended(self, action: Any, params: Any, **options: Any) -> Any:
        """All that an action left behind."""
        done = self.run(action, params, customer={"identity_center": SOURCE}, identity_center=self.aws, **options)
        return done.data, done.failure and str(done.failure), self.written(), self.warnings

    def listing(self) -> Any:
        """What a restore knows of the list."""
        known, found = CurrentContacts(), contact_list.ContactList(name="main")
        known.read(self.context(), found, None)
        return vars(known)

    def harvest(self) -> Any:
        """What an import knows of the list."""
        made = ListSnapshot(self.context(), "listing", {})
        return made.open(), made.run(lambda _: True), made.total

    def directory(self) -> Any:
        """Whom customers of this Identity Center get."""
        found = self.ended(read_identity_center.run, ImportParams(), people_prefix="data/p/", topics=(WANTED,))[0]
        return found, directory.load(self.context(), DirectoryFiles.model_validate(found))


def _action(action: Any, params: Any, **options: Any) -> Callable[[_Aws], Any]:
    return lambda aws: aws.ended(action, params, **options)


def _call(function: Callable[[ActionContext], Any]) -> Callable[[_Aws], Any]:
    return lambda aws: function(aws.context())


def _finding(people: int) -> Callable[[_Aws], Any]:
    """So many people are looked for: few one by one, more by pages."""

    def find(aws: _Aws) -> Any:
        emails = ("ada@x.example", *(f"p{number}@x.example" for number in range(2, people + 1)))
        aws.people = {line: PersonRow(email=email) for line, email in enumerate(emails, 1)}
        return aws.ended(find_contact.run, FindContactParams())

    return find


_CHECKS = _action(validate_access.run, Params(), access=Access(False))
_HEALTH = _action(check_health.run, CheckHealthParams())
_HEALTH_OF_ONE = _action(
    check_health.run, CheckHealthParams.model_validate({"domains": ["x.example"], "configuration_set": "x"})
)
READERS: dict[str, list[Callable[[_Aws], Any]]] = {
    "get_contact": [
        _action(backup_list.run, BackupListParams(with_attributes=True)),
        _call(
            lambda context: (found := contact_changes.get(context.ses, "main", "ada@x.example")) and found.preferences
        ),
    ],
    "get_contact_list": [
        _action(describe_list.run, DescribeListParams()),
        _action(manage_topic.run, Params(), topics=(WANTED,), dry_run=True),
        _CHECKS,
    ],
    "list_contact_lists": [_action(describe_list.run, DescribeListParams()), _CHECKS],
    "list_contacts": [
        _action(describe_topics.run, Params()),
        _action(list_contacts.run, ListContactsParams()),
        _action(list_contacts.run, ListContactsParams.model_validate({"changed_since": "2026-01-01"})),
        _action(backup_list.run, BackupListParams()),
        _Aws.harvest,
        _Aws.listing,
    ],
    "get_import_job": [_call(lambda context: jobs.ended(context, "job-1", 0))],
    "list_import_jobs": [_call(jobs.look)],
    "get_suppressed_destination": [_finding(1)],
    "list_suppressed_destinations": [_finding(5), _action(list_suppressed.run, ListSuppressedParams())],
    "get_account": [_CHECKS, _HEALTH],
    "get_email_identity": [_HEALTH, _HEALTH_OF_ONE],
    "list_email_identities": [_HEALTH],
    "get_metric_data": [_HEALTH],
    "list_role_tags": [_CHECKS],
    "list_instances": [_CHECKS, _Aws.directory],
    "list_users": [_Aws.directory],
    "list_groups": [_Aws.directory],
    "list_group_memberships": [_Aws.directory],
}


def outcomes(operation: str, answer: Answer) -> list[Any]:
    """What each reader makes of it: a result, or a failure that says what is wrong; never another exception."""
    found: list[Any] = []
    for reader in READERS[operation]:
        try:
            found.append(reader(_Aws(operation, answer)))
        except CustomerError as failure:
            found.append((failure.type, failure.message))
    return found


CASES = [
    pytest.param(operation, path, shape, id=f"{name}-{'.'.join(path)}")
    for operation, (service, name) in OPERATIONS.items()
    for path, shape, _ in scripted.members(scripted.output_shape(service, name))
]


@pytest.mark.parametrize(("operation", "path", "shape"), CASES)
def test_null_and_absent_are_empty(operation: str, path: tuple[str, ...], shape: Any) -> None:
    """For each member, required by the model or not; a time has no empty value, and is unknown."""
    answer = whole(operation)
    absent = outcomes(operation, scripted.changed(answer, path, ABSENT))
    assert outcomes(operation, scripted.changed(answer, path, None)) == absent
    nothing = scripted.empty(shape)
    if nothing is not None:
        assert outcomes(operation, scripted.changed(answer, path, nothing)) == absent


@pytest.mark.parametrize("operation", OPERATIONS)
def test_null_among_the_elements_of_a_list_is_none(operation: str) -> None:
    """And everything else is read as ever."""
    expected = outcomes(operation, whole(operation))
    assert outcomes(operation, scripted.with_null_elements(whole(operation))) == expected


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_of_nothing(operation: str) -> None:
    """Not even the members that the model requires."""
    outcomes(operation, {})


@pytest.mark.parametrize(
    ("operation", "path", "says"),
    [
        ("get_contact_list", ("Topics", "TopicName"), "a topic without TopicName"),
        ("get_contact_list", ("Topics", "DefaultSubscriptionStatus"), "a topic without DefaultSubscriptionStatus"),
        ("list_contact_lists", ("ContactLists", "ContactListName"), "a contact list without ContactListName"),
        ("list_contacts", ("Contacts", "EmailAddress"), "a contact without EmailAddress"),
        ("list_contacts", ("Contacts", "TopicPreferences", "TopicName"), "a preference of a contact without TopicName"),
        (
            "list_contacts",
            ("Contacts", "TopicPreferences", "SubscriptionStatus"),
            "a preference of a contact without SubscriptionStatus",
        ),
        ("list_import_jobs", ("ImportJobs", "JobId"), "an import job without JobId"),
        (
            "get_suppressed_destination",
            ("SuppressedDestination", "Reason"),
            "an entry of the suppression list without Reason",
        ),
        (
            "list_suppressed_destinations",
            ("SuppressedDestinationSummaries", "EmailAddress"),
            "an entry of the suppression list without EmailAddress",
        ),
        (
            "list_suppressed_destinations",
            ("SuppressedDestinationSummaries", "Reason"),
            "an entry of the suppression list without Reason",
        ),
        ("list_email_identities", ("EmailIdentities", "IdentityName"), "an identity without IdentityName"),
        ("list_users", ("Users", "UserId"), "a user without UserId"),
        ("list_groups", ("Groups", "GroupId"), "a group without GroupId"),
    ],
)
def test_what_nobody_can_guess_is_a_failure_that_names_it(operation: str, path: tuple[str, ...], says: str) -> None:
    """By every reader that needs it, and nothing is made of the answer."""
    missing = outcomes(operation, scripted.changed(whole(operation), path, None))
    told = [outcome for outcome in missing if says in str(outcome)]
    assert told
    assert all("IncompleteAnswer" in str(outcome) or "failed" in str(outcome) for outcome in told)


def test_a_job_of_unknown_status_is_not_over() -> None:
    """Whoever waits for it goes on waiting, and what it may still write is not overtaken."""
    unknown = scripted.changed(whole("list_import_jobs"), ("ImportJobs", "JobStatus"), None)
    assert jobs.look(_Aws("list_import_jobs", unknown).context()).active == ("x",)
    unknown = scripted.changed(whole("get_import_job"), ("JobStatus",), None)
    assert jobs.ended(_Aws("get_import_job", unknown).context(), "job-1", 9) is None


def test_a_started_job_without_an_id_may_be_running() -> None:
    """The failure says that its outcome is unknown."""
    world = _Aws("create_import_job", {"JobId": None})
    with pytest.raises(CustomerError, match="without JobId") as error:
        world.context().ses.read_modify_write(1, lambda sent: jobs.start(sent, "bucket", "key", "main"))
    assert error.value.outcome_unknown


def test_who_changed_at_an_unknown_time_is_not_left_out() -> None:
    """changed_since: written with a null time, and a warning says how many."""
    answer = {
        "Contacts": [
            {"EmailAddress": "old@x.example", "LastUpdatedTimestamp": 1.0},
            {"EmailAddress": "null@x.example", "LastUpdatedTimestamp": None},
            {"EmailAddress": "absent@x.example"},
            {"EmailAddress": "new@x.example", "LastUpdatedTimestamp": 1_900_000_000},
        ]
    }
    aws = _Aws("list_contacts", answer)
    params = ListContactsParams.model_validate({"changed_since": "2026-01-01"})
    data, _, written, warnings = aws.ended(list_contacts.run, params)
    assert data["total"] == 3
    assert {one["email"]: one["last_updated_at"] for one in written} == {
        "null@x.example": None,
        "absent@x.example": None,
        "new@x.example": "2030-03-17T17:46:40Z",
    }
    assert len(warnings) == 1
    assert "2 of the contacts" in warnings[0]
    assert _Aws("list_contacts", answer).ended(list_contacts.run, ListContactsParams())[3] == []


def test_every_operation_that_is_read_is_tried_here() -> None:
    """By its name in the worker's code: a new one must be added to OPERATIONS."""
    texts = {text for file in Path(contact_list.__file__).parent.rglob("*.py") for text in strings(file)}
    named = {text for text in texts if re.fullmatch(r"(?:get|list|describe)_[a-z_]+", text)}
    services = {service for service, _ in OPERATIONS.values()}
    assert {name for name in named if any(scripted.knows(service, name) for service in services)} == set(OPERATIONS)
