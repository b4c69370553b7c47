"""The data of each action: `data` of a customer's result, as one frozen model for each action.

The worker builds the model, and `worker/service.py` dumps it. A reader of stored results uses `read`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ses_fleet.config.topics import Topic
from ses_fleet.model_bases import Wire

CheckStatus = Literal["ok", "finding", "failed"]


class Data(BaseModel):
    """Base of every action's data. Every field has a default, so that the results of other versions can be read."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @classmethod
    def read(cls, data: Mapping[str, Any] | None) -> Self:
        """Return the data of a stored result.

        Unknown fields are ignored; a field that is missing, or that has another form than here, has its default.
        """
        given = dict(data or {})
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            bad = {detail["loc"][0] for detail in error.errors(include_url=False, include_context=False)}
            return cls.model_validate({name: value for name, value in given.items() if name not in bad})


class DescribedTopic(Topic):
    """A topic of a contact list, with how many contacts receive it."""

    name: str = Field(default="", description="the topic's name")
    display_name: str | None = Field(default=None, description="the name that contacts see")
    description: str | None = Field(default=None, description="the description that contacts see")
    default_status: str = Field(
        default="", description="OPT_IN or OPT_OUT: the status of contacts without a preference of their own"
    )
    opted_in: int | None = Field(
        default=None, description="contacts that receive the topic, or null when contacts were not counted"
    )
    opted_out: int | None = Field(
        default=None, description="contacts that do not receive the topic, or null when contacts were not counted"
    )


class DescribedList(Data):
    """A contact list without its topics."""

    name: str = Field(default="", description="the list's name")
    description: str | None = Field(default=None, description="the list's description")
    created_at: str | None = Field(default=None, description="when the list was created, ISO 8601 in UTC")
    last_updated_at: str | None = Field(default=None, description="when the list was last changed, ISO 8601 in UTC")


class CountedContacts(Data):
    """How many contacts a list has."""

    total: int = Field(default=0, description="all contacts of the list")
    unsubscribed_all: int = Field(default=0, description="contacts that unsubscribed from everything")


class DescribeListData(Data):
    """`data` of describe-list: the list, its topics and its numbers of contacts."""

    contact_list: DescribedList | None = Field(
        default=None, description="the contact list, or null when the account has none in the Region"
    )
    topics: tuple[DescribedTopic, ...] = Field(default=(), description="the list's topics, in the list's order")
    contacts: CountedContacts | None = Field(
        default=None, description="how many contacts the list has, or null when they were not counted"
    )


class DescribeTopicsData(Data):
    """`data` of describe-topics: the list's topics and their numbers of contacts."""

    contact_list: str | None = Field(
        default=None, description="the contact list's name, or null when the account has none in the Region"
    )
    topics: tuple[DescribedTopic, ...] = Field(default=(), description="the list's topics, in the list's order")


class ListContactsData(Data):
    """`data` of list-contacts. The contacts are JSON Lines, compressed, below `data_location`."""

    contact_list: str | None = Field(
        default=None, description="the contact list's name, or null when the account has none in the Region"
    )
    total: int | None = Field(default=None, description="contacts written")
    parts: int | None = Field(default=None, description="files written")


class Check(Data):
    """One check of validate-access, and what it found."""

    name: str = Field(
        default="",
        description="assume_role, external_id, ses_account, contact_list, import_bucket or identity_center",
    )
    status: CheckStatus = Field(
        default="finding", description="ok, finding (something to look at) or failed (the customer cannot be worked on)"
    )
    message: str = Field(default="", description="what was found, and what to do about it")


class ValidateAccessData(Data):
    """`data` of validate-access: the checks that were made."""

    checks: tuple[Check, ...] = Field(
        default=(),
        description="the checks that were made, in order; those that need the SES role only if it was assumed",
    )


class TopicUpdate(Data):
    """One field of a topic that is changed."""

    topic: str = Field(default="", description="the topic's name")
    field: str = Field(default="", description="display_name, description or default_status")
    before: str | None = Field(default=None, alias="from", description="the value before the change, or null for none")
    after: str | None = Field(default=None, alias="to", description="the value after the change, or null for none")


class ManageTopicData(Data):
    """`data` of manage-topic; in a dry run, what would be done."""

    list_created: bool = Field(default=False, description="whether the contact list was created")
    added: tuple[str, ...] = Field(default=(), description="names of topics that were added")
    updated: tuple[TopicUpdate, ...] = Field(default=(), description="fields of topics that were changed")
    removed: tuple[str, ...] = Field(default=(), description="names of topics that were removed; only with prune")
    unchanged: tuple[str, ...] = Field(default=(), description="names of topics that were as SESConfig.json has them")
    unmanaged: tuple[str, ...] = Field(
        default=(), description="names of topics that are not in SESConfig.json and were kept"
    )


class BackupListData(Data):
    """`data` of backup-list. The backup lies below `data_location`."""

    contact_list: str | None = Field(
        default=None, description="the contact list's name, or null when the account has none in the Region"
    )
    topics: int | None = Field(default=None, description="topics saved")
    total: int | None = Field(default=None, description="contacts saved")
    parts: int | None = Field(default=None, description="files written")
    with_attributes: bool | None = Field(
        default=None,
        exclude_if=lambda saved: saved is None,
        description="whether contacts' attributes were saved; absent when there is no contact list",
    )
    backup: str | None = Field(
        default=None, description="the run's id, which restore-list takes as `backup`; null when there is no list"
    )


class RestoredContacts(Data):
    """How many contacts of a backup were restored."""

    created: int = Field(default=0, description="contacts that were created")
    updated: int = Field(default=0, description="contacts that were changed")
    unchanged: int = Field(default=0, description="contacts that were as the backup has them")


class RestoreListData(Data):
    """`data` of restore-list; in a dry run, what would be done."""

    list_created: bool = Field(default=False, description="whether the contact list was created")
    topics_added: tuple[str, ...] = Field(default=(), description="names of topics that were added to the list")
    contacts: RestoredContacts = Field(
        default=RestoredContacts(), description="what became of the contacts of the backup"
    )


class RestoredPreferences(Data):
    """How many contacts got the preferences back that a backup of topics has."""

    updated: int = Field(default=0, description="contacts that were changed")
    unchanged: int = Field(default=0, description="contacts that were as the backup has them")
    missing: int = Field(default=0, description="contacts that are not in the list any more; they are not created")


class RestoreTopicsData(Data):
    """`data` of restore-topics; in a dry run, what would be done."""

    topics_added: tuple[str, ...] = Field(default=(), description="names of topics that were added to the list")
    topics: tuple[str, ...] = Field(default=(), description="names of all topics of the backup")
    contacts: RestoredPreferences = Field(
        default=RestoredPreferences(), description="what became of the contacts of the backup"
    )


class ImportData(Data):
    """`data` of import-aws-contact; in a dry run, what would be done.

    The addresses are JSON Lines, compressed, below `data_location`.
    """

    created: int = Field(default=0, description="contacts that were created")
    updated: int = Field(default=0, description="contacts that were opted in to more topics; only with sync_topics")
    removed: int = Field(default=0, description="contacts that were removed; only with prune")
    unchanged: int = Field(default=0, description="people whose contacts needed no change")
    skipped: dict[str, int] = Field(
        default_factory=dict,
        description="users who cannot be contacts, by reason: disabled, duplicate, invalid_email, no_email",
    )
    failed: int = Field(default=0, description="people who could not be imported")
    not_in_identity_center: int | None = Field(
        default=None, description="contacts that are not in Identity Center and stay; null with params.username"
    )
    backup: str | None = Field(
        default=None,
        description="s3:// URI of the backup of the contacts that were removed, or null without one",
    )


class DirectoryFiles(Wire):
    """Where a run's first phase wrote the users and memberships of one Identity Center. `data` of read-identity-center.

    It is complete: a first phase that is interrupted has no result.
    """

    prefix: str = Field(description="key prefix of the files in the results bucket")
    user_prefix: str | None = Field(
        default=None, description="key prefix of the files of users, or null when it is `prefix`"
    )
    store_id: str | None = Field(default=None, description="the identity store that was read")
    vanished_groups: int = Field(
        default=0, description="groups that vanished while they were read: if there are any, nobody may be removed"
    )
    users: int = Field(description="all users of the identity store")
    groups: int = Field(description="groups whose role a topic of SESConfig.json names")
    all_groups: int = Field(default=0, description="all groups of the identity store")
    memberships: int = Field(description="memberships in `groups`")
    user_parts: int = Field(description="files of users")
    membership_parts: int = Field(description="files of memberships")


class TopicDifference(Data):
    """One field of a customer's topic that differs from SESConfig.json."""

    topic: str = Field(default="", description="the topic's name")
    field: str = Field(default="", description="display_name, description or default_status")
    have: str | None = Field(default=None, description="the value in the customer's list, or null for none")
    want: str | None = Field(default=None, description="the value in SESConfig.json, or null for none")


class Drift(Data):
    """How one customer's topics differ from SESConfig.json."""

    missing: tuple[str, ...] = Field(default=(), description="names of topics that the list does not have")
    extra: tuple[str, ...] = Field(default=(), description="names of topics that SESConfig.json does not have")
    different: tuple[TopicDifference, ...] = Field(default=(), description="fields that differ")


class TopicMatrix(Data):
    """`fleet` of the Summary of describe-topics-all: the topics of all customers side by side."""

    topics: dict[str, dict[str, int]] | None = Field(
        default=None, description="{topic: {customer code: contacts opted in}}, or null when it is at `location`"
    )
    drift: dict[str, Drift] | None = Field(
        default=None, description="{customer code: differences}, or null without a valid SESConfig.json"
    )
    location: str | None = Field(
        default=None, description="s3:// URI of the comparison when it is too large for the Summary, else null"
    )
