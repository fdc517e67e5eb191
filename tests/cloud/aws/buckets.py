"""S3 buckets: their defaults, their region, and what their ownership and Block Public Access settings refuse."""

from typing import Any

from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, PublicAccessBlock, S3Backend, s3_backends

from cloud import context
from cloud.aws import backend
from cloud.aws.call import Call
from cloud.aws.errors import AwsError
from cloud.http import Request

_PUBLIC_ACLS = {"public-read", "public-read-write", "authenticated-read"}
_PUBLIC_GROUPS = ("global/AllUsers", "global/AuthenticatedUsers")
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


def encryption(algorithm: str) -> dict[str, Any]:
    """A bucket's default encryption."""
    return {
        "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}, "BucketKeyEnabled": False}
    }


def configure(name: str, region: str, settings: dict[str, Any]) -> None:
    """Create or change a bucket as a test describes it.

    `versioning`: `Enabled` or `Suspended`; `ownership`: `BucketOwnerEnforced`, `BucketOwnerPreferred` or
    `ObjectWriter`; `block_public_access`: true or false; `encryption`: `AES256` or `aws:kms`.
    """
    bucket = ensure(name, region)
    with backend.lock():
        if "versioning" in settings:
            bucket.versioning_status = settings["versioning"]
        if "ownership" in settings:
            bucket.ownership_rule = settings["ownership"]
        if "block_public_access" in settings:
            blocks = str(settings["block_public_access"])
            bucket.public_access_block = PublicAccessBlock(blocks, blocks, blocks, blocks)
        if "encryption" in settings:
            bucket.encryption = encryption(settings["encryption"])


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
    is_public = acl in _PUBLIC_ACLS or any(group in grants for group in _PUBLIC_GROUPS)
    if blocks is not None and blocks.block_public_acls and is_public:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
        resource = f"arn:aws:s3:::{call.bucket}" + (f"/{call.key}" if call.key else "")
        message = (
            f'User: {caller} is not authorized to perform: s3:PutObject on resource: "{resource}" because public '
            "ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access."
        )
        raise AwsError(403, "AccessDenied", message)


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
