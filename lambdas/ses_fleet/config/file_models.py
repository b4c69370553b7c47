"""The shape of config.json and SESConfig.json: every key that ses-fleet reads, and what its value may be.

`make schemas` writes docs/schemas/ from these models. What concerns several keys or several customers, or depends on
the deployment, is checked where the files are read: config_json.py and ses_config_json.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SkipValidation, WithJsonSchema

from ses_fleet import limits
from ses_fleet.aws.arns import parse_role_arn
from ses_fleet.aws.regions import is_region
from ses_fleet.identifiers import CODE_PATTERN, CODE_WORDS, LIST_NAME_PATTERN, TOPIC_PATTERN, TOPIC_WORDS
from ses_fleet.text import quoted

# STS API: ExternalId.
_SHORTEST, _LONGEST = limits.EXTERNAL_ID_CHARACTERS
_EXTERNAL_ID = rf"[A-Za-z0-9_+=,.@:/-]{{{_SHORTEST},{_LONGEST}}}"
# Identity Store API: IdentityStoreId.
_STORE_ID = r"d-[0-9a-f]{10}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# S3 User Guide, general purpose buckets.
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
# What editors can check of a role's ARN and of a Region; parse_role_arn and botocore's list of Regions decide.
_ROLE_SHAPE = r"arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:role/.+"
_REGION_SHAPE = r"[a-z]+(?:-[a-z]+)+-[0-9]+"


def _checked(check: Callable[[str], object], complaint: str = "") -> AfterValidator:
    """Return a validator of strings for which `check` must return something true; its own ValueErrors are problems."""

    def validate(value: str | None) -> str | None:
        if value is not None and not check(value):
            raise ValueError(f"{quoted(value)} {complaint}")
        return value

    return AfterValidator(validate)


def _matching(pattern: str, complaint: str) -> AfterValidator:
    return _checked(re.compile(pattern).fullmatch, complaint)


def _editors_check(pattern: str, *, empty: bool = True) -> Any:
    """Return an annotation that puts a pattern into the JSON Schema; with `empty` it takes the empty string, too."""
    return Field(json_schema_extra={"pattern": f"^(?:{pattern}){'?' if empty else ''}$"})


def _role_name(role: str) -> str:
    """Return a role's name without the blanks around it, as `dba ` would match nobody's group."""
    name = role.strip()
    if name and name.isprintable():
        return name
    raise ValueError(f"{quoted(role)} is not the name of a role: it is empty or has invisible characters")


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


_NOT_BLANK = r"\S"
_PERCENTAGE = r"^(100|[0-9]{1,2})%$"
_SHARE = r"^(100|[1-9][0-9]?)%$"
_SCHEMA = "Where the JSON Schema of this file is, for editors; ses-fleet does not read it."
_EMPTY_IS_ABSENT = BeforeValidator(lambda value: None if value == "" else value)

Label = Annotated[str | None, _EMPTY_IS_ABSENT]
Region = Annotated[
    str | None,
    _EMPTY_IS_ABSENT,
    _checked(is_region, "is not the name of an AWS Region"),
    _editors_check(_REGION_SHAPE),
]
RoleArn = Annotated[str | None, _EMPTY_IS_ABSENT, _checked(parse_role_arn), _editors_check(_ROLE_SHAPE)]
ExternalId = Annotated[
    str | None, _EMPTY_IS_ABSENT, _matching(_EXTERNAL_ID, "is not an ExternalId of STS"), _editors_check(_EXTERNAL_ID)
]
ListName = Annotated[
    str | None,
    _EMPTY_IS_ABSENT,
    _matching(LIST_NAME_PATTERN, "is not a list name of SES"),
    _editors_check(LIST_NAME_PATTERN),
]
BucketName = Annotated[
    str | None, _EMPTY_IS_ABSENT, _matching(_BUCKET, "is not the name of an S3 bucket"), _editors_check(_BUCKET)
]
StoreId = Annotated[
    str | None, _EMPTY_IS_ABSENT, _matching(_STORE_ID, "is not the id of an identity store"), _editors_check(_STORE_ID)
]
Text = Annotated[str, AfterValidator(_not_blank)]
# ses_config_json.py checks each prefix by itself.
TopicPrefix = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{TOPIC_PATTERN}$"})]
RoleName = Annotated[str, AfterValidator(_role_name), WithJsonSchema({"type": "string", "pattern": _NOT_BLANK})]


class _FileModel(BaseModel):
    """Base of the models: no value is converted to another type, and keys of other programs are passed over."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        field_title_generator=lambda name, field: field.alias or name,
        json_schema_extra={"additionalProperties": True},
    )


class CustomerFields(_FileModel):
    """One customer of config.json. null and "" count as absent."""

    model_config = ConfigDict(title="customer")

    customer_code: Label = Field(
        default=None,
        description="The customer's code again: it must be the key under which the customer stands.",
    )
    customer_name: Label = Field(
        default=None, description="The customer's name for people. Without it the code is used."
    )
    environment: Label = Field(
        default=None, description='A label such as "prod", by which a payload\'s "environment" selects customers.'
    )
    region: Region = Field(
        default=None,
        description="The Region of the customer's contact list. Without it aws_region is used, and without that the "
        "Region of the deployment.",
        examples=["us-east-1", "eu-west-1"],
    )
    ses_role_arn: RoleArn = Field(
        default=None,
        description="The role in the customer's account that is assumed for SES. A customer without it is skipped.",
        examples=["arn:aws:iam::111122223333:role/contact-manager"],
    )
    enabled: bool | None = Field(default=None, description="false skips the customer.")
    disabled_reason: Label = Field(
        default=None,
        description="Why the customer is disabled, for people: where a run skips it, this is repeated.",
    )
    external_id: ExternalId = Field(
        default=None,
        description="The ExternalId that the trust policy of ses_role_arn asks for, different for every customer.",
    )
    contact_list_name: ListName = Field(
        default=None,
        description="The name of the customer's contact list. Without it the list that is there is used, and a new one "
        "gets the deployment's default name.",
    )
    import_bucket: BucketName = Field(
        default=None,
        description="An S3 bucket in the customer's account that import files are put into, for SES import jobs.",
    )
    identity_center_role_arn: RoleArn = Field(
        default=None,
        description="The role that is assumed to read the users of the customer's Identity Center. Imports skip a "
        "customer without it.",
        examples=["arn:aws:iam::210987654321:role/contact-importer"],
    )
    identity_center_region: Region = Field(
        default=None,
        description="The Region of that Identity Center. Without it the customer's own Region is used.",
        examples=["us-east-1", "eu-west-1"],
    )
    identity_center_external_id: ExternalId = Field(
        default=None, description="The ExternalId that the trust policy of identity_center_role_arn asks for."
    )
    identity_store_id: StoreId = Field(
        default=None,
        description="The id of the identity store. Without it the only Identity Center of the account is used.",
        examples=["d-1234567890"],
    )


class DefaultsFields(_FileModel):
    """What payloads of this fleet need not say. A key that is not known is wrong: it would hold nobody back."""

    model_config = ConfigDict(title="defaults", extra="forbid", json_schema_extra={"additionalProperties": False})

    failure_mode: Literal["soft", "strict"] | None = Field(
        default=None,
        description="The failure_mode of runs that change something on every customer. strict needs max_failures.",
    )
    max_failures: Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=_PERCENTAGE)] | None = Field(
        default=None,
        description="The max_failures of such runs: a payload may say fewer, not more.",
        examples=[0, 3, "10%"],
    )
    ramp: list[Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern=_SHARE)]] | None = Field(
        default=None,
        description="The ramp of such runs: a payload may say smaller stages, not larger ones. Without max_failures no "
        "failure is borne.",
        examples=[[1, "10%", "100%"]],
    )
    confirm_above: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="A run that changes something on more customers than this must say how many they are, as "
        "confirm_customers.",
        examples=[10],
    )
    actions: list[str] | None = Field(
        default=None,
        description="The only actions that may be run on this fleet, by their names without -all.",
        examples=[["describe-list", "describe-topics", "manage-topic"]],
    )


class ConfigFile(_FileModel):
    """config.json: the customers and how each of their accounts is reached.

    Other programs may keep settings of their own in the same file.
    """

    model_config = ConfigDict(
        title="config.json", json_schema_extra={"additionalProperties": True, "required": ["customer_mappings"]}
    )

    schema_: SkipValidation[str | None] = Field(default=None, alias="$schema", description=_SCHEMA)
    aws_region: Annotated[
        str | None,
        _checked(is_region, "is not the name of an AWS Region"),
        _editors_check(_REGION_SHAPE, empty=False),
    ] = Field(
        default=None,
        description="The Region of every customer that has none of its own.",
        examples=["us-east-1", "eu-west-1"],
    )
    # What is wrong with it is told all at once.
    defaults: SkipValidation[DefaultsFields | None] = Field(
        default=None, description="What payloads of this fleet need not say, and may only say more strictly."
    )
    # Each customer is read by itself, as one customer's problems are only its own.
    customer_mappings: dict[str, SkipValidation[CustomerFields]] = Field(
        default_factory=dict,
        description=f"The customers by their codes. A code is {CODE_WORDS}.",
        json_schema_extra={"minProperties": 1, "propertyNames": {"pattern": f"^{CODE_PATTERN}$"}},
    )


class TopicFields(_FileModel):
    """One topic of SESConfig.json. null counts as absent."""

    model_config = ConfigDict(title="topic")

    TopicName: Annotated[Text, _editors_check(TOPIC_PATTERN, empty=False)] = Field(
        description=f"The topic's name, {TOPIC_WORDS}; in a group without the prefix."
    )
    DisplayName: Text = Field(
        description="What contacts see as the topic's name.",
        json_schema_extra={"pattern": _NOT_BLANK, "maxLength": limits.SES_DISPLAY_NAME_CHARACTERS},
    )
    Description: str | None = Field(
        default=None,
        description="What contacts see of the topic below its name.",
        json_schema_extra={"maxLength": limits.SES_DESCRIPTION_CHARACTERS},
    )
    DefaultSubscriptionStatus: Literal["OPT_IN", "OPT_OUT"] = Field(
        description="The status of a contact that has no preference for the topic: OPT_IN or OPT_OUT."
    )
    OptInRoles: list[RoleName] | None = Field(
        default=None,
        description="Roles of Identity Center whose users are opted in to the topic when they are imported.",
    )


class SesConfigFile(_FileModel):
    """SESConfig.json: the topics that the contact list of every customer should have."""

    model_config = ConfigDict(title="SESConfig.json")

    schema_: SkipValidation[str | None] = Field(default=None, alias="$schema", description=_SCHEMA)
    topics: list[SkipValidation[TopicFields]] | None = Field(default=None, description="Single topics.")
    topic_group_prefix: list[SkipValidation[TopicPrefix]] | None = Field(
        default=None,
        description="Prefixes of groups: each is put before each of topic_group_members.",
    )
    topic_group_members: list[SkipValidation[TopicFields]] | None = Field(
        default=None, description="The topics that every group has, with names that lack the prefix."
    )
