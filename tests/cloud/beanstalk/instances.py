"""Operations that look at an environment's health, instances, settings and logs."""

import time
from typing import Any

from cloud import context
from cloud.beanstalk import logs, texts, views
from cloud.beanstalk.region import InfoRequest, Region
from cloud.beanstalk.registry import Params, environment_of, operation


@operation
def describe_environment_health(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironmentHealth.html"""
    environment = environment_of(region, params)
    if environment.health_reporting == "basic":
        raise texts.basic_health("DescribeEnvironmentHealth")
    return views.environment_health(environment, set(params.get("AttributeNames") or ["All"]))


@operation
def describe_instances_health(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeInstancesHealth.html"""
    environment = environment_of(region, params)
    if environment.health_reporting == "basic" or environment.tier == "Cluster":
        # "Per-instance health is not reported" of a Cluster environment, without a word on what the API answers:
        # https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/monitoring-cluster-environments.html
        raise texts.basic_health("DescribeInstancesHealth")
    attributes = set(params.get("AttributeNames") or ["All"])
    return {
        "InstanceHealthList": [views.instance_health(instance, attributes) for instance in environment.instances],
        "RefreshedAt": views.moment(environment.updated),
    }


@operation
def describe_environment_resources(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironmentResources.html"""
    environment = environment_of(region, params)
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


@operation
def describe_configuration_settings(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeConfigurationSettings.html"""
    environment = environment_of(region, params)
    described = views.environment(environment)
    kept = ("SolutionStackName", "PlatformArn", "ApplicationName", "EnvironmentName", "DateCreated", "DateUpdated")
    options = [
        {"Namespace": namespace, "OptionName": option, "Value": value}
        for (namespace, option), value in sorted(environment.settings.items())
    ]
    settings = {name: described[name] for name in kept if name in described} | {"DeploymentStatus": "deployed", "OptionSettings": options}
    return {"ConfigurationSettings": [settings]}


@operation
def request_environment_info(region: Region, params: Params) -> None:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_RequestEnvironmentInfo.html"""
    environment = environment_of(region, params)
    now = time.time()
    request = InfoRequest(params["InfoType"], now, now + logs.SECONDS_TO_COLLECT)
    logs.collect(environment, request)
    region.infos.setdefault(environment.id, []).append(request)


@operation
def retrieve_environment_info(region: Region, params: Params) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_RetrieveEnvironmentInfo.html

    The URLs are signed anew for each answer.
    """
    environment = environment_of(region, params)
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
