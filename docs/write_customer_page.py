"""Write the generated tables of docs/for-customers.md anew: `make reference`. A test compares them with the code.

The page is written by hand but for what stands between `<!-- NAME -->` and `<!-- /NAME -->`. What a role allows comes
from the templates and the catalogue of actions, how long copies are kept from the deployment's settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from infra import customer_role
from infra.settings import Settings
from ses_fleet import limits
from ses_fleet.actions.catalogue import ACTIONS, Action

PAGE = Path(__file__).resolve().parent / "for-customers.md"
_BLOCK = re.compile(r"(?P<begin><!-- (?P<name>[a-z]+) -->\n)\n.*?(?P<end><!-- /(?P=name) -->)", re.DOTALL)
_SHOWN = {
    "${AWS::Partition}": "aws",
    "${AWS::AccountId}": "ACCOUNT",
    "${AWS::Region}": "REGION",
    "${FleetName}": "ses-fleet",
    "${RolePath}${RoleName}": "/ROLE",
    "${IdentityStoreId}": "STORE",
}
# Why a role has a permission. Every permission that an action declares is here, and no other one.
WHY = {
    "cloudwatch:GetMetricData": "reads how many messages were sent, bounced or brought a complaint, as numbers",
    "iam:ListRoleTags": "reads the tags of this role itself: of which version of the template it is",
    "identitystore:ListGroupMemberships": "which users are in a group whose role some topic names",
    "identitystore:ListGroups": "finds the groups that stand for roles",
    "identitystore:ListUsers": "reads users with their names and addresses, to make contacts of them",
    "s3:DeleteObject": "removes an import file when SES has read it",
    "s3:PutObject": "puts the file of an import job into the stack's own bucket",
    "ses:CreateContact": "adds a contact",
    "ses:CreateContactList": "makes the contact list where the account has none",
    "ses:CreateImportJob": "adds many contacts, or suppressed addresses, by one job",
    "ses:DeleteContact": "removes a contact",
    "ses:DeleteSuppressedDestination": "takes an address off the suppression list",
    "ses:GetAccount": "whether the account is out of SES's sandbox and may send",
    "ses:GetContact": "reads one contact, such as right before it is changed",
    "ses:GetContactList": "reads the list's topics",
    "ses:GetEmailIdentity": "whether a domain that mail is sent from is verified, signed and set up",
    "ses:GetImportJob": "what became of an import job",
    "ses:GetSuppressedDestination": "whether mail to an address is suppressed",
    "ses:ListContactLists": "finds the account's contact list",
    "ses:ListContacts": "reads the contacts and what they subscribed to",
    "ses:ListEmailIdentities": "which domains and addresses mail is sent from",
    "ses:ListImportJobs": "whether an import job is under way, so that nothing is written beside it",
    "ses:ListSuppressedDestinations": "reads the suppression list",
    "ses:PutSuppressedDestination": "puts an address on the suppression list",
    "ses:TagResource": "gives a list that is restored the tags that it had",
    "ses:UpdateContact": "changes what a contact is subscribed to",
    "ses:UpdateContactList": "adds, changes and removes topics",
    "sso:ListInstances": "finds the Identity Center",
}


def blocks() -> dict[str, str]:
    """Return every generated block of the page by its name."""
    header = ("permission", "why", "on", "used by")
    read, manage = _allowed(customer_role.CUSTOMER_ROLE)
    (people,) = _allowed(customer_role.IDENTITY_CENTER_ROLE)
    return {
        "read": _table(header, _permissions(read)),
        "manage": _table(header, _permissions(manage)),
        "people": _table(header, _permissions(people)),
        "actions": _table(("action", "what it does", "in the account", "AccessLevel"), _actions()),
        "copied": _table(("where", "what", "kept for", "gone for good after"), _copied(Settings())),
    }


def written(page: str) -> str:
    """Return the page's text with every block made anew; KeyError for a block that nobody makes."""
    made = blocks()
    return _BLOCK.sub(lambda found: f"{found['begin']}\n{made[found['name']]}\n\n{found['end']}", page)


def _allowed(template: str) -> Iterator[dict[str, list[str]]]:
    """Yield what each policy of a template's role allows: the resources of each permission."""
    policies = customer_role.templates()[template]["Resources"]["Role"]["Properties"]["Policies"]
    for policy in policies:
        document = (policy["Fn::If"][1] if "Fn::If" in policy else policy)["PolicyDocument"]
        yield {
            name: [_shown(one) for one in _listed(statement["Resource"])]
            for statement in document["Statement"]
            for name in statement["Action"]
        }


def _permissions(allowed: dict[str, list[str]]) -> Iterator[tuple[str, ...]]:
    for name, resources in sorted(allowed.items()):
        users = ", ".join(f"`{action.name}`" for action in ACTIONS.values() if action.scopes and _uses(action, name))
        yield f"`{name}`", WHY[name], "<br>".join(f"`{one}`" for one in resources), users


def _uses(action: Action, permission: str) -> bool:
    return permission in (*action.permissions, *action.identity_center_permissions)


def _actions() -> Iterator[tuple[str, ...]]:
    for action in ACTIONS.values():
        if not action.scopes:
            continue
        does, level = ("changes", "Manage") if action.mutates else ("reads", "ReadOnly or Manage")
        if not action.permissions:
            does, level = "nothing", "none: it is the hub's own matter"
        yield f"`{action.name}`", action.purpose, does, level


def _copied(settings: Settings) -> Iterator[tuple[str, ...]]:
    old = settings.old_versions_days
    yield "your import bucket", "files of import jobs: addresses, topics", *_days(limits.IMPORT_FILE_DAYS, 0)
    yield (
        "`data/`",
        "contacts that were listed, searched or changed; users and groups of Identity Center",
        *_days(settings.data_days, old),
    )
    yield (
        "`data/requests/`",
        "the files that say whom a run is for",
        *_days(limits.PEOPLE_FILE_DAYS, limits.OLD_PEOPLE_FILE_DAYS),
    )
    yield "`backups/`", "saved lists, and what was removed from them", *_days(settings.backups_days, old)
    yield (
        "`backups/identity/`",
        "which addresses Identity Center had; counted from the last import",
        *_days(settings.backups_days, old),
    )
    yield "`runs/`", "records of runs: counts and topics, no addresses", *_days(settings.runs_days, old)
    yield "`erased/`, `receipts/`", "who was erased, as keyed hashes; no addresses", "always", "never"
    yield "logs", "counts and errors, no addresses", f"{settings.log_days} days", f"{settings.log_days} days"


def _days(current: int, old: int) -> tuple[str, ...]:
    return tuple(f"{days} day{'s' if days > 1 else ''}" for days in (current, current + old))


def _listed(resource: Any) -> list[Any]:
    return resource if isinstance(resource, list) else [resource]


def _shown(resource: Any) -> str:
    text = str(resource["Fn::Sub"] if isinstance(resource, dict) else resource)
    for place, shown in _SHOWN.items():
        text = text.replace(place, shown)
    return text


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
