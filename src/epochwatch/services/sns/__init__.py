"""Amazon SNS, the operations: topics, subscriptions, messages."""

from epochwatch.services.call import Operation
from epochwatch.services.sns.publishing import publish, publish_batch
from epochwatch.services.sns.subscription_attributes import (
    get_subscription_attributes,
    set_subscription_attributes,
)
from epochwatch.services.sns.subscriptions import (
    confirm_subscription,
    list_subscriptions,
    list_subscriptions_by_topic,
    subscribe,
    unsubscribe,
)
from epochwatch.services.sns.tags import list_tags_for_resource, tag_resource, untag_resource
from epochwatch.services.sns.topics import (
    create_topic,
    delete_topic,
    get_topic_attributes,
    list_topics,
    set_topic_attributes,
)

OPERATIONS: dict[str, Operation] = {
    "ConfirmSubscription": confirm_subscription,
    "CreateTopic": create_topic,
    "DeleteTopic": delete_topic,
    "GetSubscriptionAttributes": get_subscription_attributes,
    "GetTopicAttributes": get_topic_attributes,
    "ListSubscriptions": list_subscriptions,
    "ListSubscriptionsByTopic": list_subscriptions_by_topic,
    "ListTagsForResource": list_tags_for_resource,
    "ListTopics": list_topics,
    "Publish": publish,
    "PublishBatch": publish_batch,
    "SetSubscriptionAttributes": set_subscription_attributes,
    "SetTopicAttributes": set_topic_attributes,
    "Subscribe": subscribe,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "Unsubscribe": unsubscribe,
}
