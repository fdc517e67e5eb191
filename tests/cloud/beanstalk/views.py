"""The shapes in which Elastic Beanstalk's answers show applications, versions, environments, events and health."""

from datetime import datetime, timezone
from typing import Any

from cloud import context
from cloud.beanstalk.environment import Environment, Event, Instance
from cloud.beanstalk.region import Region, Version

_PLATFORM = "Python 3.12 running on 64bit Amazon Linux 2023"
_PLATFORM_VERSION = "4.6.0"


def moment(seconds: float) -> datetime:
    """A Unix time as AWS gives times: UTC, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), timezone.utc)


def arn(region: str, kind: str, path: str) -> str:
    """The ARN of something of Elastic Beanstalk's."""
    return f"arn:aws:elasticbeanstalk:{region}:{context.current().account}:{kind}/{path}"


def application(region: Region, name: str) -> dict[str, Any]:
    """ApplicationDescription."""
    created = moment(region.applications[name])
    return {
        "ApplicationArn": arn(region.name, "application", name),
        "ApplicationName": name,
        "DateCreated": created,
        "DateUpdated": created,
        "Versions": [version.label for version in region.versions.values() if version.application == name],
        "ConfigurationTemplates": [],
    }


def version(region: Region, shown: Version) -> dict[str, Any]:
    """ApplicationVersionDescription."""
    described: dict[str, Any] = {
        "ApplicationVersionArn": arn(region.name, "applicationversion", f"{shown.application}/{shown.label}"),
        "ApplicationName": shown.application,
        "Description": shown.description or None,
        "VersionLabel": shown.label,
        "DateCreated": moment(shown.created),
        "DateUpdated": moment(shown.processed_at or shown.created),
        "Status": shown.status,
    }
    if shown.bucket:
        described["SourceBundle"] = {"S3Bucket": shown.bucket, "S3Key": shown.key}
    return described


def environment(shown: Environment) -> dict[str, Any]:
    """EnvironmentDescription; a worker has neither CNAME nor endpoint."""
    described: dict[str, Any] = {
        "EnvironmentName": shown.name,
        "EnvironmentId": shown.id,
        "ApplicationName": shown.application,
        "VersionLabel": shown.version_label or None,
        "SolutionStackName": f"64bit Amazon Linux 2023 v{_PLATFORM_VERSION} running Python 3.12",
        "PlatformArn": f"arn:aws:elasticbeanstalk:{shown.region}::platform/{_PLATFORM}/{_PLATFORM_VERSION}",
        "DateCreated": moment(shown.created),
        "DateUpdated": moment(shown.updated),
        "Status": shown.status,
        "AbortableOperationInProgress": shown.abortable,
        "Health": "Grey" if shown.status in ("Terminating", "Terminated") else shown.colour,
        "Tier": {"Name": "WebServer", "Type": "Standard", "Version": "1.0"},
        "EnvironmentLinks": [],
        "EnvironmentArn": arn(shown.region, "environment", f"{shown.application}/{shown.name}"),
    }
    if shown.health_reporting == "enhanced":
        described["HealthStatus"] = shown.health_status
    if shown.tier == "Cluster":
        # "No solution stack or AMI": https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/beanstalk-cluster.html; the
        # tier is what CreateEnvironment takes, without a version
        described["Tier"] = {"Name": "Cluster", "Type": "EKS"}
        del described["SolutionStackName"], described["PlatformArn"]
    if shown.tier == "Worker":
        described["Tier"] = {"Name": "Worker", "Type": "SQS/HTTP", "Version": "3.0"}
    else:
        described["CNAME"] = shown.endpoint
        described["EndpointURL"] = "awseb-e-i-AWSEBLoa-1A2B3C4D5E6F-1234567890.us-east-1.elb.amazonaws.com"
    return described


def event(shown: Event) -> dict[str, Any]:
    """EventDescription."""
    return {
        "EventDate": moment(shown.date),
        "Message": shown.message,
        "ApplicationName": shown.application,
        "EnvironmentName": shown.environment,
        "VersionLabel": shown.version_label,
        "RequestId": shown.request_id,
        "Severity": shown.severity,
    }


def environment_health(shown: Environment, attributes: set[str]) -> dict[str, Any]:
    """DescribeEnvironmentHealthResult with the attributes that were asked for."""
    counts = dict.fromkeys(("NoData", "Unknown", "Pending", "Ok", "Info", "Warning", "Degraded", "Severe"), 0)
    for instance in shown.instances:
        counts[instance.health_status] += 1
    described = {
        "HealthStatus": shown.health_status,
        "Status": shown.status,
        "Color": shown.colour,
        "Causes": shown.causes,
        "ApplicationMetrics": {"RequestCount": 0},
        "InstancesHealth": counts,
        "RefreshedAt": moment(shown.updated),
    }
    return {"EnvironmentName": shown.name, **_chosen(described, attributes)}


def instance_health(shown: Instance, attributes: set[str]) -> dict[str, Any]:
    """SingleInstanceHealth with the attributes that were asked for."""
    described: dict[str, Any] = {
        "HealthStatus": shown.health_status,
        "Color": shown.colour,
        "Causes": shown.causes,
        "LaunchedAt": moment(shown.deployed_at),
        "System": {"LoadAverage": [0.19, 0.1], "CPUUtilization": {"User": 1.2, "Idle": 98.1}},
        "Deployment": {
            "VersionLabel": shown.version_label,
            "DeploymentId": shown.deployment_id,
            "Status": shown.deployment_status,
            "DeploymentTime": moment(shown.deployed_at),
        },
        "AvailabilityZone": "us-east-1a",
        "InstanceType": "t3.small",
    }
    if shown.version_label is None:
        del described["Deployment"]
    return {"InstanceId": shown.id, **_chosen(described, attributes)}


def _chosen(described: dict[str, Any], attributes: set[str]) -> dict[str, Any]:
    return {name: value for name, value in described.items() if name in attributes or "All" in attributes}
