"""CopyObject as AWS does it: what it refuses, and what moto keeps of the source though AWS drops it."""

from urllib.parse import parse_qs, unquote

from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeKey

from cloud.aws import buckets
from cloud.aws.call import Call
from cloud.aws.errors import AwsError
from cloud.http import Request

_CHANGES = (
    "x-amz-storage-class",
    "x-amz-server-side-encryption",
    "x-amz-website-redirect-location",
)
_LARGEST_BYTES = 5 * 1024**3


def guard(request: Request, call: Call) -> None:
    """Refuse the copies that S3 refuses; the caller holds the backend's lock."""
    bucket, key, version = _source(request)
    replaces = request.headers.get("x-amz-metadata-directive", "COPY") == "REPLACE"
    in_place = (bucket, key) == (call.bucket, call.key) and not version
    if in_place and not replaces and not any(name in request.headers for name in _CHANGES):
        # https://github.com/peak/s5cmd/issues/711
        message = (
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )
        raise AwsError(400, "InvalidRequest", message)
    source = _find(bucket, key, version)
    if source is None:
        return
    if source.size > _LARGEST_BYTES:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        message = "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"
        raise AwsError(400, "InvalidRequest", message)
    wanted = request.headers.get("x-amz-copy-source-if-match", "").strip('"')
    if wanted and wanted != source.etag.strip('"'):
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        message = "At least one of the preconditions that you specified did not hold."
        raise AwsError(412, "PreconditionFailed", message, {"Condition": "x-amz-copy-source-If-Match"})


def amend(request: Request, call: Call) -> None:
    """Drop what moto has carried over; the caller holds the backend's lock.

    "When copying an object, the website redirect metadata is not copied"; the copy is a single part.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    copied = _find(call.bucket, call.key, "")
    if copied is None:
        return
    copied.multipart = None
    if "x-amz-website-redirect-location" not in request.headers:
        copied.website_redirect_location = None
        copied.metadata.pop("x-amz-website-redirect-location", None)


def _source(request: Request) -> tuple[str, str, str]:
    path, _, query = request.headers["x-amz-copy-source"].partition("?")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    return bucket, key, parse_qs(query).get("versionId", [""])[0]


def _find(bucket: str, key: str, version: str) -> FakeKey | None:
    try:
        return buckets.store().get_object(bucket, key, version_id=version or None)
    except S3ClientError:
        return None
