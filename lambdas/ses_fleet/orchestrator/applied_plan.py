"""The saved plan that a run applies, as it was read from the record of the dry run that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ses_fleet.config.config_json import CustomerEntry
from ses_fleet.config.customer import Customer
from ses_fleet.config.topics import WantedTopic
from ses_fleet.people.pinned import PinnedPeople
from ses_fleet.runs.models import RunRequest
from ses_fleet.runs.people_plan import PeoplePlan
from ses_fleet.runs.saved_plan import SavedPlan

# What decides which list is written to, and as whom.
_COMPARED = ("account_id", "region", "ses_role_arn", "external_id", "contact_list_name")


@dataclass(frozen=True)
class AppliedPlan:
    """What one dry run showed, by customer code: what it would do, and how config.json described the customer then.

    `asked` is the request that names the plan, `request` the same with what the plan says. `ses_config` is the version
    of SESConfig.json that the plan was made from, `people` the people file, `personal_params` the key of the object
    that has the personal values of its params.
    """

    asked: RunRequest
    request: RunRequest
    saved: Mapping[str, SavedPlan]
    customers: Mapping[str, Customer]
    ses_config: str | None
    people: PinnedPeople | None = None
    personal_params: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def topics(self) -> tuple[WantedTopic, ...] | None:
        """Return the topics of SESConfig.json by which people were planned, the same for all; None of another plan."""
        return next((one.topics for one in self.saved.values() if isinstance(one, PeoplePlan)), None)

    def changed(self, entry: CustomerEntry, *, has_left: bool) -> str | None:
        """Return what config.json says otherwise of a customer than when the plan was made, or None.

        One that cannot be run now, or is skipped, gets the result that says why. The role that a request names in place
        of the configured one is the plan's.
        """
        if has_left:
            return "it is not there any more"
        before, now = self.customers.get(entry.code), entry.customer
        if before is None or now is None:
            return None
        own_role = self.request.ses_role_arn is not None
        fields = [name for name in _COMPARED if not (own_role and name == "ses_role_arn")]
        return ", ".join(name for name in fields if getattr(before, name) != getattr(now, name)) or None
