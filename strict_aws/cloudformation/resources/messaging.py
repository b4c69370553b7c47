"""Queues and topics."""

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
    """AWS::SQS::Queue, standard ones."""

    properties = frozenset({"QueueName", "Tags", *_QUEUE_ATTRIBUTES})
    replacing = frozenset({"QueueName"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """A queue; its id is its URL."""
        name = str(properties.get("QueueName") or place.name(80))
        made = {"QueueName": name, "Attributes": self._attributes(properties), "tags": tags(properties)}
        url = str(api.call("sqs", "CreateQueue", made)["QueueUrl"])
        arn = f"arn:aws:sqs:{api.region}:{api.account}:{name}"
        return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Its attributes."""
        attributes = self._attributes(new)
        api.call("sqs", "SetQueueAttributes", {"QueueUrl": made.physical_id, "Attributes": attributes})
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """With everything in it."""
        forgiving(api, "sqs", "DeleteQueue", {"QueueUrl": made.physical_id})

    @staticmethod
    def _attributes(properties: Properties) -> Properties:
        return {name: value for name, value in properties.items() if name in _QUEUE_ATTRIBUTES}


class QueuePolicy(ResourceType):
    """AWS::SQS::QueuePolicy."""

    properties = frozenset({"Queues", "PolicyDocument"})
    replacing = frozenset({"Queues"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Put on every queue."""
        for url in properties["Queues"]:
            attributes = {"Policy": properties["PolicyDocument"]}
            api.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": attributes})
        return Made(place.name())

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Put anew."""
        for url in new["Queues"]:
            attributes = {"Policy": new["PolicyDocument"]}
            api.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": attributes})
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """The queues stay without one."""
        for url in properties["Queues"]:
            forgiving(api, "sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": {"Policy": ""}})


class Topic(ResourceType):
    """AWS::SNS::Topic, standard ones."""

    properties = frozenset({"TopicName", "DisplayName", "KmsMasterKeyId", "Subscription", "Tags"})
    replacing = frozenset({"TopicName", "Subscription"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """A topic with its subscriptions; its id is its ARN."""
        name = str(properties.get("TopicName") or place.name(256))
        attributes = {key: properties[key] for key in ("DisplayName", "KmsMasterKeyId") if key in properties}
        made = {"Name": name, "Attributes": attributes, "Tags": properties.get("Tags", [])}
        arn = str(api.call("sns", "CreateTopic", made)["TopicArn"])
        for subscription in properties.get("Subscription", []):
            api.call("sns", "Subscribe", {**subscription, "TopicArn": arn})
        return Made(arn, {"TopicArn": arn, "TopicName": name})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Its attributes."""
        for key in ("DisplayName", "KmsMasterKeyId"):
            if old.get(key) != new.get(key):
                changed = {"TopicArn": made.physical_id, "AttributeName": key, "AttributeValue": new.get(key, "")}
                api.call("sns", "SetTopicAttributes", changed)
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """With its subscriptions."""
        forgiving(api, "sns", "DeleteTopic", {"TopicArn": made.physical_id})


class TopicPolicy(ResourceType):
    """AWS::SNS::TopicPolicy."""

    properties = frozenset({"Topics", "PolicyDocument"})
    replacing = frozenset({"Topics"})

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Put on every topic."""
        self._put(api, properties)
        return Made(place.name())

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Put anew."""
        self._put(api, new)
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """A topic always has a policy: the last one stays, as with CloudFormation."""

    @staticmethod
    def _put(api: Api, properties: Properties) -> None:
        for arn in properties["Topics"]:
            put = {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": properties["PolicyDocument"]}
            api.call("sns", "SetTopicAttributes", put)


class Subscription(ResourceType):
    """AWS::SNS::Subscription."""

    properties = frozenset({"TopicArn", "Protocol", "Endpoint"})
    replacing = properties

    def create(self, api: Api, place: Place, properties: Properties) -> Made:
        """Its id is its ARN."""
        arn = str(api.call("sns", "Subscribe", {**properties, "ReturnSubscriptionArn": True})["SubscriptionArn"])
        return Made(arn, {"Arn": arn})

    def update(self, api: Api, made: Made, old: Properties, new: Properties) -> Made:
        """Nothing can be changed in place."""
        return made

    def delete(self, api: Api, made: Made, properties: Properties) -> None:
        """Unsubscribed."""
        forgiving(api, "sns", "Unsubscribe", {"SubscriptionArn": made.physical_id})
