"""Upload integrity: decodes chunked uploads with their trailers and refuses bodies that do not match a checksum."""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable
from functools import cache

from cloud.aws.errors import AwsError
from cloud.http import Request

_LARGEST_CHECKED = 1 << 20
"""CRC32C and CRC64NVME are computed in Python here, so they are checked for bodies up to this many bytes."""


def decode(request: Request) -> None:
    """Take an `aws-chunked` body apart: what remains is the body and, as headers, its trailers.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
    """
    if not request.headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        return
    body, rest = bytearray(), request.body
    while True:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.split(b";")[0] or b"0", 16)
        if size == 0:
            break
        body += rest[:size]
        rest = rest[size + 2 :]
    headers = dict(request.headers)
    for line in rest.split(b"\r\n"):
        name, colon, value = line.decode().partition(":")
        if colon and not name.startswith("x-amz-trailer-signature"):
            headers[name.lower()] = value.strip()
    headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    encodings = [part.strip() for part in headers.pop("content-encoding", "").split(",")]
    if kept := ",".join(part for part in encodings if part not in ("", "aws-chunked")):
        headers["content-encoding"] = kept
    if len(body) != int(headers.pop("x-amz-decoded-content-length", len(body))):
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        message = "You did not provide the number of bytes specified by the Content-Length HTTP header."
        raise AwsError(400, "IncompleteBody", message)
    request.headers, request.body = headers, bytes(body)


def guard(request: Request) -> None:
    """Raise BadDigest, as S3 words it, when the body is not what a checksum says, and tell moto the algorithm."""
    if expected := request.headers.get("content-md5"):
        _guard_md5(request.body, expected)
    for name, compute in ALGORITHMS.items():
        expected = request.headers.get(f"x-amz-checksum-{name}", "")
        if not expected:
            continue
        request.headers = {**request.headers, "x-amz-sdk-checksum-algorithm": name.upper()}
        if name in ("crc32c", "crc64nvme") and len(request.body) > _LARGEST_CHECKED:
            continue
        if base64.b64encode(compute(request.body)).decode() != expected:
            # https://github.com/aws/aws-sdk-ruby/issues/3322
            message = f"The {name.upper()} you specified did not match the calculated checksum."
            raise AwsError(400, "BadDigest", message)


def _guard_md5(body: bytes, expected: str) -> None:
    try:
        digest = base64.b64decode(expected, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 16:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        raise AwsError(400, "InvalidDigest", "The Content-MD5 you specified is not valid.")
    if digest != hashlib.md5(body, usedforsecurity=False).digest():
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        raise AwsError(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")


@cache
def _table(polynomial: int) -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ polynomial if byte & 1 else byte >> 1
        table.append(byte)
    return table


def _reflected(body: bytes, polynomial: int, width: int) -> bytes:
    table, mask = _table(polynomial), (1 << width) - 1
    value = mask
    for byte in body:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return (value ^ mask).to_bytes(width // 8, "big")


ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "crc32c": lambda body: _reflected(body, 0x82F63B78, 32),
    "crc64nvme": lambda body: _reflected(body, 0x9A6C9329AC4BC9B5, 64),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}
