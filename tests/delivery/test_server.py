"""Messages of a running server, by unmodified AWS clients, at real receivers."""

import base64
import itertools
import json
import os
import random
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.delivery.receivers import Mailbox, Web, mailbox, text_of, until, visit, web
from tests.servers import ServerProcess

KILLS = int(os.environ.get("EPOCHWATCH_KILLS", "3"))


@pytest.fixture(scope="module")
def post() -> Iterator[Mailbox]:
    with mailbox() as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Web]:
    with web() as running:
        yield running


@pytest.fixture(scope="module")
def server(post: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("delivery") / "home", environment=mail_settings(post)) as running:
        yield running


def mail_settings(post: Mailbox) -> dict[str, str]:
    return {
        "EPOCHWATCH_SMTP_HOST": "127.0.0.1",
        "EPOCHWATCH_SMTP_PORT": str(post.port),
        "EPOCHWATCH_SMTP_SECURITY": "none",
        "EPOCHWATCH_SMTP_USERNAME": "watcher",
        "EPOCHWATCH_SMTP_PASSWORD": "hush-hush",
        "EPOCHWATCH_SMTP_SENDER": "watch@example.com",
    }


_NAMES = itertools.count()


def topic_of(server: ServerProcess, **attributes: str) -> str:
    return str(server.boto3("sns").create_topic(Name=f"t{next(_NAMES)}", Attributes=attributes)["TopicArn"])


def confirmed(server: ServerProcess, topic: str, receiver: Web, **attributes: str) -> str:
    """The ARN of a subscription by HTTP that its receiver has confirmed."""
    sns = server.boto3("sns")
    receiver.confirms = True
    arn = sns.subscribe(
        TopicArn=topic, Protocol="http", Endpoint=receiver.url, ReturnSubscriptionArn=True, Attributes=attributes
    )["SubscriptionArn"]
    until(lambda: is_confirmed(sns, arn))
    return str(arn)


def is_confirmed(sns: Any, arn: str) -> bool:
    told = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return bool(told["PendingConfirmation"] == "false")


def verify(document: dict[str, str]) -> None:
    """As AWS tells subscribers to: the members in the order of their names, each with its value, line by line."""
    confirmation = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    notification = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    names = notification if document["Type"] == "Notification" else confirmation
    text = "".join(f"{name}\n{document[name]}\n" for name in names if name in document)
    certificate = x509.load_pem_x509_certificate(visit(document["SigningCertURL"]).encode())
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    algorithm = {"1": hashes.SHA1, "2": hashes.SHA256}[document["SignatureVersion"]]()
    key.verify(base64.b64decode(document["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_endpoint_is_asked_then_told_and_can_leave_and_each_message_is_signed(
    server: ServerProcess, receiver: Web, version: str
):
    sns = server.boto3("sns")
    topic = topic_of(server, SignatureVersion=version)
    arn = confirmed(server, topic, receiver)
    [asked] = receiver.of_type("SubscriptionConfirmation")
    verify(asked.document)
    sent = sns.publish(
        TopicArn=topic,
        Subject="hello",
        Message="Grüße\nvon hier",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "greeting"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\0\1"},
        },
    )
    [told] = until(lambda: receiver.of_type("Notification"))
    verify(told.document)
    assert told.document["SignatureVersion"] == version
    assert (told.document["Message"], told.document["Subject"]) == ("Grüße\nvon hier", "hello")
    assert told.document["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "greeting"},
        "raw": {"Type": "Binary", "Value": "AAE="},
    }
    assert told.headers["x-amz-sns-message-id"] == told.document["MessageId"] == sent["MessageId"]
    assert told.headers["x-amz-sns-subscription-arn"] == arn
    assert told.headers["content-type"] == "text/plain; charset=UTF-8"
    visit(told.document["UnsubscribeURL"])
    [left] = until(lambda: receiver.of_type("UnsubscribeConfirmation"))
    verify(left.document)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    sns.publish(TopicArn=topic, Message="nobody hears this")
    visit(left.document["SubscribeURL"])
    assert is_confirmed(sns, arn)
    sns.publish(TopicArn=topic, Message="back again")
    until(lambda: len(receiver.of_type("Notification")) == 2)
    assert receiver.of_type("Notification")[1].document["Message"] == "back again"


def test_a_signature_of_another_text_does_not_verify(server: ServerProcess, receiver: Web):
    topic = topic_of(server)
    confirmed(server, topic, receiver)
    [asked] = receiver.of_type("SubscriptionConfirmation")
    with pytest.raises(Exception, match=r"^$"):
        verify(asked.document | {"Message": "changed on the way"})


def test_raw_delivery_is_the_message_and_nothing_else(server: ServerProcess, receiver: Web):
    topic = topic_of(server)
    policy = json.dumps({"requestPolicy": {"headerContentType": "application/json"}})
    confirmed(server, topic, receiver, RawMessageDelivery="true", DeliveryPolicy=policy)
    server.boto3("sns").publish(TopicArn=topic, Message='{"loss": 2.5}')
    [told] = until(lambda: receiver.of_type("Notification"))
    assert told.body == '{"loss": 2.5}'
    assert (told.headers["x-amz-sns-rawdelivery"], told.headers["content-type"]) == ("true", "application/json")


def test_who_asked_for_it_can_be_unsubscribed_by_a_signed_request_only(server: ServerProcess, receiver: Web):
    sns = server.boto3("sns")
    topic = topic_of(server)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    [asked] = until(lambda: receiver.of_type("SubscriptionConfirmation"))
    arn = sns.confirm_subscription(
        TopicArn=topic, Token=asked.document["Token"], AuthenticateOnUnsubscribe="true"
    )["SubscriptionArn"]
    sns.publish(TopicArn=topic, Message="x")
    [told] = until(lambda: receiver.of_type("Notification"))
    with pytest.raises(HTTPError, match="403"):
        visit(told.document["UnsubscribeURL"])
    sns.unsubscribe(SubscriptionArn=arn)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_subscription_attributes(SubscriptionArn=arn)


def link_in(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("http://"))


def test_a_mail_address_is_asked_and_confirms_on_a_page_that_asks_before_it_acts(
    server: ServerProcess, post: Mailbox
):
    sns = server.boto3("sns")
    topic = topic_of(server, DisplayName="The watch")
    arn = sns.subscribe(
        TopicArn=topic, Protocol="email", Endpoint="ada@example.com", ReturnSubscriptionArn=True
    )["SubscriptionArn"]  # fmt: skip
    [letter] = until(lambda: [one for one in post.of("Confirm your subscription") if topic in text_of(one)])
    assert (letter["From"], letter["To"]) == ("The watch <watch@example.com>", "ada@example.com")
    link = link_in(text_of(letter))
    assert "<button" in visit(link)  # a program that looks at mail follows links
    assert not is_confirmed(sns, arn)
    assert "confirmed" in visit(link, b"")
    assert is_confirmed(sns, arn)
    sent = sns.publish(TopicArn=topic, Subject="Loss is high", Message="2.5 — über 2")
    [told] = until(lambda: post.of("Loss is high"))
    assert text_of(told).startswith("2.5 — über 2\n")
    assert told["X-Amz-Sns-Message-Id"] == sent["MessageId"]
    assert "ended" in visit(link_in(text_of(told)), b"")
    until(lambda: [one for one in post.of("Your subscription has ended") if topic in text_of(one)])
    assert post.logins[-1] == (b"watcher", b"hush-hush")
    assert "hush-hush" not in server.output()


def test_a_page_tells_what_it_was_asked_as_text(server: ServerProcess):
    page = visit(f"{server.url}/_/sns/pages/confirm?TopicArn=%3Cscript%3E")
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_a_link_that_was_never_sent_does_nothing(server: ServerProcess):
    topic = topic_of(server)
    for query in (f"confirm?TopicArn={topic}&Token=guess", "confirm", "unsubscribe?SubscriptionArn=x", "x.pem"):
        with pytest.raises(HTTPError, match=r"40[04]"):
            visit(f"{server.url}/_/sns/{query}")


def test_an_alarm_tells_everybody_who_listens(server: ServerProcess, post: Mailbox, receiver: Web):
    sns, cloudwatch = server.boto3("sns"), server.boto3("cloudwatch")
    topic = topic_of(server)
    confirmed(server, topic, receiver)
    sns.subscribe(TopicArn=topic, Protocol="apprise", Endpoint=receiver.url.replace("http:", "json:") + "/chat")
    put_alarm(cloudwatch, "loud", topic)
    cloudwatch.set_alarm_state(AlarmName="loud", StateValue="ALARM", StateReason="drill")
    [told] = until(lambda: receiver.of_type("Notification"))
    verify(told.document)
    message = json.loads(told.document["Message"])
    assert (message["AlarmName"], message["NewStateValue"], message["NewStateReason"]) == (
        "loud",
        "ALARM",
        "drill",
    )
    [chat] = until(lambda: [one for one in receiver.received if one.path == "/chat"])
    assert chat.document["title"] == 'ALARM: "loud" in US East (N. Virginia)'
    assert "drill" in chat.document["message"]
    items = cloudwatch.describe_alarm_history(AlarmName="loud", HistoryItemType="Action")["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in items] == [f"Successfully executed action {topic}"]


def put_alarm(cloudwatch: Any, name: str, topic: str) -> None:
    """An alarm whose state is what it is set to."""
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="lab", MetricName="absent", Statistic="Average", Period=60, EvaluationPeriods=1,
        Threshold=1.0, ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore",
        AlarmActions=[topic], OKActions=[topic],
    )  # fmt: skip


def test_the_aws_command_line_subscribes_and_publishes(server: ServerProcess, receiver: Web):
    aws = partial(server.aws, "sns")
    receiver.confirms = True
    topic = aws("create-topic", "--name", "by-hand")
    assert aws(
        "subscribe", "--topic-arn", topic, "--protocol", "http", "--notification-endpoint", receiver.url
    ) == ("pending confirmation")
    until(lambda: "PendingConfirmation" not in aws("list-subscriptions-by-topic", "--topic-arn", topic))
    sent = aws("publish", "--topic-arn", topic, "--message", "from the shell")
    [told] = until(lambda: receiver.of_type("Notification"))
    assert (told.document["MessageId"], told.document["Message"]) == (sent, "from the shell")
    aws("delete-topic", "--topic-arn", topic)
    assert topic not in aws("list-topics")


def test_every_notification_arrives_once_though_the_server_is_killed_again_and_again(
    tmp_path: Path, receiver: Web
):
    """``EPOCHWATCH_KILLS`` says how often."""
    chance = random.Random(7)
    with mailbox() as post, ServerProcess(tmp_path / "home", environment=mail_settings(post)) as server:
        topic = topic_of(server)
        confirmed(server, topic, receiver)
        sns = server.boto3("sns")
        arn = sns.subscribe(
            TopicArn=topic, Protocol="email", Endpoint="a@example.com", ReturnSubscriptionArn=True
        )["SubscriptionArn"]  # fmt: skip
        [letter] = until(lambda: post.of("Confirm your subscription"))
        visit(link_in(text_of(letter)), b"")
        assert is_confirmed(sns, arn)
        put_alarm(server.boto3("cloudwatch"), "loud", topic)
        acknowledged: list[str] = []
        for number in range(KILLS):
            speak_until_killed(server, topic, number, chance, acknowledged)
            server.start()
        assert len(acknowledged) >= 2 * KILLS
        until(lambda: set(acknowledged) <= set(heard(receiver)) and set(acknowledged) <= set(read(post)))
        # Of what was not acknowledged nobody knows; but nothing that was said once may have two ids.
        for ids in (heard(receiver), read(post)):
            assert {text: len(known) for text, known in ids.items() if len(known) > 1} == {}
        assert until(lambda: heard(receiver) == read(post))


def speak_until_killed(
    server: ServerProcess, topic: str, number: int, chance: random.Random, acknowledged: list[str]
) -> None:
    """Publish and change an alarm's state, again and again, while the server is killed: some time after it has
    acknowledged a few of these. What was acknowledged is noted.
    """
    sns, cloudwatch = server.boto3("sns"), server.boto3("cloudwatch")
    killer = threading.Timer(chance.uniform(0.0, 0.3), server.kill)
    first = chance.randint(2, 5)
    try:
        for count in itertools.count():
            text = f"{number}-{count}"
            if count % 2:
                sns.publish(TopicArn=topic, Message=text)
                acknowledged.append(text)
            else:
                state = "ALARM" if count % 4 else "OK"
                cloudwatch.set_alarm_state(AlarmName="loud", StateValue=state, StateReason=text)
                if count:  # at first it may be in that state already, and then nothing is to be told
                    acknowledged.append(text)
            if count == first:
                killer.start()
    except (BotoCoreError, ClientError):
        killer.join()


def said(message: str) -> str:
    """What was published, or the reason of an alarm's state."""
    try:
        return str(json.loads(message)["NewStateReason"])
    except ValueError:
        return message


def heard(receiver: Web) -> dict[str, set[str]]:
    """What the receiver was told, and by messages of which ids."""
    ids: dict[str, set[str]] = {}
    for one in receiver.of_type("Notification"):
        ids.setdefault(said(one.document["Message"]), set()).add(one.document["MessageId"])
    return ids


def read(post: Mailbox) -> dict[str, set[str]]:
    """What was in the letters, and by messages of which ids."""
    ids: dict[str, set[str]] = {}
    for one in list(post.letters):
        if one["X-Amz-Sns-Message-Id"] and one["List-Unsubscribe"]:
            lines = text_of(one).splitlines()
            ids.setdefault(lines[2] if lines[0].startswith("The alarm") else lines[0], set()).add(
                one["X-Amz-Sns-Message-Id"]
            )
    return ids
