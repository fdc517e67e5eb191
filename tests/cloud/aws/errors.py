"""AWS's error answers in the wire format of each service."""

from xml.sax.saxutils import escape

from cloud.aws.call import Call
from cloud.http import Response, json_response

_NAMESPACES = {
    "elasticbeanstalk": "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "cloudfront": "http://cloudfront.amazonaws.com/doc/2020-05-31/",
}


class AwsError(Exception):
    """An error that AWS would answer; `details` are further elements of an S3 error, `headers` of its answer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details or {}
        self.headers = headers or {}


def render(error: AwsError, call: Call, request_id: str) -> Response:
    """The answer for an error, as the call's service words it."""
    if call.service in ("github", "oidc"):
        return json_response({"message": error.message}, error.status, error.headers)
    if call.service == "s3control":
        return _s3control(error, request_id)
    if call.service not in _NAMESPACES:
        return _s3(error, request_id)
    fault = "Receiver" if error.status >= 500 else "Sender"
    body = (
        f'<ErrorResponse xmlns="{_NAMESPACES[call.service]}"><Error><Type>{fault}</Type>'
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    headers = {"content-type": "text/xml", "x-amzn-requestid": request_id, **error.headers}
    return Response(error.status, headers, body.encode())


def _s3control(error: AwsError, request_id: str) -> Response:
    """S3 Control wraps its errors, as S3 itself does not: https://github.com/getmoto/moto/pull/9716"""
    details = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in error.details.items())
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<ErrorResponse><Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>{details}</Error>"
        f"<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></ErrorResponse>"
    )
    headers = {"content-type": "application/xml", "x-amz-request-id": request_id, "x-amz-id-2": request_id, **error.headers}
    return Response(error.status, headers, body.encode())


def _s3(error: AwsError, request_id: str) -> Response:
    details = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in error.details.items())
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>{details}"
        f"<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>"
    )
    headers = {
        "content-type": "application/xml",
        "x-amz-request-id": request_id,
        "x-amz-id-2": request_id,
        **error.headers,
    }
    return Response(error.status, headers, body.encode())
