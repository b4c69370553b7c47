"""Every number the product depends on, with its unit and where it comes from.

Sources: "quota" = AWS quota pages, "API" = AWS API reference, "observed" = reported by people who
probed AWS, not by AWS itself, "ours" = our choice, with the reason.
"""

from __future__ import annotations

# --- Lambda -------------------------------------------------------------------------------------
LAMBDA_PAYLOAD_BYTES = 6 * 1024 * 1024  # quota: synchronous request and response, each
WORKER_FUNCTION_TIMEOUT_SECONDS = 290  # ours: under 300 s, since idle connections die at about 350 s
WORKER_FUNCTION_SHORTEST_SECONDS = 60  # ours: nothing is written in its last 35 s, and slow calls need room before that
INVOKE_READ_TIMEOUT_SECONDS = 300  # ours: above the worker's timeout, below the 350 s of NAT gateways
ORCHESTRATOR_FUNCTION_TIMEOUT_SECONDS = 900  # quota: the longest a function may run
LAMBDA_MEMORY_MB = (128, 10_240)  # quota
OWN_ENVIRONMENT_BYTES = 3_000  # ours: of the 4 KB (quota) of a function's variables, the rest is for the stack's own
RESERVED_CONCURRENCY = 100_000  # ours: above any account's limit; CloudFormation says what the account's is
EVENT_AGE_SECONDS = 3_600  # ours: an event that nobody could take for an hour is a dead letter, not a surprise
CHAIN_HOPS = 12  # ours: Lambda's loop detection ends a chain of its own invocations at about 16
MAX_HOPS = 500  # ours: more invocations than a run of MAX_RUN_SECONDS has, unless they end far too early
MAX_RUN_SECONDS = 24 * 3600  # ours: a longer run is a mistake, and data that was read for it is old by then
INVOKE_BACKOFF_SECONDS = (0.2, 5.0)  # ours: the first wait after an invoke of which nothing ran, and the longest
LAST_ANSWERS_SECONDS = 0.5  # ours: what threads get that only waited, to say so when the run ends
LAST_ANSWERS_SHARE = 0.1  # ours: the same, as a share of the return margin, where that is short
COLLECTING_SHARE = 0.5  # ours: of the return margin, in which answers are still taken; the rest is for the summary
SHORTEST_WAIT_SECONDS = 0.01  # ours: between two looks for answers, so that a waiting orchestrator uses no CPU
HANDOVER_ATTEMPTS = 3  # ours: an orchestrator's tries to start its next invocation
MAX_CONCURRENCY = 500  # ours: half of Lambda's 1,024 file descriptors and threads (quota)

# --- signs of life ------------------------------------------------------------------------------
DEAD_AFTER_SECONDS = 60.0  # ours: without a sign of life for so long, another may end a hop; the unit of those below
SIGN_SHARE = 1 / 12  # ours: of it, between two signs of life: 5 s
START_SHARE = 1 / 3  # ours: of it, after the last stored sign nobody is started any more: 20 s
SILENT_SHARE = 1 / 2  # ours: of it, after which people are told that a run gives no sign of life: 30 s
CLOCK_SECONDS = 2.0  # S3 tells its times in whole seconds, and an answer takes a while
SIGN_JOIN_SECONDS = 1.0  # ours: what a sign under way gets when an invocation ends
SIGN_LOOK_SECONDS = 0.05  # ours: between two looks whether a slice may be sent again, while signs cannot be stored
LOOK_SECONDS = 1.0  # ours: the longest that a fan-out waits without looking whether its turn is over
NAMED_AHEAD_SHARE = 1.0  # ours: of the concurrency, customers named before a place is free, so that none waits for S3
NAMED_AHEAD_SHARE_OF_WRITERS = 0.5  # ours: the same of runs that write
SIGN_TIMEOUT_SECONDS = (2.0, 4.0)  # ours: to connect and to read; a sign that takes longer is sent anew
MAX_SIGN_BYTES = 1024 * 1024  # ours: 5,000 customers named are 60 KB
RESTARTS = 3  # ours: hops in a row without a sign of life after which a run is closed, as nothing brings it forward
IDLE_HOPS = 12  # ours: hops in a row that could send nobody, 3 h of a throttled account; after them a run ends
WAITING_SECONDS = 2 * 3600.0  # ours: a hop that nobody claimed for so long will not come: an event lives an hour. Also
# how old a continuation may be that a resume goes on with
ABANDONED_START_SECONDS = 1_800.0  # ours: a start that wrote no plan by then was killed: twice what a function may run
REAPED_RUNS = 50  # ours: runs that one pass of the reaper ends at most; the next one goes on
REAPER_MARGIN_SECONDS = 60.0  # ours: what the reaper must have left of its own time to begin with another run
BODY_SENT_AT_ONCE_BYTES = 64 * 1024  # ours: S3 is asked before a larger body is sent, in case it refuses it
ERASED_PEOPLE = 100  # ours: people of one erasure, each of whom somebody asked for
RECEIPT_PROOFS = 100_000  # ours: people times customers of one erasure; the orchestrator holds them, some 110 MB
RECEIPT_VERSIONS = 200_000  # ours: versions of objects that a receipt counts, 200 requests; more are not counted
RAMP_STAGES = 20  # ours: one to twenty decisions whether all is well; more are a list of customers
NAMED_SILENT = 20  # ours: customers that a message names which kept the second phase of a run from beginning
RESULT_WRITERS = 16  # ours: results that are stored at once
PENDING_RESULTS = 64  # ours: results that wait for that; more would fill the memory
STORING_SHARE = 0.5  # ours: of the time that is left when customers are done, in which results are stored
RESULTS_FILE_SHARE = 0.1  # ours: of the return margin; with less time left, results.jsonl.gz is not written
MAX_CONTINUATION_BYTES = 5 * 1024 * 1024  # ours: of Lambda's 6 MB, the rest is for the work item around it

# --- what we return -----------------------------------------------------------------------------
RESPONSE_INLINE_BYTES = 4 * 1024 * 1024  # ours: data beyond it stays in S3; leaves room below 6 MB
PART_BYTES = 4 * 1024 * 1024  # ours: one object of contacts, compressed; what a worker holds before it writes
FLEET_INLINE_BYTES = 1024 * 1024  # ours: the comparison of customers beyond it lies in S3
GZIP_LEVEL = 1  # zlib's fastest: records resemble each other, so a higher level saves little and the run waits for it
DIGEST_BYTES = 10  # ours: of a contact kept in memory; among a million the chance of two alike is 1 in 10^12
PLAN_DIGEST_BYTES = 16  # ours: of a contact list's topics; two lists that differ never have the same
TOKEN_BLANKS = 32  # ours: as many bits by which two writers of the same text are told apart
PLAN_ID_CHARACTERS = 29  # ours: of a plan's id, so that -apply and a number fit behind it
PLAN_HOURS = 24  # ours: a day, so that what was reviewed today is not applied next week
SHORT_DIGEST_CHARACTERS = 16  # ours: hexadecimal digits of a digest that is kept between slices
MAX_PART_BYTES = 64 * 1024 * 1024  # ours: no part that we wrote is larger
MAX_CUSTOMERS = 5_000  # ours: as many results without data fit a response
PLAN_WARNING_CHARACTERS = 300  # ours: one warning of the plan
MAX_MESSAGE_CHARACTERS = 500  # ours: one error message or warning
RESPONSE_MARGIN_BYTES = 65_536  # ours: what a response that is shortened keeps below LAMBDA_PAYLOAD_BYTES
SHORT_WARNINGS = 20  # ours: so many of a run's warnings stay in a response that is shortened
METRIC_CUSTOMERS = 100  # ours: so many codes of failed customers are in the metrics' record
SHORT_TEXT_CHARACTERS = ((120, 128), (60, 30), (20, 10), (0, 0))  # ours: what messages and customers' names are cut to,
# step by step, when a response would not fit otherwise; a character may take four bytes
MAX_CUSTOMER_WARNINGS = 100  # ours: warnings of one customer that are kept over its slices

# --- logs ---------------------------------------------------------------------------------------
LOG_BLOCK_BYTES = 200 * 1024  # ours: below CloudWatch Logs' 256 KiB an event (quota)
MAX_LOG_LINES = 200  # ours: returned by a worker for one slice
MAX_LOG_BYTES = 16 * 1024  # ours: the same, in bytes
MAX_LOG_LINE_CHARACTERS = 1_000  # ours: one line of a customer's block
CUT_NOTE_BYTES = 100  # ours: of those bytes, kept for the line that says how many lines were cut
SHOWN_CHARACTERS = 100  # ours: of a foreign value in a message, unless the caller says otherwise
SUGGESTION_CHARACTERS = 200  # ours: of a value that is compared with known names; comparing long ones is slow
SUGGESTION_SIMILARITY = 0.5  # ours: from 0 to 1, how similar a name must be to be suggested

# --- configuration ------------------------------------------------------------------------------
MAX_CONFIG_BYTES = 10 * 1024 * 1024  # ours: a larger config.json is a mistake
MAX_JSON_PROBLEMS = 20  # ours: of one JSON text; more of them would hide the first
SHOWN_KEY_CHARACTERS = 64  # ours: of a key in a JSON path; our own keys have at most half as many
SHOWN_NAME_CHARACTERS = 128  # ours: of a customer's name, in results and blocks
CUSTOMER_CODE_CHARACTERS = 50  # ours: a code is part of S3 keys and, with an account, of an STS session's name
RUN_ID_CHARACTERS = 40  # ours: a run's id is part of S3 keys and of names of import files
JSON_DEPTH = 100  # ours: what people write has ten levels; the interpreter's own recursion ends at a thousand
MAX_CUSTOMER_TIMEOUT_SECONDS = 12 * 3600  # ours: half of MAX_RUN_SECONDS, so that no customer takes a whole run
DEFAULT_CUSTOMER_TIMEOUT_SECONDS = 900  # ours: one orchestrator invocation

# --- schedules and alarms -----------------------------------------------------------------------
# ours: the longest name that begins with it is that of a customer's import bucket, with account and Region at most 63
DEPLOYMENT_NAME = r"[a-z][a-z0-9-]{0,26}[a-z0-9]"
SCHEDULE_NAME = r"[0-9A-Za-z_.-]{1,64}"  # API: CreateSchedule
SCHEDULE_INPUT_BYTES = 256 * 1024  # quota: a target's input
DELIVERY_ATTEMPTS = 3  # ours: of one schedule's event; a second delivery finds the run started
REAPER_MINUTES = 5  # ours: between two looks for lost runs, so that one ends within about six
REAPER_MISSED = 3  # ours: so many looks in a row that did not come are no late delivery any more
ALARM_WINDOW_SECONDS = 7 * 86_400  # quota: an alarm looks back at most so far, in periods of an hour or more
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653),
)  # API: PutRetentionPolicy
DEAD_LETTER_DAYS = 14  # quota: the longest that SQS keeps a message

# --- S3 ------------------------------------------------------------------------------------------
S3_ATTEMPTS = 6  # ours: the SDK's tries of one call of S3, some 15 s of 503s in a row
ORCHESTRATOR_S3_CONNECTIONS = 32  # ours: kept open at once
RECORD_READERS = 16  # ours: stored results that are read at once
MAX_RECORD_BYTES = 64 * 1024 * 1024  # ours: a plan of 5,000 customers with the longest names is a few megabytes
MAX_PERSONAL_PARAMS_BYTES = 1024 * 1024  # ours: the personal values of one request
CREATE_ATTEMPTS = 5  # ours: a conditional write whose outcome S3 does not say is asked for so often
COMPARED_BYTES = 1024 * 1024  # ours: an object that a conditional write compares with is read up to this size
CREATE_PAUSE_SECONDS = 0.1  # ours: the longest first pause between them; each is twice the one before
OLD_CONFIG_DAYS = 400  # ours: as long as backups, so that a run can be compared with what was configured for it
ABANDONED_UPLOAD_DAYS = 1  # ours: an upload in parts that nobody finished
OPEN_RUN_DAYS = 7  # ours: longer than any run lasts, so that the reaper sees each of them
OLD_LEASE_DAYS = 1  # ours: who held a list before is of no use later; S3 expires by whole days
OLD_OPEN_RUN_DAYS = 1  # ours: each sign of life leaves an old version, and nobody needs one
IMPORT_FILE_DAYS = 1  # ours: SES reads an import job's file within minutes; S3 expires by whole days
LIFECYCLE_DAYS = 36_500  # ours: a hundred years; S3 takes no number that is much larger

# --- STS and IAM --------------------------------------------------------------------------------
ASSUME_ROLE_ATTEMPTS = 3  # ours: the SDK's tries of AssumeRole
IAM_ATTEMPTS = 3  # ours: the SDK's tries of ListRoleTags
ROLE_TAGS = 50  # quota: tags of one role
SESSION_NAME_CHARACTERS = 64  # API: RoleSessionName, 2-64 of [\w+=,.@-]
SESSION_POLICY_CHARACTERS = 2_048  # API: AssumeRole's Policy and policy ARNs together
ROLE_NAME_CHARACTERS = 64  # quota: IAM role name
ROLE_PATH_CHARACTERS = 512  # quota: IAM path
EXTERNAL_ID_CHARACTERS = (2, 1_224)  # API: ExternalId

# --- SES ----------------------------------------------------------------------------------------
SES_PAGE_SIZE = 1_000  # observed: ListContacts takes it; the model names no maximum
ATTRIBUTES_PAGE_SIZE = 100  # ours: each of them is asked for alone; a page is the most that is read twice
SES_TOPICS = 20  # developer guide: topics of one contact list
SES_DISPLAY_NAME_CHARACTERS = 128  # observed
SES_DESCRIPTION_CHARACTERS = 500  # observed: of a list; used for topics, too
SES_NAME_CHARACTERS = 64  # observed: list and topic names are [A-Za-z0-9_-]{1,64}
SES_REQUESTS_PER_SECOND = 1.0  # quota: every action but Send*, per account and Region, not adjustable
SES_BURST = 5  # observed: short bursts pass, then 429
SUPPRESSION_ONE_BY_ONE = 3  # ours: so few addresses are asked for alone, without a page of the suppression list
SUPPRESSION_EXTRA_PAGES = 2  # ours: so many pages may turn out to be for nothing, and one more for each
SUPPRESSION_ROWS_A_PAGE = 20  # so many addresses that are looked for: a list too long for that costs 5 % more
CHANGE_ATTEMPTS = 3  # ours: a change that meets another one is planned anew so often
READ_ATTEMPTS = 3  # ours: a reading call that got a 5xx or no answer is tried so often
READ_PAUSE_SECONDS = (0.1, 0.5)  # ours: the shortest and longest pause after the first of them; n times that after n
CHANGE_PAUSE_SECONDS = (1.0, 1.5)  # ours: the same before a change is planned again; twice as long each time
BACK_OFF_JITTER = (0.5, 1.5)  # ours: what a wait after a throttled request is multiplied with, at random
BACK_OFF_SECONDS = 16.0  # ours: the longest wait for others' requests in the same account, but for jitter
READ_BACK_ALONE = 20  # ours: so many contacts are read back each alone, if that is fewer requests than the list's pages
READ_BACK_PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0)  # ours: between looks for what was written; 15 s, as reads may lag

# --- health -------------------------------------------------------------------------------------
# SES developer guide, FAQs of the review process: below 2 % is healthy, from 5 % on AWS may review the account, from
# 10 % on it may pause sending. A run fails where AWS begins to act.
BOUNCE_PERCENT = (2.0, 5.0)
# The same guide, reputation metrics messages: from 0.1 % on AWS may review the account, from 0.5 % on it may pause
# sending. Below 0.1 % nothing is published, so that the finding is where the review begins.
COMPLAINT_PERCENT = (0.1, 0.5)
QUOTA_PERCENT = (80.0, 100.0)  # ours: a day's quota nearly used up, and used up: SES refuses what is sent then
HEALTH_MINIMUM_SENT = 1_000  # ours: one complaint among fewer would be 0.1 % by itself
RATE_SECONDS = 86_400  # ours: rates are of the last day
METRIC_PERIOD_SECONDS = 300  # ours: CloudWatch keeps periods of a minute 15 days; 288 of these are a day to the minute
HEALTH_DOMAINS = 500  # ours: at one request a second each, nine minutes; the rest is judged by the listing alone
NAMED_DOMAINS = 50  # ours: domains that one payload names
DOMAIN_CHARACTERS = 253  # RFC 1035, 2.3.4: 255 octets on the wire
HEALTH_IDENTITIES = 100  # ours: identities that a customer's data names; all of them are counted
NAMED_IDENTITIES = 5  # ours: identities that a message names

# --- leases --------------------------------------------------------------------------------------
LEASE_GRACE_SECONDS = 60.0  # ours: a lease outlives its function by so much, for a write that SES is still busy with
WRITE_MARGIN_SECONDS = 35.0  # ours: the longest call is 35 s: 5 to connect, 30 to read
LEASE_WAIT_SECONDS = 20.0  # ours: what a run waits for another one's last calls before it leaves the customer to it
LEASE_LOOK_SECONDS = (2.0, 4.0)  # ours: the shortest and longest pause between two looks at a lease that is held
LEASE_CALL_SECONDS = 5.0  # ours: the read timeout of a call about a lease; S3 answers in well under a second
LEASE_TRIES = 5  # ours: others may take and free a lease between our look and our write so often
LEASE_BYTES = 64 * 1024  # ours: a lease has some 300 bytes

# --- Identity Center ----------------------------------------------------------------------------
IDENTITY_CENTER_PAGE_SIZE = 100  # API: MaxResults of ListUsers, ListGroups and ListGroupMemberships
IDENTITY_CENTER_BURST = 1  # ours: requests at once, since others read the same store
IDENTITY_CENTER_REQUESTS_PER_SECOND = 15.0  # ours: quota is 20 per API, and others read the same store
USER_NAME_CHARACTERS = 128  # API: UserName
GROUP_NAME_CHARACTERS = 1_024  # API: a group's DisplayName
ADDRESS_CHARACTERS = 320  # RFC 3696, erratum 1690: the longest address that is imported
LOCAL_PART_CHARACTERS = 64  # RFC 5321, 4.5.3.1.1: before the @

# --- Organizations ------------------------------------------------------------------------------
ORGANIZATIONS_REQUESTS_PER_SECOND = 5.0  # ours: the quotas name low rates, by operation; others ask at the same time
ORGANIZATIONS_ATTEMPTS = 8  # ours: the SDK's tries of one request, whose waits grow to 20 s; a person waits for it
TAGGED_PAGE_SIZE = 100  # API: ResourcesPerPage of GetResources

# --- people files -------------------------------------------------------------------------------
PEOPLE_ROWS = 10_000  # ours: at one request a second that is three hours for one customer; more people are an import
MAX_PEOPLE_FILE_BYTES = 16 * 1024 * 1024  # ours: 1.6 KB a row, and every worker of a run holds all of it
MAX_PEOPLE_PROBLEMS = 100  # ours: of one people file; who has more sees by these what is wrong with all
SALT_BLANKS = 128  # ours: so many random bits in each uploaded file, as in its id
PEOPLE_FILE_DAYS = 7  # ours: a run of a day, its resumes, and a weekend between them
OLD_PEOPLE_FILE_DAYS = 1  # ours: nobody needs one that expired; S3 expires by whole days

# --- notifications ------------------------------------------------------------------------------
NOTIFY_ATTEMPTS = 3  # ours: the SDK's tries of Publish; who gets a message twice knows what it says
NOTIFY_READ_SECONDS = 5.0  # ours: Publish answers at once, and the reaper tries again
NOTIFY_MARGIN_SECONDS = 35.0  # ours: all tries of Publish; with less time left an orchestrator leaves it to the reaper
NOTIFY_SECONDS = 24 * 3600.0  # ours: a run that is over and of which nobody could be told for so long is let go
NOTIFIED_CUSTOMERS = 20  # ours: so many customers are listed for each kind of ending
CHAT_CHARACTERS = 8_000  # Amazon Q Developer in chat applications, custom notifications: a description; else none comes
NOTIFIED_CHARACTERS = 300  # ours: of one reason; with the above far below the 256 KB of a message

# --- erased people ------------------------------------------------------------------------------
SECRET_ATTEMPTS = 4  # ours: the SDK's tries of reading a secret, which does no harm when it is read twice
HASH_KEY_BYTES = 32  # ours: as long as the hash, below which RFC 2104 discourages keys
TOMBSTONE_BYTES = 64 * 1024  # ours: a tombstone has some 300 bytes, and 150 more each time that its state changes
TOMBSTONE_TRIES = 5  # ours: others may change a tombstone between our look and our write so often

# --- import jobs --------------------------------------------------------------------------------
IMPORT_JOB_POLL_SECONDS = (2.0, 30.0)  # ours: the first wait and the longest; each is twice the one before
SUPPRESSED_BY_JOB = 25  # ours: so many addresses are suppressed one by one; a job takes 100,000 (developer guide)
MAX_FAILED_RECORDS_BYTES = 16 * 1024 * 1024  # ours: what is read of SES's own list of failed records
KEPT_REASONS = 20  # ours: so many different reasons of failed people are counted apart, from slice to slice
FAILURE_REASONS = 5  # ours: so many different reasons are named in a message

# --- defaults of settings ------------------------------------------------------------------------
SLICE_BUDGET_SECONDS = 240.0  # ours: of a worker's 290 s; the rest is for the last calls and a slow start
START_MARGIN_SECONDS = 60.0  # ours: what an orchestrator must have left to start a customer or a slice
RETURN_MARGIN_SECONDS = 30.0  # ours: what an orchestrator keeps to write the record and to return
IMPORT_JOB_THRESHOLD = 25  # ours: so many new contacts are created one by one, at one a second, before a job is faster
PLAN_STALE_PERCENT = 5.0  # ours: a plan of which more would be otherwise by now is not what was reviewed
PRUNE_LIMIT_PERCENT = 20.0  # ours: a prune of more of a list's contacts is taken for a mistake
ORCHESTRATOR_MEMORY_MB = 1_024  # ours: half as long as with 512 MB when hundreds run at once, for the same price
WORKER_MEMORY_MB = 512  # ours: what an import of 125,000 people needs; a worker mostly waits
RUN_RECORD_DAYS = 90  # ours
DATA_DAYS = 90  # ours: contacts that were listed or read; personal, so no longer than the runs they belong to
BACKUP_DAYS = 400  # ours: a year and a month, so that a yearly check finds the last one
OLD_VERSION_DAYS = 30  # ours: long enough to notice that something was overwritten or deleted
LOG_DAYS = 90  # ours: as long as the run records
MAX_PATTERNS = 20  # ours: role patterns and administrators in a policy, far below its 6,144 characters (quota)

# --- the command --------------------------------------------------------------------------------
RUN_START_SECONDS = 120.0  # ours: the command does not wait longer for a run that has neither begun nor been refused
SLOW_START_SECONDS = 5.0  # ours: a run that has not begun by then, and its function is asked whether it starts at all
LIFE_LOOK_SECONDS = 5.0  # ours: between two looks whether a run that is followed is alive, as often as it gives signs
UNATTENDED_SECONDS = (
    1_200.0  # ours: for so long the reaper, which looks every five minutes, left a run as it is: it fails
)
OLD_RUN_SECONDS = 4 * 3600.0  # ours: after its first deadline; a run of earlier versions had 3.2 h at most
# ours: between two looks at a run's record. With the calls of a look that find the end, 0.08 s each from a laptop, the
# last block is shown within a second of it; the looks of a quarter of an hour cost one US cent (S3 prices, us-east-1).
POLL_SECONDS = 0.3
UNREADABLE_SECONDS = 180.0  # ours: a record that cannot be read for so long is not followed any more
S3_CLOCK_SECONDS = 60.0  # ours: a laptop that slept, and whose count stood still, is late by no more than that
COMMAND_S3_ATTEMPTS = 5  # ours: a person waits, and reading twice does no harm
WAIT_NOTICE_SECONDS = 5.0  # ours: a call without an answer for so long, and the command says what it waits for
WIDE_TERMINAL = 110  # ours: characters of a line from which a list of runs has all its columns
NAMED_IN_QUESTION = 10  # ours: codes of customers that a question names
DRY_RUN_DAYS = 7  # ours: an older dry run says little of what a run would do now
DRY_RUNS_READ = 64  # ours: plans of the newest runs that are compared with a request, two rounds of calls
ALIAS_TIMEOUT_SECONDS = (2, 3)  # ours: to connect to IAM and to hear from it; without an alias nothing is missing
LISTED_AT_ONCE = 128  # ours: run records that are read before it is looked whether enough of them were wanted
COMMAND_S3_CONNECTIONS = 32  # ours: results and records that the command reads at once
EXPORT_READERS = 4  # ours: parts that an export reads at once, and holds in memory
MAX_EXPORT_PART_BYTES = 256 * 1024 * 1024  # ours: what an export holds of one part; those we write are of 4 MiB
SHOWN_PEOPLE = 100  # ours: so many people of a search are columns on a terminal; all of them are in its data
COMMAND_MESSAGE_CHARACTERS = 2_000  # ours: one message on a terminal

# --- time ---------------------------------------------------------------------------------------
CONNECT_TIMEOUT_SECONDS = 5  # ours
KEPT_CONNECTION_SECONDS = 10  # ours: a connection that no request has used for longer is made anew
# ours: 500 connections that start at once need one TLS handshake each, some 15 ms of CPU with the certificates to be
# loaded, and a function of 512 MB has 0.3 of a CPU: 25 s until the last of them is through.
INVOKE_CONNECT_TIMEOUT_SECONDS = 60
CALL_READ_TIMEOUT_SECONDS = 30  # ours: SES, STS and S3 answer in well under a second
WORKER_MARGIN_SECONDS = 5.0  # ours: what the worker keeps of its own timeout to return its result
IDLE_SLICES = 20  # ours: so many slices in a row without progress, and their budget is too small for anything
CUSTOMER_TIMEOUT_GRACE_SECONDS = 10.0  # ours: how long after customer_timeout_seconds an answer still counts
