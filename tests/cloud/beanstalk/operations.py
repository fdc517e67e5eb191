"""Operations on applications, versions, environments and events."""

import time
from typing import Any

from cloud import context
from cloud.aws import backend, buckets
from cloud.beanstalk import scenarios, texts, updates, views
from cloud.beanstalk.environment import Event
from cloud.beanstalk.region import Region, Version
from cloud.beanstalk.registry import (
    Params,
    decode,
    encode,
    environment_of,
    is_true,
    operation,
    page_of,
    seconds,
)

_SEVERITIES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
_MOST_RECORDS = 1000


@operation
def create_storage_location(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateStorageLocation.html"""
    name = f"elasticbeanstalk-{region.name}-{context.current().account}"
    buckets.ensure(name, region.name)
    return {"S3Bucket": name}


@operation
def create_application(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateApplication.html"""
    name = params["ApplicationName"]
    if name in region.applications:
        raise texts.application_exists(name)
    region.add_application(name)
    return {"Application": views.application(region, name)}


@operation
def describe_applications(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeApplications.html"""
    names = params.get("ApplicationNames")
    return {
        "Applications": [
            views.application(region, name) for name in region.applications if not names or name in names
        ]
    }


@operation
def create_application_version(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateApplicationVersion.html"""
    application, label = params["ApplicationName"], params["VersionLabel"]
    if application not in region.applications:
        if not is_true(params.get("AutoCreateApplication")):
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
        processed_at=now + region.version_rules.seconds if is_true(params.get("Process")) else None,
        fails=region.version_rules.fails,
    )
    region.versions[application, label] = created
    return {"ApplicationVersion": views.version(region, created)}


@operation
def describe_application_versions(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeApplicationVersions.html, newest first"""
    application, labels = params.get("ApplicationName"), params.get("VersionLabels")
    found = [
        version
        for version in region.versions.values()
        if application in (None, version.application) and (not labels or version.label in labels)
    ]
    found.sort(key=lambda version: version.created, reverse=True)
    page, token = page_of(found, params)
    return {"ApplicationVersions": [views.version(region, version) for version in page], "NextToken": token}


@operation
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
    if is_true(params.get("DeleteSourceBundle")) and version.bucket:
        buckets.delete_object(version.bucket, version.key)


@operation
def update_environment(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_UpdateEnvironment.html"""
    environment = environment_of(region, params)
    label = params.get("VersionLabel")
    settings = _settings(params)
    scenario = region.scenarios.get(environment.name)
    if label and settings and scenario and scenario.refuses_combination:
        raise texts.version_and_settings()
    if label:
        _check_version(region, environment.application, label)
    if environment.status != "Ready":
        raise texts.not_ready(environment.name)
    request_id = context.current().request_id
    updates.begin(region, environment, region.scenario_of(environment.name), request_id, label, settings)
    return views.environment(environment)


@operation
def describe_environments(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironments.html

    Terminated environments are listed unless IncludeDeleted says no.
    """
    region.advance()
    names, ids = params.get("EnvironmentNames"), params.get("EnvironmentIds")
    deleted_too = params.get("IncludeDeleted") is None or is_true(params["IncludeDeleted"])
    found = [
        environment
        for environment in region.environments.values()
        if params.get("ApplicationName") in (None, environment.application)
        and params.get("VersionLabel") in (None, environment.version_label)
        and (not names or environment.name in names)
        and (not ids or environment.id in ids)
        and (deleted_too or environment.status != "Terminated")
    ]
    updates.count_poll(region, found)
    page, token = page_of(found, params)
    return {"Environments": [views.environment(environment) for environment in page], "NextToken": token}


@operation
def describe_events(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEvents.html, newest first

    The token is the last event given, so that events that come between two pages move nothing.
    """
    region.advance()
    found = [event for event in reversed(region.sorted_events()) if _is_wanted(region, event, params)]
    if token := params.get("NextToken"):
        position = next(index for index, event in enumerate(found) if event.sequence == decode(token))
        found = found[position + 1 :]
    most = int(params.get("MaxRecords") or _MOST_RECORDS)
    page, rest = found[:most], found[most:]
    return {
        "Events": [views.event(event) for event in page],
        "NextToken": encode(page[-1].sequence) if rest else None,
    }


@operation
def abort_environment_update(region: Region, params: Params) -> None:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_AbortEnvironmentUpdate.html"""
    environment = environment_of(region, params)
    if not environment.abortable:
        raise texts.nothing_to_abort(environment.name)
    updates.abort(region, environment, context.current().request_id)


@operation
def terminate_environment(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_TerminateEnvironment.html"""
    environment = environment_of(region, params)
    environment.timeline = scenarios.termination(context.current().request_id, time.time(), 0.5)
    region.advance()
    return views.environment(environment)


def _check_version(region: Region, application: str, label: str) -> None:
    """Refuse a version that cannot be deployed."""
    version = region.versions.get((application, label))
    if version is None:
        raise texts.no_version(label)
    if version.status in ("PROCESSING", "FAILED"):
        raise texts.unusable_version(version.status)
    if version.bucket and not buckets.has_object(version.bucket, version.key):
        raise texts.bundle_gone(version.bucket, version.key)


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
    settings: scenarios.Settings = {}
    for option in params.get("OptionSettings") or []:
        namespace, name = option.get("Namespace", ""), option.get("OptionName", "")
        if not namespace.startswith("aws:"):
            raise texts.unknown_setting(namespace, name)
        settings[namespace, name] = option.get("Value") or ""
    # "A list of custom user-defined configuration options to remove from the configuration set for this environment."
    # https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_UpdateEnvironment.html
    for option in params.get("OptionsToRemove") or []:
        settings[option.get("Namespace", ""), option.get("OptionName", "")] = None
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
        and (start is None or round(event.date, 3) >= seconds(start))
        and (end is None or round(event.date, 3) < seconds(end))
    )
