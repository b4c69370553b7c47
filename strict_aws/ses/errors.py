"""SES v2's refusals. The texts are observed, not documented, where nothing else is said."""

from __future__ import annotations

from strict_aws.http.messages import AwsError


def bad_request(message: str) -> AwsError:
    """Return the BadRequestException with this message."""
    return AwsError("BadRequestException", message)


def missing_member(path: str) -> AwsError:
    """Return the refusal of a request without a required member; `path` is like `topics.1.member.topicName`."""
    return bad_request(
        f"1 validation error detected: Value at '{path}' failed to satisfy constraint: Member must not be null"
    )


def wrong_type(wanted: str) -> AwsError:
    """Return the refusal of a JSON value of another type than the member's; `wanted` is like `String`."""
    return AwsError("SerializationException", f"The value can not be converted to {wanted}")


def no_list(name: str) -> AwsError:
    """Return the refusal when there is no list of this name."""
    return AwsError("NotFoundException", f"List with name: {name} doesn't exist.", 404)


def no_list_to_import(name: str) -> AwsError:
    """Return the refusal when there is no list of this name, in the words of import jobs (observed)."""
    return AwsError("NotFoundException", f"ContactList <{name}> doesn't exist", 404)


def no_import_job(job_id: str) -> AwsError:
    """Return the refusal when there is no import job of this id. The text is ours."""
    return AwsError("NotFoundException", f"Import job {job_id} doesn't exist.", 404)


def no_contact(email: str) -> AwsError:
    """Return the refusal when the list has no contact of this address."""
    return AwsError("NotFoundException", f"{email} doesn't exist in List.", 404)


def no_topic(list_name: str, topic: str) -> AwsError:
    """Return the refusal when the list has no topic of this name."""
    return bad_request(f"List: {list_name} doesn't contain Topic: {topic}")


def contact_exists(email: str) -> AwsError:
    """Return the refusal when the list has a contact of this address already."""
    return AwsError("AlreadyExistsException", f"{email} already exists in List.")


def not_suppressed(email: str) -> AwsError:
    """Return the refusal when the suppression list does not have this address."""
    return AwsError("NotFoundException", f"Email address {email} does not exist on your suppression list.", 404)


def no_identity(name: str) -> AwsError:
    """Return the refusal when the account has no identity of this name. The text is ours."""
    return AwsError("NotFoundException", f"Email identity {name} does not exist.", 404)


def no_tenant(name: str) -> AwsError:
    """Return the refusal when there is no tenant of this name. The text is ours."""
    return AwsError("NotFoundException", f"Tenant {name} doesn't exist.", 404)


def invalid_token() -> AwsError:
    """Return the suppression list's refusal of a NextToken that is not valid for this question (API reference)."""
    return AwsError("InvalidNextTokenException", "The specified request includes an invalid or expired token.")


def bad_token() -> AwsError:
    """Return the refusal of a NextToken that is not valid for this question, or not any more. The text is ours."""
    return bad_request("The specified NextToken is invalid")
