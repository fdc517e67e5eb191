"""Faults that tests order: what goes wrong on the way to a service, in it, and on the way back.

Each fault is one POST to `/_cloud/faults`. It strikes the requests that fit `service`, `operation` and `match` (all
three empty: every request), after the first `skip` of them, `times` times (1 unless told, -1 for good). A request is
struck by one fault, the first that fits. `GET /_cloud/faults` shows what is left of each, `/_cloud/requests` by which
kind a request was struck.

| kind | `when` | what the client sees | effect |
| --- | --- | --- | --- |
| `error` | `before`, `after` | an error in the service's own format: `code`, and `status` and `message` if they differ from AWS's | none; with `after` it happens, and the answer says that it did not |
| `drop` | `before`, `after` | the connection is closed without an answer | none; with `after` it happens, and the answer is lost |
| `delay` | `before`, `after` | nothing for `seconds`, then the answer; give more seconds than the client waits and it hears nothing | happens after the wait, with `after` before it |
| `hold` | `before`, `after` | nothing until the faults are cleared (at most a minute), then the answer; `held` of `GET faults` counts those that wait | happens then, with `after` before it |
| `truncate` | | the answer breaks off in the middle (of its head where it has no body), and the connection closes | happens |
| `trickle` | | the head at once, then `bytes_per_second` (2) of the body; of an answer without a body, so few bytes of the head | happens |
| `foreign` | `before`, `after` | what a proxy or captive portal says: `status` (200), `body` (a page of HTML; `""` for nothing) as `content_type`, none of AWS's headers | none; with `after` it happens |
| `malformed` | | a whole answer whose XML or JSON ends before its last element is closed | happens |
| `strip` | | the answer without the headers named in `headers` (`["etag"]`) | happens |
| `empty-page` | | ListObjectsV2 answers a truncated page without a key; its token goes on where it began | none of the keys is lost |
| `stuck` | | a listing's first page with a token or marker for more; that leads to the same page again and again | none of what is behind is seen |
| `keys` | | DeleteObjects answers 200 with an `<Error>` of `code` (InternalError) for the keys that fit a pattern of `keys` | the other keys are deleted |

A `keys` fault fits only requests that name one of its keys, so `times` counts those.
"""

import fnmatch
import re
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cloud.aws.call import Call
from cloud.aws.errors import AwsError
from cloud.http import Dropped, Request, Response

KINDS = ("error", "drop", "delay", "hold", "truncate", "trickle", "foreign", "malformed", "strip", "empty-page", "stuck", "keys")

PASSING: dict[str, tuple[int, str]] = {
    # S3, seen: https://github.com/awslabs/aws-sdk-rust/issues/873 (SlowDown),
    # https://github.com/boto/boto3/issues/3052 (InternalError); the others are of
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
    "SlowDown": (503, "Please reduce your request rate."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "ServiceUnavailable": (503, "Service is unable to handle request."),
    "OperationAborted": (
        409,
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
    ),
    "RequestTimeout": (
        400,
        "Your socket connection to the server was not read from or written to within the timeout period. Idle "
        "connections will be closed.",
    ),
    "AccessDenied": (403, "Access Denied"),
    # Elastic Beanstalk: https://github.com/jckuester/awsweeper/issues/115 (with its status 400),
    # https://github.com/einaregilsson/beanstalk-deploy/issues/16
    "Throttling": (400, "Rate exceeded"),
}
"""Status and message of the codes that tests order most, in AWS's words."""

_LONGEST_HOLD = 60.0
"""Seconds."""

_PAGE = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><p>Sign in to go on.</p></body></html>\n"


@dataclass
class Fault:
    """One ordered fault. It hits requests `skip`+1 to `skip`+`times` of those it matches; `times` -1 is all."""

    kind: str
    service: str = ""
    """`s3`, `cloudfront`, `elasticbeanstalk`, `sts`, `github`, `oidc`, `app` or `logs`."""
    operation: str = ""
    match: str = ""
    """A part of the path, the query or a parameter; empty matches all."""
    times: int = 1
    skip: int = 0
    when: str = "before"
    status: int | None = None
    code: str = ""
    message: str | None = None
    seconds: float = 1.0
    bytes_per_second: float = 2.0
    body: str = _PAGE
    content_type: str = "text/html"
    headers: list[str] = field(default_factory=lambda: ["etag"])
    keys: list[str] = field(default_factory=lambda: ["*"])

    def __post_init__(self) -> None:
        # The page that a `stuck` fault answers, once it is known.
        self.page = None
        # How many requests a `hold` fault keeps waiting, and what lets them go.
        self.held = 0
        self.cleared = threading.Event()
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind {self.kind}, one of {', '.join(KINDS)}")
        if self.when not in ("before", "after"):
            raise ValueError(f"when is before or after, not {self.when}")

    def matches(self, request: Request, call: Call) -> bool:
        """Whether the fault is about this request."""
        return (
            self.service in ("", call.service)
            and self.operation in ("", call.operation)
            and (not self.match or self.match in f"{request.path}?{request.query} {call.params}")
            and (self.kind != "empty-page" or call.operation == "ListObjectsV2")
            and (self.kind != "keys" or any(self.hits(key) for key in call.params.get("keys", [])))
        )

    def hits(self, key: str) -> bool:
        """Whether a `keys` fault is about this key."""
        return any(fnmatch.fnmatchcase(key, pattern) for pattern in self.keys)

    def error(self, code: str = "") -> AwsError:
        """The error that the fault stands for; `code` is the kind's usual one."""
        code = self.code or code
        status, message = PASSING.get(code, (503, code))
        return AwsError(self.status or status, code, message if self.message is None else self.message)


class Faults:
    """The ordered faults, in the order they were given; the first that matches is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults, and let go what they hold."""
        with self._lock:
            for fault in self._faults:
                fault.cleared.set()
            self._faults.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """The faults that are left, with the counts that are left."""
        with self._lock:
            return [asdict(fault) | {"held": fault.held} for fault in self._faults]

    def take(self, request: Request, call: Call) -> Fault | None:
        """The fault that hits this request, counted."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if fault.times == 0 or not fault.matches(request, call):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times > 0:
                    fault.times -= 1
                return fault
        return None


def strike_first(fault: Fault) -> Response | None:
    """What the fault does before the operation acts: raise, wait, or answer in its place."""
    if fault.page is not None:
        return replace(fault.page)
    return _strike(fault) if fault.when == "before" else None


def strike_last(fault: Fault, response: Response) -> Response:
    """What the fault does to the operation's answer."""
    if fault.when == "after" and (instead := _strike(fault)):
        return instead
    match fault.kind:
        case "truncate":
            response.truncate = True
        case "trickle":
            response.bytes_per_second = fault.bytes_per_second
        case "malformed":
            response.body, response.content_length = _unclosed(response.body), None
        case "stuck":
            response.body, response.content_length = _with_more(response.body), None
            fault.page = replace(response)
        case "strip":
            unwanted = {name.lower() for name in fault.headers}
            response.headers = {name: value for name, value in response.headers.items() if name.lower() not in unwanted}
    return response


def _strike(fault: Fault) -> Response | None:
    match fault.kind:
        case "error":
            raise fault.error("ServiceUnavailable")
        case "drop":
            raise Dropped
        case "delay":
            time.sleep(fault.seconds)
        case "hold":
            fault.held += 1
            fault.cleared.wait(_LONGEST_HOLD)
        case "foreign":
            return Response(fault.status or 200, {"content-type": fault.content_type}, fault.body.encode())
    return None


def _with_more(body: bytes) -> bytes:
    """The page with a mark that more follow: a token of Elastic Beanstalk, or S3's flag and its marker or token."""
    text = re.sub(r"<NextToken>.*?</NextToken>", "", body.decode())
    text = re.sub(r"</(Describe\w+Result)>", r"<NextToken>again</NextToken></\1>", text)
    text = text.replace("<IsTruncated>false</IsTruncated>", "<IsTruncated>true</IsTruncated>")
    key = (re.findall(r"<Key>(.*?)</Key>", text) or ["again"])[-1]
    text = text.replace("</ListVersionsResult>", f"<NextKeyMarker>{key}</NextKeyMarker></ListVersionsResult>")
    token = "<NextContinuationToken>again</NextContinuationToken>"
    return text.replace("</ListBucketResult>", f"{token}</ListBucketResult>").encode()


def _unclosed(body: bytes) -> bytes:
    """The body without its last closing tag or bracket; an empty one stays empty."""
    end = max(body.rfind(b"</"), body.rfind(b"}"), body.rfind(b"]"))
    return body[:end] if end >= 0 else body
