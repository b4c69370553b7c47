"""Resource types of SQS and SNS: queues and topics, their policies, and subscriptions."""

from __future__ import annotations

from strict_aws.cloudformation.api import Api
from strict_aws.cloudformation.resources.base import Made, Place, Properties, ResourceType, forgiving, tags

_QUEUE_ATTRIBUTES = frozenset(
    {
        *("DelaySeconds", "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize"),
        *("MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy", "RedrivePolicy"),
        *("SqsManagedSseEnabled", "VisibilityTimeout"),
    }
)


class Queue(ResourceType):
    """The type AWS::SQS::Queue, for standard queues only."""

    properties = frozenset({"QueueName", "Tags", *_QUEUE_ATTRIBUTES})
    replacing = frozenset({"QueueName"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Make the queue; its id is its URL."""
        name = str(properties.get("QueueName") or place.name(80))
        made = {"QueueName": name, "Attributes": self._attributes(properties), "tags": tags(properties)}
        url = str(api.call("sqs", "CreateQueue", made)["QueueUrl"])
        arn = f"arn:aws:sqs:{api.region}:{api.account}:{name}"
        return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Set the queue's attributes anew."""
        attributes = self._attributes(new)
        api.call("sqs", "SetQueueAttributes", {"QueueUrl": made.physical_id, "Attributes": attributes})
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Delete the queue with all of its messages."""
        forgiving(api, "sqs", "DeleteQueue", {"QueueUrl": made.physical_id})

    @staticmethod
    def _attributes(properties: Properties) -> Properties:
        return {name: value for name, value in properties.items() if name in _QUEUE_ATTRIBUTES}


class QueuePolicy(ResourceType):
    """The type AWS::SQS::QueuePolicy, which is put on queues."""

    properties = frozenset({"Queues", "PolicyDocument"})
    replacing = frozenset({"Queues"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Put the policy on every queue that the template names."""
        for url in properties["Queues"]:
            attributes = {"Policy": properties["PolicyDocument"]}
            api.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": attributes})
        return Made(place.name())

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Put the policy anew, and remove it from queues that are no longer named."""
        for url in new["Queues"]:
            attributes = {"Policy": new["PolicyDocument"]}
            api.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": attributes})
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Remove the policy from the queues; the queues themselves stay."""
        for url in properties["Queues"]:
            forgiving(api, "sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": {"Policy": ""}})


class Topic(ResourceType):
    """The type AWS::SNS::Topic, for standard topics only."""

    properties = frozenset({"TopicName", "DisplayName", "KmsMasterKeyId", "Subscription", "Tags"})
    replacing = frozenset({"TopicName", "Subscription"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Make the topic with its subscriptions; its id is its ARN."""
        name = str(properties.get("TopicName") or place.name(256))
        attributes = {key: properties[key] for key in ("DisplayName", "KmsMasterKeyId") if key in properties}
        made = {"Name": name, "Attributes": attributes, "Tags": properties.get("Tags", [])}
        arn = str(api.call("sns", "CreateTopic", made)["TopicArn"])
        for subscription in properties.get("Subscription", []):
            api.call("sns", "Subscribe", {**subscription, "TopicArn": arn})
        return Made(arn, {"TopicArn": arn, "TopicName": name})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Set the topic's attributes anew."""
        for key in ("DisplayName", "KmsMasterKeyId"):
            if old.get(key) != new.get(key):
                changed = {"TopicArn": made.physical_id, "AttributeName": key, "AttributeValue": new.get(key, "")}
                api.call("sns", "SetTopicAttributes", changed)
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Delete the topic with its subscriptions."""
        forgiving(api, "sns", "DeleteTopic", {"TopicArn": made.physical_id})


class TopicPolicy(ResourceType):
    """The type AWS::SNS::TopicPolicy, which is put on topics."""

    properties = frozenset({"Topics", "PolicyDocument"})
    replacing = frozenset({"Topics"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Put the policy on every topic that the template names."""
        self._put(api, properties)
        return Made(place.name())

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Put the policy anew on every topic that the template names."""
        self._put(api, new)
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Do nothing: a topic always has a policy, and CloudFormation leaves the last one in place, too."""

    @staticmethod
    def _put(api: Api, properties: Properties) -> None:
        for arn in properties["Topics"]:
            put = {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": properties["PolicyDocument"]}
            api.call("sns", "SetTopicAttributes", put)


class Subscription(ResourceType):
    """The type AWS::SNS::Subscription, which subscribes an endpoint to a topic."""

    properties = frozenset({"TopicArn", "Protocol", "Endpoint"})
    replacing = properties

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Subscribe the endpoint; the resource's id is the subscription's ARN."""
        arn = str(api.call("sns", "Subscribe", {**properties, "ReturnSubscriptionArn": True})["SubscriptionArn"])
        return Made(arn, {"Arn": arn})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Return the resource unchanged, because a changed property always replaces it."""
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Unsubscribe the endpoint from the topic."""
        forgiving(api, "sns", "Unsubscribe", {"SubscriptionArn": made.physical_id})
