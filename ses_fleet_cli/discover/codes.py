"""Customers' codes out of accounts' names: the same accounts always get the same codes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from ses_fleet import limits
from ses_fleet.identifiers import CODE_PATTERN, CODE_WORDS
from ses_fleet.text import may_hold_address, quoted
from ses_fleet_cli.discover.organization import Account
from ses_fleet_cli.errors import usage

_NOT_OF_CODES = re.compile(r"[^a-z0-9_]+")
_SAMPLE = {"name": "x", "account_id": "0" * 12}


def check(template: str) -> None:
    """Raise CommandError with exit code 2 for a template of codes that could give no code."""
    if re.fullmatch(CODE_PATTERN, _filled(template, _SAMPLE)) is None:
        raise usage(
            f"--code makes {quoted(_filled(template, _SAMPLE))} of an account called x, which is no customer's code: a "
            f"code is {CODE_WORDS}"
        )


def assigned(
    new: Iterable[Account], others: Iterable[Account], taken: Collection[str], template: str
) -> dict[str, str]:
    """Return the code of each new account, by account id.

    An account whose code another account's name gives, too, of the new ones or the `others`, or that somebody else's
    entry has already (`taken`), gets `-<account id>` behind it. Upper and lower case count as the same. Raise
    CommandError with exit code 2 when that one is taken, too.
    """
    new, present = list(new), {code.lower() for code in taken}
    plain = {one.id: _code(one, template) for one in (*new, *others)}
    counts = Counter(code.lower() for code in plain.values())
    found = {}
    for one in new:
        code = plain[one.id]
        if counts[code.lower()] > 1 or code.lower() in present:
            code = f"{code[: limits.CUSTOMER_CODE_CHARACTERS - len(one.id) - 1].rstrip('-_')}-{one.id}"
        found[one.id] = code
    _refuse_collisions(found, present)
    return found


def of_name(name: str) -> str:
    """Return what a code has of an account's name: small letters and digits of ASCII, `_`, and `-` for all else.

    Letters lose their accents. Of a name that may hold an address, and of one with nothing in it that a code may have,
    it is "".
    """
    if may_hold_address(name):
        return ""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    # Letters without an ASCII form are dropped, so `Ørsted` is `rsted`; only what separates words becomes a hyphen.
    return _NOT_OF_CODES.sub("-", plain).strip("-_")


def _code(account: Account, template: str) -> str:
    """Return the code without looking at others; only the name is cut when it gets too long."""
    name = of_name(account.name) or account.id
    spare = limits.CUSTOMER_CODE_CHARACTERS - len(_filled(template, {"name": "", "account_id": account.id}))
    return _filled(template, {"name": name[: max(spare, 1)].rstrip("-_") or account.id, "account_id": account.id})


def _filled(template: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def _refuse_collisions(found: Mapping[str, str], present: Collection[str]) -> None:
    counts = Counter(code.lower() for code in found.values())
    for account, code in found.items():
        if counts[code.lower()] > 1 or code.lower() in present:
            raise usage(
                f"account {account} would get the code {code}, which is another entry's already: give a --code that "
                "tells accounts apart, such as '{name}-{account_id}'"
            )
        if re.fullmatch(CODE_PATTERN, code) is None:
            raise usage(
                f"account {account} would get the code {quoted(code)}, but a code is {CODE_WORDS}: give another --code"
            )
