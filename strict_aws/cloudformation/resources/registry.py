"""Every resource type that a stack really makes; any other type is ignored."""

from __future__ import annotations

from strict_aws.cloudformation.resources import iam, lambda_, messaging, s3, simple
from strict_aws.cloudformation.resources.base import ResourceType

TYPES: dict[str, ResourceType] = {
    "AWS::CloudWatch::Alarm": simple.ALARM,
    "AWS::CloudWatch::Dashboard": simple.DASHBOARD,
    "AWS::ECR::Repository": simple.REPOSITORY,
    "AWS::IAM::ManagedPolicy": iam.ManagedPolicy(),
    "AWS::IAM::Policy": iam.InlinePolicy(),
    "AWS::IAM::Role": iam.Role(),
    "AWS::Lambda::EventInvokeConfig": lambda_.EventInvokeConfig(),
    "AWS::Lambda::Function": lambda_.Function(),
    "AWS::Lambda::Permission": lambda_.Permission(),
    "AWS::Logs::LogGroup": simple.LogGroup(),
    "AWS::Logs::MetricFilter": simple.METRIC_FILTER,
    "AWS::S3::Bucket": s3.Bucket(),
    "AWS::S3::BucketPolicy": s3.BucketPolicy(),
    "AWS::SNS::Subscription": messaging.Subscription(),
    "AWS::SNS::Topic": messaging.Topic(),
    "AWS::SNS::TopicPolicy": messaging.TopicPolicy(),
    "AWS::SQS::Queue": messaging.Queue(),
    "AWS::SQS::QueuePolicy": messaging.QueuePolicy(),
    "AWS::SSM::Parameter": simple.StoredParameter(),
    "AWS::Scheduler::Schedule": simple.SCHEDULE,
    "AWS::Scheduler::ScheduleGroup": simple.SCHEDULE_GROUP,
}
# These have no effect on AWS either.
WITHOUT_EFFECT = frozenset({"AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle"})
