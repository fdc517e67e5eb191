"""Serves S3 calls: by moto, with the mends that need to act before and after it."""

import copy
import re
import secrets
import time
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from moto.s3.models import FakeDeleteMarker, FakeKey, S3Backend

from cloud import context
from cloud.aws import backend, buckets, checksums, copies, listings, policies
from cloud.aws.call import Call, identify
from cloud.aws.errors import AwsError
from cloud.aws.permissions import split_deleted
from cloud.http import Request, Response

_DELETED = re.compile(rb"<Deleted>.*?</Deleted>", re.DOTALL)


def serve(request: Request, call: Call) -> Response:
    """The answer to an S3 call."""
    original = request
    request = Request(original.method, original.target, original.headers, original.body, original.started)
    checksums.decode(request)
    # The checksum that completes an upload is that of the object, not of the request's body.
    if call.operation != "CompleteMultipartUpload":
        checksums.guard(request)
    refused: dict[str, AwsError] = {}
    if call.operation == "DeleteObjects":
        bucket = backend.bucket(call.bucket)
        request.body, refused = split_deleted(context.current(), request, call, bucket.policy if bucket else None)
    with backend.lock():
        if answer := _own_answer(request, call):
            return _identified(answer)
        if call.operation == "CopyObject":
            copies.guard(request, call)
        if call.operation == "DeleteObjects":
            request.body, unmet = copies.refuse_deletes(request, call)
            refused |= unmet
        if call.operation == "DeleteObjects" and b"<Object>" not in request.body:
            response = Response(200, {"content-type": "application/xml"}, b"<DeleteResult></DeleteResult>")
        else:
            response = backend.call_moto(request, call)
        _amend(request, call, response)
    if call.operation == "DeleteObjects":
        _report(request, response, refused)
    if response.status == 404 and call.operation in ("HeadObject", "GetObject"):
        _hide_missing(call)
    return response


def put(name: str, key: str, body: bytes, headers: dict[str, str], age: float) -> dict[str, Any]:
    """Put an object for a test, past every guard; `age` is how many seconds ago it was modified."""
    # moto takes a request with this header, whatever it says, for the owner's: others may not write over an object.
    headers = {"authorization": "test"} | {header.lower(): value for header, value in headers.items()}
    request = Request("PUT", f"/{name}/{quote(key)}", headers, body, time.time())
    response = serve(request, identify(request))
    if response.status != 200:
        raise ValueError(f"{response.status} {response.body.decode()}")
    with backend.lock():
        stored = buckets.store().get_object(name, key)
        modified = datetime.fromtimestamp(time.time() - age, timezone.utc)
        stored.last_modified = modified.replace(tzinfo=None)
        return {"etag": stored.etag.strip('"'), "version_id": stored.version_id}


def archive(name: str, key: str, version: str, storage_class: str, restored: bool) -> None:
    """Let a lifecycle rule move a version into an archive, or let somebody bring it back for some days.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
    """
    with backend.lock():
        stored = buckets.store().get_object(name, key, version_id=version)
        stored.set_storage_class(storage_class)
        if restored:
            stored.restore(2)


def fill(name: str, prefix: str, count: int) -> None:
    """Put so many empty objects there, which share what they can: a million of them has to fit into memory."""
    put(name, f"{prefix}0", b"", {}, 0)
    with backend.lock():
        keys = backend.bucket(name).keys
        first = keys[f"{prefix}0"]
        for n in range(1, count):
            one = copy.copy(first)
            one.name = f"{prefix}{n}"
            keys[one.name] = one


def _own_answer(request: Request, call: Call) -> Response | None:
    bucket = backend.bucket(call.bucket)
    if bucket is None:
        return None
    match call.operation:
        case "ListObjectsV2":
            fault = context.current().fault
            return listings.objects(bucket, request.query_params(), fault is not None and fault.kind == "empty-page")
        case "ListObjectVersions":
            return listings.versions(bucket, request.query_params(), context.current().state.traits.of(bucket.name))
        case "GetBucketPolicyStatus":
            return _policy_status(bucket.policy)
    return None


def _policy_status(policy: bytes | None) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html

    Its example says `TRUE`, which botocore would read as false; the aws CLI's own example reads true:
    https://docs.aws.amazon.com/cli/latest/reference/s3api/get-bucket-policy-status.html
    """
    if not policy:
        raise AwsError(404, "NoSuchBucketPolicy", "The bucket policy does not exist")
    body = f"<PolicyStatus><IsPublic>{str(policies.is_public(policy)).lower()}</IsPublic></PolicyStatus>"
    return Response(200, {"content-type": "application/xml"}, body.encode())


def _amend(request: Request, call: Call, response: Response) -> None:
    if response.status >= 300:
        return
    match call.operation:
        case "CreateBucket":
            bucket = backend.bucket(call.bucket)
            chosen = bucket.ownership_rule
            buckets.give_defaults(bucket)
            bucket.ownership_rule = request.headers.get("x-amz-object-ownership") or chosen or bucket.ownership_rule
        case "CopyObject":
            copies.amend(request, call)
            response.headers.pop("x-amz-website-redirect-location", None)
        case "CompleteMultipartUpload":
            # moto names the root after the operation; S3 does not, and the SDK for Rust minds:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
            name = b"CompleteMultipartUploadRes"
            response.body = response.body.replace(name + b"ponse", name + b"ult")
            response.content_length = None
        case "GetBucketVersioning":
            # As above: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
            response.body = response.body.replace(b"GetBucketVersioningResponse", b"VersioningConfiguration")
            response.content_length = None
        case "HeadBucket":
            response.headers["x-amz-bucket-region"] = backend.bucket(call.bucket).region_name


def _report(request: Request, response: Response, refused: dict[str, AwsError]) -> None:
    """Leave the deleted keys out of a quiet answer, and put those that were refused into it."""
    if b"<Quiet>true</Quiet>" in request.body:
        response.body = _DELETED.sub(b"", response.body)
    errors = "".join(
        f"<Error><Key>{escape(key)}</Key><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
        for key, error in refused.items()
    )
    response.body = response.body.replace(b"</DeleteResult>", f"{errors}</DeleteResult>".encode())
    response.content_length = None


def _hide_missing(call: Call) -> None:
    """Without s3:ListBucket a missing key is not told from a forbidden one.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    permissions = context.current().state.permissions
    if permissions.denies("s3:ListBucket", f"arn:aws:s3:::{call.bucket}", call.access_key):
        raise AwsError(403, "AccessDenied", "Access Denied")


def _identified(response: Response) -> Response:
    request_id = context.current().request_id
    response.headers |= {"x-amz-request-id": request_id, "x-amz-id-2": request_id}
    return response


_moto_put_object = S3Backend.put_object
_moto_delete_object = S3Backend.delete_object


def _put_object(self: S3Backend, bucket_name: str, key_name: str, *rest: Any, **named: Any) -> FakeKey:
    """Two mends: an ETag under SSE-KMS is not the MD5, and a suspended bucket keeps its older versions.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html,
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html
    """
    bucket = self.get_bucket(bucket_name)
    kept = _kept_versions(bucket, key_name)
    if kept:
        _set_versions(bucket, key_name, [])
    key = _moto_put_object(self, bucket_name, key_name, *rest, **named)
    if kept:
        _set_versions(bucket, key_name, [*kept, key])
    if key.encryption == "aws:kms":
        parts = key.etag.strip('"').partition("-")[2]
        key._etag = secrets.token_hex(16) + (f"-{parts}" if parts else "")
    return key


def _delete_object(self: S3Backend, bucket_name: str, key_name: str, *rest: Any, **named: Any) -> Any:
    """A deletion in a suspended bucket hides the older versions behind a marker with the id `null`.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectsfromVersioningSuspendedBuckets.html
    """
    bucket = self.get_bucket(bucket_name)
    version = named.get("version_id") or (rest[0] if rest else None)
    kept = _kept_versions(bucket, key_name)
    if bucket.versioning_status != "Suspended" or not kept:
        return _moto_delete_object(self, bucket_name, key_name, *rest, **named)
    if version:
        _set_versions(
            bucket, key_name, [each for each in bucket.keys.getlist(key_name) if each.version_id != version]
        )
        return True, {"version-id": version}
    marker = FakeDeleteMarker(kept[-1])
    marker._version_id = "null"
    _set_versions(bucket, key_name, [*kept, marker])
    return True, {"version-id": "null", "delete-marker": "true"}


def _kept_versions(bucket: Any, key_name: str) -> list[Any]:
    if bucket.versioning_status != "Suspended":
        return []
    return [version for version in bucket.keys.getlist(key_name, []) if version.version_id != "null"]


def _set_versions(bucket: Any, key_name: str, versions: list[Any]) -> None:
    """Set a key's versions without closing those that are left out, as moto's own method does."""
    dict.__setitem__(bucket.keys, key_name, versions)


S3Backend.put_object = _put_object
S3Backend.delete_object = _delete_object
