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
from ministack import app  # noqa: E402
from ministack.core import iam_actions  # noqa: E402
from ministack.core.responses import get_account_id, get_region  # noqa: E402
from ministack.services import iam, s3  # noqa: E402
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


def add_reads():
    """Answers what `command: check` asks and ministack does not know, judged by the role's policy as the rest is."""
    list_objects, control, resource_of = s3._list_objects_v1, app._handle_s3_control_request, iam_actions.extract_resource_arn

    def policy_status(bucket, query):
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html"""
        if "policyStatus" not in query:
            return list_objects(bucket, query)
        status, headers, policy = s3._get_bucket_policy(bucket)
        if status != 200:
            return status, headers, policy
        public = str(s3._policy_is_public(policy.decode())).lower()
        body = f"<PolicyStatus><IsPublic>{public}</IsPublic></PolicyStatus>".encode()
        return 200, {"Content-Type": "application/xml"}, body

    async def account(path, method, body, query, request_id, headers=None):
        """An account without Block Public Access; the shape: https://github.com/getmoto/moto/pull/9716"""
        if path != "/v20180820/configuration/publicAccessBlock" or method != "GET":
            return await control(path, method, body, query, request_id, headers)
        if denied := app._enforce_data_plane("s3", "s3:GetAccountPublicAccessBlock", headers or {}, query, request_id):
            return denied
        error = "<Code>NoSuchPublicAccessBlockConfiguration</Code><Message>The public access block configuration was not found</Message>"
        body = f"<ErrorResponse><Error>{error}</Error><RequestId>{request_id}</RequestId></ErrorResponse>".encode()
        return 404, {"Content-Type": "application/xml"}, body

    def resource(service, method, path, *more):
        """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html"""
        if service == "cloudfront" and path.startswith("/2020-05-31/origin-access-control/"):
            return f"arn:aws:cloudfront::{get_account_id()}:origin-access-control/{path.split('/')[3]}"
        return resource_of(service, method, path, *more)

    s3._list_objects_v1, app._handle_s3_control_request, iam_actions.extract_resource_arn = policy_status, account, resource


add_types()
add_reads()
sys.argv = sys.argv[:1]
app.main()
