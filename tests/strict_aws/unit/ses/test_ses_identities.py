"""The strict SES: what an account is said to be, and the identities that it sends from."""

from __future__ import annotations

from typing import Any

import pytest

from strict_aws.cloudwatch.service import StrictCloudWatch
from strict_aws.conditions.conditions import Conditions
from strict_aws.control.ses_account import SesAccountDocument, put_ses_account
from strict_aws.ses.account import Standing
from strict_aws.ses.identities import Identity, MailFrom
from tests.strict_aws.unit.ses.emulated import ACCOUNT, REGION, Emulated


def with_identities(*identities: Identity, **options: Any) -> Emulated:
    """An account that has these."""
    seen = Emulated(empty=True, **options)
    seen.ses.set_identities(ACCOUNT, REGION, identities)
    return seen


def names(answer: dict[str, Any]) -> list[str]:
    """Of a page."""
    return [one["IdentityName"] for one in answer["EmailIdentities"]]


def test_identities_are_listed_page_by_page_in_their_order() -> None:
    """With what a list says of each; the next page is asked for with the token of this one."""
    pending = Identity("b.example", verification_status="PENDING", sending_enabled=False)
    seen = with_identities(Identity("a.example"), pending, Identity("ada@c.example"))
    first = seen.call("ListEmailIdentities", PageSize=2)
    assert first["EmailIdentities"] == [
        {
            "IdentityType": "DOMAIN",
            "IdentityName": "a.example",
            "SendingEnabled": True,
            "VerificationStatus": "SUCCESS",
        },
        {
            "IdentityType": "DOMAIN",
            "IdentityName": "b.example",
            "SendingEnabled": False,
            "VerificationStatus": "PENDING",
        },
    ]
    second = seen.call("ListEmailIdentities", PageSize=2, NextToken=first["NextToken"])
    assert [(one["IdentityType"], one["IdentityName"]) for one in second["EmailIdentities"]] == [
        ("EMAIL_ADDRESS", "ada@c.example")
    ]
    assert "NextToken" not in second


def test_an_account_has_no_identities_by_itself() -> None:
    """Nor has another account, or the same one in another Region."""
    seen = with_identities(Identity("a.example"))
    assert names(seen.ses.call(ACCOUNT, "eu-west-1", "ListEmailIdentities", {})) == []
    assert names(seen.ses.call("999999999999", REGION, "ListEmailIdentities", {})) == []
    assert names(seen.call("ListEmailIdentities")) == ["a.example"]
    assert names(seen.call("ListEmailIdentities", PageSize=0)) == ["a.example"]


def test_a_foreign_token_a_wrong_size_and_a_filter_are_refused() -> None:
    """A filter is a 501: it is not emulated."""
    seen = with_identities(Identity("a.example"))
    assert seen.refused("ListEmailIdentities", NextToken="x")[:2] == ("BadRequestException", 400)
    assert seen.refused("ListEmailIdentities", PageSize=1001)[:2] == ("BadRequestException", 400)
    assert seen.refused("ListEmailIdentities", Filter={"IDENTITY_TYPE": "DOMAIN"})[1] == 501


def test_tokens_are_valid_as_the_conditions_say() -> None:
    """Those of a session for that session only."""
    seen = with_identities(*(Identity(f"{n}.example") for n in range(3)), conditions=Conditions(tokens_of_session=True))
    page = seen.ses.call(ACCOUNT, REGION, "ListEmailIdentities", {"PageSize": 1}, caller="one")
    asked = {"PageSize": 1, "NextToken": page["NextToken"]}
    assert names(seen.ses.call(ACCOUNT, REGION, "ListEmailIdentities", asked, caller="one")) == ["1.example"]
    with pytest.raises(Exception, match="NextToken"):
        seen.ses.call(ACCOUNT, REGION, "ListEmailIdentities", asked, caller="two")


def test_one_identity_with_dkim_mail_from_and_configuration_set() -> None:
    """As it was made; what it has not is not there."""
    own = MailFrom("mail.a.example", "FAILED", "REJECT_MESSAGE")
    seen = with_identities(
        Identity("a.example", dkim_status="PENDING", dkim_signing=False, mail_from=own, configuration_set="set"),
        Identity("b.example", verification_status="FAILED"),
    )
    found = seen.call("GetEmailIdentity", EmailIdentity="A.example")
    assert found["DkimAttributes"] == {
        "SigningEnabled": False,
        "Status": "PENDING",
        "SigningAttributesOrigin": "AWS_SES",
    }
    assert found["MailFromAttributes"] == {
        "MailFromDomain": "mail.a.example",
        "MailFromDomainStatus": "FAILED",
        "BehaviorOnMxFailure": "REJECT_MESSAGE",
    }
    assert (found["ConfigurationSetName"], found["VerifiedForSendingStatus"]) == ("set", True)
    plain = seen.call("GetEmailIdentity", EmailIdentity="b.example")
    assert (plain["VerificationStatus"], plain["VerifiedForSendingStatus"]) == ("FAILED", False)
    assert not plain.keys() & {"MailFromAttributes", "ConfigurationSetName"}


def test_an_identity_that_is_not_there_is_not_found() -> None:
    """With the code of the API model."""
    assert with_identities().refused("GetEmailIdentity", EmailIdentity="x.example")[:2] == ("NotFoundException", 404)


def test_addresses_among_the_identities_are_held_addresses() -> None:
    """A search of logs for addresses looks for them, too; domains are none."""
    assert list(with_identities(Identity("ada@c.example"), Identity("c.example")).ses.addresses()) == ["ada@c.example"]


def test_what_a_document_says_of_an_account() -> None:
    """Everything that it does not name is as usual, whatever was there before."""
    seen, watch = Emulated(empty=True), StrictCloudWatch(clock=lambda: 1_000_000.0)
    wanted = {
        "production_access": False,
        "sending_enabled": False,
        "enforcement_status": "PROBATION",
        "max_24_hour_send": 500,
        "sent_last_24_hours": 499,
        "review": {"status": "PENDING", "case_id": "c-1"},
        "suppressed_reasons": ["COMPLAINT"],
        "identities": [{"name": "a.example", "mail_from": {"domain": "mail.a.example"}}],
        "metrics": {"Send": 7},
    }
    put_ses_account(seen.ses, watch, ACCOUNT, REGION, SesAccountDocument.model_validate(wanted))
    answer = seen.call("GetAccount")
    assert (answer["ProductionAccessEnabled"], answer["SendingEnabled"]) == (False, False)
    assert answer["EnforcementStatus"] == "PROBATION"
    assert answer["SendQuota"] == {"Max24HourSend": 500, "MaxSendRate": 1.0, "SentLast24Hours": 499}
    assert answer["Details"] == {"ReviewDetails": {"Status": "PENDING", "CaseId": "c-1"}}
    assert answer["SuppressionAttributes"]["SuppressedReasons"] == ["COMPLAINT"]
    assert names(seen.call("ListEmailIdentities")) == ["a.example"]
    put_ses_account(seen.ses, watch, ACCOUNT, REGION, SesAccountDocument())
    answer = seen.call("GetAccount")
    assert (answer["ProductionAccessEnabled"], answer["EnforcementStatus"]) == (True, "HEALTHY")
    assert answer["SuppressionAttributes"]["SuppressedReasons"] == ["BOUNCE", "COMPLAINT"]
    assert "Details" not in answer
    assert names(seen.call("ListEmailIdentities")) == []


def test_a_review_may_have_no_case() -> None:
    """Then the answer has none."""
    seen = Emulated(empty=True)
    seen.ses.set_account(ACCOUNT, REGION, standing=Standing(review_status="GRANTED", max_24_hour_send=-1))
    answer = seen.call("GetAccount")
    assert answer["Details"] == {"ReviewDetails": {"Status": "GRANTED"}}
    assert answer["SendQuota"]["Max24HourSend"] == -1
