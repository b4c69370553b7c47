"""What we rely on of pinned libraries beyond their documentation.

A new version that takes it away fails here, by name.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.endpoint
import moto.s3.responses
import pytest
from cheroot import server
from cheroot.makefile import StreamReader, StreamWriter
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.core.responses import BaseResponse
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket, s3_backends
from moto.scheduler.models import scheduler_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends

from strict_aws.backend import moto_state
from strict_aws.backend.moto_app import MotoApp
from strict_aws.backend.moto_state import read_object
from strict_aws.backend.seeding import make_bucket, put_object
from strict_aws.http.messages import Request

ACCOUNT, REGION = "999999999999", "us-east-1"


def test_botocore_emits_before_parse_with_a_place_for_our_answer() -> None:
    """Pages of contacts are taken out there."""
    source = inspect.getsource(botocore.endpoint)
    assert "before-parse." in source
    assert "parsed_response.update(customized_response_dict)" in source


def test_moto_takes_the_account_from_our_header() -> None:
    """Else it would search every account for the key."""
    assert "x-moto-account-id" in inspect.getsource(BaseResponse.get_access_key) + inspect.getsource(BaseResponse)


def test_moto_is_a_wsgi_application() -> None:
    """It is called in this process, without a connection."""
    assert callable(DomainDispatcherApplication(create_backend_app))


def test_moto_asks_one_method_of_its_dispatcher_for_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the host alone, so that each answer is looked for once: moto would go through its folders every time."""
    asked: list[str | None] = []
    looked_up = DomainDispatcherApplication.get_backend_for_host

    def noted(self: DomainDispatcherApplication, host: str | None) -> Any:
        asked.append(host)
        return looked_up(self, host)

    monkeypatch.setattr(DomainDispatcherApplication, "get_backend_for_host", noted)
    app = MotoApp()
    signed = f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260301/{REGION}/s3/aws4_request, SignedHeaders=host"
    headers = {"authorization": signed, "host": "127.0.0.1"}
    for name in ("hook-a", "hook-b"):
        assert app.handle(Request("PUT", f"/{name}", "", headers, b""), ACCOUNT).status == 200
    assert asked == [None, f"s3.{REGION}.amazonaws.com"]


def test_motos_functions_hold_what_the_runtime_needs() -> None:
    """Code, configuration, concurrency, asynchronous configuration."""
    source = inspect.getsource(LambdaFunction)
    for name in (
        "code_bytes",
        "code_sha_256",
        "environment_vars",
        "event_invoke_config",
        "function_arn",
        "handler",
        "memory_size",
        "reserved_concurrency",
        "role",
        "timeout",
    ):
        assert f"self.{name}" in source, name
    backend = lambda_backends[ACCOUNT][REGION]
    for method in ("get_function", "create_function", "put_function_event_invoke_config"):
        assert callable(getattr(backend, method)), method


def test_motos_roles_hold_their_documents() -> None:
    """Trust policy, inline policies, managed policies."""
    backend = iam_backends[ACCOUNT]["aws"]
    role = backend.create_role("hook", "{}", "/p/", None, "", [], "3600")
    role.put_policy("p", "{}")
    assert role.arn == f"arn:aws:iam::{ACCOUNT}:role/p/hook"
    assert role in backend.roles.values()
    assert (role.assume_role_policy_document, dict(role.policies), dict(role.managed_policies)) == (
        "{}",
        {"p": "{}"},
        {},
    )
    assert role.id


def test_motos_logs_and_queues_take_what_we_write() -> None:
    """They take it past their HTTP APIs."""
    logs = logs_backends[ACCOUNT][REGION]
    logs.create_log_group("hook", {})
    logs.create_log_stream("hook", "stream")
    assert "stream" in logs.groups["hook"].streams
    assert callable(logs.put_log_events)
    assert callable(sqs_backends[ACCOUNT][REGION].send_message)


def test_motos_schedules_say_when_they_were_made_and_changed() -> None:
    """In their groups, with all that says when they are due; an update forgets what happens in the end."""
    backend = scheduler_backends[ACCOUNT][REGION]
    asked: dict[str, Any] = {
        "description": None,
        "end_date": "2099-01-02T00:00:00Z",
        "flexible_time_window": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
        "group_name": None,
        "kms_key_arn": None,
        "name": "hook",
        "schedule_expression": "rate(1 day)",
        "schedule_expression_timezone": None,
        "start_date": 4_070_908_800,
        "state": "DISABLED",
        "target": {"Arn": "a", "RoleArn": "r"},
    }

    def held() -> list[moto_state.Schedule]:
        return [one for one in moto_state.schedules() if one.account == ACCOUNT]

    backend.create_schedule(**asked, action_after_completion="DELETE")
    (schedule,) = held()
    assert (schedule.group, schedule.name, schedule.zone, schedule.enabled) == ("default", "hook", "UTC", False)
    assert (schedule.window_minutes, schedule.deleted_when_completed, schedule.made) == (5, True, schedule.changed)
    assert (str(schedule.start), str(schedule.end)) == ("2099-01-01 00:00:00+00:00", "2099-01-02 00:00:00+00:00")
    assert schedule.target["RetryPolicy"]["MaximumRetryAttempts"] == 185
    backend.update_schedule(**asked)
    (updated,) = held()
    assert updated.changed > schedule.changed
    assert updated.deleted_when_completed
    moto_state.complete_schedule(ACCOUNT, REGION, "default", "hook", None)
    assert not held()[0].deleted_when_completed
    moto_state.delete_schedule(updated)
    assert held() == []


def test_motos_secrets_are_found_with_the_stages_of_their_versions() -> None:
    """By name, ARN, and ARN without its last six characters."""
    backend = secretsmanager_backends[ACCOUNT][REGION]
    asked = ("description", "secret_binary", "tags", "kms_key_id", "client_request_token")
    backend.create_secret("hook", "one", replica_regions=[], force_overwrite=False, **dict.fromkeys(asked))
    arn = backend.secrets["hook"].arn
    expected = moto_state.Secret(arn, is_deleted=False, stages=frozenset({"AWSCURRENT"}))
    assert [moto_state.find_secret(ACCOUNT, REGION, one) for one in ("hook", arn, arn[:-7])] == [expected] * 3
    assert moto_state.find_secret(ACCOUNT, REGION, "hoo") is None


def test_motos_buckets_are_found_by_name_with_their_policy() -> None:
    """And so are their objects, in whoever's account."""
    backend = s3_backends[ACCOUNT]["aws"]
    backend.create_bucket("hook-bucket", "eu-west-1")
    backend.put_bucket_policy("hook-bucket", b"{}")
    backend.put_object("hook-bucket", "key", b"content")
    assert s3_backends.bucket_accounts["hook-bucket"] == ("aws", ACCOUNT)
    bucket = backend.buckets["hook-bucket"]
    assert (bucket.account_id, bucket.partition, bucket.region_name) == (ACCOUNT, "aws", "eu-west-1")
    assert bucket.policy == b"{}"
    assert backend.get_object("hook-bucket", "key").value == b"content"
    assert backend.get_object("hook-bucket", "other") is None


def test_motos_managed_policies_have_versions_and_aws_has_hers() -> None:
    """The default version is what an attached policy says; one of AWS's can be added to an account by itself."""
    backend = iam_backends[ACCOUNT]["aws"]
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policy = backend.create_policy("", "/", text, "hook-policy", [])
    (version,) = policy.versions
    assert (version.version_id, version.document) == (policy.default_version_id, text)
    moto_state.know_aws_policy(ACCOUNT, "arn:aws:iam::aws:policy/AdministratorAccess")
    assert "arn:aws:iam::aws:policy/AdministratorAccess" in backend.managed_policies
    moto_state.know_aws_policy(ACCOUNT, "arn:aws:iam::aws:policy/NoSuchPolicy")
    assert "arn:aws:iam::aws:policy/NoSuchPolicy" not in backend.managed_policies


def test_moto_asks_buckets_for_their_policies_in_one_place() -> None:
    """Which we take out: the policy is asked before."""
    assert "get_permission" in vars(FakeBucket)
    assert "bucket.get_permission(" in inspect.getsource(moto.s3.responses)


def test_nobody_reads_an_object_while_its_etag_is_made() -> None:
    """moto makes an ETag when it is first asked for, from the buffer that readers read: it waits for their lock."""
    moto = MotoApp()
    make_bucket(moto, ACCOUNT, "hook-etag", versioned=False)
    key = s3_backends[ACCOUNT]["aws"].put_object("hook-etag", "key", b"content")
    with ThreadPoolExecutor() as pool:
        with key.lock:
            asked = pool.submit(lambda: key.etag)
            with pytest.raises(TimeoutError):
                asked.result(timeout=0.2)
        assert asked.result() == f'"{hashlib.md5(b"content", usedforsecurity=False).hexdigest()}"'
    assert key.value == b"content"


def test_botocore_takes_our_answer_before_it_sends() -> None:
    """So that stacks call the services' APIs without a connection."""
    source = inspect.getsource(botocore.endpoint)
    assert "before-send." in source
    assert "first_non_none_response(responses)" in source


def test_cheroot_lets_us_make_connections() -> None:
    """Their class is an attribute, and takes what makes their files."""
    assert server.HTTPServer.ConnectionClass is server.HTTPConnection
    assert list(inspect.signature(server.HTTPConnection.__init__).parameters)[1:] == ["server", "sock", "makefile"]
    assert callable(server.HTTPConnection.communicate)
    assert issubclass(StreamWriter, object)
    assert callable(StreamReader.has_data)
    assert isinstance(server.HTTPServer.keep_alive_conn_limit, int)


def test_moto_lets_us_replace_an_object_of_ours() -> None:
    """config.json more than once, past every policy."""
    moto = MotoApp()
    make_bucket(moto, ACCOUNT, "hook-versioned", versioned=True)
    for body in (b"first", b"second"):
        put_object(moto, ACCOUNT, "hook-versioned", "key", body)
    assert read_object("hook-versioned", "key") == b"second"
