"""Evaluate IAM policies. A condition operator or key that is not known here denies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Query:
    """What is asked of a policy. `principals` are the names by which the caller matches a Principal element."""

    action: str
    resource: str
    context: Mapping[str, str]
    principals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Allowed or not, and the reason in words. With `explicit_deny` no other policy can allow it."""

    allowed: bool
    reason: str
    explicit_deny: bool = False


class UnknownConditionError(Exception):
    """A policy has a condition operator or key that this evaluator does not know."""


def evaluate(documents: Iterable[Mapping[str, Any]], query: Query, *, resource_based: bool = False) -> Decision:
    """Return the decision of these policy documents.

    An explicit Deny wins, then any Allow; where neither matches, the request is denied implicitly.
    """
    allowed = False
    for statement in _statements(documents):
        try:
            if not _applies(statement, query, resource_based):
                continue
        except UnknownConditionError as error:
            return Decision(False, str(error), explicit_deny=True)
        if statement.get("Effect") == "Deny":
            return Decision(False, f"explicit Deny of {query.action}", explicit_deny=True)
        allowed = allowed or statement.get("Effect") == "Allow"
    return Decision(allowed, "allowed" if allowed else f"nothing allows {query.action} on {query.resource}")


def parse(text: str) -> dict[str, Any]:
    """Return the policy document in a JSON text; raise ValueError when it is not a policy document."""
    document = json.loads(text)
    if not isinstance(document, dict) or "Statement" not in document:
        raise ValueError("a policy document has a Statement")
    return document


def wildcard(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Tell whether a value matches a pattern with IAM's `*` and `?`; no other character is special."""
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, value, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def _statements(documents: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for document in documents:
        statements = document["Statement"]
        yield from statements if isinstance(statements, list) else [statements]


def _applies(statement: Mapping[str, Any], query: Query, resource_based: bool) -> bool:
    if not _matches(statement, "Action", query.action, ignore_case=True):
        return False
    if resource_based and not _principal_matches(statement, query.principals):
        return False
    has_resource = "Resource" in statement or "NotResource" in statement
    if has_resource and not _matches(statement, "Resource", query.resource):
        return False
    return (has_resource or resource_based) and _conditions_hold(statement, query.context)


def _matches(statement: Mapping[str, Any], element: str, value: str, *, ignore_case: bool = False) -> bool:
    if element in statement:
        return any(wildcard(pattern, value, ignore_case=ignore_case) for pattern in _list(statement[element]))
    negated = statement.get("Not" + element)
    if negated is None:
        return False
    return not any(wildcard(pattern, value, ignore_case=ignore_case) for pattern in _list(negated))


def _principal_matches(statement: Mapping[str, Any], principals: tuple[str, ...]) -> bool:
    if "NotPrincipal" in statement:
        return not _names(statement["NotPrincipal"], principals)
    return _names(statement.get("Principal"), principals)


def _names(principal: Any, principals: tuple[str, ...]) -> bool:
    """Tell whether a Principal element names one of these principals.

    ARNs and account numbers stand under AWS, services under Service.
    """
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        return False
    users, services = _list(principal.get("AWS", [])), _list(principal.get("Service", []))
    return "*" in users or any(name in principals for name in [*users, *services])


def _conditions_hold(statement: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    return all(
        _condition_holds(operator, key, _list(values), context)
        for operator, tests in statement.get("Condition", {}).items()
        for key, values in tests.items()
    )


def _condition_holds(operator: str, key: str, values: list[str], context: Mapping[str, str]) -> bool:
    name = operator.removesuffix("IfExists")
    lowered = {known.lower(): value for known, value in context.items()}
    value = lowered.get(key.lower())
    if name == "Null":
        return (value is None) == (values == ["true"])
    test = _OPERATORS.get(name.removeprefix("ForAnyValue:").removeprefix("ForAllValues:"))
    if test is None:
        raise UnknownConditionError(f"condition operator {operator} is not known to strict_aws")
    negative = "Not" in name
    if value is None:
        if key.lower() not in _KNOWN_KEYS:
            raise UnknownConditionError(f"condition key {key} is not known to strict_aws")
        return negative or operator.endswith("IfExists")
    outcomes = [test(pattern, value) for pattern in values]
    return all(outcomes) if negative else any(outcomes)


def _list(value: Any) -> list[Any]:
    entries = value if isinstance(value, list) else [value]
    return [str(entry).lower() if isinstance(entry, bool) else entry for entry in entries]


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda pattern, value: pattern == value,
    "StringNotEquals": lambda pattern, value: pattern != value,
    "StringEqualsIgnoreCase": lambda pattern, value: pattern.lower() == value.lower(),
    "StringNotEqualsIgnoreCase": lambda pattern, value: pattern.lower() != value.lower(),
    "StringLike": wildcard,
    "StringNotLike": lambda pattern, value: not wildcard(pattern, value),
    "ArnEquals": wildcard,
    "ArnLike": wildcard,
    "ArnNotEquals": lambda pattern, value: not wildcard(pattern, value),
    "ArnNotLike": lambda pattern, value: not wildcard(pattern, value),
    "NumericEquals": lambda pattern, value: float(pattern) == float(value),
    "NumericNotEquals": lambda pattern, value: float(pattern) != float(value),
    "NumericLessThan": lambda pattern, value: float(value) < float(pattern),
    "NumericLessThanEquals": lambda pattern, value: float(value) <= float(pattern),
    "NumericGreaterThan": lambda pattern, value: float(value) > float(pattern),
    "NumericGreaterThanEquals": lambda pattern, value: float(value) >= float(pattern),
    "Bool": lambda pattern, value: str(pattern).lower() == value.lower(),
}
# Keys that a request may simply lack; any other key is one whose meaning we do not model.
_KNOWN_KEYS = frozenset(
    {"sts:externalid", "aws:principalarn", "aws:principalaccount", "aws:resourceaccount", "aws:requestedregion",
     "aws:securetransport", "aws:sourceaccount", "aws:sourcearn", "aws:referer", "s3:prefix", "aws:userid",
     "s3:resourceaccount", "s3:tlsversion", "aws:principalisawsservice", "aws:principalservicename"}
)  # fmt: skip
