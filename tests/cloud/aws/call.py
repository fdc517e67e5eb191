"""Names the AWS operation that a request asks for. Reads the request only; changes and answers nothing."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from cloud.http import Request

_CREDENTIAL = re.compile(r"Credential=([^/,]+)/[^/]+/([^/]*)/([^/]*)/aws4_request")
_LONGEST_VALUE = 2000

_BUCKET_QUERIES = {
    "accelerate": "BucketAccelerateConfiguration",
    "acl": "BucketAcl",
    "cors": "BucketCors",
    "encryption": "BucketEncryption",
    "lifecycle": "BucketLifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "notification": "BucketNotificationConfiguration",
    "object-lock": "ObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "PublicAccessBlock",
    "replication": "BucketReplication",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
_VERBS = {"GET": "Get", "PUT": "Put", "DELETE": "Delete"}

_CLOUDFRONT = [
    ("POST", r"/distribution/[^/]+/invalidation", "CreateInvalidation"),
    ("GET", r"/distribution/[^/]+/invalidation", "ListInvalidations"),
    ("GET", r"/distribution/[^/]+/invalidation/[^/]+", "GetInvalidation"),
    ("GET", r"/distribution/[^/]+/config", "GetDistributionConfig"),
    ("PUT", r"/distribution/[^/]+/config", "UpdateDistribution"),
    ("GET", r"/distribution/[^/]+", "GetDistribution"),
    ("GET", r"/distribution", "ListDistributions"),
    ("POST", r"/distribution", "CreateDistribution"),
    ("DELETE", r"/distribution/[^/]+", "DeleteDistribution"),
    ("GET", r"/cache-policy/[^/]+", "GetCachePolicy"),
    ("GET", r"/origin-access-control/[^/]+", "GetOriginAccessControl"),
    ("GET", r"/origin-access-control", "ListOriginAccessControls"),
    ("POST", r"/origin-access-control", "CreateOriginAccessControl"),
    ("PUT", r"/origin-access-control/[^/]+/config", "UpdateOriginAccessControl"),
    ("POST", r"/function", "CreateFunction"),
    ("POST", r"/function/[^/]+/publish", "PublishFunction"),
]


@dataclass
class Call:
    """One call of an AWS API."""

    service: str
    operation: str
    region: str
    access_key: str
    """Empty for an unsigned request."""
    params: dict[str, Any] = field(default_factory=dict)
    bucket: str = ""
    key: str = ""


def identify(request: Request) -> Call:
    """The call that a request makes; S3 operations are told by method, path, query and headers."""
    access_key, region, service = _signer(request)
    path = request.raw_path
    if path.startswith("/2020-05-31/"):
        return Call("cloudfront", *_cloudfront_operation(request), region, access_key, _cloudfront_params(request))
    if path.startswith("/v20180820/"):
        operation = f"{_VERBS.get(request.method, '')}PublicAccessBlock" if path.endswith("/publicAccessBlock") else ""
        return Call("s3control", operation, region, access_key, {"AccountId": request.headers.get("x-amz-account-id", "")})
    if service in ("elasticbeanstalk", "sts") or (request.method == "POST" and path == "/"):
        params = request.form_params()
        operation = params.pop("Action", "")
        service = "sts" if operation.startswith(("AssumeRole", "GetCallerIdentity")) else "elasticbeanstalk"
        return Call(service, operation, region, access_key, _shorten(params))
    bucket, _, key = path.lstrip("/").partition("/")
    bucket, key = unquote(bucket), unquote(key, errors="surrogateescape")
    params = request.query_params()
    operation = s3_operation(request.method, bool(bucket), bool(key), params, request.headers)
    if operation == "DeleteObjects":
        params = {**params, "keys": _element_texts(request.body, "Key")}
    return Call("s3", operation, region, access_key, _shorten(params), bucket, key)


def s3_operation(method: str, bucket: bool, key: bool, query: dict[str, str], headers: dict[str, str]) -> str:
    """The S3 operation's API name, empty when there is none."""
    if not bucket:
        return "ListBuckets" if method == "GET" else ""
    return _object_operation(method, query, headers) if key else _bucket_operation(method, query)


def _object_operation(method: str, query: dict[str, str], headers: dict[str, str]) -> str:
    copies = "x-amz-copy-source" in headers
    match method:
        case "PUT" if "uploadId" in query:
            return "UploadPartCopy" if copies else "UploadPart"
        case "GET" if "uploadId" in query:
            return "ListParts"
        case "DELETE" if "uploadId" in query:
            return "AbortMultipartUpload"
        case "POST" if "uploads" in query:
            return "CreateMultipartUpload"
        case "POST" if "uploadId" in query:
            return "CompleteMultipartUpload"
    for flag, noun in {"acl": "Acl", "tagging": "Tagging", "attributes": "Attributes", "retention": "Retention"}.items():
        if flag in query:
            return f"{_VERBS.get(method, '')}Object{noun}"
    if method == "PUT":
        return "CopyObject" if copies else "PutObject"
    return {"HEAD": "HeadObject", "GET": "GetObject", "DELETE": "DeleteObject"}.get(method, "")


def _bucket_operation(method: str, query: dict[str, str]) -> str:
    if method == "POST" and "delete" in query:
        return "DeleteObjects"
    if method == "GET" and "versions" in query:
        return "ListObjectVersions"
    if method == "GET" and "uploads" in query:
        return "ListMultipartUploads"
    for flag, noun in _BUCKET_QUERIES.items():
        if flag in query:
            return f"{_VERBS.get(method, '')}{noun}"
    if method == "GET":
        return "ListObjectsV2" if query.get("list-type") == "2" else "ListObjects"
    return {"HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}.get(method, "")


def _cloudfront_operation(request: Request) -> tuple[str]:
    path = request.raw_path.removeprefix("/2020-05-31")
    for method, pattern, operation in _CLOUDFRONT:
        if method == request.method and re.fullmatch(pattern, path):
            return (operation,)
    return ("",)


def _cloudfront_params(request: Request) -> dict[str, Any]:
    params: dict[str, Any] = dict(request.query_params())
    if found := re.match(r"/2020-05-31/distribution/([^/]+)", request.raw_path):
        params["DistributionId"] = unquote(found[1])
    if request.raw_path.endswith("/invalidation") and request.method == "POST":
        params["Paths"] = _element_texts(request.body, "Path")
        params["CallerReference"] = "".join(_element_texts(request.body, "CallerReference"))
    return params


def _signer(request: Request) -> tuple[str, str, str]:
    credential = _CREDENTIAL.search(request.headers.get("authorization", ""))
    return (credential[1], credential[2], credential[3]) if credential else ("", "", "")


def _element_texts(body: bytes, name: str) -> list[str]:
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return []
    return [element.text or "" for element in root.iter() if element.tag.rpartition("}")[2] == name]


def _shorten(params: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value[:_LONGEST_VALUE] if isinstance(value, str) else value for name, value in params.items()
    }
