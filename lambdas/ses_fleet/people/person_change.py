"""What a run does to one address: to its contact, or to its entry on the suppression list. Nothing is called here.

A state is flat: of a contact `topic:NAME` → OPT_IN or OPT_OUT for each preference, `unsubscribed_all` and `attributes`,
of an entry on the suppression list `reason`; None when there is no contact and no entry. `since` is when it came to be
so, where SES says that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Value = str | bool | None
State = Mapping[str, Value]
Kind = Literal["create", "update", "remove"]
What = tuple[tuple[str, Value, Value], ...]
Record = dict[str, Any]

TOPIC = "topic:"
UNSUBSCRIBED = "unsubscribed_all"
ATTRIBUTES = "attributes"
REASON = "reason"
SINCE = "since"


@dataclass(frozen=True)
class PersonChange:
    """From which state to which other one: (name, before, after) of everything that differs, in the names' order.

    With `unread_attributes` a contact is removed of which nobody has read the attributes. A change that overwrites what
    somebody refused has in `since` when the state that it overwrites came to be: a later one may be another refusal. So
    may one of which nobody knows when it came to be.
    """

    kind: Kind
    what: What
    unread_attributes: bool = False
    since: str | None = None

    @classmethod
    def of(cls, record: Record) -> PersonChange:
        """Return the change that a record of a plan's file stands for.

        Raise ValueError, KeyError or TypeError when it is none.
        """
        if not isinstance(record["what"], dict):
            raise TypeError("no change of a person")
        entries = record["what"].items()
        what = tuple(sorted((str(name), _value(before), _value(after)) for name, (before, after) in entries))
        if record["change"] not in ("create", "update", "remove") or not what:
            raise ValueError("no change of a person")
        since = record.get(SINCE)
        unread = record.get("unread_attributes") is True
        return cls(record["change"], what, unread, None if since is None else str(since))

    def record(self, email: str) -> Record:
        """Return the change as a plan's file has it: `{email, change, what: {name: [before, after]}}`."""
        unread = {"unread_attributes": True} if self.unread_attributes else {}
        since = {} if self.since is None else {SINCE: self.since}
        what = {name: [before, after] for name, before, after in self.what}
        return {"email": email, "change": self.kind, "what": what, **unread, **since}

    def has(self, now: PersonChange) -> bool:
        """Return whether all of a change that is decided now is part of this one."""
        unread = {ATTRIBUTES} if self.unread_attributes else set()
        return now.kind == self.kind and {one for one in now.what if one[0] not in unread} <= {*self.what}

    def holds(self, before: State | None, after: State | None) -> bool:
        """Return whether somebody whose state is `before`, and is to be `after`, becomes as this change leaves them.

        So it is when this change is decided, or what of it is not made yet, and when it is made and nothing is to be. A
        refusal is only overwritten when it is known to be the one that this change was made from.
        """
        now = between(before, after)
        return (now is None or (self.has(now) and self._is_of_same_refusal(now))) and self.is_made(after)

    def _is_of_same_refusal(self, now: PersonChange) -> bool:
        return not overwrites_refusal(now.what) or (now.since is not None and now.since == self.since)

    def is_made(self, now: State | None) -> bool:
        """Return whether an address whose state is `now` is as the change leaves it."""
        if now is None or self.kind == "remove":
            return now is None and self.kind == "remove"
        return all(now.get(name) == after for name, _, after in self.what)


def between(before: State | None, after: State | None) -> PersonChange | None:
    """Return what differs between two states, or None when nothing does."""
    if before is None and after is None:
        return None
    kind: Kind = "create" if before is None else "remove" if after is None else "update"
    old, new = before or {}, after or {}
    names = sorted({*old, *new} - {SINCE})
    what = tuple((name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))
    if not what:
        return None
    unread = kind == "remove" and UNSUBSCRIBED in old and ATTRIBUTES not in old
    since = old.get(SINCE) if overwrites_refusal(what) else None
    return PersonChange(kind, what, unread, None if since is None else str(since))


def overwrites_refusal(what: What) -> bool:
    """Return whether something that somebody refused is not refused any more after these changes."""
    return any(
        (before == "OPT_OUT" and after != "OPT_OUT")
        or (name == UNSUBSCRIBED and before is True and after is not True)
        or (name == REASON and before is not None and after is None)
        for name, before, after in what
    )


def _value(value: Any) -> Value:
    if value is None or isinstance(value, str | bool):
        return value
    raise ValueError("no value of a person")
