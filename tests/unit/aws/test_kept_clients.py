"""What an environment keeps between invocations: clients and connections, and nothing of a customer."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ses_fleet import limits
from ses_fleet.aws import clients, kept_clients
from ses_fleet.aws.clients import AwsClient, Credentials
from ses_fleet.errors import AwsCallError
from tests.unit.aws.listeners import Answering

ACME, BETA = Credentials("ASIAACME", "SECRET", "TOKEN"), Credentials("ASIABETA", "SECRET", "TOKEN")


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """A server that stands for every service."""
    with Answering() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOWN")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
        clients._warm_session.cache_clear()
        yield server
        clients._warm_session.cache_clear()


def client_of(credentials: Credentials, region: str = "us-east-1") -> AwsClient:
    """SES's, for the customer with these credentials."""
    return kept_clients.of_customers("sesv2", region, credentials)


def ask(client: AwsClient) -> None:
    """Send a request."""
    client.call("list_contact_lists")


def code_of(client: AwsClient) -> tuple[str, str]:
    """Why a request of it was not sent."""
    with pytest.raises(AwsCallError) as error:
        ask(client)
    return error.value.kind, error.value.code


def fail_with(made: list[AwsClient]) -> None:
    """An invocation that breaks after it has its customer's client."""
    with kept_clients.invocation():
        made.append(client_of(ACME))
        raise ZeroDivisionError


def test_one_client_signs_for_each_customer_in_turn(there: Answering) -> None:
    """It is made once for a Region, and each request carries the key of the invocation under way."""
    used = []
    for credentials in (ACME, BETA, ACME):
        with kept_clients.invocation():
            used.append(client_of(credentials))
            ask(used[-1])
            ask(client_of(credentials))
    assert len(set(used)) == 1
    assert there.keys == ["ASIAACME"] * 2 + ["ASIABETA"] * 2 + ["ASIAACME"] * 2


def test_each_region_has_its_own(there: Answering) -> None:
    """A client is bound to one."""
    with kept_clients.invocation():
        ask(client_of(ACME, "us-east-1"))
        ask(client_of(ACME, "eu-west-1"))
    assert [found.split("/")[2] for found in there.authorizations] == ["us-east-1", "eu-west-1"]


def test_a_client_without_a_customer_cannot_sign(there: Answering) -> None:
    """After the invocation, also one that failed, before the customer's role was assumed, and after init."""
    kept_clients.prepare_for_customers("sesv2", "us-east-1")
    made: list[AwsClient] = []
    with pytest.raises(ZeroDivisionError):
        fail_with(made)
    (client,) = made
    assert code_of(client) == ("unreachable", "NoCredentialsError")
    with kept_clients.invocation():
        assert code_of(client) == ("unreachable", "NoCredentialsError")
    assert there.authorizations == []


def test_a_thread_that_was_left_behind_signs_for_nobody(there: Answering) -> None:
    """It belongs to an invocation that is over; the next one's credentials are not its."""
    found = []
    with kept_clients.invocation():
        client = client_of(ACME)
        thread = threading.Thread(target=lambda: found.append(code_of(client)))
        thread.start()
        thread.join()
    assert (found, there.keys) == ([("unreachable", "NoCredentialsError")], [])


def test_an_invocation_has_one_customer(there: Answering) -> None:
    """Nothing is lent outside of one, and no second customer's credentials in one."""
    with pytest.raises(RuntimeError):
        client_of(ACME)
    with kept_clients.invocation():
        client = client_of(ACME)
        with pytest.raises(RuntimeError):
            client_of(BETA)
        ask(client)
    assert there.keys == ["ASIAACME"]


def test_the_functions_own_clients_never_sign_as_a_customer(there: Answering) -> None:
    """STS, S3 and Lambda are asked as the function itself, and each way of asking has one client."""
    with kept_clients.invocation():
        ask(client_of(ACME))
        own = kept_clients.of_function("sesv2", "us-east-1", attempts=3)
        ask(own)
    assert there.keys == ["ASIAACME", "AKIAOWN"]
    assert kept_clients.of_function("sesv2", "us-east-1", attempts=3) is own
    assert kept_clients.of_function("sesv2", "us-east-1", attempts=2) is not own


@pytest.mark.parametrize(
    ("most_idle", "new_connections", "made"),
    [(60.0, False, 1), (0.0, False, 2), (60.0, True, 2)],
    ids=["kept", "too old", "never kept"],
)
def test_connections_are_kept_for_a_while(
    there: Answering, monkeypatch: pytest.MonkeyPatch, most_idle: float, new_connections: bool, made: int
) -> None:
    """Where nothing is lost with a dead one, and only as long as it is likely to live."""
    monkeypatch.setattr(limits, "KEPT_CONNECTION_SECONDS", most_idle)
    for _ in range(2):
        client = kept_clients.of_function("sesv2", "us-east-1", new_connections=new_connections)
        ask(client)
        ask(client)
    assert len(set(there.connections)) == made
    assert len(there.connections) == 4


def test_a_clock_that_was_set_back_makes_new_connections(there: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    """How old they are is not known then."""
    monkeypatch.setattr(limits, "KEPT_CONNECTION_SECONDS", 60.0)
    client = kept_clients.of_function("sesv2", "us-east-1")
    ask(client)
    client.used_at += 3_600
    ask(kept_clients.of_function("sesv2", "us-east-1"))
    assert len(set(there.connections)) == 2
