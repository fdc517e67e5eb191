"""Checks an AWS Signature Version 4 in the Authorization header.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from urllib.parse import parse_qsl, quote, unquote

from cloud.http import Request

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/]+/(?P<scope>[^,]+),\s*SignedHeaders=(?P<signed>[^,]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]+)"
)


def is_valid(request: Request, secret_key: str) -> bool:
    """Whether the request was signed with this secret."""
    found = _AUTHORIZATION.match(request.headers.get("authorization", ""))
    return bool(found) and hmac.compare_digest(signature(request, secret_key), found["signature"])


def signature(request: Request, secret_key: str) -> str:
    """The signature of the request with this secret, for the scope and the headers that its Authorization header names."""
    found = _AUTHORIZATION.match(request.headers["authorization"])
    assert found
    scope = found["scope"]
    canonical = _canonical_request(request, found["signed"], service=scope.split("/")[2])
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", request.headers.get("x-amz-date", ""), scope, hashlib.sha256(canonical).hexdigest()]
    )
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def _canonical_request(request: Request, signed: str, service: str) -> bytes:
    path = request.raw_path
    canonical_path = quote(unquote(path), safe="/~-_.") if service == "s3" else quote(path, safe="/~-_.")
    query = sorted(
        (quote(name, safe="~-_."), quote(value, safe="~-_."))
        for name, value in parse_qsl(request.query, keep_blank_values=True)
    )
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed.split(";"))
    payload = request.headers.get("x-amz-content-sha256") or hashlib.sha256(request.body).hexdigest()
    lines = [
        request.method,
        canonical_path,
        "&".join(f"{name}={value}" for name, value in query),
        headers,
        signed,
        payload,
    ]
    return "\n".join(lines).encode()
