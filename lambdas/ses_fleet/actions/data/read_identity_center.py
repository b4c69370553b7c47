"""What read-identity-center, the first phase of an import, wrote."""

from __future__ import annotations

from pydantic import Field

from ses_fleet.model_bases import Wire


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
