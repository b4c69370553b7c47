"""One customer as config.json describes it: checked, and complete enough to be sent to a worker."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from ses_fleet.identifiers import CustomerCode
from ses_fleet.model_bases import Stored, Wire


class CustomerIdentity(Stored):
    """Who a customer is: its code and name in config.json, and where its contact list is.

    `account_id` and `region` are None where config.json does not say them in a usable way.
    """

    customer_code: Annotated[str, Field(description="the key in config.json")]
    customer_name: Annotated[str, Field(description="`customer_name`, or the code where config.json has none")]
    account_id: Annotated[
        str | None, Field(description="the customer's account, of its role's ARN; null where that is malformed")
    ]
    region: Annotated[str | None, Field(description="where the customer's list is; null where it is not known")]


class IdentityCenter(Wire):
    """The Identity Center that a customer's users are read from.

    `problem` says why it cannot be used, or is None; it matters only to actions that read users.
    """

    role_arn: str
    region: str
    external_id: str | None = None
    store_id: str | None = None
    problem: str | None = None


class Customer(CustomerIdentity):
    """One customer as the worker sees it: its identity complete, and how to reach its contact list."""

    model_config = Wire.model_config

    customer_code: CustomerCode
    customer_name: str
    account_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
    region: str
    ses_role_arn: str
    external_id: str | None = None
    contact_list_name: str | None = None
    import_bucket: str | None = None
    identity_center: IdentityCenter | None = None
