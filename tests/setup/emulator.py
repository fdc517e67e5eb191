"""An emulator of CloudFormation, IAM, S3, STS and CloudFront: ministack, with the resource types that it lacks.

    PYTHON emulator.py PORT

https://github.com/ministackorg/ministack has its own versions of libraries, so it lives in an environment of its own
(`make fidelity-templates` installs it) and this file runs there. `AUTH=true` makes it judge trust policies, role policies and
bucket policies; it serves viewers at the domain names of distributions, functions and origin access control included.
"""

import os
import sys
from urllib.parse import quote

# Read when ministack is imported.
os.environ |= {
    "GATEWAY_PORT": sys.argv[1],
    "BIND_HOST": "127.0.0.1",
    "MINISTACK_HOST": "127.0.0.1",
    "MINISTACK_ACCOUNT_ID": "123456789012",
    "AUTH": "true",
    "LOG_LEVEL": "WARNING",
}

# pylint: disable=wrong-import-position
from ministack.app import main  # noqa: E402
from ministack.core.responses import get_account_id, get_region  # noqa: E402
from ministack.services import iam  # noqa: E402
from ministack.services.cloudformation import provisioners  # noqa: E402


def create_provider(_logical_id, properties, _stack):
    """AWS::IAM::OIDCProvider, by the API that ministack has."""
    parameters = {"Url": [properties["Url"]]}
    for number, client in enumerate(properties.get("ClientIdList", []), 1):
        parameters[f"ClientIDList.member.{number}"] = [client]
    status, _, body = iam._create_oidc_provider(parameters)
    if status != 200:
        raise ValueError(f"{body!r}")
    arn = f"arn:aws:iam::{get_account_id()}:oidc-provider/{properties['Url'].removeprefix('https://')}"
    return arn, {"Arn": arn}


def create_application(_logical_id, properties, _stack):
    """AWS::ElasticBeanstalk::Application: its name."""
    return properties["ApplicationName"], {}


def create_environment(_logical_id, properties, _stack):
    """AWS::ElasticBeanstalk::Environment: its name and address; the properties only need to resolve."""
    if bool(properties.get("PlatformArn")) == bool(properties.get("SolutionStackName")):
        raise ValueError("one of PlatformArn and SolutionStackName must be there")
    name = properties["EnvironmentName"]
    return name, {"EndpointURL": f"{quote(name)}.{get_region()}.elasticbeanstalk.com"}


def delete(_physical_id, _properties):
    """Nothing to do: nothing was created."""


def add_types():
    """Registers the types."""
    for name, create in {
        "AWS::IAM::OIDCProvider": create_provider,
        "AWS::ElasticBeanstalk::Application": create_application,
        "AWS::ElasticBeanstalk::Environment": create_environment,
    }.items():
        provisioners._RESOURCE_HANDLERS[name] = {"create": create, "delete": delete}


add_types()
sys.argv = sys.argv[:1]
main()
