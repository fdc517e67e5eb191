"""CopyObject as AWS does it: what it refuses, and what moto keeps of the source though AWS drops it."""

import re
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree

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
_OBJECT = re.compile(rb"<Object>.*?</Object>", re.DOTALL)


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
        raise unmet("x-amz-copy-source-If-Match")
    there = current_etag(call.bucket, call.key)
    if request.headers.get("if-none-match") == "*" and there:
        raise unmet("If-None-Match")
    if wanted := request.headers.get("if-match", "").strip('"'):
        _check_match(wanted, there)


def refuse_deletes(request: Request, call: Call) -> tuple[bytes, dict[str, AwsError]]:
    """A DeleteObjects body without the keys whose ETag is another than the one asked for, and the errors of those.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
    """
    refused: dict[str, AwsError] = {}

    def keep(found: re.Match[bytes]) -> bytes:
        element = ElementTree.fromstring(found[0])
        key, wanted = element.findtext("Key") or "", (element.findtext("ETag") or "").strip('"')
        try:
            if wanted:
                _check_match(wanted, current_etag(call.bucket, key))
        except AwsError as error:
            refused[key] = error
            return b""
        return found[0]

    return _OBJECT.sub(keep, request.body), refused


def unmet(condition: str) -> AwsError:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList"""
    message = "At least one of the preconditions that you specified did not hold."
    return AwsError(412, "PreconditionFailed", message, {"Condition": condition})


def current_etag(bucket: str, key: str) -> str | None:
    """The ETag of what a reader gets; None where that is nothing."""
    found = _find(bucket, key, "")
    return found.etag.strip('"') if isinstance(found, FakeKey) else None


def _check_match(wanted: str, there: str | None) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: 404 where there is nothing"""
    if there is None:
        raise AwsError(404, "NoSuchKey", "The specified key does not exist.")
    if wanted != there:
        raise unmet("If-Match")


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
