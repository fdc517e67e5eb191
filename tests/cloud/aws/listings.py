"""ListObjectsV2 and ListObjectVersions.

moto sorts and copies the whole bucket for every page, bodies included, takes a key marker alone for an inclusive
one, and writes a carriage return in a key so that an XML parser reads a line feed.
"""

import base64
import bisect
import secrets
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from moto.s3.models import FakeBucket, FakeDeleteMarker

from cloud.aws.errors import AwsError
from cloud.aws.traits import Traits
from cloud.http import Response

_OWNER = "<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>"
_MOST_KEYS = 1000


def objects(bucket: FakeBucket, query: dict[str, str], empty: bool = False) -> Response:
    """One page of ListObjectsV2; the caller holds the backend's lock.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html. An `empty` page is truncated and has no key,
    as in https://github.com/TileDB-Inc/TileDB/issues/1218; the next one goes on where it would have begun.
    """
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    text = _writer(query)
    after = _start(query)
    most = min(int(query.get("max-keys", _MOST_KEYS)), _MOST_KEYS)
    names = sorted(name for name, versions in bucket.keys.iterlists() if _is_current(versions))
    contents: list[str] = []
    folders: list[str] = []
    last, truncated = "", False
    position = max(bisect.bisect_right(names, after), bisect.bisect_left(names, prefix))
    while position < len(names) and names[position].startswith(prefix):
        name = names[position]
        folder = _folder(name, prefix, delimiter)
        if folder and after.startswith(folder):
            position += 1
            continue
        if empty or len(contents) + len(folders) >= most:
            last, truncated = (after or chr(1), True) if empty else (last, True)
            break
        if folder:
            folders.append(f"<CommonPrefixes><Prefix>{text(folder)}</Prefix></CommonPrefixes>")
            position = bisect.bisect_left(names, folder[:-1] + chr(ord(folder[-1]) + 1))
            last = folder
            continue
        contents.append(_content(bucket.keys.getlist(name)[-1], text(name)))
        position, last = position + 1, name
    # A token is another one for each page, also where no key lies between two.
    nonce = f".{secrets.token_hex(4)}" if empty else ""
    token = f"<NextContinuationToken>{_encode(last)}{nonce}</NextContinuationToken>" if truncated else ""
    echoed = "".join(
        f"<{element}>{text(query[name])}</{element}>"
        for name, element in (("delimiter", "Delimiter"), ("start-after", "StartAfter"))
        if query.get(name)
    )
    if "continuation-token" in query:
        echoed += f"<ContinuationToken>{escape(query['continuation-token'])}</ContinuationToken>"
    if query.get("encoding-type"):
        echoed += "<EncodingType>url</EncodingType>"
    return _response(
        "ListBucketResult",
        f"<Name>{bucket.name}</Name><Prefix>{text(prefix)}</Prefix>{echoed}<MaxKeys>{most}</MaxKeys>"
        f"<KeyCount>{len(contents) + len(folders)}</KeyCount><IsTruncated>{_flag(truncated)}</IsTruncated>"
        f"{token}{''.join(contents)}{''.join(folders)}",
    )


def versions(bucket: FakeBucket, query: dict[str, str], traits: Traits) -> Response:
    """One page of ListObjectVersions, newest version of a key first; the caller holds the backend's lock.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
    """
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    text = _writer(query)
    key_marker, version_marker = query.get("key-marker", ""), query.get("version-id-marker", "")
    most = min(int(query.get("max-keys", _MOST_KEYS)), _MOST_KEYS)
    if traits.refused_key_marker and traits.refused_key_marker in key_marker:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        raise AwsError(400, "InvalidArgument", "Invalid Argument")
    entries: list[str] = []
    folders: list[str] = []
    last = ("", "")
    truncated = False
    for name, version, latest in _all_versions(bucket, prefix, key_marker, version_marker):
        folder = _folder(name, prefix, delimiter)
        if folder and (key_marker.startswith(folder) or folder == last[0]):
            continue
        if len(entries) + len(folders) >= most:
            truncated = True
            break
        if folder:
            folders.append(f"<CommonPrefixes><Prefix>{text(folder)}</Prefix></CommonPrefixes>")
            last = (folder, "")
            continue
        entries.append(_version(version, text(name), latest))
        last = (name, version.version_id)
    markers = ""
    if truncated:
        markers = f"<NextKeyMarker>{text(last[0])}</NextKeyMarker>"
        markers += f"<NextVersionIdMarker>{last[1]}</NextVersionIdMarker>" if last[1] else ""
    if query.get("encoding-type"):
        markers += "<EncodingType>url</EncodingType>"
    if traits.delete_markers_apart:
        entries.sort(key=lambda entry: entry.startswith("<DeleteMarker>"))
    return _response(
        "ListVersionsResult",
        f"<Name>{bucket.name}</Name><Prefix>{text(prefix)}</Prefix><KeyMarker>{text(key_marker)}</KeyMarker>"
        f"<VersionIdMarker>{escape(version_marker)}</VersionIdMarker><MaxKeys>{most}</MaxKeys>"
        f"<IsTruncated>{_flag(truncated)}</IsTruncated>{markers}{''.join(entries)}{''.join(folders)}",
    )


def _all_versions(bucket: FakeBucket, prefix: str, key_marker: str, version_marker: str) -> Any:
    """Name, version and whether it is the latest, from behind the markers on."""
    for name in sorted(name for name in bucket.keys if name.startswith(prefix) and name >= key_marker):
        found = bucket.keys.getlist(name)[::-1]
        start = 0
        if name == key_marker:
            if not version_marker:
                continue
            ids = [version.version_id for version in found]
            if version_marker not in ids:
                # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
                raise AwsError(400, "InvalidArgument", "Invalid version id specified")
            start = ids.index(version_marker) + 1
        for index in range(start, len(found)):
            yield name, found[index], index == 0


def _content(key: Any, name: str) -> str:
    checksum = f"<ChecksumAlgorithm>{key.checksum_algorithm}</ChecksumAlgorithm>" if key.checksum_algorithm else ""
    return (
        f"<Contents><Key>{name}</Key><LastModified>{key.last_modified_ISO8601}</LastModified>"
        f"<ETag>{escape(key.etag)}</ETag>{checksum}<Size>{key.size}</Size>"
        f"<StorageClass>{key.storage_class}</StorageClass></Contents>"
    )


def _version(version: Any, name: str, latest: bool) -> str:
    common = (
        f"<Key>{name}</Key><VersionId>{version.version_id}</VersionId><IsLatest>{_flag(latest)}</IsLatest>"
        f"<LastModified>{version.last_modified_ISO8601}</LastModified>{_OWNER}"
    )
    if isinstance(version, FakeDeleteMarker):
        return f"<DeleteMarker>{common}</DeleteMarker>"
    return (
        f"<Version>{common}<ETag>{escape(version.etag)}</ETag><Size>{version.size}</Size>"
        f"<StorageClass>{version.storage_class}</StorageClass></Version>"
    )


def _is_current(found: list[Any]) -> bool:
    return bool(found) and not isinstance(found[-1], FakeDeleteMarker)


def _folder(name: str, prefix: str, delimiter: str) -> str:
    if not delimiter:
        return ""
    end = name.find(delimiter, len(prefix))
    return name[: end + len(delimiter)] if end >= 0 else ""


def _start(query: dict[str, str]) -> str:
    token = query.get("continuation-token")
    if token is None:
        return query.get("start-after", "")
    try:
        return base64.urlsafe_b64decode(token.partition(".")[0]).decode("utf-8", "surrogateescape")
    except ValueError as error:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        raise AwsError(400, "InvalidArgument", "The continuation token provided is incorrect") from error


def _encode(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode("utf-8", "surrogateescape")).decode()


def _writer(query: dict[str, str]) -> Any:
    if query.get("encoding-type") == "url":
        return lambda text: quote(text, safe="/", errors="surrogateescape")
    return lambda text: escape(text, {"\r": "&#13;"})


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _response(root: str, content: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{content}</{root}>'
    )
    return Response(200, {"content-type": "application/xml"}, body.encode("utf-8", "surrogateescape"))
