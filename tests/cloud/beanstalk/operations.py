"""The operations of Elastic Beanstalk's API, added to moto's response class.

moto then parses requests and serialises answers from botocore's own service model, so the wire format is AWS's.
"""

import base64
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.elasticbeanstalk.responses import EBResponse

from cloud import context
from cloud.aws import backend, buckets
from cloud.beanstalk import logs, scenarios, texts, views
from cloud.beanstalk.environment import Environment, Event
from cloud.beanstalk.region import InfoRequest, Region, Version

_SEVERITIES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
_MOST_RECORDS = 1000

Params = dict[str, Any]
Operation = Callable[[Region, Params], dict[str, Any] | None]
_OPERATIONS: dict[str, Operation] = {}


def _operation(function: Operation) -> Operation:
    _OPERATIONS[function.__name__] = function
    return function


@_operation
def create_storage_location(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateStorageLocation.html"""
    name = f"elasticbeanstalk-{region.name}-{context.current().account}"
    buckets.ensure(name, region.name)
    return {"S3Bucket": name}


@_operation
def create_application(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateApplication.html"""
    name = params["ApplicationName"]
    if name in region.applications:
        raise texts.application_exists(name)
    region.add_application(name)
    return {"Application": views.application(region, name)}


@_operation
def describe_applications(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeApplications.html"""
    names = params.get("ApplicationNames")
    return {
        "Applications": [
            views.application(region, name) for name in region.applications if not names or name in names
        ]
    }


@_operation
def create_application_version(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateApplicationVersion.html"""
    application, label = params["ApplicationName"], params["VersionLabel"]
    if application not in region.applications:
        if not _is_true(params.get("AutoCreateApplication")):
            raise texts.no_application(application)
        region.add_application(application)
    if (application, label) in region.versions:
        raise texts.version_exists(label)
    if len(region.versions) >= region.version_rules.limit:
        raise texts.too_many_versions(region.version_rules.limit)
    source = params.get("SourceBundle") or {}
    if source:
        _check_bundle(region, source["S3Bucket"], source["S3Key"])
    now = time.time()
    created = Version(
        application=application,
        label=label,
        description=params.get("Description") or "",
        bucket=source.get("S3Bucket", ""),
        key=source.get("S3Key", ""),
        created=now,
        processed_at=now + region.version_rules.seconds if _is_true(params.get("Process")) else None,
        fails=region.version_rules.fails,
    )
    region.versions[application, label] = created
    return {"ApplicationVersion": views.version(region, created)}


@_operation
def describe_application_versions(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeApplicationVersions.html, newest first"""
    application, labels = params.get("ApplicationName"), params.get("VersionLabels")
    found = [
        version
        for version in region.versions.values()
        if application in (None, version.application) and (not labels or version.label in labels)
    ]
    found.sort(key=lambda version: version.created, reverse=True)
    page, token = _page(found, params)
    return {"ApplicationVersions": [views.version(region, version) for version in page], "NextToken": token}


@_operation
def delete_application_version(region: Region, params: Params) -> None:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DeleteApplicationVersion.html

    The page says that a version of a running environment cannot be deleted; the service deletes it all the same
    (https://github.com/boto/boto3/issues/891), so a client that must not do so cannot rely on an error.
    """
    application, label = params["ApplicationName"], params["VersionLabel"]
    if application not in region.applications:
        raise texts.no_application(application)
    version = region.versions.get((application, label))
    if version is None:
        raise texts.no_version(label)
    region.advance()
    for environment in region.environments.values():
        if environment.application == application and environment.target_label == label:
            raise texts.operation_in_progress(label)
    del region.versions[application, label]
    if _is_true(params.get("DeleteSourceBundle")) and version.bucket:
        buckets.delete_object(version.bucket, version.key)


@_operation
def update_environment(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_UpdateEnvironment.html"""
    environment = _environment(region, params)
    label = params.get("VersionLabel")
    settings = _settings(params)
    scenario = region.scenarios.get(environment.name)
    if label and settings and scenario and scenario.refuses_combination:
        raise texts.version_and_settings()
    if label and (environment.application, label) not in region.versions:
        raise texts.no_version(label)
    if environment.status != "Ready":
        raise texts.not_ready(environment.name)
    update = scenarios.Update(
        environment=environment,
        scenario=region.scenario_of(environment.name),
        request_id=context.current().request_id,
        start=time.time(),
        label=label,
        settings=settings,
    )
    environment.timeline = scenarios.steps(update)
    environment.log, environment.sections = update.scenario.log, update.scenario.sections
    environment.previous_label = environment.version_label
    environment.target_label = label
    environment.status, environment.abortable = "Updating", True
    region.advance()
    return views.environment(environment)


@_operation
def describe_environments(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironments.html

    Terminated environments are listed unless IncludeDeleted says no.
    """
    region.advance()
    names, ids = params.get("EnvironmentNames"), params.get("EnvironmentIds")
    deleted_too = params.get("IncludeDeleted") is None or _is_true(params["IncludeDeleted"])
    found = [
        environment
        for environment in region.environments.values()
        if params.get("ApplicationName") in (None, environment.application)
        and params.get("VersionLabel") in (None, environment.version_label)
        and (not names or environment.name in names)
        and (not ids or environment.id in ids)
        and (deleted_too or environment.status != "Terminated")
    ]
    page, token = _page(found, params)
    return {"Environments": [views.environment(environment) for environment in page], "NextToken": token}


@_operation
def describe_events(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEvents.html, newest first

    The token is the last event given, so that events that come between two pages move nothing.
    """
    region.advance()
    found = [event for event in reversed(region.sorted_events()) if _is_wanted(region, event, params)]
    if token := params.get("NextToken"):
        position = next(index for index, event in enumerate(found) if event.sequence == _decode(token))
        found = found[position + 1 :]
    most = int(params.get("MaxRecords") or _MOST_RECORDS)
    page, rest = found[:most], found[most:]
    return {
        "Events": [views.event(event) for event in page],
        "NextToken": _encode(page[-1].sequence) if rest else None,
    }


@_operation
def describe_environment_health(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironmentHealth.html"""
    environment = _environment(region, params)
    if environment.health_reporting == "basic":
        raise texts.basic_health("DescribeEnvironmentHealth")
    return views.environment_health(environment, set(params.get("AttributeNames") or ["All"]))


@_operation
def describe_instances_health(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeInstancesHealth.html"""
    environment = _environment(region, params)
    if environment.health_reporting == "basic":
        raise texts.basic_health("DescribeInstancesHealth")
    attributes = set(params.get("AttributeNames") or ["All"])
    return {
        "InstanceHealthList": [views.instance_health(instance, attributes) for instance in environment.instances],
        "RefreshedAt": views.moment(environment.updated),
    }


@_operation
def describe_environment_resources(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironmentResources.html"""
    environment = _environment(region, params)
    return {
        "EnvironmentResources": {
            "EnvironmentName": environment.name,
            "AutoScalingGroups": [{"Name": f"awseb-{environment.id}-stack-AWSEBAutoScalingGroup"}],
            "Instances": [{"Id": instance.id} for instance in environment.instances],
            "LaunchConfigurations": [],
            "LaunchTemplates": [],
            "LoadBalancers": [],
            "Triggers": [],
            "Queues": [],
        }
    }


@_operation
def describe_configuration_settings(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeConfigurationSettings.html"""
    environment = _environment(region, params)
    described = views.environment(environment)
    kept = ("SolutionStackName", "PlatformArn", "ApplicationName", "EnvironmentName", "DateCreated", "DateUpdated")
    options = [
        {"Namespace": namespace, "OptionName": option, "Value": value}
        for (namespace, option), value in sorted(environment.settings.items())
    ]
    settings = {name: described[name] for name in kept} | {"DeploymentStatus": "deployed", "OptionSettings": options}
    return {"ConfigurationSettings": [settings]}


@_operation
def request_environment_info(region: Region, params: Params) -> None:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_RequestEnvironmentInfo.html"""
    environment = _environment(region, params)
    now = time.time()
    request = InfoRequest(params["InfoType"], now, now + logs.SECONDS_TO_COLLECT)
    logs.collect(environment, request)
    region.infos.setdefault(environment.id, []).append(request)


@_operation
def retrieve_environment_info(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_RetrieveEnvironmentInfo.html

    The URLs are signed anew for each answer.
    """
    environment = _environment(region, params)
    state = context.current().state
    found = []
    for request in region.infos.get(environment.id, []):
        if request.kind != params["InfoType"] or time.time() < request.ready_at:
            continue
        for instance, key in request.keys.items():
            found.append(
                {
                    "InfoType": request.kind,
                    "Ec2InstanceId": instance,
                    "SampleTimestamp": views.moment(request.ready_at),
                    "Message": state.web.presign(state.endpoint, key),
                }
            )
    return {"EnvironmentInfo": found}


@_operation
def abort_environment_update(region: Region, params: Params) -> None:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_AbortEnvironmentUpdate.html"""
    environment = _environment(region, params)
    if not environment.abortable:
        raise texts.nothing_to_abort(environment.name)
    seconds = region.scenarios[environment.name].seconds / 2 if environment.name in region.scenarios else 0.5
    environment.timeline = scenarios.abort(environment, context.current().request_id, time.time(), seconds)
    region.advance()


@_operation
def terminate_environment(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_TerminateEnvironment.html"""
    environment = _environment(region, params)
    environment.timeline = scenarios.termination(context.current().request_id, time.time(), 0.5)
    region.advance()
    return views.environment(environment)


def install() -> None:
    """Add the operations to moto's response class, in place of the few that it has."""
    for action, operation in _OPERATIONS.items():
        setattr(EBResponse, action, _method(operation))


def _method(operation: Operation) -> Callable[[EBResponse], ActionResult]:
    def method(self: EBResponse) -> ActionResult:
        region = context.current().state.beanstalk.get(self.region)
        with region.lock:
            result = operation(region, self._get_params())
        return EmptyResult() if result is None else ActionResult(result)

    return method


def _environment(region: Region, params: Params) -> Environment:
    application = params.get("ApplicationName")
    if application and application not in region.applications:
        raise texts.no_application(application)
    name, identifier = params.get("EnvironmentName"), params.get("EnvironmentId")
    environment = region.find(name, identifier)
    if application and environment.application != application:
        raise texts.no_environment(environment.name)
    return environment


def _check_bundle(region: Region, name: str, key: str) -> None:
    with backend.lock():
        bucket = backend.bucket(name)
        if bucket is None:
            raise texts.bundle_missing(name, key)
        if bucket.region_name != region.name:
            raise texts.bundle_elsewhere(name, key, bucket.region_name)
        if not buckets.has_object(name, key):
            raise texts.bundle_missing(name, key)


def _settings(params: Params) -> scenarios.Settings:
    settings = {}
    for option in params.get("OptionSettings") or []:
        namespace, name = option.get("Namespace", ""), option.get("OptionName", "")
        if not namespace.startswith("aws:"):
            raise texts.unknown_setting(namespace, name)
        settings[namespace, name] = option.get("Value") or ""
    return settings


def _is_wanted(region: Region, event: Event, params: Params) -> bool:
    start, end = params.get("StartTime"), params.get("EndTime")
    if identifier := params.get("EnvironmentId"):
        environment = region.environments.get(event.environment)
        if environment is None or environment.id != identifier:
            return False
    return (
        params.get("ApplicationName") in (None, event.application)
        and params.get("EnvironmentName") in (None, event.environment)
        and params.get("RequestId") in (None, event.request_id)
        and _SEVERITIES.index(event.severity) >= _SEVERITIES.index(params.get("Severity") or "TRACE")
        and (start is None or round(event.date, 3) >= _seconds(start))
        and (end is None or round(event.date, 3) < _seconds(end))
    )


def _page(found: list[Any], params: Params) -> tuple[list[Any], str | None]:
    start = _decode(params["NextToken"]) if params.get("NextToken") else 0
    end = start + int(params.get("MaxRecords") or _MOST_RECORDS)
    return found[start:end], _encode(end) if end < len(found) else None


def _encode(number: int) -> str:
    return base64.b64encode(f"token-{number}".encode()).decode()


def _decode(token: str) -> int:
    return int(base64.b64decode(token).decode().removeprefix("token-"))


def _is_true(value: object) -> bool:
    return str(value).lower() == "true"


def _seconds(time_filter: datetime | str) -> float:
    if isinstance(time_filter, str):
        time_filter = datetime.fromisoformat(time_filter.replace("Z", "+00:00"))
    return time_filter.timestamp()
