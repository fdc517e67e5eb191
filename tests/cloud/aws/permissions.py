"""What the callers may do: which IAM actions a call needs on which resources, and AWS's wording when one is missing."""

import fnmatch
import json
import re
import threading
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from cloud.aws import backend, policies
from cloud.aws.call import Call
from cloud.aws.errors import AwsError
from cloud import context
from cloud.context import Context, current
from cloud.http import Request

_OTHER_NAMES = {
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
    "HeadObject": "GetObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListBuckets": "ListAllMyBuckets",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
_VERSIONED = {"GetObject", "DeleteObject", "GetObjectAcl", "GetObjectTagging"}
_ACL_HEADER = re.compile("x-amz-acl|x-amz-grant-")
_OBJECT = re.compile(rb"<Object>.*?</Object>", re.DOTALL)


@dataclass(frozen=True)
class Deny:
    """One denied action; both are patterns with `*` and `?`."""

    action: str
    resource: str = "*"


class Permissions:
    """What the callers may not do, and the only things they may where a policy is given; everything else they may."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._denied: list[Deny] = []
        self._policies: dict[str, bytes] = {}

    def allow_only(self, access_key: str, policy: dict[str, Any]) -> None:
        """Allow the caller with this key what its policy allows, and nothing else."""
        statements = [statement | {"Principal": "*"} for statement in policy["Statement"]]
        self._policies[access_key] = json.dumps({"Statement": statements}).encode()

    def deny(self, denied: Deny) -> None:
        """Deny an action from now on."""
        with self._lock:
            self._denied.append(denied)

    def clear(self) -> None:
        """Allow everything again."""
        with self._lock:
            self._denied.clear()

    def as_json(self) -> list[dict[str, str]]:
        """The denied actions."""
        with self._lock:
            return [asdict(denied) for denied in self._denied]

    def denies(self, action: str, resource: str, access_key: str = "", context: dict[str, str] | None = None) -> bool:
        """Whether the action is denied on the resource, or not allowed to that caller with these condition keys."""
        denied = any(
            fnmatch.fnmatchcase(action, denied.action) and fnmatch.fnmatchcase(resource, denied.resource)
            for denied in self._denied
        )
        policy = self._policies.get(access_key)
        asked = policies.Asked(policies.ANYBODY, action, resource, context or {})
        return denied or policy is not None and policies.decide(policy, asked) != "Allow"

    def check(self, request: Request, call: Call, caller: str, account: str) -> None:
        """Raise AccessDenied when the call needs an action that is denied."""
        idle = not self._denied and not self._policies
        if idle or call.operation in ("", "GetCallerIdentity", "AssumeRoleWithWebIdentity", "DeleteObjects"):
            return
        context = policies.request_context(request, call) if call.service == "s3" else {}
        for action, resource in needed(request, call, account):
            if self.denies(action, resource, call.access_key, context):
                raise access_denied(call.service, caller, action, resource)


def access_denied(service: str, caller: str, action: str, resource: str) -> AwsError:
    """AccessDenied as the service words it.

    S3 quotes its own resources, not those of KMS (https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html),
    CloudFront does not (https://github.com/EasyDynamics/oscal.io/issues/39); Elastic Beanstalk and STS as in
    https://github.com/aws-samples/eb-locustio-sample/issues/9 and
    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
    """
    shown = f'"{resource}"' if service == "s3" and action.startswith("s3:") else resource
    message = (
        f"User: {caller} is not authorized to perform: {action} on resource: {shown} "
        f"because no identity-based policy allows the {action} action"
    )
    return AwsError(403, "AccessDenied", message)


def needed(request: Request, call: Call, account: str) -> list[tuple[str, str]]:
    """The actions that a call needs, each with the resource it acts on."""
    if call.service == "s3":
        return _needed_by_s3(request, call)
    if call.service == "s3control":
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html
        return [("s3:GetAccountPublicAccessBlock", "*")]
    if call.operation == "GetOriginAccessControl":
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html
        control = request.raw_path.rpartition("/")[2]
        return [(f"cloudfront:{call.operation}", f"arn:aws:cloudfront::{account}:origin-access-control/{control}")]
    if call.service == "cloudfront":
        distribution = call.params.get("DistributionId", "*")
        return [(f"cloudfront:{call.operation}", f"arn:aws:cloudfront::{account}:distribution/{distribution}")]
    if call.service == "sts":
        return [(f"sts:{call.operation}", call.params.get("RoleArn", "*"))]
    return [(f"elasticbeanstalk:{call.operation}", _beanstalk_resource(call, account))]


def _needed_by_s3(request: Request, call: Call) -> list[tuple[str, str]]:
    name = _OTHER_NAMES.get(call.operation, call.operation)
    if name in _VERSIONED and "versionId" in call.params:
        name = name.replace("Object", "ObjectVersion", 1)
    resource = f"arn:aws:s3:::{call.bucket}" + (f"/{call.key}" if call.key else "")
    actions = [(f"s3:{name}", resource)]
    if name == "PutObject" and any(_ACL_HEADER.match(header) for header in request.headers):
        actions.append(("s3:PutObjectAcl", resource))
    if name == "PutObject" and "x-amz-tagging" in request.headers:
        actions.append(("s3:PutObjectTagging", resource))
    if source := request.headers.get("x-amz-copy-source"):
        key, _, version = source.lstrip("/").partition("?versionId=")
        action = "s3:GetObjectVersion" if version else "s3:GetObject"
        actions.append((action, f"arn:aws:s3:::{unquote(key)}"))
    if key_of_object := _decrypted_by(request, call):
        actions.append(("kms:Decrypt", key_of_object))
    return actions


def _decrypted_by(request: Request, call: Call) -> str:
    """The KMS key that a read needs: GetObject always, HeadObject to show a checksum.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html: "if you enable ChecksumMode and the object is
    encrypted with AWS KMS, you must have permission to use the kms:Decrypt action"
    """
    checksum = request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED"
    if call.operation != "GetObject" and not (call.operation == "HeadObject" and checksum):
        return ""
    bucket = backend.bucket(call.bucket)
    stored = bucket.keys.get(call.key) if bucket else None
    if not (getattr(stored, "encryption", None) or "").startswith("aws:kms"):
        return ""
    return stored.kms_key_id or f"arn:aws:kms:{call.region}:{context.ACCOUNT}:alias/aws/s3"


def _beanstalk_resource(call: Call, account: str) -> str:
    application = call.params.get("ApplicationName") or call.params.get("ApplicationNames.member.1")
    environment = call.params.get("EnvironmentName") or call.params.get("EnvironmentNames.member.1")
    if application is None and environment:
        # The environment's own ARN, in which the application stands.
        region = current().state.beanstalk.holding(environment)
        application = region.environments[environment].application if region else None
    application = application or "*"
    prefix = f"arn:aws:elasticbeanstalk:{call.region}:{account}"
    if "ApplicationVersion" in call.operation and "VersionLabel" in call.params:
        return f"{prefix}:applicationversion/{application}/{call.params['VersionLabel']}"
    if environment:
        return f"{prefix}:environment/{application}/{environment}"
    return f"{prefix}:application/{application}"


def split_deleted(
    current: Context, request: Request, call: Call, policy: bytes | None
) -> tuple[bytes, dict[str, AwsError]]:
    """A DeleteObjects body without the keys whose deletion fails, and the errors of those.

    The answer is a 200 all the same: https://github.com/aws/aws-sdk-java/issues/1307,
    https://github.com/boto/boto3/issues/3052
    """
    refused: dict[str, AwsError] = {}
    permissions, fault = current.state.permissions, current.fault
    caller = current.state.identities.caller(call).arn
    context = policies.request_context(request, call)

    def keep(found: re.Match[bytes]) -> bytes:
        element = ElementTree.fromstring(found[0])
        key = element.findtext("Key") or ""
        action = "s3:DeleteObject" if element.find("VersionId") is None else "s3:DeleteObjectVersion"
        resource = f"arn:aws:s3:::{call.bucket}/{key}"
        asked = policies.Asked(caller, action, resource, context)
        if permissions.denies(action, resource, call.access_key) or policies.decide(policy, asked) == "Deny":
            refused[key] = AwsError(403, "AccessDenied", "Access Denied")
            return b""
        if fault and fault.kind == "keys" and fault.hits(key):
            refused[key] = fault.error("InternalError")
            return b""
        return found[0]

    return _OBJECT.sub(keep, request.body), refused
