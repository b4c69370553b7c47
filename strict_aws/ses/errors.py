"""SES v2's refusals. The texts are observed, not documented."""

from __future__ import annotations

from strict_aws.http.messages import AwsError


def bad_request(message: str) -> AwsError:
    """What SES does not take."""
    return AwsError("BadRequestException", message)


def missing_member(path: str) -> AwsError:
    """A required member that was not sent; `path` as in `topics.1.member.topicName`."""
    return bad_request(
        f"1 validation error detected: Value at '{path}' failed to satisfy constraint: Member must not be null"
    )


def wrong_type(wanted: str) -> AwsError:
    """A JSON value of another type than the member's; `wanted` as in `String`."""
    return AwsError("SerializationException", f"The value can not be converted to {wanted}")


def no_list(name: str) -> AwsError:
    """There is no such list."""
    return AwsError("NotFoundException", f"List with name: {name} doesn't exist.", 404)


def no_list_to_import(name: str) -> AwsError:
    """There is no such list, in the words of import jobs (observed)."""
    return AwsError("NotFoundException", f"ContactList <{name}> doesn't exist", 404)


def no_import_job(job_id: str) -> AwsError:
    """There is no such import job. The text is ours."""
    return AwsError("NotFoundException", f"Import job {job_id} doesn't exist.", 404)


def no_contact(email: str) -> AwsError:
    """The list has no such contact."""
    return AwsError("NotFoundException", f"{email} doesn't exist in List.", 404)


def no_topic(list_name: str, topic: str) -> AwsError:
    """The list has no such topic."""
    return bad_request(f"List: {list_name} doesn't contain Topic: {topic}")


def contact_exists(email: str) -> AwsError:
    """The list has that contact already."""
    return AwsError("AlreadyExistsException", f"{email} already exists in List.")


def not_suppressed(email: str) -> AwsError:
    """The suppression list has no such address."""
    return AwsError("NotFoundException", f"Email address {email} does not exist on your suppression list.", 404)


def no_tenant(name: str) -> AwsError:
    """There is no such tenant. The text is ours."""
    return AwsError("NotFoundException", f"Tenant {name} doesn't exist.", 404)


def invalid_token() -> AwsError:
    """A NextToken that is not good for this question, in the words of the suppression list (API reference)."""
    return AwsError("InvalidNextTokenException", "The specified request includes an invalid or expired token.")


def bad_token() -> AwsError:
    """A NextToken that this question did not get, or that is not good any more. The text is ours."""
    return bad_request("The specified NextToken is invalid")
