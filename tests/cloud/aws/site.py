"""What S3 gives to somebody who has no right but what a bucket's policy, ACLs and website document say.

REST endpoint: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html;
website endpoint: https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
"""

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus
from xml.etree import ElementTree

from moto.s3.models import FakeBucket, FakeKey

from cloud import context
from cloud.aws import backend, buckets, policies
from cloud.aws.call import Call
from cloud.aws.errors import AwsError, render
from cloud.http import Request, Response

_REST = re.compile(r"(.+?)\.s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?")
_WEBSITE = re.compile(r"(.+?)\.s3-website[.-]([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


@dataclass(frozen=True)
class Reader:
    """Who reads: `policies.ANYBODY`, CloudFront's service principal, or an origin access identity's ARN."""

    principal: str = policies.ANYBODY
    context: dict[str, str] = field(default_factory=dict)


def bucket_of(domain: str) -> tuple[str, bool]:
    """The bucket behind an origin's domain and whether the domain is its website endpoint; empty for other hosts."""
    if found := _WEBSITE.fullmatch(domain):
        return found[1], True
    found = _REST.fullmatch(domain)
    return (found[1], False) if found else ("", False)


def read(bucket: str, path: str, reader: Reader) -> Response:
    """The REST endpoint's answer to GET; `path` is as in the URL."""
    return read_key(bucket, unquote_plus(path.removeprefix("/"), errors="surrogateescape"), reader)


def read_key(name: str, key: str, reader: Reader) -> Response:
    """The object at a key, or S3's error."""
    with backend.lock():
        bucket = backend.bucket(name)
        try:
            if bucket is None:
                raise AwsError(404, "NoSuchBucket", "The specified bucket does not exist", {"BucketName": name})
            if not key:
                raise AwsError(403, "AccessDenied", "Access Denied")
            return _read(bucket, key, reader)
        except AwsError as error:
            return render(error, Call("s3", "GetObject", "", "", {}, name, key), context.current().request_id)


def visit(name: str, path: str) -> Response:
    """The website endpoint's answer to GET."""
    with backend.lock():
        bucket = backend.bucket(name)
        if bucket is None:
            return _page(404, "NoSuchBucket", "The specified bucket does not exist")
        if not bucket.website_configuration:
            message = "The specified bucket does not have a website configuration"
            return _page(404, "NoSuchWebsiteConfiguration", message)
        return _visit(bucket, path)


def _read(bucket: FakeBucket, key: str, reader: Reader) -> Response:
    found = buckets.store().get_object(bucket.name, key) if buckets.has_object(bucket.name, key) else None
    if not _may(bucket, "s3:GetObject", f"arn:aws:s3:::{bucket.name}/{key}", reader, found):
        raise AwsError(403, "AccessDenied", "Access Denied")
    if found is None:
        if not _may(bucket, "s3:ListBucket", f"arn:aws:s3:::{bucket.name}", reader):
            raise AwsError(403, "AccessDenied", "Access Denied")
        raise AwsError(404, "NoSuchKey", "The specified key does not exist.", {"Key": key})
    if found.encryption == "aws:kms" and reader.principal != policies.CLOUDFRONT:
        # Neither everybody nor an origin access identity signs as KMS wants it:
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
        message = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
        raise AwsError(400, "InvalidArgument", message)
    if found.encryption == "aws:kms" and not (found.kms_key_id and context.current().state.traits.of(bucket.name).kms_lets_in):
        # A distribution needs a statement in the key's policy
        # (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html#oac-permissions-sse-kms),
        # which that of AWS's own key for S3 cannot be given: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html
        raise AwsError(403, "AccessDenied", "Access Denied")
    request = Request("GET", f"/{bucket.name}/{quote(key)}", {"authorization": "test"})
    return backend.call_moto(request, Call("s3", "GetObject", "", "", {}, bucket.name, key))


def _may(bucket: FakeBucket, action: str, resource: str, reader: Reader, found: FakeKey | None = None) -> bool:
    """Whether policy, ACL and Block Public Access together let the reader do it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    account = context.current().state.account
    asked = policies.Asked(reader.principal, action, resource, {"aws:securetransport": "true"} | reader.context)
    decision = policies.decide(bucket.policy, asked)
    if decision:
        restricted = _blocks(bucket, "restrict_public_buckets") or account.blocks("RestrictPublicBuckets")
        # "only AWS service principals and authorized users within the bucket owner's account": an identity is neither.
        shut_out = restricted and reader.principal != policies.CLOUDFRONT and policies.is_public(bucket.policy)
        return decision == "Allow" and not shut_out
    if reader.principal != policies.ANYBODY or found is None or bucket.ownership_rule == "BucketOwnerEnforced":
        return False
    ignored = _blocks(bucket, "ignore_public_acls") or account.blocks("IgnorePublicAcls")
    return bool(not ignored and found.acl and found.acl.public_read)


def _blocks(bucket: FakeBucket, setting: str) -> bool:
    return bool(bucket.public_access_block and getattr(bucket.public_access_block, setting))


def _visit(bucket: FakeBucket, path: str) -> Response:
    website = ElementTree.fromstring(bucket.website_configuration)
    if host := website.findtext(".//{*}RedirectAllRequestsTo/{*}HostName"):
        protocol = website.findtext(".//{*}RedirectAllRequestsTo/{*}Protocol") or "http"
        return Response(301, {"location": f"{protocol}://{host}{path}"})
    if website.find(".//{*}RoutingRule") is not None:
        raise NotImplementedError("the routing rules of a website")
    index = website.findtext(".//{*}IndexDocument/{*}Suffix") or ""
    error_key = website.findtext(".//{*}ErrorDocument/{*}Key")
    key = unquote_plus(path.removeprefix("/"), errors="surrogateescape")
    # "Amazon S3 website endpoints do not support HTTPS":
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
    visitor = Reader(context={"aws:securetransport": "false"})
    answer = read_key(bucket.name, key + index if key.endswith("/") or not key else key, visitor)
    if answer.status == 200:
        for name, value in answer.headers.items():
            if name.lower() == "x-amz-website-redirect-location":
                return Response(301, {"location": value})
        return answer
    if key and not key.endswith("/") and read_key(bucket.name, f"{key}/{index}", visitor).status == 200:
        return Response(302, {"location": f"{path}/"})
    code = "NoSuchKey" if answer.status == 404 else "AccessDenied"
    if error_key:
        page = read_key(bucket.name, error_key, visitor)
        if page.status == 200:
            page.status = answer.status
            return page
    return _page(answer.status, code, "The specified key does not exist." if code == "NoSuchKey" else "Access Denied")


def _page(status: int, code: str, message: str) -> Response:
    """The website endpoint's own page for an error."""
    reason = {403: "403 Forbidden", 404: "404 Not Found"}.get(status, str(status))
    body = (
        f"<html>\n<head><title>{reason}</title></head>\n<body>\n<h1>{reason}</h1>\n<ul>\n<li>Code: {code}</li>\n"
        f"<li>Message: {message}</li>\n</ul>\n<hr/>\n</body>\n</html>\n"
    )
    return Response(status, {"content-type": "text/html; charset=utf-8"}, body.encode())
