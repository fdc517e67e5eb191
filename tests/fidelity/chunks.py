"""Verifies bodies that come in chunks: their signatures, their length and the checksum in the trailer.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from cloud.aws.checksums import ALGORITHMS
from cloud.http import Request

FORMS = {
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
}
_EMPTY = hashlib.sha256(b"").hexdigest()


class Broken(Exception):
    """The body is not what the head of the request promises."""


@dataclass(frozen=True)
class Seed:
    """What the signatures of chunks are made of, besides the chunks."""

    key: bytes
    date: str
    scope: str
    signature: str


def verify(request: Request, form: str, seed: Seed) -> bytes:
    """The body without its chunks; raises `Broken`."""
    if form not in FORMS:
        raise Broken(f"no such form: {form}")
    encodings = [part.strip() for part in request.headers.get("content-encoding", "").split(",")]
    if "aws-chunked" not in encodings:
        raise Broken("content-encoding is not aws-chunked")
    signed = form.startswith("STREAMING-AWS4")
    body, rest, signature = bytearray(), request.body, seed.signature
    while True:
        head, found, rest = rest.partition(b"\r\n")
        if not found:
            raise Broken("a chunk has no head")
        size, _, extension = head.partition(b";")
        data, rest = rest[: int(size, 16)], rest[int(size, 16) :]
        if signed:
            signature = _check_chunk(seed, signature, extension.decode(), data)
        if not data:
            break
        if rest[:2] != b"\r\n":
            raise Broken("a chunk does not end")
        body += data
        rest = rest[2:]
    if len(body) != int(request.headers.get("x-amz-decoded-content-length", -1)):
        raise Broken("x-amz-decoded-content-length is wrong")
    if form.endswith("-TRAILER"):
        _check_trailer(request, bytes(body), rest, seed if signed else None, signature)
    elif rest not in (b"\r\n", b""):
        raise Broken("there is something after the last chunk")
    return bytes(body)


def _check_chunk(seed: Seed, previous: str, extension: str, data: bytes) -> str:
    name, _, given = extension.partition("=")
    text = ["AWS4-HMAC-SHA256-PAYLOAD", seed.date, seed.scope, previous, _EMPTY, hashlib.sha256(data).hexdigest()]
    wanted = hmac.digest(seed.key, "\n".join(text).encode(), "sha256").hex()
    if name != "chunk-signature" or given != wanted:
        raise Broken("the signature of a chunk is wrong")
    return wanted


def _check_trailer(request: Request, body: bytes, rest: bytes, seed: Seed | None, previous: str) -> None:
    lines = [line.decode() for line in rest.split(b"\r\n") if line]
    trailers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    given = trailers.pop("x-amz-trailer-signature", None)
    declared = {name.strip() for name in request.headers.get("x-amz-trailer", "").split(",")}
    if declared != set(trailers):
        raise Broken(f"x-amz-trailer says {sorted(declared)}, and there are {sorted(trailers)}")
    for name, value in trailers.items():
        compute = ALGORITHMS.get(name.removeprefix("x-amz-checksum-"))
        if compute and base64.b64encode(compute(body)).decode() != value:
            raise Broken(f"{name} is not the body's")
    if seed:
        canonical = "".join(f"{name}:{value}\n" for name, value in sorted(trailers.items()))
        text = ["AWS4-HMAC-SHA256-TRAILER", seed.date, seed.scope, previous, hashlib.sha256(canonical.encode()).hexdigest()]
        if given != hmac.digest(seed.key, "\n".join(text).encode(), "sha256").hex():
            raise Broken("the signature of the trailer is wrong")
