"""Verifies a Signature Version 4 as AWS does: from what arrived, decoded and encoded again, with nothing taken on trust.

Written from the documentation alone, not from a signer:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and, for S3,
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
import posixpath
import re
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote_from_bytes, unquote_to_bytes

from cloud.http import Request
from fidelity import chunks

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<scope>[^,\s]+), ?SignedHeaders=(?P<signed>[^,\s]+), ?"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_HASH = re.compile(r"[0-9a-f]{64}")
_SKEW_SECONDS = 900
_UNRESERVED = "-_.~"


class Refused(Exception):
    """AWS would refuse the request, with this code; the message says why, for the one who reads the test."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Credentials:
    """What AWS knows of an access key."""

    secret: str
    token: str = ""


@dataclass(frozen=True)
class Scope:
    """For whom a request has to be signed: that follows from the host it went to."""

    region: str
    service: str


def verify(request: Request, scope: Scope, known: dict[str, Credentials], now: float | None = None) -> str:
    """How the payload was covered: `hash`, `unsigned`, or the form of a chunked upload.

    Raises `Refused`. `now` is a Unix time.
    """
    if "authorization" not in request.headers:
        raise Refused("MissingAuthenticationToken", "the request is not signed")
    found = _AUTHORIZATION.fullmatch(request.headers["authorization"])
    if not found:
        raise Refused("AuthorizationHeaderMalformed", request.headers["authorization"])
    credentials = known.get(found["key"])
    if credentials is None:
        raise Refused("InvalidAccessKeyId", found["key"])
    date = _date(request, time.time() if now is None else now)
    wanted = f"{date[:8]}/{scope.region}/{scope.service}/aws4_request"
    if found["scope"] != wanted:
        raise Refused("AuthorizationHeaderMalformed", f"signed for {found['scope']}, and this is {wanted}")
    if request.headers.get("x-amz-security-token", "") != credentials.token:
        raise Refused("InvalidToken", "the session token is not that of the key")
    signed = found["signed"].split(";")
    _check_signed_headers(request, signed)
    declared = _declared_payload(request, scope.service)
    canonical = "\n".join([
        request.method,
        _canonical_path(request.raw_path, scope.service),
        _canonical_query(request.query),
        *(f"{name}:{' '.join(request.headers[name].split())}" for name in signed),
        "",
        found["signed"],
        declared,
    ])  # fmt: skip
    key = _signing_key(credentials.secret, wanted)
    to_sign = "\n".join(["AWS4-HMAC-SHA256", date, wanted, hashlib.sha256(canonical.encode()).hexdigest()])
    if not hmac.compare_digest(_sign(key, to_sign), found["signature"]):
        raise Refused("SignatureDoesNotMatch", f"the canonical request is\n{canonical}")
    return _check_payload(request, declared, chunks.Seed(key, date, wanted, found["signature"]))


def _date(request: Request, now: float) -> str:
    date = request.headers.get("x-amz-date", "")
    try:
        at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError as error:
        raise Refused("AccessDenied", "x-amz-date is missing or malformed") from error
    if abs(now - at) > _SKEW_SECONDS:
        raise Refused("RequestTimeTooSkewed", date)
    return date


def _check_signed_headers(request: Request, signed: list[str]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html: host, content-type and x-amz-*."""
    if signed != sorted(set(signed)):
        raise Refused("SignatureDoesNotMatch", f"signed headers are not sorted: {signed}")
    if missing := [name for name in signed if name not in request.headers]:
        raise Refused("SignatureDoesNotMatch", f"signed, and not sent: {missing}")
    required = {"host"} | {name for name in request.headers if name.startswith("x-amz-") or name in ("content-type", "content-md5")}
    if left := sorted(required - set(signed)):
        raise Refused("AccessDenied", f"There were headers present in the request which were not signed: {left}")


def _declared_payload(request: Request, service: str) -> str:
    declared = request.headers.get("x-amz-content-sha256")
    if declared is None:
        if service == "s3":
            raise Refused("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
        return hashlib.sha256(request.body).hexdigest()
    return declared


def _check_payload(request: Request, declared: str, seed: "chunks.Seed") -> str:
    if declared == "UNSIGNED-PAYLOAD":
        return "unsigned"
    if declared.startswith("STREAMING-"):
        try:
            chunks.verify(request, declared, seed)
        except chunks.Broken as error:
            raise Refused("SignatureDoesNotMatch", str(error)) from error
        return declared
    if not _HASH.fullmatch(declared):
        raise Refused("InvalidRequest", f"x-amz-content-sha256 is {declared}")
    if hashlib.sha256(request.body).hexdigest() != declared:
        raise Refused("XAmzContentSHA256Mismatch", "the body is not the one that was signed")
    return "hash"


def _canonical_path(raw: str, service: str) -> str:
    """The path as AWS sees it, decoded, then encoded; but for S3, dots and slashes are normalized and all is encoded twice.

    S3 reads a `+` in a path as a space: https://github.com/Automattic/knox/pull/267, https://github.com/dnbert/prm/pull/46
    """
    if service == "s3":
        return quote_from_bytes(unquote_to_bytes(raw.replace("+", " ")), safe="/" + _UNRESERVED)
    decoded = unquote_to_bytes(raw)
    once = quote_from_bytes(decoded, safe="/" + _UNRESERVED)
    trail = "/" if once.endswith("/") and once != "/" else ""
    normal = posixpath.normpath(once).replace("//", "/") + trail
    return quote_from_bytes(normal.encode(), safe="/" + _UNRESERVED)


def _canonical_query(raw: str) -> str:
    pairs = []
    for part in raw.split("&") if raw else []:
        name, _, value = part.partition("=")
        pairs.append(tuple(quote_from_bytes(unquote_to_bytes(each.replace("+", " ")), safe=_UNRESERVED) for each in (name, value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _sign(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()
