"""The HTTP messages that the parts of the cloud exchange. Knows nothing of sockets or of AWS."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote


@dataclass
class Request:
    """One HTTP request as it came over the wire; `target` is the undecoded path with its query."""

    method: str
    target: str
    headers: dict[str, str]
    """Header values by lower-case name; repeated headers are joined with a comma."""
    body: bytes = b""
    started: float = 0.0
    """Unix time at which the request line was read."""

    def __post_init__(self) -> None:
        self.raw_path, _, self.query = self.target.partition("?")

    @property
    def path(self) -> str:
        """The decoded path."""
        return unquote(self.raw_path, errors="surrogateescape")

    def query_params(self) -> dict[str, str]:
        """The query's parameters, decoded; a parameter without a value is the empty string."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def form_params(self) -> dict[str, str]:
        """The parameters of a form body (the AWS query protocol), else of the query."""
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        return self.query_params()

    def json(self) -> Any:
        """The JSON body; an empty one is an empty object."""
        return json.loads(self.body or b"{}")


@dataclass
class Response:
    """One HTTP answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncate: bool = False
    """Announce the whole body, send half of it (half of the head when there is none) and close the connection."""
    bytes_per_second: float | None = None
    """Send the body (the head when there is none) as slowly as this."""
    content_length: int | None = None
    """The length to announce when it is not the body's (answers to HEAD)."""


class Dropped(Exception):
    """The connection is to be closed without an answer."""


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(
        status, {"content-type": "application/json; charset=utf-8", **(headers or {})}, json.dumps(value).encode()
    )
