"""What becomes of messages on their way: tried again, given up, kept apart; at real receivers."""

import base64
import itertools
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from epochwatch.delivery import deliverer, http_post
from epochwatch.delivery.deliverer import Deliverer, Means
from epochwatch.delivery.errors import FailedError, RefusedError
from epochwatch.delivery.mail import MailServer
from epochwatch.delivery.signing import Signer
from epochwatch.model.sns.destinations import Destinations
from epochwatch.model.sns.notification import Place
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call
from epochwatch.services.sns import OPERATIONS
from epochwatch.store.state import StateStore
from epochwatch.store.stores import Stores
from tests.delivery.receivers import Mailbox, Web, mailbox, until, web

EVERYWHERE = Destinations.parse("public, private, loopback")
NOON = 1_772_100_000.0


@dataclass
class Post:
    """A deliverer whose work is done when the test says so, at moments that it sets."""

    state: StateStore
    deliverer: Deliverer
    now: float = NOON
    tenant: Tenant = field(default_factory=Tenant)

    def __call__(self, operation: str, **request: Any) -> dict[str, Any]:
        stores = cast(Stores, SimpleNamespace(state=self.state))  # the operations need nothing else
        return OPERATIONS[operation](Call(self.tenant, stores, str(uuid.uuid4()), self.now), request) or {}

    def topic(self, name: str = "pager", **attributes: str) -> str:
        return str(self("CreateTopic", Name=name, Attributes=attributes)["TopicArn"])

    def subscribe(self, topic: str, protocol: str, endpoint: str, **attributes: str) -> None:
        """Subscribed and confirmed, the question not yet delivered."""
        request = {"Protocol": protocol, "Endpoint": endpoint, "Attributes": attributes}
        arn = self("Subscribe", TopicArn=topic, ReturnSubscriptionArn=True, **request)["SubscriptionArn"]
        found = self.state.topics.subscription(self.tenant, arn.rpartition(":")[2])
        assert found is not None
        if found.token:
            self("ConfirmSubscription", TopicArn=topic, Token=found.token)
            self.deliver()

    def deliver(self) -> int:
        """Try everything that is due once; how much that was."""
        tasks = list(self.deliverer.due(self.now, [], 100))
        for task in tasks:
            task.run()
        return len(tasks)


@pytest.fixture
def post_office(tmp_path: Path) -> Iterator[Callable[..., Post]]:
    state = StateStore.open(f"sqlite:///{tmp_path / 'state.db'}")

    def make(mail: Mailbox | None = None, destinations: str = "public, private, loopback") -> Post:
        server = mail and MailServer("127.0.0.1", mail.port, "none", "", "", "watch@example.com")
        means = Means(Place("http://127.0.0.1:1/_/sns"), destinations, server)
        made = Post(state, Deliverer(state, means, Signer(state), lambda: made.now))
        return made

    yield make
    state.close()


@pytest.fixture
def receiver() -> Iterator[Web]:
    with web() as running:
        yield running


def messages(receiver: Web) -> list[str]:
    return [one.document["Message"] for one in receiver.of_type("Notification")]


def attempts(post: Post) -> list[float]:
    """When anything was tried in the next two minutes, in seconds from now."""
    begin, found = post.now, []
    for second in range(120):
        post.now = begin + second
        found += [post.now - begin] * post.deliver()
    return found


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_receiver_that_is_in_trouble_is_tried_three_times_again(
    post_office: Callable[..., Post], receiver: Web, status: int
):
    post = post_office()
    topic = post.topic()
    post.subscribe(topic, "http", receiver.url)
    receiver.answers = [status] * 10
    post("Publish", TopicArn=topic, Message="x")
    assert attempts(post) == [0, 20, 40, 60]
    ids = {one.headers["x-amz-sns-message-id"] for one in receiver.of_type("Notification")}
    assert (messages(receiver), len(ids)) == (["x"] * 4, 1)


@pytest.mark.parametrize("status", [301, 307, 400, 404, 410])
def test_a_receiver_that_says_no_is_not_tried_again_and_nobody_is_sent_elsewhere(
    post_office: Callable[..., Post], receiver: Web, status: int
):
    post = post_office()
    topic = post.topic()
    post.subscribe(topic, "http", receiver.url)
    receiver.answers = [status]
    post("Publish", TopicArn=topic, Message="x")
    assert [post.deliver(), post.deliver(), len(receiver.of_type("Notification"))] == [1, 0, 1]
    assert {one.path for one in receiver.received} == {"/"}


def test_a_name_and_a_password_in_the_url_are_sent_as_such(post_office: Callable[..., Post], receiver: Web):
    post = post_office()
    topic = post.topic()
    post.subscribe(topic, "http", receiver.url.replace("//", "//ada:h%40sh@"))
    [asked] = receiver.received
    assert base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")) == b"ada:h@sh"
    assert "@" not in asked.headers["host"]


def test_what_fails_for_a_reason_nobody_thought_of_is_tried_again_later(
    post_office: Callable[..., Post], receiver: Web, monkeypatch: pytest.MonkeyPatch
):
    post = post_office()
    topic = post.topic()
    post.subscribe(topic, "http", receiver.url)
    post("Publish", TopicArn=topic, Message="x")
    with monkeypatch.context() as patched:
        patched.setattr(http_post, "_judge", lambda _: 1 / 0)
        assert [post.deliver(), post.deliver()] == [1, 0]
    post.now += 20
    assert [post.deliver(), post.deliver()] == [1, 0]


def test_a_policy_says_how_often_and_when(post_office: Callable[..., Post], receiver: Web):
    post = post_office()
    topic = post.topic()
    retries = {"numRetries": 3, "numNoDelayRetries": 1, "minDelayTarget": 5, "maxDelayTarget": 50}
    post.subscribe(topic, "http", receiver.url, DeliveryPolicy=json.dumps({"healthyRetryPolicy": retries}))
    receiver.answers = [500, 500, 500, 200]
    post("Publish", TopicArn=topic, Message="x")
    assert attempts(post) == [0, 1, 6, 56]
    assert post.deliver() == 0


def test_a_message_that_waits_keeps_no_other_subscription_waiting(post_office: Callable[..., Post], receiver: Web):
    post = post_office()
    topic = post.topic()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        post.subscribe(topic, "http", f"http://127.0.0.1:{nobody.getsockname()[1]}/")
        post.subscribe(topic, "http", receiver.url)
        for number in range(3):
            post("Publish", TopicArn=topic, Message=str(number))
        for _ in range(5):
            post.deliver()
    assert messages(receiver) == ["0", "1", "2"]


def test_mail_is_tried_again_unless_the_address_is_refused(post_office: Callable[..., Post]):
    with mailbox() as mail:
        post = post_office(mail)
        topic = post.topic()
        post.subscribe(topic, "email", "a@example.com")
        mail.answers = ["451 later", "250 taken", "550 no such user"]
        post("Publish", TopicArn=topic, Message="x", Subject="first")
        assert attempts(post) == [0, 10]
        post("Publish", TopicArn=topic, Message="y", Subject="second")
        assert attempts(post) == [0]
        assert [len(mail.of(one)) for one in ("first", "second")] == [1, 0]


def test_a_program_that_reads_mail_gets_the_signed_document(post_office: Callable[..., Post]):
    with mailbox() as mail:
        post = post_office(mail)
        topic = post.topic()
        post.subscribe(topic, "email-json", "a@example.com")
        post("Publish", TopicArn=topic, Message="x" * 2000, Subject="told")
        post.deliver()
        [letter] = mail.of("told")
        payload = letter.get_payload(decode=True)
        assert isinstance(payload, bytes)
        document = json.loads(payload)
    assert (document["Type"], document["Message"]) == ("Notification", "x" * 2000)
    assert document["SigningCertURL"].startswith("http://127.0.0.1:1/_/sns/SimpleNotificationService-")


def test_mail_waits_for_a_mail_server_to_be_set(post_office: Callable[..., Post]):
    post = post_office()
    topic = post.topic()
    post.subscribe(topic, "email", "a@example.com")
    with mailbox() as mail:
        again = post_office(mail)
        again.now = post.now + 10
        assert again.deliver() == 1
        assert [one["Subject"] for one in mail.letters] == ["Confirm your subscription"]


def test_what_is_for_a_subscription_that_has_ended_is_dropped(post_office: Callable[..., Post], receiver: Web):
    post = post_office()
    topic = post.topic()
    post.subscribe(topic, "http", receiver.url)
    post("Publish", TopicArn=topic, Message="x")
    [task] = post.deliverer.due(post.now, [], 100)
    post("DeleteTopic", TopicArn=topic)
    task.run()
    assert messages(receiver) == []
    assert post.deliver() == 0


def test_an_address_that_is_not_allowed_is_not_called(post_office: Callable[..., Post], receiver: Web):
    post = post_office(destinations="public")
    topic = post.topic()
    post.subscribe(topic, "http", receiver.url)
    post.subscribe(topic, "apprise", receiver.url.replace("http:", "json:"))
    post("Publish", TopicArn=topic, Message="x")
    while post.deliver():
        post.now += 1
    assert receiver.received == []


def test_no_redirect_is_followed_for_apprise_either(post_office: Callable[..., Post], receiver: Web):
    post = post_office()
    topic = post.topic()
    post.subscribe(topic, "apprise", receiver.url.replace("http:", "json:") + "/chat?redirect=yes")
    receiver.answers = [307]
    post("Publish", TopicArn=topic, Message="x", Subject="told")
    post.deliver()
    assert [one.path for one in receiver.received] == ["/chat"]


def test_a_throttled_subscription_rests_after_each_message(
    post_office: Callable[..., Post], receiver: Web, monkeypatch: pytest.MonkeyPatch
):
    post = post_office()
    topic = post.topic()
    policy = json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 5}})
    post.subscribe(topic, "http", receiver.url, DeliveryPolicy=policy)
    rests: list[float] = []
    monkeypatch.setattr(deliverer.time, "sleep", rests.append)
    for number in range(3):
        post("Publish", TopicArn=topic, Message=str(number))
        post.deliver()
    assert len(rests) == 3
    assert all(0 <= rest <= 1 / 5 for rest in rests)


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        (b"", pytest.raises(FailedError)),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", nullcontext()),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 9000\r\n\r\n", pytest.raises(FailedError, match="503")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", nullcontext()),
    ],
)
def test_an_answer_that_never_ends_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, begins: bytes, expected: AbstractContextManager[object]
):
    """Of a receiver that sends a byte now and then. What counts is the status, if it got so far."""
    monkeypatch.setattr(http_post, "SECONDS", 1.0)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(begins)
                while not ended.wait(0.1):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        with expected:
            http_post.post(f"http://127.0.0.1:{listener.getsockname()[1]}/", {}, b"x", EVERYWHERE)
        ended.set()
        thread.join()


def test_a_large_answer_is_not_read_to_its_end():
    sent = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def flood() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    for _ in itertools.count():
                        connection.sendall(b"x" * 65536)
                except OSError:
                    sent.set()

        thread = threading.Thread(target=flood)
        thread.start()
        http_post.post(f"http://127.0.0.1:{listener.getsockname()[1]}/", {}, b"x", EVERYWHERE)
        assert sent.wait(60)
        thread.join()


def test_a_host_that_is_not_there_may_be_there_later():
    with pytest.raises(FailedError, match="no-such-host"):
        http_post.post("http://no-such-host.invalid/", {}, b"x", EVERYWHERE)


def test_a_name_for_an_address_that_is_not_allowed_is_refused():
    with pytest.raises(RefusedError, match="does not allow"):
        http_post.post("http://localhost:1/", {}, b"x", Destinations.parse("public"))


def test_a_message_is_kept_for_who_waits_and_no_longer(post_office: Callable[..., Post], receiver: Web):
    post = post_office()
    topic = post.topic()
    for path in ("a", "b"):
        post.subscribe(topic, "http", f"{receiver.url}/{path}")
    post("Publish", TopicArn=topic, Message="x")
    assert post.deliver() == 2
    assert sorted(one.path for one in receiver.of_type("Notification")) == ["/a", "/b"]
    assert kept(post.state, "deliveries") == kept(post.state, "notifications") == 0


def kept(state: StateStore, table: str) -> int:
    with state._database.read() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0)


def test_a_deliverer_works_by_itself_until_it_is_stopped(post_office: Callable[..., Post], receiver: Web):
    post = post_office()
    topic = post.topic()
    post.subscribe(topic, "http", receiver.url)
    post.deliverer.start()
    for number in range(5):
        post("Publish", TopicArn=topic, Message=str(number))
    until(lambda: len(messages(receiver)) == 5)
    post.deliverer.stop()
    assert messages(receiver) == ["0", "1", "2", "3", "4"]
    post("Publish", TopicArn=topic, Message="later")
    assert len(messages(receiver)) == 5


def test_of_two_servers_on_one_database_each_message_is_delivered_once(postgres_url: str, receiver: Web):
    states = [StateStore.open(postgres_url) for _ in range(2)]
    means = Means(Place("http://127.0.0.1:1/_/sns"), "loopback", None)
    deliverers = [Deliverer(state, means, Signer(state)) for state in states]
    assert len({Signer(state).certificate for state in states}) == 1
    post = Post(states[0], deliverers[0], time.time(), Tenant("400000000001"))
    topic = post.topic()
    for path in ("a", "b"):
        post.subscribe(topic, "http", f"{receiver.url}/{path}")
    for one in deliverers:
        one.start()
    for number in range(20):
        Post(states[number % 2], deliverers[0], time.time(), post.tenant)(
            "Publish", TopicArn=topic, Message=str(number)
        )
    until(lambda: kept(states[0], "deliveries") == 0)
    for one in deliverers:
        one.stop()
    assert kept(states[0], "notifications") == 0
    for state in states:
        state.close()
    assert sorted(messages(receiver), key=int) == [str(number // 2) for number in range(40)]
