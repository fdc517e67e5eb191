"""S3 buckets: their defaults, their region, and what their ownership and Block Public Access settings refuse."""

import json
import re
from typing import Any
from xml.sax.saxutils import escape

from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, PublicAccessBlock, S3Backend, s3_backends

from cloud import context
from cloud.aws import backend, policies
from cloud.aws.account import SETTINGS
from cloud.aws.call import Call
from cloud.aws.errors import AwsError
from cloud.aws.permissions import needed
from cloud.http import Request

_PUBLIC_ACLS = {"public-read", "public-read-write", "authenticated-read"}
_PUBLIC_GROUPS = ("global/AllUsers", "global/AuthenticatedUsers")
_OPT_IN_REGIONS = re.compile("af-|ap-east-|ap-south-2|ap-southeast-[3-9]|ca-west-|eu-central-2|eu-south-|il-|me-|mx-")
"""https://docs.aws.amazon.com/general/latest/gr/rande-manage.html"""
_PAST_POLICIES = {"", "CreateBucket", "DeleteObjects", "DeleteBucketPolicy", "PutBucketPolicy", "GetBucketPolicy"}
"""A policy cannot lock the owner out of itself: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html"""
_ACL_OPERATIONS = {"PutObject", "CopyObject", "CreateMultipartUpload", "PutObjectAcl", "PutBucketAcl", "CreateBucket"}


def store() -> S3Backend:
    """moto's S3."""
    return s3_backends[context.ACCOUNT]["aws"]


def ensure(name: str, region: str) -> FakeBucket:
    """The bucket of that name, created when there is none, with the settings that AWS gives a new one."""
    with backend.lock():
        bucket = backend.bucket(name)
        if bucket is None:
            bucket = store().create_bucket(name, region)
            give_defaults(bucket)
        return bucket


def give_defaults(bucket: FakeBucket) -> None:
    """The settings of a new bucket since 2023: ACLs disabled, all public access blocked, SSE-S3.

    https://aws.amazon.com/blogs/aws/heads-up-amazon-s3-security-changes-are-coming-in-april-of-2023/
    """
    bucket.ownership_rule = "BucketOwnerEnforced"
    bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")
    bucket.encryption = encryption("AES256")


def encryption(algorithm: str, key: str = "") -> dict[str, Any]:
    """A bucket's default encryption; `key` is a KMS key of one's own."""
    chosen = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
    return {"Rule": {"ApplyServerSideEncryptionByDefault": chosen, "BucketKeyEnabled": False}}


def configure(name: str, region: str, settings: dict[str, Any]) -> None:
    """Create or change a bucket as a test describes it.

    `versioning`: `Enabled` or `Suspended`; `ownership`: `BucketOwnerEnforced`, `BucketOwnerPreferred` or
    `ObjectWriter`; `block_public_access`: true, false or the names of those settings that are on; `encryption`:
    `AES256`, `aws:kms` or `{"key"}`, a KMS key of one's own (`kms_lets_in`: its policy lets CloudFront decrypt); `policy`: a bucket policy (null for none), past the check whether it is public; `website`:
    `{"index", "error"}` (null for none); and what `Traits` says.
    """
    bucket = ensure(name, region)
    context.current().state.traits.set(name, settings)
    with backend.lock():
        if "versioning" in settings:
            bucket.versioning_status = settings["versioning"]
        if "ownership" in settings:
            bucket.ownership_rule = settings["ownership"]
        if "block_public_access" in settings:
            chosen = settings["block_public_access"]
            blocks = [str(chosen is True or chosen is not False and each in chosen) for each in SETTINGS]
            bucket.public_access_block = PublicAccessBlock(*blocks)
        if "encryption" in settings:
            chosen = settings["encryption"]
            bucket.encryption = encryption(chosen) if isinstance(chosen, str) else encryption("aws:kms", chosen["key"])
        if "policy" in settings:
            bucket.policy = json.dumps(settings["policy"]).encode() if settings["policy"] else None
        if "website" in settings:
            bucket.website_configuration = _website(settings["website"])


def _website(described: dict[str, str] | None) -> bytes | None:
    if not described:
        return None
    error = described.get("error", "")
    return (
        '<WebsiteConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<IndexDocument><Suffix>{escape(described.get('index', 'index.html'))}</Suffix></IndexDocument>"
        + (f"<ErrorDocument><Key>{escape(error)}</Key></ErrorDocument>" if error else "")
        + "</WebsiteConfiguration>"
    ).encode()


def has_object(name: str, key: str) -> bool:
    """Whether the bucket has the object; the caller holds the backend's lock."""
    try:
        return store().get_object(name, key) is not None
    except S3ClientError:
        return False


def delete_object(name: str, key: str) -> None:
    """Delete an object that may be there."""
    with backend.lock():
        if backend.bucket(name) is not None:
            store().delete_object(name, key)


def objects(name: str) -> list[dict[str, Any]]:
    """The current objects of a bucket, with the metadata that tests look at."""
    with backend.lock():
        bucket = backend.bucket(name)
        if bucket is None:
            return []
        current = [versions[-1] for _, versions in sorted(bucket.keys.iterlists()) if versions]
        return [_describe(key) for key in current if not isinstance(key, FakeDeleteMarker)]


def guard_region(call: Call) -> None:
    """Answer a call signed for another region than the bucket's as AWS does.

    The global endpoint (signed for us-east-1) reaches the bucket's region, which cannot check the signature; any
    other endpoint knows the bucket's region and points to it. Both send `x-amz-bucket-region`.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html,
    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
    """
    bucket = backend.bucket(call.bucket) if call.bucket and call.region else None
    if bucket is None or bucket.region_name == call.region or call.operation in ("CreateBucket", "GetBucketLocation"):
        return
    if _OPT_IN_REGIONS.match(bucket.region_name) or _OPT_IN_REGIONS.match(call.region):
        raise _incompatible(bucket.region_name, call)
    headers = {"x-amz-bucket-region": bucket.region_name}
    if call.region == "us-east-1":
        message = (
            f"The authorization header is malformed; the region '{call.region}' is wrong; "
            f"expecting '{bucket.region_name}'"
        )
        details = {"Region": bucket.region_name}
        raise AwsError(400, "AuthorizationHeaderMalformed", message, details, headers)
    message = (
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all "
        "future requests to this endpoint."
    )
    details = {"Endpoint": f"s3.{bucket.region_name}.amazonaws.com", "Bucket": call.bucket}
    raise AwsError(301, "PermanentRedirect", message, details, headers)


def _incompatible(region: str, call: Call) -> AwsError:
    """The answer where one of the two regions has to be opted into; only HeadBucket's says the region in a header.

    https://github.com/cloud-custodian/cloud-custodian/issues/8005, https://github.com/prowler-cloud/prowler/pull/1155,
    and botocore's `is_opt_in_region_redirect` (utils.py), which then asks HeadBucket
    """
    named = "unspecified" if region == "us-east-1" else region
    message = f"The {named} location constraint is incompatible for the region specific endpoint this request was sent to."
    headers = {"x-amz-bucket-region": region} if call.operation == "HeadBucket" else {}
    return AwsError(400, "IllegalLocationConstraintException", message, {}, headers)


def guard_policy(request: Request, call: Call, caller: str) -> None:
    """Refuse what the bucket's policy denies; its denials of single keys of a DeleteObjects come with the answer."""
    bucket = backend.bucket(call.bucket) if call.bucket else None
    if bucket is None:
        return
    blocks = bucket.public_access_block
    if call.operation == "PutBucketPolicy" and blocks and blocks.block_public_policy and policies.is_public(request.body):
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
        message = (
            f"User: {caller} is not authorized to perform: s3:PutBucketPolicy on resource: "
            f'"arn:aws:s3:::{call.bucket}" because public policies are prevented by the BlockPublicPolicy setting in S3 '
            "Block Public Access."
        )
        raise AwsError(403, "AccessDenied", message)
    if not bucket.policy or call.operation in _PAST_POLICIES:
        return
    policies.guard(bucket.policy, request, call, caller, needed(request, call, context.ACCOUNT))


def guard_acl(request: Request, call: Call, caller: str) -> None:
    """Refuse the ACLs that the bucket's settings refuse; moto takes them all."""
    if call.operation not in _ACL_OPERATIONS:
        return
    acl = request.headers.get("x-amz-acl", "")
    grants = " ".join(value for name, value in request.headers.items() if name.startswith("x-amz-grant-"))
    bucket = backend.bucket(call.bucket)
    if bucket is None or not (acl or grants or request.body and call.operation == "PutObjectAcl"):
        return
    if bucket.ownership_rule == "BucketOwnerEnforced" and acl != "bucket-owner-full-control":
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html; the wording is shown in
        # https://github.com/aws-samples/unishop-monolith-to-microservices/issues/38
        raise AwsError(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
    blocks = bucket.public_access_block
    is_blocked = blocks is not None and blocks.block_public_acls or context.current().state.account.blocks("BlockPublicAcls")
    is_public = acl in _PUBLIC_ACLS or any(group in grants for group in _PUBLIC_GROUPS)
    if is_blocked and is_public:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
        resource = f"arn:aws:s3:::{call.bucket}" + (f"/{call.key}" if call.key else "")
        message = (
            f'User: {caller} is not authorized to perform: s3:PutObject on resource: "{resource}" because public '
            "ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access."
        )
        raise AwsError(403, "AccessDenied", message)


def _no_opinion(*_: Any) -> PermissionResult:
    """moto knows no principals and no conditions: `guard_policy` and the viewer decide instead."""
    return PermissionResult.NEUTRAL


FakeBucket.get_permission = _no_opinion


def _describe(key: FakeKey) -> dict[str, Any]:
    grants = [
        {"grantee": grantee.uri or grantee.id, "permission": permission}
        for grant in (key.acl.grants if key.acl else [])
        for grantee in grant.grantees
        for permission in grant.permissions
    ]
    tags = store().tagger.get_tag_dict_for_resource(key.arn)
    return {
        "key": key.name,
        "size": key.size,
        "etag": key.etag.strip('"'),
        "version_id": key.version_id,
        "last_modified": key.last_modified.isoformat() + "Z",
        "headers": {name.lower(): value for name, value in key.metadata.items()},
        "public": bool(key.acl and key.acl.public_read),
        "grants": grants,
        "storage_class": key.storage_class,
        "redirect": key.website_redirect_location,
        "encryption": key.encryption,
        "tags": tags,
    }
