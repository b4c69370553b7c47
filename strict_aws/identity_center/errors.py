"""Identity Center's refusals. The codes are the API's; the texts are ours where no other source is named."""

from __future__ import annotations

from strict_aws.http.messages import AwsError


def invalid(message: str) -> AwsError:
    """Return the ValidationException with this message."""
    return AwsError("ValidationException", message)


def unfit(name: str, value: str, wanted: str) -> AwsError:
    """Return the refusal of a member's value that breaks a rule of the API's model.

    The words are AWS's, which repeat the value.
    """
    shown = name[0].lower() + name[1:]
    return invalid(
        f"1 validation error detected: Value '{value}' at '{shown}' failed to satisfy constraint: Member must {wanted}"
    )


def missing_member(name: str) -> AwsError:
    """Return the refusal of a request without a required member."""
    return invalid(
        f"1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must not be null"
    )


def wrong_type(wanted: str) -> AwsError:
    """Return the refusal of a JSON value of another type than the member's; `wanted` is like `String`."""
    return AwsError("SerializationException", f"The value can not be converted to {wanted}")


def not_found(kind: str, resource_id: str) -> AwsError:
    """Return the ResourceNotFoundException for an id. The texts for a store and a group are observed.

    `kind` is as in the API: IDENTITY_STORE, USER, GROUP or GROUP_MEMBERSHIP.
    """
    fields = {"ResourceType": kind, "ResourceId": resource_id}
    message = f"{kind} not found."
    if kind == "IDENTITY_STORE":
        message = f"IdentityStore not present for IdentityStoreId: {resource_id}"
    return AwsError("ResourceNotFoundException", message, fields=fields)


def conflict(message: str) -> AwsError:
    """Return the ConflictException for something that exists already. The text has no names, which are personal."""
    return AwsError("ConflictException", message, fields={"Reason": "UNIQUENESS_CONSTRAINT_VIOLATION"})


def throttled() -> AwsError:
    """Return Identity Center's answer to a request above the rate."""
    return AwsError("ThrottlingException", "Rate exceeded", reason="the rate of Identity Center is used up")


def not_served(what: str) -> AwsError:
    """Return the 501 for what the strict Identity Center does not do, so that nobody takes it for AWS's answer."""
    return AwsError("NotImplemented", f"the strict Identity Center knows no {what}", 501)
