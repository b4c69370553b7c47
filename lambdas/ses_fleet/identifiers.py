"""The grammars of names: of customers, runs, people files, secrets, and what SES allows for topics and lists."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from ses_fleet import limits

CODE_PATTERN = rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{limits.CUSTOMER_CODE_CHARACTERS - 1}}}"
CODE_WORDS = f"1 to {limits.CUSTOMER_CODE_CHARACTERS} of A-Z a-z 0-9 _ -, beginning with a letter or digit"
RUN_ID_PATTERN = rf"[A-Za-z0-9_-]{{1,{limits.RUN_ID_CHARACTERS}}}"
RUN_ID_WORDS = f"1 to {limits.RUN_ID_CHARACTERS} of A-Z a-z 0-9 _ -"
# What breaks SES's grammar cannot be the name of a topic, may be somebody's address, and must not get into a run's
# record.
TOPIC_PATTERN = rf"[A-Za-z0-9_-]{{1,{limits.SES_NAME_CHARACTERS}}}"
TOPIC_WORDS = f"1 to {limits.SES_NAME_CHARACTERS} of A-Z a-z 0-9 _ -"
LIST_NAME_PATTERN = TOPIC_PATTERN
# SES, configuration sets: CreateConfigurationSet.
CONFIGURATION_SET_PATTERN = TOPIC_PATTERN
# RFC 1035, 2.3.1, and the underscore that names of services have. Two labels at least, and no @: a run's record holds
# no address.
DOMAIN_PATTERN = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN_WORDS = "a domain such as example.com"
# Nothing else is part of a people file's key, so no id leads to another place of the bucket.
PEOPLE_ID_PATTERN = r"[0-9a-f]{32}"
PEOPLE_ID_WORDS = "32 of 0-9 a-f"
# A part of a tombstone's key, and so of a path.
HASH_KEY_ID_PATTERN = r"[a-z0-9][a-z0-9-]{0,31}"
HASH_KEY_ID_WORDS = "1 to 32 of a-z 0-9 -, beginning with a letter or digit"
# Secrets Manager, CreateSecret; an ARN ends with a hyphen and six characters that AWS chose.
_ONE_NAME = r"[A-Za-z0-9/_+=.@-]{1,512}"
_ARN_PLACE = r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:"
SECRET_PATTERN = rf"(?:{_ARN_PLACE}{_ONE_NAME}-[A-Za-z0-9]{{6}}|{_ONE_NAME})"
# SNS, CreateTopic: 1 to 256 characters; a FIFO topic takes no subscriptions of mail or chats.
TOPIC_ARN_PATTERN = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"

CustomerCode = Annotated[str, StringConstraints(pattern=f"^{CODE_PATTERN}$")]
RunId = Annotated[str, StringConstraints(pattern=f"^{RUN_ID_PATTERN}$")]
PeopleId = Annotated[str, StringConstraints(pattern=f"^{PEOPLE_ID_PATTERN}$")]
