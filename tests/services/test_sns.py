"""Topics, subscriptions and messages, as SNS has them."""

import json
import uuid

import pytest

from epochwatch.model.attempt import Attempt
from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.sns import OPERATIONS
from tests.services.conftest import Caller

INVALID = "InvalidParameterException"


def sns(caller: Caller, operation: str, **request: object) -> dict:
    return caller(OPERATIONS[operation], **request)


def refused(caller: Caller, operation: str, **request: object) -> tuple[str, str]:
    return caller.refused(OPERATIONS[operation], **request)


@pytest.fixture
def topic(caller: Caller) -> str:
    return str(sns(caller, "CreateTopic", Name="pager")["TopicArn"])


def deliveries(caller: Caller) -> list[tuple[str, str, str]]:
    """Type, message and subscription of what is on its way."""
    due = caller.stores.state.topics.deliveries.due(caller.now, [], 1000)
    return [
        (one.notification.type, one.notification.message, one.subscription)
        for one in due
        if one.tenant == caller.tenant
    ]


def subscribed(caller: Caller, topic: str, endpoint: str = "http://example.com/x", **attributes: str) -> str:
    """The ARN of a new, confirmed subscription by HTTP."""
    protocol = endpoint.partition(":")[0]
    request = {"Attributes": attributes} if attributes else {}
    arn = sns(
        caller, "Subscribe", TopicArn=topic, Protocol=protocol, Endpoint=endpoint, ReturnSubscriptionArn=True, **request
    )["SubscriptionArn"]  # fmt: skip
    sns(caller, "ConfirmSubscription", TopicArn=topic, Token=token(caller, arn))
    forget_deliveries(caller)
    return str(arn)


def token(caller: Caller, arn: str) -> str:
    found = caller.stores.state.topics.subscription(caller.tenant, arn.rpartition(":")[2])
    assert found is not None
    return found.token


def forget_deliveries(caller: Caller) -> None:
    outbox = caller.stores.state.topics.deliveries
    while due := [one for one in outbox.due(caller.now, [], 1000) if one.tenant == caller.tenant]:
        for one in due:
            outbox.done(one)


def test_a_topic_is_made_once_and_found_again(caller: Caller):
    request = {"Name": "pager", "Attributes": {"DisplayName": "Pager"}, "Tags": [{"Key": "team", "Value": "a"}]}
    made = sns(caller, "CreateTopic", **request)
    assert made == {"TopicArn": f"arn:aws:sns:us-east-1:{caller.tenant.account}:pager"}
    assert sns(caller, "CreateTopic", **request) == made
    assert sns(caller, "CreateTopic", Name="pager") == made
    assert sns(caller, "ListTagsForResource", ResourceArn=made["TopicArn"]) == {"Tags": request["Tags"]}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"Name": "a b"}, "Invalid parameter: Topic Name"),
        ({"Name": "a" * 257}, "Invalid parameter: Topic Name"),
        (
            {"Name": "pager", "Attributes": {"DisplayName": "x"}},
            "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
        ),
        (
            {"Name": "pager", "Tags": [{"Key": "a", "Value": "b"}]},
            "Invalid parameter: Tags Reason: Topic already exists with different tags",
        ),
        (
            {"Name": "x", "Tags": [{"Key": "a", "Value": "b"}] * 2},
            "Invalid parameter: Duplicated keys are not allowed.",
        ),
        (
            {"Name": "x.fifo", "Attributes": {"FifoTopic": "true"}},
            "Invalid parameter: Attributes Reason: FIFO topics deliver to queues of SQS only, which this server has "
            "none of",
        ),
        ({"Name": "x", "Attributes": {"Colour": "red"}}, "Invalid parameter: AttributeName"),
        (
            {"Name": "x", "Attributes": {"SignatureVersion": "3"}},
            "Invalid parameter: Attributes Reason: Invalid value [3]. Must be 1 or 2.",
        ),
        (
            {"Name": "x", "Attributes": {"KmsMasterKeyId": "alias/x"}},
            "Invalid parameter: Attributes Reason: KmsMasterKeyId: this server has no keys to encrypt messages with",
        ),
    ],
)
def test_what_no_topic_can_be_is_refused(caller: Caller, topic: str, request_: dict, message: str):
    assert refused(caller, "CreateTopic", **request_) == (INVALID, message)


def test_attributes_of_a_topic_are_set_and_told(caller: Caller, topic: str):
    told = sns(caller, "GetTopicAttributes", TopicArn=topic)["Attributes"]
    assert (told["DisplayName"], told["Owner"], told["SubscriptionsPending"]) == ("", caller.tenant.account, "0")
    assert json.loads(told["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 3
    assert json.loads(told["Policy"])["Statement"][0]["Resource"] == topic
    policy = {"http": {"defaultHealthyRetryPolicy": {"numRetries": 5}}}
    sns(caller, "SetTopicAttributes", TopicArn=topic, AttributeName="DisplayName", AttributeValue="Pager")
    sns(
        caller,
        "SetTopicAttributes",
        TopicArn=topic,
        AttributeName="DeliveryPolicy",
        AttributeValue=json.dumps(policy),
    )
    told = sns(caller, "GetTopicAttributes", TopicArn=topic)["Attributes"]
    assert (told["DisplayName"], json.loads(told["DeliveryPolicy"])) == ("Pager", policy)
    assert json.loads(told["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 5
    sns(caller, "SetTopicAttributes", TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue="")
    assert "DeliveryPolicy" not in sns(caller, "GetTopicAttributes", TopicArn=topic)["Attributes"]


def test_a_topic_that_is_not_there_is_told(caller: Caller, topic: str):
    other = topic.replace("pager", "other")
    for operation in ("GetTopicAttributes", "ListSubscriptionsByTopic"):
        assert refused(caller, operation, TopicArn=other) == ("NotFoundException", "Topic does not exist")
    assert refused(caller, "Publish", TopicArn=other, Message="x") == ("NotFoundException", "Topic does not exist")
    assert refused(caller, "ListTagsForResource", ResourceArn=other)[0] == "ResourceNotFoundException"
    for arn, parts in (("nonsense", 1), ("arn:aws", 2)):
        assert refused(caller, "GetTopicAttributes", TopicArn=arn) == (
            INVALID, f"Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not {parts}",
        )  # fmt: skip
    assert sns(caller, "DeleteTopic", TopicArn=other) == {}


def test_topics_and_subscriptions_come_a_hundred_at_a_time(caller: Caller, topic: str):
    for number in range(100):
        sns(caller, "CreateTopic", Name=f"t{number:03}")
        sns(caller, "Subscribe", TopicArn=topic, Protocol="http", Endpoint=f"http://example.com/{number}")
    sns(caller, "Subscribe", TopicArn=topic, Protocol="http", Endpoint="http://example.com/last")
    for operation, kind, bound in (
        ("ListTopics", "Topics", {}),
        ("ListSubscriptions", "Subscriptions", {}),
        ("ListSubscriptionsByTopic", "Subscriptions", {"TopicArn": topic}),
    ):
        first = sns(caller, operation, **bound)
        second = sns(caller, operation, **bound, NextToken=first["NextToken"])
        assert (len(first[kind]), len(second[kind]), "NextToken" in second) == (100, 1, False)
        assert second[kind][0] not in first[kind]
        assert refused(caller, operation, **bound, NextToken="x")[1] == "Invalid parameter: NextToken"


def test_an_endpoint_is_asked_before_it_gets_anything(caller: Caller, topic: str):
    asked = sns(caller, "Subscribe", TopicArn=topic, Protocol="http", Endpoint="http://example.com/x")
    assert asked == {"SubscriptionArn": "pending confirmation"}
    [listed] = sns(caller, "ListSubscriptionsByTopic", TopicArn=topic)["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Protocol"]) == ("PendingConfirmation", "http")
    sns(caller, "Publish", TopicArn=topic, Message="too early")
    [(type, _, id)] = deliveries(caller)
    assert type == "SubscriptionConfirmation"
    arn = f"{topic}:{id}"
    assert sns(caller, "ConfirmSubscription", TopicArn=topic, Token=token(caller, arn)) == {"SubscriptionArn": arn}
    forget_deliveries(caller)
    sns(caller, "Publish", TopicArn=topic, Message="now")
    assert deliveries(caller) == [("Notification", "now", id)]
    told = sns(caller, "GetSubscriptionAttributes", SubscriptionArn=arn)["Attributes"]
    assert (told["PendingConfirmation"], told["ConfirmationWasAuthenticated"]) == ("false", "true")
    assert told["Endpoint"] == "http://example.com/x"
    assert json.loads(told["EffectiveDeliveryPolicy"])["healthyRetryPolicy"]["numRetries"] == 3


def test_who_is_asked_again_has_a_new_token_and_the_old_one_is_void(caller: Caller, topic: str):
    request = {"TopicArn": topic, "Protocol": "email", "Endpoint": "a@example.com", "ReturnSubscriptionArn": True}
    arn = sns(caller, "Subscribe", **request)["SubscriptionArn"]
    first = token(caller, arn)
    assert sns(caller, "Subscribe", **request)["SubscriptionArn"] == arn
    assert refused(caller, "ConfirmSubscription", TopicArn=topic, Token=first) == (
        INVALID, "Invalid parameter: Token",
    )  # fmt: skip
    assert refused(caller, "ConfirmSubscription", TopicArn=topic, Token="guess") == (INVALID, "Invalid token")
    second = token(caller, arn)
    caller.now += 3 * 86_400
    assert refused(caller, "ConfirmSubscription", TopicArn=topic, Token=second)[1] == "Invalid parameter: Token"
    caller.stores.state.topics.expire(caller.now - 2 * 86_400)
    assert sns(caller, "ListSubscriptionsByTopic", TopicArn=topic) == {"Subscriptions": []}


@pytest.mark.parametrize(
    ("protocol", "endpoint", "message"),
    [
        ("pigeon", "x", "Amazon SNS does not support this protocol string: pigeon"),
        ("sqs", "arn:aws:sqs:us-east-1:1:q", "Protocol Reason: this server has nothing that delivers by sqs"),
        ("http", "https://example.com", "Endpoint must match the specified protocol"),
        ("https", "example.com", "Endpoint must match the specified protocol"),
        ("http", "http://", "Endpoint"),
        ("http", "http://host:99999/", "Endpoint"),
        ("http", "http://host/\r\nX: y", "Endpoint"),
        ("http", "http://host/größe", "Endpoint"),
        ("email", "nobody", "Email address"),
        ("email", "a@b\nBcc: c@d", "Endpoint"),
        ("email-json", "", "Endpoint"),
        ("apprise", "nonsense://x", "Endpoint Reason: Apprise cannot read this nonsense:// URL"),
        ("apprise", "syslog://", "Endpoint Reason: syslog:// acts on the server itself"),
    ],
)
def test_what_cannot_be_delivered_to_is_refused(
    caller: Caller, topic: str, protocol: str, endpoint: str, message: str
):
    code, words = refused(caller, "Subscribe", TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    assert (code, words) == (INVALID, f"Invalid parameter: {message}")


def test_no_address_can_subscribe_where_no_mail_is_sent(caller: Caller, topic: str):
    call = Call(caller.tenant, caller.stores, "id", caller.now, sends_mail=False)
    with pytest.raises(
        AwsError, match="this server sends no mail, so nothing by email, until its smtp_host is set"
    ):
        OPERATIONS["Subscribe"](call, {"TopicArn": topic, "Protocol": "email", "Endpoint": "a@example.com"})


def test_a_password_in_a_url_is_not_shown(caller: Caller, topic: str):
    endpoint = "https://ada:hush@example.com:8443/x"
    sns(caller, "Subscribe", TopicArn=topic, Protocol="https", Endpoint=endpoint)
    [listed] = sns(caller, "ListSubscriptions")["Subscriptions"]
    assert listed["Endpoint"] == "https://ada:****@example.com:8443/x"


def test_an_apprise_url_needs_no_confirmation(caller: Caller, topic: str):
    request = {"TopicArn": topic, "Protocol": "apprise", "Endpoint": "json://localhost:8080/x"}
    assert sns(caller, "Subscribe", **request)["SubscriptionArn"].startswith(f"{topic}:")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Colour", "red", "AttributeName"),
        ("RawMessageDelivery", "maybe", "RawMessageDelivery: Invalid value [maybe]. Must be true or false."),
        ("RawMessageDelivery", "", "RawMessageDelivery: Invalid value []. Must be true or false."),
        ("FilterPolicy", "{", "FilterPolicy: failed to parse JSON."),
        ("FilterPolicy", '{"a":"b"}', 'FilterPolicy: "a" must be an object or an array'),
        (
            "FilterPolicy", '{"a":{"b":["c"]}}',
            "Filter policy scope MessageAttributes does not support nested filter policy",
        ),
        (
            "FilterPolicyScope", "Header",
            "FilterPolicyScope: Invalid value [Header]. Please use either MessageBody or MessageAttributes",
        ),
        ("RedrivePolicy", '{"deadLetterTargetArn":"x"}', "RedrivePolicy: deadLetterTargetArn is an invalid arn"),
        ("DeliveryPolicy", '{"http":{}}', "DeliveryPolicy: Unexpected JSON member: http"),
    ],
)  # fmt: skip
def test_what_no_attribute_can_be_is_refused(caller: Caller, topic: str, name: str, value: str, message: str):
    arn = subscribed(caller, topic)
    request = {"SubscriptionArn": arn, "AttributeName": name, "AttributeValue": value}
    assert refused(caller, "SetSubscriptionAttributes", **request) == (INVALID, f"Invalid parameter: {message}")
    request = {
        "TopicArn": topic,
        "Protocol": "http",
        "Endpoint": "http://example.com/y",
        "Attributes": {name: value},
    }
    assert refused(caller, "Subscribe", **request)[0] == INVALID


def test_attributes_of_a_subscription_are_set_and_told(caller: Caller, topic: str):
    arn = subscribed(caller, topic, RawMessageDelivery="true")
    for name, value in (("FilterPolicyScope", "MessageBody"), ("FilterPolicy", '{"a":{"b":["c"]}}')):
        sns(caller, "SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    told = sns(caller, "GetSubscriptionAttributes", SubscriptionArn=arn)["Attributes"]
    assert (told["RawMessageDelivery"], told["FilterPolicyScope"]) == ("true", "MessageBody")
    assert told["FilterPolicy"] == '{"a":{"b":["c"]}}'
    request = {"TopicArn": topic, "Protocol": "http", "Endpoint": "http://example.com/x"}
    assert sns(caller, "Subscribe", **request) == {"SubscriptionArn": arn}
    assert refused(caller, "Subscribe", **request, Attributes={"RawMessageDelivery": "false"}) == (
        INVALID,
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes",
    )
    assert refused(
        caller, "GetSubscriptionAttributes", SubscriptionArn=f"{topic}:00000000-0000-0000-0000-000000000000"
    ) == ("NotFoundException", "Subscription does not exist")


def test_a_subscription_gets_what_its_filter_lets_through(caller: Caller, topic: str):
    by_attribute = subscribed(caller, topic, FilterPolicy='{"kind":["loss"]}')
    by_body = subscribed(
        caller,
        topic,
        "http://example.com/y",
        FilterPolicy='{"job":[{"prefix":"r"}]}',
        FilterPolicyScope="MessageBody",
    )
    attributes = {"kind": {"DataType": "String", "StringValue": "loss"}}
    sns(caller, "Publish", TopicArn=topic, Message='{"job":"resnet"}')
    assert [id for _, _, id in deliveries(caller)] == [by_body.rpartition(":")[2]]
    forget_deliveries(caller)
    sns(caller, "Publish", TopicArn=topic, Message="plain", MessageAttributes=attributes)
    assert [id for _, _, id in deliveries(caller)] == [by_attribute.rpartition(":")[2]]


def test_a_subscription_that_has_ended_gets_nothing_more(caller: Caller, topic: str):
    arn = subscribed(caller, topic)
    sns(caller, "Publish", TopicArn=topic, Message="x")
    assert sns(caller, "Unsubscribe", SubscriptionArn=arn) == {}
    assert sns(caller, "Unsubscribe", SubscriptionArn=arn) == {}
    assert deliveries(caller) == []
    told = sns(caller, "GetTopicAttributes", TopicArn=topic)["Attributes"]
    assert (told["SubscriptionsConfirmed"], told["SubscriptionsDeleted"]) == ("0", "1")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"Message": ""}, "Empty message"),
        ({"Message": "é" * 131_073}, "Message too long"),
        ({"Message": "x", "Subject": ""}, "Subject"),
        ({"Message": "x", "Subject": "a" * 101}, "Subject"),
        ({"Message": "x", "Subject": "two\nlines"}, "Subject"),
        ({"Message": "x", "MessageStructure": "xml"}, "MessageStructure"),
        ({"Message": "x", "MessageStructure": "json"}, "Message Structure - JSON message body failed to parse"),
        (
            {"Message": '{"email":"x"}', "MessageStructure": "json"},
            "Message Structure - No default entry in JSON message body",
        ),
        (
            {"Message": "x", "MessageDeduplicationId": "1"},
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid "
            "for this topic type",
        ),
    ],
)
def test_what_cannot_be_published_is_refused(caller: Caller, topic: str, request_: dict, message: str):
    assert refused(caller, "Publish", TopicArn=topic, **request_) == (INVALID, f"Invalid parameter: {message}")


@pytest.mark.parametrize(
    ("name", "attribute", "message"),
    [
        (
            "a", {"DataType": "Bool", "StringValue": "x"},
            "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is "
            "Binary, Number, and String.",
        ),
        (
            "a", {"DataType": "String", "StringValue": ""},
            "The message attribute 'a' must contain non-empty message attribute value for message attribute type "
            "'String'.",
        ),
        (
            "a", {"DataType": "String", "BinaryValue": b"x"},
            "The message attribute 'a' with type 'String' must use field 'String'.",
        ),
        (
            "a", {"DataType": "Number", "StringValue": "many"},
            "Could not cast message attribute 'a' value to number.",
        ),
        (
            ".a", {"DataType": "String", "StringValue": "x"},
            "Invalid message attribute name starting with character '.' was found.",
        ),
        (
            "a b", {"DataType": "String", "StringValue": "x"},
            "Invalid non-alphanumeric character '#x20' was found in the message attribute name. Can only include "
            "alphanumeric characters, hyphens, underscores, or dots.",
        ),
    ],
)  # fmt: skip
def test_what_no_message_attribute_can_be_is_refused(
    caller: Caller, topic: str, name: str, attribute: dict, message: str
):
    request = {"TopicArn": topic, "Message": "x", "MessageAttributes": {name: attribute}}
    assert refused(caller, "Publish", **request) == ("InvalidParameterValueException", message)


def test_a_message_has_a_text_for_each_protocol(caller: Caller, topic: str):
    subscribed(caller, topic)
    message = json.dumps({"default": "d", "http": "h", "email": "e"})
    sns(caller, "Publish", TargetArn=topic, Message=message, MessageStructure="json")
    due = caller.stores.state.topics.deliveries.due(caller.now, [], 1000)
    [notification] = [one.notification for one in due if one.tenant == caller.tenant]
    assert [notification.message_for(one) for one in ("http", "https", "email")] == ["h", "d", "e"]


def test_a_message_whose_answer_was_lost_is_not_sent_twice(caller: Caller, topic: str):
    subscribed(caller, topic)
    entries = [{"Id": one, "Message": one} for one in "ab"]
    answers = []
    for operation, request in (
        ("Publish", {"Message": "x"}),
        ("PublishBatch", {"PublishBatchRequestEntries": entries}),
    ):
        for call_id, number in (("one", 1), ("one", 2), ("another", 1)):
            attempt = Attempt(f"{operation}-{call_id}", number)
            call = Call(caller.tenant, caller.stores, str(uuid.uuid4()), caller.now, "key", attempt)
            answers.append(OPERATIONS[operation](call, {"TopicArn": topic, **request}))
    for first, again, other in (answers[:3], answers[3:]):
        assert first == again
        assert first != other
    sent = []
    while due := deliveries(caller):
        sent += [message for _, message, _ in due]
        for one in caller.stores.state.topics.deliveries.due(caller.now, [], 1000):
            if one.tenant == caller.tenant:
                caller.stores.state.topics.deliveries.done(one)
    assert sorted(sent) == ["a", "a", "b", "b", "x", "x"]


def test_of_a_batch_what_can_be_sent_is_sent(caller: Caller, topic: str):
    subscribed(caller, topic)
    entries = [
        {"Id": "a", "Message": "x"},
        {"Id": "b", "Message": ""},
        {"Id": "c", "Message": "y", "Subject": "\n"},
    ]
    answer = sns(caller, "PublishBatch", TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [one["Id"] for one in answer["Successful"]] == ["a"]
    assert [(one["Id"], one["Message"]) for one in answer["Failed"]] == [
        ("b", "Invalid parameter: Empty message"),
        ("c", "Invalid parameter: Subject"),
    ]
    assert [message for _, message, _ in deliveries(caller)] == ["x"]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequestException"),
        ([{"Id": str(number), "Message": "x"} for number in range(11)], "TooManyEntriesInBatchRequestException"),
        ([{"Id": "a", "Message": "x"}] * 2, "BatchEntryIdsNotDistinctException"),
        ([{"Id": "a b", "Message": "x"}], "InvalidBatchEntryIdException"),
        ([{"Id": one, "Message": "x" * 140_000} for one in "ab"], "BatchRequestTooLongException"),
        ([{"Id": "a", "Message": "{}", "MessageStructure": "json"}], INVALID),
    ],
)
def test_what_no_batch_can_be_is_refused(caller: Caller, topic: str, entries: list, code: str):
    assert refused(caller, "PublishBatch", TopicArn=topic, PublishBatchRequestEntries=entries)[0] == code


def test_tags_are_added_replaced_and_taken(caller: Caller, topic: str):
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    sns(caller, "TagResource", ResourceArn=topic, Tags=tags)
    sns(caller, "TagResource", ResourceArn=topic, Tags=[{"Key": "b", "Value": "3"}])
    sns(caller, "UntagResource", ResourceArn=topic, TagKeys=["a", "z"])
    assert sns(caller, "ListTagsForResource", ResourceArn=topic) == {"Tags": [{"Key": "b", "Value": "3"}]}
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert refused(caller, "TagResource", ResourceArn=topic, Tags=many)[0] == "TagLimitExceededException"


def test_what_is_deleted_takes_its_subscriptions_along(caller: Caller, topic: str):
    subscribed(caller, topic)
    sns(caller, "Publish", TopicArn=topic, Message="x")
    sns(caller, "DeleteTopic", TopicArn=topic)
    assert deliveries(caller) == []
    assert sns(caller, "ListSubscriptions") == {"Subscriptions": []}


def test_another_account_sees_none_of_it(caller: Caller, topic: str):
    other = Caller(caller.stores)
    assert refused(other, "Publish", TopicArn=topic, Message="x") == ("NotFoundException", "Topic does not exist")
    assert sns(other, "ListTopics") == {"Topics": []}
