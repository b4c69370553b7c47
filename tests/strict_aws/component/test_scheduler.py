"""EventBridge Scheduler fires what is due, as its clock is moved on, by the roles' policies."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from strict_aws.aws import Options, StrictAws
from strict_aws.backend import moto_state
from strict_aws.http.messages import Request
from strict_aws.scheduler import service

REGION = "eu-west-1"
OFF = {"Mode": "OFF"}
HOUR = 3600.0


@pytest.fixture(scope="module")
def aws() -> Iterator[StrictAws]:
    """One strict AWS for all of these tests; each has an account of its own."""
    made = StrictAws(Options(ses_rate=0))
    made.start()
    yield made
    made.stop()


@dataclass
class Account:
    """An account with a queue, a queue for dead letters and a role that may send to both."""

    aws: StrictAws
    number: str
    queue: str = ""
    role: str = ""
    _urls: dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A client of its administrator."""
        keys = {"aws_access_key_id": self.number, "aws_secret_access_key": "local"}
        return boto3.client(service, endpoint_url=self.aws.url, region_name=REGION, **keys)  # type: ignore[call-overload]

    def fill(self) -> None:
        """Make the queues and the role."""
        for name in ("work", "dead"):
            self._urls[name] = self.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        self.queue = self.queue_arn("work")
        self.role = self.make_role("scheduler", allow("sqs:SendMessage", self.queue, self.queue_arn("dead")))

    def queue_arn(self, name: str) -> str:
        """The ARN of a queue, whether it exists or not."""
        return f"arn:aws:sqs:{REGION}:{self.number}:{name}"

    def group_arn(self, group: str = "default") -> str:
        """The ARN of a group of schedules."""
        return f"arn:aws:scheduler:{REGION}:{self.number}:schedule-group/{group}"

    def make_role(self, name: str, *statements: dict[str, Any], **condition: Any) -> str:
        """A role that Scheduler may assume for the default group, or under other conditions."""
        trust: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": condition
            or {"StringEquals": {"aws:SourceAccount": self.number}, "ArnEquals": {"aws:SourceArn": self.group_arn()}},
        }
        iam = self.client("iam")
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        return str(made)

    def schedule(self, expression: str, name: str = "s", **more: Any) -> None:
        """Make a schedule that sends its time to the queue, unless its Target is told otherwise."""
        self.client("scheduler").create_schedule(**self.described(expression, name, **more))

    def described(self, expression: str, name: str = "s", **more: Any) -> dict[str, Any]:
        """The parameters of it."""
        target = {"Arn": self.queue, "RoleArn": self.role, "Input": "<aws.scheduler.scheduled-time>"}
        target |= more.pop("Target", {})
        given: dict[str, Any] = {"ScheduleExpression": expression, "FlexibleTimeWindow": OFF, "Target": target}
        return {"Name": name, **given, **more}

    def advance(self, seconds: float) -> int:
        """Move the clock on; how many firings there were."""
        return int(control(self.aws, "PUT", json.dumps({"advance_seconds": seconds}))["fired"])

    def settle(self) -> None:
        """Have everything fired that is due by now, and forget it."""
        self.advance(0)
        self.messages()

    def messages(self, name: str = "work") -> list[dict[str, Any]]:
        """Everything in a queue, which is empty then."""
        sqs, found = self.client("sqs"), []
        asked = {"QueueUrl": self._urls[name], "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        while more := sqs.receive_message(**asked).get("Messages", []):
            found += more
            for one in more:
                sqs.delete_message(QueueUrl=self._urls[name], ReceiptHandle=one["ReceiptHandle"])
        return found

    def bodies(self, name: str = "work") -> list[str]:
        """Their bodies."""
        return [one["Body"] for one in self.messages(name)]

    def firings(self) -> list[Any]:
        """The journal's entries of this account's schedules."""
        return [one for one in self.aws.journal.since() if one.operation == "Fire" and one.account == self.number]


def allow(action: str, *resources: str) -> dict[str, Any]:
    """A statement."""
    return {"Effect": "Allow", "Action": action, "Resource": list(resources)}


def document(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def control(aws: StrictAws, method: str, body: str = "", name: str = "scheduler-clock") -> Any:
    """The answer to a control request that is not refused."""
    answer = aws.handle(Request(method, f"/_strict_aws/{name}", "", {}, body.encode()))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def now(aws: StrictAws) -> datetime:
    """The time of the scheduler's clock."""
    return datetime.fromisoformat(control(aws, "GET")["now"])


_numbers = iter(range(700000000001, 700000001000))


@pytest.fixture
def account(aws: StrictAws) -> Iterator[Account]:
    """An account of the test's own, whose schedules are gone afterwards."""
    made = Account(aws, str(next(_numbers)))
    made.fill()
    yield made
    for schedule in moto_state.schedules():
        moto_state.delete_schedule(schedule)
    control(aws, "PUT", '{"preset": "kind"}', "conditions")
    control(aws, "PUT", "[]", "faults")


def test_a_rate_fires_when_it_is_made_and_then_as_the_clock_is_moved_on(account: Account) -> None:
    """An hour of five minutes is twelve firings, in their order, each with its own scheduled time."""
    account.schedule("rate(5 minutes)")
    account.advance(0)
    (first,) = account.bodies()
    assert account.advance(HOUR) == 12
    times = [datetime.fromisoformat(text) for text in account.bodies()]
    assert times == [datetime.fromisoformat(first) + timedelta(minutes=5 * n) for n in range(1, 13)]
    assert len(account.firings()) == 13


def test_the_clock_says_its_time_and_what_is_due_next(account: Account) -> None:
    """Only Scheduler's clock is moved: the journal goes on in the machine's time."""
    account.schedule("at(2099-01-01T00:00:00)", "late")
    before = now(account.aws)
    account.advance(48 * HOUR)
    said = control(account.aws, "GET")
    arn = f"arn:aws:scheduler:{REGION}:{account.number}:schedule/default/late"
    assert said["schedules"] == [{"arn": arn, "due": "2099-01-01T00:00:00Z"}]
    assert timedelta(hours=48) <= datetime.fromisoformat(said["now"]) - before < timedelta(hours=49)
    account.client("sts").get_caller_identity()
    assert datetime.fromisoformat(account.aws.journal.since()[-1].ended_at) < before + timedelta(hours=24)


def test_more_firings_than_anybody_means_are_refused(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stays where it is, and nothing fires; just as many as that do."""
    account.schedule("rate(1 minute)")
    account.settle()
    before = now(account.aws)
    body = json.dumps({"advance_seconds": 1001 * 60}).encode()
    answer = account.aws.handle(Request("PUT", "/_strict_aws/scheduler-clock", "", {}, body))
    assert answer.status == 400
    assert answer.body == b"schedules would fire more than 1000 times; move the clock on in smaller steps\n"
    assert now(account.aws) - before < timedelta(minutes=5)
    assert account.messages() == []
    monkeypatch.setattr(service, "MOST_FIRINGS", 60)
    assert account.advance(HOUR) == 60


def test_a_schedule_fires_by_itself_when_its_time_comes(account: Account) -> None:
    """Without a control at that time; the clock is moved to shortly before it."""
    moment = now(account.aws) + timedelta(minutes=5)
    account.schedule(f"at({moment:%Y-%m-%dT%H:%M:%S})")
    account.advance((moment - now(account.aws)).total_seconds() - 2)
    end = time.monotonic() + 60
    while not (found := account.bodies()) and time.monotonic() < end:
        time.sleep(0.1)
    assert found == [f"{moment:%Y-%m-%dT%H:%M:%SZ}"]


def test_a_lambda_function_is_invoked_as_the_role_with_everything_filled_in(account: Account) -> None:
    """As an event; without an Input, it gets Scheduler's own notification."""
    function = make_function(account)
    role = account.make_role("invoker", allow("lambda:InvokeFunction", function))
    names = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
    wanted = json.dumps({name: f"<aws.scheduler.{name}>" for name in names})
    moment = now(account.aws) + timedelta(hours=1)
    at = f"at({moment:%Y-%m-%dT%H:%M:%S})"
    account.schedule(at, "filled", Target={"Arn": function, "RoleArn": role, "Input": wanted})
    described = account.described(at, "plain", Target={"Arn": function, "RoleArn": role})
    del described["Target"]["Input"]
    account.client("scheduler").create_schedule(**described)
    assert account.advance(HOUR) == 2
    events = logged(account, 2)
    arn = f"arn:aws:scheduler:{REGION}:{account.number}:schedule/default/"
    (filled,) = (event for event in events if "schedule-arn" in event)
    assert (filled["schedule-arn"], filled["scheduled-time"]) == (f"{arn}filled", f"{moment:%Y-%m-%dT%H:%M:%SZ}")
    assert (filled["attempt-number"], len(filled["execution-id"])) == ("1", 16)
    (plain,) = (event for event in events if "detail-type" in event)
    assert (plain["source"], plain["detail-type"], plain["detail"]) == ("aws.scheduler", "Scheduled Event", "{}")
    assert (plain["resources"], plain["time"]) == ([f"{arn}plain"], filled["scheduled-time"])
    invoked = [
        one for one in account.aws.journal.since() if one.operation == "Invoke" and one.account == account.number
    ]
    assert [one.http_status for one in invoked] == [202, 202]
    assert {str(one.principal).rpartition("/")[0] for one in invoked} == {
        f"arn:aws:sts::{account.number}:assumed-role/invoker"
    }
    assert str(invoked[0].principal).endswith(filled["execution-id"]) or str(invoked[1].principal).endswith(
        filled["execution-id"]
    )


def make_function(account: Account) -> str:
    """A function that prints its event."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("fn.py", "import json\ndef handler(event, context):\n    print('got ' + json.dumps(event))\n")
    account.client("iam").create_role(RoleName="fn", AssumeRolePolicyDocument=document())
    return str(
        account.client("lambda").create_function(
            FunctionName="fn",
            Runtime="python3.13",
            Handler="fn.handler",
            Role=f"arn:aws:iam::{account.number}:role/fn",
            Code={"ZipFile": buffer.getvalue()},
        )["FunctionArn"]
    )


def logged(account: Account, count: int) -> list[dict[str, Any]]:
    """The events that the function printed, once there are so many."""
    logs, end = account.client("logs"), time.monotonic() + 60
    while time.monotonic() < end:
        try:
            events = logs.filter_log_events(logGroupName="/aws/lambda/fn")["events"]
        except logs.exceptions.ResourceNotFoundException:
            events = []
        lines = [one["message"] for one in events if one["message"].startswith("got ")]
        if len(lines) == count:
            return [json.loads(line.removeprefix("got ")) for line in lines]
        time.sleep(0.1)
    raise AssertionError("the function did not run")


def test_a_role_that_may_not_is_tried_again_and_then_the_dead_letter_says_so(account: Account) -> None:
    """As often as the retry policy says; the letter is the input, with the attributes that AWS documents."""
    role = account.make_role("poor", allow("sqs:SendMessage", account.queue_arn("dead")))
    letters = {"DeadLetterConfig": {"Arn": account.queue_arn("dead")}}
    policy = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600}
    account.schedule("rate(1 day)", Target={"RoleArn": role, **letters, "RetryPolicy": policy})
    account.advance(60)
    assert account.messages() == []
    (letter,) = account.messages("dead")
    attributes = {name: one["StringValue"] for name, one in letter["MessageAttributes"].items()}
    assert letter["Body"] == attributes["SCHEDULED_TIME"]
    assert len(attributes.pop("EXECUTION_ID")) == 16
    del attributes["SCHEDULED_TIME"]
    session = attributes.pop("ERROR_MESSAGE")
    assert f"is not authorized to perform: sqs:SendMessage on resource: {account.queue}" in session
    assert attributes == {
        "ERROR_CODE": "AccessDeniedException",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "2",
        "SCHEDULE_ARN": f"arn:aws:scheduler:{REGION}:{account.number}:schedule/default/s",
        "TARGET_ARN": account.queue,
    }
    assert [one.error_code for one in account.firings()] == ["AccessDeniedException"] * 3


def test_an_attempt_that_would_come_too_late_is_not_made(account: Account) -> None:
    """The age is counted from the scheduled time: waits of 1, 2, 4, 8, 16 seconds end within a minute."""
    letters = {"DeadLetterConfig": {"Arn": account.queue_arn("dead")}}
    policy = {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 60}
    account.schedule("rate(1 day)", Target={"Arn": account.queue_arn("none"), **letters, "RetryPolicy": policy})
    allowed = document(allow("sqs:SendMessage", "*"))
    account.client("iam").put_role_policy(RoleName="scheduler", PolicyName="all", PolicyDocument=allowed)
    account.advance(600)
    (letter,) = account.messages("dead")
    attributes = {name: one["StringValue"] for name, one in letter["MessageAttributes"].items()}
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
    assert attributes["RETRY_ATTEMPTS"] == "5"
    assert "NonExistentQueue" in attributes["ERROR_CODE"] or "QueueDoesNotExist" in attributes["ERROR_CODE"]


def test_a_role_that_does_not_trust_scheduler_any_more_is_a_failure_of_the_delivery(account: Account) -> None:
    """Here its dead letter cannot be sent, either: both are lines on stderr, and the journal says why."""
    account.schedule("rate(1 day)", Target={"RetryPolicy": {"MaximumRetryAttempts": 0}})
    account.settle()
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    account.client("iam").update_assume_role_policy(RoleName="scheduler", PolicyDocument=document(trust))
    assert account.advance(24 * HOUR) == 1
    entry = account.firings()[-1]
    assert (entry.http_status, entry.error_code, entry.principal) == (403, "AccessDenied", "scheduler.amazonaws.com")
    assert str(entry.reason).endswith(f"attempt 1: nothing allows sts:AssumeRole on {account.role}")
    assert account.messages() == []


def test_a_delivery_that_is_lost_is_a_line_on_stderr(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """Without a dead-letter queue, or with one that the role may not send to."""
    role = account.make_role("may-nothing")
    once = {"RoleArn": role, "RetryPolicy": {"MaximumRetryAttempts": 0}}
    account.schedule("rate(1 day)", "alone", Target=once)
    account.schedule("rate(1 day)", "both", Target={**once, "DeadLetterConfig": {"Arn": account.queue_arn("dead")}})
    account.advance(0)
    assert "schedule/default/alone: the firing of" in caplog.text
    assert "failed and is lost: AccessDeniedException" in caplog.text
    assert "failed, and so did its dead letter: AccessDeniedException" in caplog.text


def test_a_throttled_delivery_comes_with_its_next_attempt(account: Account) -> None:
    """Faults hit Scheduler's calls as any other's; an answer that is lost makes the delivery come twice."""
    account.schedule("rate(1 day)", Target={"Input": "<aws.scheduler.attempt-number>"})
    account.settle()
    rules = [{"service": "sqs", "operation": "SendMessage", "fault": "throttle", "times": 1}]
    control(account.aws, "PUT", json.dumps(rules), "faults")
    account.advance(24 * HOUR + 10)
    assert account.bodies() == ["2"]
    rules = [{"service": "sqs", "operation": "SendMessage", "fault": "drop_after", "times": 1}]
    control(account.aws, "PUT", json.dumps(rules), "faults")
    account.advance(24 * HOUR)
    assert account.bodies() == ["1", "2"]


def test_deliveries_come_twice_under_the_condition(account: Account) -> None:
    """At least once is what Scheduler promises: both are of one scheduled time, and of different executions."""
    control(account.aws, "PUT", '{"schedules_twice_share": 1}', "conditions")
    account.schedule("rate(1 day)", Target={"Input": "<aws.scheduler.scheduled-time> <aws.scheduler.execution-id>"})
    account.advance(0)
    first, second = (body.split() for body in account.bodies())
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_what_is_disabled_updated_or_deleted_fires_as_it_is_now(account: Account) -> None:
    """Nothing is made up for when it is enabled again."""
    scheduler = account.client("scheduler")
    account.schedule("rate(1 hour)", State="DISABLED")
    assert account.advance(3 * HOUR) == 0
    scheduler.update_schedule(**account.described("rate(1 hour)"))
    assert account.advance(HOUR) == 1
    scheduler.update_schedule(**account.described("rate(30 minutes)", Target={"Input": "other"}))
    account.messages()
    assert account.advance(HOUR) == 2
    assert account.bodies() == ["other", "other"]
    scheduler.delete_schedule(Name="s")
    assert account.advance(24 * HOUR) == 0


def test_a_start_date_and_an_end_date_bound_it(account: Account) -> None:
    """The first firing is at the start date."""
    start = (now(account.aws) + timedelta(hours=2)).replace(microsecond=0)
    account.schedule("rate(1 hour)", StartDate=start, EndDate=start + timedelta(hours=2))
    assert account.advance(24 * HOUR) == 3
    assert account.bodies()[0] == f"{start:%Y-%m-%dT%H:%M:%SZ}"


def test_a_flexible_time_window_moves_the_delivery_and_not_the_scheduled_time(account: Account) -> None:
    """It comes within the window; which moment, the conditions' seed decides."""
    account.schedule("rate(1 day)", FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60})
    account.advance(0)
    scheduled = now(account.aws)
    assert account.bodies() == []
    account.advance(HOUR)
    (body,) = account.bodies()
    assert datetime.fromisoformat(body) <= scheduled


def test_a_schedule_that_is_completed_is_deleted_where_it_says_so(account: Account) -> None:
    """After its last firing; the other stays, and fires no more. An update may take it back."""
    scheduler = account.client("scheduler")
    moment = f"at({now(account.aws) + timedelta(hours=1):%Y-%m-%dT%H:%M:%S})"
    account.schedule(moment, "gone", ActionAfterCompletion="DELETE")
    account.schedule(moment, "kept")
    account.schedule(moment, "spared", ActionAfterCompletion="DELETE")
    scheduler.update_schedule(**account.described(moment, "spared"))
    assert account.advance(2 * HOUR) == 3
    assert {one["Name"] for one in scheduler.list_schedules()["Schedules"]} == {"kept", "spared"}
    assert account.advance(24 * HOUR) == 0


def test_other_targets_are_said_and_not_silent(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """A line on stderr, a dead letter without retries, and 501 in the journal."""
    letters = {"DeadLetterConfig": {"Arn": account.queue_arn("dead")}}
    account.schedule("rate(1 day)", Target={"Arn": "arn:aws:scheduler:::aws-sdk:sns:publish", **letters})
    account.advance(0)
    assert "strict_aws does not call the target arn:aws:scheduler:::aws-sdk:sns:publish" in caplog.text
    assert [one.http_status for one in account.firings()] == [501]
    assert "EXHAUSTED_RETRY_CONDITION" not in account.messages("dead")[0]["MessageAttributes"]


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"expression": "rate(0 days)"}, "ValidationException", "Invalid Schedule Expression rate(0 days)."),
        ({"expression": "cron(0 0 LW * ? *)"}, "NotImplemented", "cannot tell when cron(0 0 LW * ? *) is due"),
        ({"ScheduleExpressionTimezone": "Mars"}, "ValidationException", "Invalid Schedule Expression Timezone Mars."),
        (
            {"Target": {"DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:1:q"}}},
            "ValidationException",
            "Value 'arn:aws:sqs:eu-west-1:1:q' at 'target.deadLetterConfig.arn' failed to satisfy constraint",
        ),
        ({"GroupName": "none"}, "ResourceNotFoundException", "Schedule group none does not exist."),
    ],
)
def test_what_scheduler_refuses_is_refused(changes: dict[str, Any], code: str, message: str, account: Account) -> None:
    """And not kept."""
    with pytest.raises(ClientError) as refused:
        account.schedule(**{"expression": "rate(1 day)", **changes})
    assert refused.value.response["Error"]["Code"] == code
    assert message in refused.value.response["Error"]["Message"]
    assert account.client("scheduler").list_schedules()["Schedules"] == []


def test_a_schedule_needs_a_role_that_scheduler_may_assume_for_its_group(account: Account) -> None:
    """Not one of another group's schedules, of another account, or of nobody."""
    group = "arn:aws:scheduler:eu-west-1:1:schedule-group/other"
    other = account.make_role("other", ArnEquals={"aws:SourceArn": group})
    trusting = {"ArnEquals": {"aws:SourceArn": account.group_arn()}}
    foreign = Account(account.aws, str(next(_numbers))).make_role("foreign", **trusting)
    missing = f"arn:aws:iam::{account.number}:role/missing"
    for role in (other, foreign, missing):
        with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
            account.schedule("rate(1 day)", Target={"RoleArn": role})


def test_a_schedule_of_a_stack_fires(account: Account) -> None:
    """Made by CloudFormation with its group, for which alone its role is trusted; gone with the stack."""
    group = {"aws:SourceArn": {"Fn::GetAtt": ["Group", "Arn"]}}
    trust = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Version": "2012-10-17", "Statement": [allow("sqs:SendMessage", account.queue)]}
    resources = {
        "Group": resource("Scheduler::ScheduleGroup", Name="ours"),
        "Role": resource(
            "IAM::Role",
            AssumeRolePolicyDocument={
                "Version": "2012-10-17",
                "Statement": [{**trust, "Condition": {"ArnEquals": group}}],
            },
            Policies=[{"PolicyName": "own", "PolicyDocument": policy}],
        ),
        "Schedule": resource(
            "Scheduler::Schedule",
            Name="daily",
            GroupName={"Ref": "Group"},
            ScheduleExpression="cron(0 3 * * ? *)",
            ScheduleExpressionTimezone="Europe/Berlin",
            FlexibleTimeWindow=OFF,
            Target={"Arn": account.queue, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "Input": "from the stack"},
        ),
    }
    cloudformation = account.client("cloudformation")
    body = json.dumps({"Resources": resources})
    cloudformation.create_stack(StackName="s", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    assert account.advance(48 * HOUR) == 2
    assert account.bodies() == ["from the stack"] * 2
    cloudformation.delete_stack(StackName="s")
    assert account.advance(48 * HOUR) == 0


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    """A resource of a template."""
    return {"Type": f"AWS::{kind}", "Properties": properties}


def test_nothing_fires_after_it_was_stopped(account: Account) -> None:
    """Neither by itself nor by the clock."""
    aws = StrictAws(Options(ses_rate=0))
    aws.start()
    account.schedule("rate(1 minute)")
    aws.scheduler.advance(0)
    assert aws.scheduler.advance(60) == 1
    aws.stop()
    assert aws.scheduler.advance(HOUR) == 0
