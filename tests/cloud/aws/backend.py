"""Hands calls to moto's response classes directly, without its Flask routing.

Flask's routes cannot match a key with a newline, look through some thousand patterns and wrap each call in CORS and
recording; the response classes take a werkzeug request and need none of that.
"""

import io
import os
import threading
from typing import Any
from urllib.parse import unquote_to_bytes

os.environ.setdefault("MOTO_ALLOW_NONEXISTENT_REGION", "true")

from moto.cloudfront.models import cloudfront_backends
from moto.cloudfront.responses import CloudFrontResponse
from moto.core import serialize
from moto.core.responses import BaseResponse
from moto.elasticbeanstalk.models import eb_backends
from moto.elasticbeanstalk.responses import EBResponse
from moto.iam.models import iam_backends
from moto.moto_api._internal import mock_random
from moto.s3.models import FakeBucket, s3_backends
from moto.s3.responses import S3Response
from moto.sts.models import sts_backends
from werkzeug import Request as WerkzeugRequest

from cloud import context
from cloud.aws.call import Call
from cloud.http import Request, Response

_BACKENDS = (s3_backends, cloudfront_backends, sts_backends, eb_backends, iam_backends)
_LOCK = threading.RLock()
"""moto's backends are not made for threads."""


WerkzeugRequest.max_form_memory_size = None


def call_moto(request: Request, call: Call) -> Response:
    """moto's answer to a call."""
    moto_request = WerkzeugRequest(_environ(request))
    headers = dict(moto_request.headers)
    with _LOCK:
        status, answer_headers, body = _dispatcher(call)(moto_request, moto_request.url, headers)
    return _response(status, answer_headers, body, call)


def lock() -> threading.RLock:
    """The lock to hold while looking into moto's backends."""
    return _LOCK


def bucket(name: str) -> FakeBucket | None:
    """moto's bucket of that name."""
    return s3_backends[context.ACCOUNT]["aws"].buckets.get(name)


def reset() -> None:
    """Forget everything in moto."""
    with _LOCK:
        for backends in _BACKENDS:
            backends.reset()
    mock_random.seed(os.urandom(16))


def _dispatcher(call: Call) -> Any:
    if call.service == "s3":
        return S3Response.key_dispatch if call.key else S3Response.bucket_dispatch
    classes = {"cloudfront": CloudFrontResponse, "elasticbeanstalk": EBResponse}
    return classes[call.service].dispatch


def _environ(request: Request) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.raw_path).decode("latin-1"),
        # moto takes the key out of this with urlparse, which cuts a path at its first `;`.
        "RAW_URI": request.target.replace(";", "%3B"),
        "QUERY_STRING": request.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "HTTP_HOST": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": str(len(request.body)),
    }
    for name, value in request.headers.items():
        if name == "content-type":
            environ["CONTENT_TYPE"] = value
        elif name not in ("content-length", "transfer-encoding"):
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ


def _response(status: int, headers: dict[str, Any], body: Any, call: Call) -> Response:
    content = body.encode() if isinstance(body, str) else body or b""
    if call.operation == "GetBucketVersioning":
        # moto names the root by the operation: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
        content = content.replace(b"GetBucketVersioningResponse", b"VersioningConfiguration")
    response = Response(int(status), {}, content)
    for name, value in headers.items():
        if name.lower() == "content-length":
            response.content_length = int(value) if call.operation.startswith("Head") else None
        elif name.lower() not in ("status", "server", "x-amzn-requestid"):
            response.headers[name] = str(value)
    request_id = context.current().request_id
    if call.service == "s3":
        response.headers |= {"x-amz-request-id": request_id, "x-amz-id-2": request_id}
    else:
        response.headers["x-amzn-requestid"] = request_id
    return response


def _enrich_response(headers: dict[str, str], body: Any) -> tuple[dict[str, str], Any]:
    """moto makes the request id here, after the handler ran, and puts it in place of everything between the first
    `<RequestId>` of the body and the last `</RequestId>`: of several events only one is left."""
    return headers, body


def _serialization_context(self: serialize.SerializationContext, request_id: str | None = None) -> None:
    """moto writes a constant; the id of UpdateEnvironment's answer must be the one its events carry."""
    self.request_id = request_id or context.current().request_id


# One account in one partition: whatever region a client signs for, it meets the same buckets and distributions.
S3Response.backend = property(lambda self: s3_backends[self.current_account]["aws"])
CloudFrontResponse.backend = property(lambda self: cloudfront_backends[self.current_account]["aws"])
BaseResponse._enrich_response = staticmethod(_enrich_response)
serialize.SerializationContext.__init__ = _serialization_context
